"""What a denoiser is to the rest of the program: weights that any number of streams share, and one stream per source.

The denoise stage knows only this; a faster or better network is another implementation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Residual = Callable[[], float]
"""Tells which share of the noisy signal, aligned in time, is mixed to the denoised one: 0 all clean, 1 untouched. Noise is not
lowered by more than it. Asked as late as can be, so that a change that came while the network worked is heard. Audio thread."""


def no_residual() -> float:
    """All clean."""
    return 0.0


SMALLEST_POWER = 1e-12


def let_through_db(noisy_power: float, clean_power: float) -> float:
    """Power let through over power taken away, -15 to 35 dB: how far speech stands above noise, as far as that alone tells."""
    taken_away = max(noisy_power - clean_power, SMALLEST_POWER)
    return min(max(10.0 * math.log10(max(clean_power, SMALLEST_POWER) / taken_away), -15.0), 35.0)


class DenoiserStream(Protocol):
    """State of one source, mono, stepped a hop at a time."""

    @property
    def noisy_power(self) -> float:
        """Power, in arbitrary but fixed units, of the frame last put out, as it came in."""
        ...

    @property
    def clean_power(self) -> float:
        """Power of the frame last put out, as it went out, in the units of `noisy_power`."""
        ...

    @property
    def speech_snr_db(self) -> float:
        """How far speech stands above noise now, as the network itself judges."""
        ...

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
        """Denoise one hop; what comes out lags by `FrameDenoiser.delay_samples`. Audio thread.

        Parameters
        ----------
        hop_in, hop_out : NDArray[np.float32]
            Shape (hop_samples,); may be the same memory.
        residual : Residual
            Asked once the network has answered.
        """
        ...

    def reset(self) -> None:
        """Forget the past; as good as new. Audio thread."""
        ...

    def copy_from(self, other: Self) -> None:
        """Become a copy of another stream of the same denoiser. Audio thread."""
        ...

    def take_over(self, other: object) -> bool:
        """Go on from the past of another denoiser's stream, where both keep the same past. Audio thread.

        Returns
        -------
        bool
            False if there is nothing to be taken over; this stream is then as before.
        """
        ...


class FrameDenoiser(Protocol):
    """Weights of a denoiser: immutable, shared."""

    @property
    def sample_rate(self) -> int:
        """The only rate it works at, in Hz."""
        ...

    @property
    def hop_samples(self) -> int:
        """Samples per step."""
        ...

    @property
    def delay_samples(self) -> int:
        """Samples by which the output lags when hops go in and come out one for one."""
        ...

    @property
    def warm_up_hops(self) -> int:
        """Hops after which a stream that began in the middle of a sound judges as well as one that heard all of it."""
        ...

    def stream(self) -> DenoiserStream:
        """A new stream, warmed up: its first hop costs no more than the others. Control thread."""
        ...
