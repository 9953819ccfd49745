"""Ways to learn a room, as a take carries them out: by a sweep, by talking, by a clap; and what they give.

A lesson says what is played, what the user is told meanwhile, and what the recording teaches. Nothing waits.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.config import SAMPLE_RATE_HZ
from engine.dsp.curve import GRID_HZ, Curve
from engine.measure.clap import evaluate_claps
from engine.measure.profile import RoomProfile, StoredCurve, Way, octave_times_s, stored_impulse
from engine.measure.response import Decay, decay_of, response_curve
from engine.measure.sweep import Sweep, evaluate_sweeps
from engine.measure.talk import evaluate_talk


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a lesson gave.

    Attributes
    ----------
    curve : Curve
        Response on `GRID_HZ`; level where nothing was learnt of it.
    notes : tuple of str
        What else is worth telling, a sentence each.
    """

    way: Way
    curve: Curve
    low_hz: float
    high_hz: float
    decay: Decay | None = None
    impulse: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()

    def profile(self, name: str, input_device: str = "", output_device: str = "") -> RoomProfile:
        """As it is kept, dated now."""
        return RoomProfile(
            name=name,
            made_at=datetime.now().astimezone().isoformat(timespec="seconds"),
            way=self.way,
            response=StoredCurve.of(self.curve),
            input_device=input_device,
            output_device=output_device,
            low_hz=float(self.low_hz),
            high_hz=float(self.high_hz),
            decay=self.decay,
            octave_t20_s=() if self.impulse is None else octave_times_s(self.impulse),
            impulse=b"" if self.impulse is None else stored_impulse(self.impulse),
        )


class Lesson(Protocol):
    """A way to learn a room."""

    @property
    def seconds(self) -> float:
        """How long is recorded."""
        ...

    def stimulus(self) -> NDArray[np.float32] | None:
        """What is played from the beginning on, shape (frames,); None for nothing."""
        ...

    def phase(self, at_s: float) -> str:
        """What is going on then, in words for the user."""
        ...

    def evaluate(self, recording: NDArray[np.float32]) -> Learnt:
        """Work out what was learnt; raises `RoomError` if the take cannot be used."""
        ...


@dataclass(frozen=True, slots=True)
class SweepLesson:
    """Sweeps through a loudspeaker."""

    sweep: Sweep = field(default_factory=Sweep)

    @property
    def seconds(self) -> float:
        """How long is recorded."""
        return self.sweep.seconds

    def stimulus(self) -> NDArray[np.float32]:
        """The sweeps."""
        return self.sweep.stimulus()

    def phase(self, at_s: float) -> str:
        """What is going on then."""
        if at_s < self.sweep.silence_s:
            return "Listening to the quiet room; please keep still."
        take = min(int((at_s - self.sweep.silence_s) / self.sweep.spacing_s) + 1, self.sweep.takes)
        return f"Sweep {take} of {self.sweep.takes}; please keep still."

    def evaluate(self, recording: NDArray[np.float32]) -> Learnt:
        """The room's response, its colour and its decay."""
        result = evaluate_sweeps(recording, self.sweep)
        notes = (
            f"The clocks of the two devices differ by {abs(result.clock_ppm):.0f} ppm.",
            f"The loudspeaker distorts by {100 * 10 ** (result.distortion_db / 20):.1f} %.",
        )
        return Learnt(
            Way.SWEEP,
            response_curve(result.impulse, SAMPLE_RATE_HZ),
            result.low_hz,
            result.high_hz,
            decay_of(result.impulse, SAMPLE_RATE_HZ),
            result.impulse,
            notes,
        )


_CLOSE, _SEAT = "a hand's length (20 cm) from the microphone", "where you always sit"
_READING = (
    "On a grey morning the ferry left the harbour, and gulls circled over the quay. Five children watched the waves rush past "
    "and shouted each time the cold spray reached them. A baker sold warm bread with cheese, plums and thick yellow cream. By "
    "noon the fog was gone, the island shone in the sun, and everyone sang, laughed and looked for the best place to swim."
)
"""Half a minute with the sounds of speech well mixed."""

_OF_TWO_S, _SIT_BACK_S = 26.0, 4.0
"""Both takes and the way between them are under a minute."""


@dataclass(frozen=True, slots=True)
class TalkLesson:
    """Talking for a while.

    Parameters
    ----------
    speaker : str
        Kind of voice; empty to hear for itself.
    close_voice : array or None
        The same voice close to the microphone, shape (frames,), recorded by another take: see `evaluate_talk`.
    pattern : str
        The microphone's, if it is known: one of `PATTERNS`.
    talk_s, ready_s : float
        How long to talk, and how long it may take to get there before.
    place : str
        From where to talk, for the user.
    """

    speaker: str = ""
    close_voice: NDArray[np.float32] | None = None
    pattern: str = ""
    talk_s: float = 30.0
    ready_s: float = 0.0
    place: str = _SEAT

    def close_by(self) -> TalkLesson:
        """The first of two: the same from close to the microphone."""
        return replace(self, place=_CLOSE, talk_s=min(self.talk_s, _OF_TWO_S))

    def after(self, close_voice: NDArray[np.float32]) -> TalkLesson:
        """The second of two, with time to sit back."""
        return replace(self, close_voice=close_voice, talk_s=min(self.talk_s, _OF_TWO_S), ready_s=_SIT_BACK_S)

    @property
    def seconds(self) -> float:
        """How long is recorded."""
        return self.ready_s + self.talk_s

    def stimulus(self) -> None:
        """Nothing is played."""

    def phase(self, at_s: float) -> str:
        """What is going on then."""
        if at_s < self.ready_s:
            return f"Now the same words, as loud, from {self.place}: go there."
        return f"Talk from {self.place}, or read: “{_READING}”"

    def evaluate(self, recording: NDArray[np.float32]) -> Learnt:
        """The colour of room and microphone, and an estimate of the decay."""
        talking = recording[round(self.ready_s * SAMPLE_RATE_HZ) :]
        result = evaluate_talk(talking, self.speaker, self.close_voice, self.pattern)
        decay = None if result.decay_s is None else Decay(None, None, result.decay_s, 0.0, 0.0)
        notes = [f"Compared with the voice: {result.speaker}."]
        if self.close_voice is not None and not self.pattern:
            notes.append("Which kind the microphone is was not said, so the tones below 200 Hz may be off by 2 dB.")
        return Learnt(Way.TALK, result.curve, result.low_hz, result.high_hz, decay, None, tuple(notes))


@dataclass(frozen=True, slots=True)
class ClapLesson:
    """A clap, or a few."""

    seconds: float = 12.0

    def stimulus(self) -> None:
        """Nothing is played."""

    def phase(self, at_s: float) -> str:
        """What is going on then."""
        return "Clap hard, once, and keep still until it has died away; again if you like."

    def evaluate(self, recording: NDArray[np.float32]) -> Learnt:
        """How the room rings; not how it colours, for a clap is not flat."""
        result = evaluate_claps(recording)
        level = Curve(GRID_HZ, np.zeros(GRID_HZ.size))
        notes = (f"The clearest of {result.claps} was taken.", "A clap teaches the decay; the tone stays as it is.")
        decay = decay_of(result.impulse, SAMPLE_RATE_HZ)
        return Learnt(Way.CLAP, level, GRID_HZ[0], GRID_HZ[-1], decay, result.impulse, notes)
