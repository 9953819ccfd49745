"""The noisy signal mixed to a denoised one, aligned: how a network that gives only sound is eased."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.delay import DelayLine


class DryMix:
    """Delays what came in until it is as late as what comes out. One stream, mono.

    Parameters
    ----------
    delay_samples : int
        By which the denoised signal is late.
    hop_samples : int

    Attributes
    ----------
    dry_power, mixed_power : float
        Mean square of the hop last mixed, as it came in and as it went out.
    """

    def __init__(self, delay_samples: int, hop_samples: int) -> None:
        self._line = DelayLine(1, delay_samples)
        self._dry = np.zeros((1, hop_samples), np.float32)
        self._difference = np.zeros(hop_samples, np.float32)
        self.dry_power = 0.0
        self.mixed_power = 0.0

    @property
    def delay_samples(self) -> int:
        """By which the noisy signal is delayed."""
        return self._line.delay_samples

    def keep(self, hop_in: NDArray[np.float32]) -> None:
        """Take in a hop, shape (hop_samples,), before it is overwritten. Audio thread."""
        self._line.process(hop_in[None], self._dry)

    def ease(self, hop_out: NDArray[np.float32], residual_gain: float) -> None:
        """Mix a share of the noisy signal to the denoised `hop_out`, in place. Audio thread."""
        dry = self._dry[0]
        if residual_gain > 0.0:
            np.subtract(dry, hop_out, out=self._difference)
            self._difference *= np.float32(residual_gain)
            hop_out += self._difference
        self.dry_power = float(np.dot(dry, dry)) / dry.size
        self.mixed_power = float(np.dot(hop_out, hop_out)) / dry.size

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._line.reset()
        self.dry_power = 0.0
        self.mixed_power = 0.0

    def copy_from(self, other: DryMix) -> None:
        """Become a copy of another one of the same delay and hop. Audio thread."""
        self._line.copy_from(other._line)
        self.dry_power = other.dry_power
        self.mixed_power = other.mixed_power
