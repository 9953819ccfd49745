"""Silero VAD: how likely it is that somebody speaks, every 32 ms of sound at 16 kHz.

Source: Silero Team, "Silero VAD: pre-trained enterprise-grade Voice Activity Detector", 2024; version 6.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.inference.session import StatefulStep, open_model

HOP_SAMPLES = 512
_PAST_SAMPLES = 64


class SileroVad:
    """Weights of Silero VAD.

    Parameters
    ----------
    path : Path
        The streaming graph made by `models.build`.

    Raises
    ------
    ModelError
        If the file is no such graph.
    """

    def __init__(self, path: Path) -> None:
        self._session = open_model(path)

    def stream(self) -> SileroVadStream:
        """A new stream with a state of its own."""
        return SileroVadStream(StatefulStep(self._session))


class SileroVadStream:
    """One listener's state. One thread at a time."""

    def __init__(self, step: StatefulStep) -> None:
        self._step = step
        self._sound = step.inputs["sound"][0]
        self._probability = step.outputs["speech_probability"]

    def process(self, hop: NDArray[np.float32]) -> float:
        """Probability of speech, 0 … 1, in `HOP_SAMPLES` samples, full scale 1.0."""
        self._sound[:_PAST_SAMPLES] = self._sound[-_PAST_SAMPLES:]
        self._sound[_PAST_SAMPLES:] = hop
        self._step.run()
        return float(self._probability[0, 0])

    def reset(self) -> None:
        """Forget the past."""
        self._step.reset()
