"""What captions need of a model that writes down speech. Weights and stream state are two objects, as everywhere."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.inference.tokens import Word

SPEECH_RATE_HZ = 16_000
"""The rate of all sound that is recognised."""


class SpeechStream(Protocol):
    """The state of one speaker's segment. One thread at a time; lets go of the GIL while it works."""

    def accept(self, sound: NDArray[np.float32]) -> None:
        """Add sound, shape (samples,), mono at 16 kHz, full scale 1.0."""
        ...

    def hypothesis(self) -> tuple[Word, ...]:
        """What was said since `reset`, as far as it can be told now. Takes a while.

        Raises
        ------
        ModelError
            If the model fails.
        """
        ...

    def reset(self) -> None:
        """Begin a new segment."""
        ...


class SpeechModel(Protocol):
    """Weights of a model: shared by all streams, never changed."""

    def stream(self) -> SpeechStream:
        """A new stream with a state of its own."""
        ...
