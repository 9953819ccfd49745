"""The DSP thread: takes a hop from the edge, runs the chain, hands it on. It waits for the microphone and for nothing else.

The thread writes plain attributes that others read; it never logs, locks or calls back. A microphone that stops delivering
makes it STALLED, which it leaves by itself when sound comes again.
"""

from __future__ import annotations

import threading
from time import sleep
from typing import Final

import numpy as np

from engine.config import SAMPLE_RATE_HZ
from engine.errors import SidetoneError
from engine.hop import HopProcessor
from engine.io.backend import WORK_FRAMES, AudioStream
from engine.realtime import raise_thread_priority

_STALL_S: Final = 0.5
_BREATH_S: Final = 0.0001
_LOST_PAUSE_S: Final = 0.002
_BUDGET_SHARE: Final = 0.9
"""A stage that alone takes more of the hop than this, again and again, is taken out."""


class Worker:
    """Runs a started stream through a hop processor on a thread of its own.

    Attributes
    ----------
    hops, deadline_misses : int
        Hops done, and those done later than one hop, or 10 ms if that is more, after they were due.
    is_stalled : bool
        True while the microphone delivers nothing.
    priority_refusal : str
        Why the system does not run the thread in real time; empty if it does.
    failure : str
        Why the thread ended, if it was not asked to; empty otherwise.
    is_beyond_help : bool
        True if opening the devices anew would not help, as when the disk of a recorded file is full.
    """

    def __init__(self, stream: AudioStream, processor: HopProcessor, is_paced: bool = True) -> None:
        self._stream = stream
        self._processor = processor
        self._is_paced = is_paced
        self._block = np.zeros((stream.channels, stream.hop_frames), np.float32)
        self._hop_s = stream.hop_frames / SAMPLE_RATE_HZ
        self._deadline_s = max(stream.hop_frames, WORK_FRAMES) / SAMPLE_RATE_HZ
        self._stop = threading.Event()
        self._is_given_up = False
        self._thread = threading.Thread(target=self._run, name="sidetone-dsp", daemon=True)
        self.hops = 0
        self.deadline_misses = 0
        self.is_stalled = False
        self.priority_refusal = ""
        self.failure = ""
        self.is_beyond_help = False

    def start(self) -> None:
        """Begin. Control thread; the stream has been started."""
        if self._is_paced:
            hop_ns = self._stream.hop_frames * 1_000_000_000 // SAMPLE_RATE_HZ
            for slot in self._processor.chain.slots:
                slot.budget_ns = int(hop_ns * _BUDGET_SHARE)
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Ask the thread to end and wait for it. Control thread.

        False if it did not end in time: what it hangs in is not ended by anybody, but its sound goes nowhere any more.
        """
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._is_given_up = self._thread.is_alive()
        return not self._is_given_up

    @property
    def is_running(self) -> bool:
        """Whether hops are still being worked on."""
        return self._thread.is_alive()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the thread has ended by itself (the input ended). Control thread. True if it has."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            if self._is_paced:
                self.priority_refusal = raise_thread_priority(self._deadline_s)
            while not self._stop.is_set() and self._one_hop():
                pass
        except SidetoneError as error:
            self.failure, self.is_beyond_help = str(error), True
        except Exception as error:  # noqa: BLE001 - the last net: whatever it is, the control thread shall say it
            self.failure = f"{type(error).__name__}: {error}"

    def _one_hop(self) -> bool:
        stream, block = self._stream, self._block
        if not stream.read_hop(block, _STALL_S):
            self.is_stalled = not stream.ended
            if stream.lost is not None:
                # Whoever watches over the run finds another device, or ends it.
                sleep(_LOST_PAUSE_S)
            return not stream.ended
        self.is_stalled = False
        self._processor.process(block, stream.music, stream.write_monitor if stream.has_monitor else None)
        if self._is_given_up:
            # The stream is closed by now.
            return False
        stream.write_air(block)
        self.hops += 1
        late_s = stream.now_s() - stream.due_s
        self.deadline_misses += late_s > self._deadline_s
        if late_s > self._hop_s:
            # A real-time thread that is always behind would never rest: it would keep everything else off its core, and
            # the kernel ends a process whose real-time thread runs for 200 ms on end (RLIMIT_RTTIME).
            sleep(_BREATH_S)
        return True
