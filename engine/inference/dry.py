"""No denoiser at all, in the form of one: the lowest rung, which costs nothing and cannot fail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.inference.frame_denoiser import Residual

DRY = "dry"
"""Name of the dry lane among the others."""


class Dry:
    """What comes in goes out. Implements `FrameDenoiser`.

    Parameters
    ----------
    sample_rate, hop_samples : int
        Those of the denoisers beside it.
    """

    delay_samples = 0
    warm_up_hops = 0

    def __init__(self, sample_rate: int, hop_samples: int) -> None:
        self.sample_rate = sample_rate
        self.hop_samples = hop_samples

    def stream(self) -> DryStream:
        """A new stream; it has no state. Control thread."""
        return DryStream()


class DryStream:
    """Implements `DenoiserStream`; its powers are zero, so that meters show that nothing is removed."""

    noisy_power = 0.0
    clean_power = 0.0
    speech_snr_db = 0.0

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
        """Copy a hop. Audio thread."""
        hop_out[:] = hop_in

    def reset(self) -> None:
        """There is no past to forget. Audio thread."""

    def copy_from(self, other: DryStream) -> None:
        """There is no state to copy. Audio thread."""

    def take_over(self, other: object) -> bool:
        """Good at once, whatever was before. Audio thread."""
        return True
