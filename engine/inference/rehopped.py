"""A denoiser of one hop in steps of another: samples wait for the rest of its hop, and that delay is declared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.stage import Block, StreamFormat
from engine.dsp.hop_bridge import HopBridge
from engine.errors import ModelError
from engine.inference.frame_denoiser import DenoiserStream, FrameDenoiser, Residual, no_residual


class Rehopped:
    """A denoiser that is given another hop than its own. Implements `FrameDenoiser`.

    Parameters
    ----------
    denoiser : FrameDenoiser
    hops_per_s : int
        Of the stream.

    Raises
    ------
    ModelError
        If such a hop is no whole number of samples at the denoiser's rate.
    """

    def __init__(self, denoiser: FrameDenoiser, hops_per_s: int) -> None:
        self.sample_rate = denoiser.sample_rate
        if self.sample_rate % hops_per_s:
            raise ModelError(
                f"the denoiser works at {self.sample_rate} Hz, where {1000 / hops_per_s:g} ms are no whole number of samples"
            )
        self.hop_samples = self.sample_rate // hops_per_s
        self._denoiser = denoiser
        self._format = StreamFormat(self.sample_rate, 1, self.hop_samples)
        self.delay_samples = denoiser.delay_samples + self._format.bridging_samples(denoiser.hop_samples)
        self.warm_up_hops = -(-denoiser.warm_up_hops * denoiser.hop_samples // self.hop_samples)

    def stream(self) -> RehoppedStream:
        """A new stream, warmed up. Control thread."""
        return RehoppedStream(self._denoiser.stream(), HopBridge(self._denoiser.hop_samples, self._format))


class RehoppedStream:
    """State of one source. Implements `DenoiserStream`."""

    def __init__(self, stream: DenoiserStream, bridge: HopBridge) -> None:
        self._stream = stream
        self._bridge = bridge
        self._residual: Residual = no_residual

    @property
    def noisy_power(self) -> float:
        """As of the denoiser's own stream."""
        return self._stream.noisy_power

    @property
    def clean_power(self) -> float:
        """As of the denoiser's own stream."""
        return self._stream.clean_power

    @property
    def speech_snr_db(self) -> float:
        """As of the denoiser's own stream."""
        return self._stream.speech_snr_db

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
        """Denoise one hop, `Rehopped.delay_samples` late. Audio thread; see `DenoiserStream.process`."""
        self._residual = residual
        hop_out[:] = hop_in
        self._bridge.process(hop_out[None], self._process_hop)

    def _process_hop(self, hop_in: Block, hop_out: Block) -> None:
        self._stream.process(hop_in[0], hop_out[0], self._residual)

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._stream.reset()
        self._bridge.reset()

    def copy_from(self, other: RehoppedStream) -> None:
        """Become a copy of another stream. Audio thread."""
        # Both are of one denoiser, which the type of a stream does not tell.
        inner: Any = self._stream
        inner.copy_from(other._stream)
        self._bridge.copy_from(other._bridge)

    def take_over(self, other: object) -> bool:
        """Go on from the past of another stream, where both networks keep the same past. Audio thread."""
        if not isinstance(other, RehoppedStream) or not self._stream.take_over(other._stream):
            return False
        self._bridge.copy_from(other._bridge)
        return True
