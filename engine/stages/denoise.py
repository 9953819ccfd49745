"""Denoise: takes away everything that is not the voice, with a neural network that listens 30 ms long.

The network works in hops of its own, bridged here to whatever blocks the engine uses. Each channel is a source with
its own state; while both channels carry the very same samples, as from a mono microphone, one network serves both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from engine.core.params import Params, param
from engine.core.stage import Assets, Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.hop_bridge import HopBridge
from engine.errors import ModelError
from engine.inference.deepfilternet3 import DeepFilterNet3
from engine.inference.frame_denoiser import DenoiserStream, FrameDenoiser

FULL_STRENGTH_DB = 100.0
METER_SECONDS = 0.3
INAUDIBLE_POWER = 1e-12


@dataclass(frozen=True)
class DenoiseParams(Params):
    """How much noise may be taken away."""

    strength_db: float = param(
        FULL_STRENGTH_DB,
        lo=0.0,
        hi=FULL_STRENGTH_DB,
        step=1.0,
        unit="dB",
        label="Strength",
        help="Noise is lowered by no more than this. 100 dB takes all of it, 0 dB none; 24 dB leaves a little of the room.",
        main=True,
    )


class Denoise(Stage[DenoiseParams]):
    """The denoiser of the air bus.

    Parameters
    ----------
    denoiser : FrameDenoiser
        Weights; may be shared with other stages.
    """

    id: ClassVar[str] = "denoise"
    label: ClassVar[str] = "Denoise"
    params_type: ClassVar[type[Params]] = DenoiseParams
    meters: ClassVar[tuple[MeterSpec, ...]] = (
        MeterSpec("reduction_db", "Noise removed", "dB", 0.0, 40.0),
        MeterSpec("speech_snr_db", "Voice above noise", "dB", -15.0, 35.0),
    )
    help: ClassVar[str] = (
        "Removes background noise from the voice with a neural network, over the full band up to 24 kHz."
    )

    def __init__(self, denoiser: FrameDenoiser) -> None:
        self._denoiser = denoiser
        self._streams: list[DenoiserStream] = []
        self._is_twin = False
        self._noisy_power = INAUDIBLE_POWER
        self._clean_power = INAUDIBLE_POWER
        self._meter_decay = math.exp(-denoiser.hop_samples / denoiser.sample_rate / METER_SECONDS)

    @classmethod
    def build(cls, assets: Assets) -> Self:
        """Load the network's weights. Control thread."""
        return cls(DeepFilterNet3(assets.model_path("deepfilternet3")))

    def prepare(self, fmt: StreamFormat) -> None:
        """Make a warm stream for each channel. Control thread.

        Raises
        ------
        ModelError
            If the sample rate is not the network's.
        """
        if fmt.sample_rate != self._denoiser.sample_rate:
            raise ModelError(
                f"the denoiser works at {self._denoiser.sample_rate} Hz, not at {fmt.sample_rate} Hz; "
                f"set the engine's sample rate to {self._denoiser.sample_rate} Hz"
            )
        self._streams = [self._denoiser.stream() for _ in range(fmt.channels)]
        self._bridge = HopBridge(self._denoiser.hop_samples, fmt)
        self._residual_gain = 0.0
        self.reset()

    def process(self, block: Block, ctx: Context[DenoiseParams]) -> None:
        """Denoise `block` in place. Audio thread."""
        self._residual_gain = residual_gain(ctx.params.strength_db)
        self._bridge.process(block, self._process_hop)
        ctx.meters[0] = 10.0 * math.log10(self._noisy_power / self._clean_power)
        ctx.meters[1] = self._streams[0].speech_snr_db

    def _process_hop(self, hop_in: Block, hop_out: Block) -> None:
        if self._is_twin and not np.array_equal(hop_in[0], hop_in[-1]):
            self._is_twin = False
            for stream in self._streams[1:]:
                stream.copy_from(self._streams[0])
        active = 1 if self._is_twin else len(self._streams)
        noisy_power = clean_power = INAUDIBLE_POWER
        for channel, stream in enumerate(self._streams[:active]):
            stream.process(hop_in[channel], hop_out[channel], self._residual_gain)
            noisy_power += stream.noisy_power
            clean_power += stream.clean_power
        if self._is_twin:
            hop_out[1:] = hop_out[0]
        self._noisy_power += (1.0 - self._meter_decay) * (noisy_power - self._noisy_power)
        self._clean_power += (1.0 - self._meter_decay) * (clean_power - self._clean_power)

    def reset(self) -> None:
        """Forget all history. Audio thread, at a block boundary."""
        for stream in self._streams:
            stream.reset()
        self._bridge.reset()
        self._is_twin = len(self._streams) > 1
        self._noisy_power = INAUDIBLE_POWER
        self._clean_power = INAUDIBLE_POWER

    @property
    def latency_samples(self) -> int:
        """The network's delay, and the waiting of samples for the rest of their hop."""
        return self._denoiser.delay_samples + self._bridge.latency_samples


def residual_gain(strength_db: float) -> float:
    """Share of the noisy signal that stays, for a limit on the attenuation; none at full strength."""
    return 0.0 if strength_db >= FULL_STRENGTH_DB else 10.0 ** (-strength_db / 20.0)
