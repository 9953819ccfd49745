"""One take: devices are opened, something is played or nothing, the microphone is recorded, and what it teaches is worked out.

Whoever shows it (a wizard, the command line) calls `run` on a thread of its own and looks at `status` as often as it likes.
`run` waits for the sound; `status` and `cancel` never wait. What is to be learnt is a lesson.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.config import DEFAULT_HOP_FRAMES, SAMPLE_RATE_HZ
from engine.errors import DeviceError, RoomError
from engine.io.backend import AudioBackend, AudioStream, StreamRequest
from engine.io.devices import Direction, find_device
from engine.measure.lesson import Learnt, Lesson

_READ_S = 0.5
_SETTLING_S = 1.0
_LATENCY_S = 0.2
"""Nobody hears himself here: what counts is that nothing is lost."""

_METER_FRAMES = 4800
_CLIPPED, _CLIPPED_SAMPLES = 0.985, 3


@dataclass(frozen=True, slots=True)
class TakeStatus:
    """A take now.

    Attributes
    ----------
    phase : str
        What is going on, for the user.
    progress : float
        0 to 1.
    level_dbfs : float
        Peak of the last tenth of a second; -120 for silence.
    refusal : str
        Why the take cannot be used; empty while it can.
    learnt : Learnt or None
        The result, once there is one.
    is_over : bool
        Whether nothing more comes.
    """

    phase: str = ""
    progress: float = 0.0
    level_dbfs: float = -120.0
    refusal: str = ""
    learnt: Learnt | None = None
    is_over: bool = False


class Take:
    """Carries out a lesson on a pair of devices, once.

    Parameters
    ----------
    backend : AudioBackend
    lesson : Lesson
    input_device, output_device : str or None
        As in `StreamRequest`.

    Attributes
    ----------
    recording : array
        What was heard, mono at 48 kHz, shape (frames,); whole once the take is over.
    microphone, loudspeaker : str
        What a person calls the devices; the second is empty where nothing is played.
    """

    def __init__(
        self, backend: AudioBackend, lesson: Lesson, input_device: str | None = None, output_device: str | None = None
    ) -> None:
        self._backend = backend
        self._lesson = lesson
        self._request = StreamRequest(input_device, output_device, latency_s=_LATENCY_S)
        self._is_cancelled = threading.Event()
        self._status = TakeStatus()
        self.recording: NDArray[np.float32] = np.zeros(0, np.float32)
        self.microphone = self.loudspeaker = ""

    @property
    def status(self) -> TakeStatus:
        """How it is going. Any thread."""
        return self._status

    def cancel(self) -> None:
        """End it soon, without a result. Any thread."""
        self._is_cancelled.set()

    def run(self) -> Learnt:
        """Record and evaluate. A thread of its own: waits for as long as the lesson takes.

        Raises
        ------
        SidetoneError
            If a device cannot be opened, or the take cannot be used; `status.refusal` says the same.
        """
        try:
            self.recording = self._record()
            self._status = replace(self._status, phase="Working it out.", progress=1.0)
            learnt = self._lesson.evaluate(self.recording)
        except Exception as error:
            self._status = replace(self._status, refusal=str(error), is_over=True)
            raise
        self._status = replace(self._status, phase="Done.", learnt=learnt, is_over=True)
        return learnt

    def _record(self) -> NDArray[np.float32]:
        stream = self._backend.open(self._request)
        self.microphone = self._called(self._request.input_device, Direction.INPUT)
        if self._lesson.stimulus() is not None:
            self.loudspeaker = self._called(self._request.output_device, Direction.OUTPUT)
        try:
            stream.free_clocks()
            stream.start()
            return self._exchange(stream)
        finally:
            stream.close()

    def _called(self, device: str | None, direction: Direction) -> str:
        try:
            return find_device(self._backend.devices(), device, direction).name
        except DeviceError:
            return device or ""

    def _exchange(self, stream: AudioStream) -> NDArray[np.float32]:
        stimulus = self._lesson.stimulus()
        hops = -(-round(self._lesson.seconds * SAMPLE_RATE_HZ) // DEFAULT_HOP_FRAMES)
        settling = round(_SETTLING_S * SAMPLE_RATE_HZ) // DEFAULT_HOP_FRAMES
        recorded = np.zeros(hops * DEFAULT_HOP_FRAMES, np.float32)
        block = np.zeros((stream.channels, DEFAULT_HOP_FRAMES), np.float32)
        played = np.zeros((hops + 1) * DEFAULT_HOP_FRAMES, np.float32)
        if stimulus is not None:
            played[: stimulus.size] = stimulus
        losses = 0
        for hop in range(-settling, hops):
            self._expect_sound(stream, block)
            out = np.zeros_like(block)
            if hop >= 0:
                out[:] = played[hop * DEFAULT_HOP_FRAMES : (hop + 1) * DEFAULT_HOP_FRAMES]
                recorded[hop * DEFAULT_HOP_FRAMES : (hop + 1) * DEFAULT_HOP_FRAMES] = block.mean(axis=0)
                self._tell(recorded[: (hop + 1) * DEFAULT_HOP_FRAMES], hop / hops)
            else:
                losses = stream.stats().xruns
            stream.write_air(out)
        if stimulus is not None and stream.stats().xruns > losses:
            raise RoomError("the sound broke off for a moment; close what keeps the computer busy and measure again")
        return recorded

    def _expect_sound(self, stream: AudioStream, block: NDArray[np.float32]) -> None:
        if self._is_cancelled.is_set():
            raise RoomError("the measurement was cancelled")
        if stream.read_hop(block, _READ_S):
            return
        if stream.lost is not None:
            raise RoomError(f"{stream.lost}; connect it again and measure again")
        if stream.ended:
            raise RoomError("the recording ended too soon; give a longer one")
        raise RoomError("the microphone delivers nothing; choose another one, or switch this one on")

    def _tell(self, recorded: NDArray[np.float32], progress: float) -> None:
        recent = np.abs(recorded[-_METER_FRAMES:])
        level_dbfs = 20.0 * float(np.log10(max(float(recent.max()), 1e-6)))
        phase = self._lesson.phase(recorded.size / SAMPLE_RATE_HZ)
        self._status = TakeStatus(phase, progress, level_dbfs)
        if np.count_nonzero(recent >= _CLIPPED) >= _CLIPPED_SAMPLES:
            # No need to hear the rest of it.
            raise RoomError("the recording is clipped; turn the loudspeaker or the microphone down and measure again")
