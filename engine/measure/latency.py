"""Device-to-device latency of the live chain, measured while it runs and without a test tone.

The microphone and the virtual microphone are recorded side by side, and whenever somebody speaks, the lag between the two is
the latency that OBS will see, sound server, rings and chain together. Only clear results count, and only if the window before
agrees: silence, noise and music that does not pass the denoiser give no figure rather than a wrong one. It runs in the
services process, at low priority, and shares nothing with the engine. `PassiveLatencyMeter.run` waits; nothing else does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import numpy as np

from engine.config import SAMPLE_RATE_HZ
from engine.errors import DeviceError
from engine.io import pulse
from engine.io.backend import DeviceInfo
from engine.io.devices import Direction, find_device
from engine.measure.correlation import delay_between
from engine.measure.pipewire_tap import PipeWireTap, why_not

_WINDOW_FRAMES = 3 * SAMPLE_RATE_HZ
_EVERY_FRAMES = SAMPLE_RATE_HZ
_AGREEMENT_MS = 1.0
_RETRY_S = 2.0
_LOOK_S = 0.25


class StopSignal(Protocol):
    """What ends `PassiveLatencyMeter.run`: a `threading.Event` or the like."""

    def is_set(self) -> bool:
        """Whether to end."""
        ...

    def wait(self, timeout: float) -> bool:
        """Wait at most so many seconds for it; True if it is set."""
        ...


class PassiveLatencyMeter:
    """Listens to two sources of the sound server and tells the delay between them.

    Parameters
    ----------
    microphone : str or None
        Id, name or part of a name of the microphone that the engine records; None for the system's default.
    virtual_microphone : str
        Name of the source that other programs record.
    """

    def __init__(self, microphone: str | None, virtual_microphone: str = pulse.VIRTUAL_SOURCE) -> None:
        self._microphone = microphone
        self._virtual_microphone = virtual_microphone

    def unavailable_reason(self) -> str | None:
        """Why nothing can be measured here, in words for the user; None if it can."""
        if sys.platform != "linux":
            return "latency is measured on Linux only"
        if (reason := why_not()) is not None:
            return reason
        if self._source_name() is None:
            return "the microphone is not one of PipeWire's"
        return None

    def run(self, report: Callable[[float], None], stop: StopSignal) -> None:
        """Measure until `stop` is set; starts over by itself when a source or the server comes back. Waits.

        Parameters
        ----------
        report : callable
            Called on this thread with each latency in ms, about once a second of speech.
        """
        while not stop.is_set():
            microphone = self._source_name()
            if microphone is not None and self.unavailable_reason() is None:
                with PipeWireTap(microphone, self._virtual_microphone) as tap:
                    if tap.link():
                        self._listen(tap, report, stop)
            stop.wait(_RETRY_S)

    def _listen(self, tap: PipeWireTap, report: Callable[[float], None], stop: StopSignal) -> None:
        window = np.zeros((_WINDOW_FRAMES, 2), np.float32)
        fresh = 0
        last_ms: float | None = None
        while not stop.is_set():
            heard = tap.read(_LOOK_S)
            if heard is None:
                return
            heard = heard[-_WINDOW_FRAMES:]
            window = np.concatenate((window[heard.shape[0] :], heard))
            fresh += heard.shape[0]
            if fresh < _EVERY_FRAMES:
                continue
            fresh = 0
            if not np.all(np.any(window[-_EVERY_FRAMES:], axis=0)):
                # Digital silence: a source may have gone and come back without its link.
                tap.link()
            delay = delay_between(window[:, 0], window[:, 1], SAMPLE_RATE_HZ)
            if delay is None or not delay.is_clear:
                last_ms = None
                continue
            if last_ms is not None and abs(delay.delay_ms - last_ms) <= _AGREEMENT_MS:
                report(delay.delay_ms)
            last_ms = delay.delay_ms

    def _source_name(self) -> str | None:
        server = pulse.endpoints()
        if server is None:
            return None
        devices = [
            DeviceInfo(
                f"pulse:{source.name}",
                source.description,
                "PulseAudio",
                source.channels,
                0,
                SAMPLE_RATE_HZ,
                is_default_input=source.is_default,
                is_monitor=source.is_monitor,
            )
            for source in server.sources
            if source.name != self._virtual_microphone
        ]
        # By the same rule as the engine, so that it is the same microphone.
        with suppress(DeviceError):
            return find_device(devices, self._microphone, Direction.INPUT).id.removeprefix("pulse:")
        return None
