"""Denoise: takes away everything that is not the voice, with a neural network.

Four modes trade delay and cost for quality. The delay is that of the mode the stage was prepared for and stays so. A mode
that needs no more takes over at once, padded to that delay; one that needs more has to wait until the chain is prepared
again, which `wants_prepare` asks for. The networks work in hops of their own, bridged here to whatever blocks the engine uses.
Each channel is a source with its own state; while both channels carry the very same samples, as from a mono microphone, one
network serves both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from engine.core.params import Params, choice, param
from engine.core.stage import Assets, Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.hop_bridge import HopBridge
from engine.errors import ModelError
from engine.inference.deepfilternet3 import DeepFilterNet3
from engine.inference.frame_denoiser import FrameDenoiser
from engine.inference.lane import Lanes
from engine.inference.nsnet2 import NsNet2

FULL_STRENGTH_DB = 100.0
METER_SECONDS = 0.3
INAUDIBLE_POWER = 1e-12
MODES = ("quality", "balanced", "fast", "light")
DEFAULT_MODE = "quality"


@dataclass(frozen=True)
class DenoiseParams(Params):
    """How much noise may be taken away, and by what."""

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
    mode: str = choice(
        DEFAULT_MODE,
        MODES,
        label="Mode",
        help=(
            "Quality hears 20 ms ahead and is 30 ms late; balanced is 20 ms late and nearly as good; fast and light are "
            "10 ms late, and light needs the least of the processor."
        ),
        main=True,
    )


class Denoise(Stage[DenoiseParams]):
    """The denoiser of the air bus.

    Parameters
    ----------
    denoisers : Mapping[str, FrameDenoiser]
        Weights by mode, all of one rate and hop; may be shared with other stages.
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

    def __init__(self, denoisers: Mapping[str, FrameDenoiser]) -> None:
        self._denoisers = dict(denoisers)
        self._expected_mode = DEFAULT_MODE if DEFAULT_MODE in denoisers else next(iter(denoisers))
        self._mode = self._expected_mode
        first = self._denoisers[self._mode]
        self._sample_rate = first.sample_rate
        self._hop_samples = first.hop_samples
        self._delay_samples = first.delay_samples
        self._meter_decay = math.exp(-first.hop_samples / first.sample_rate / METER_SECONDS)

    @classmethod
    def build(cls, assets: Assets) -> Self:
        """Load the weights of all modes. Control thread."""
        return cls(
            {
                "quality": DeepFilterNet3(assets.model_path("deepfilternet3")),
                "balanced": DeepFilterNet3(assets.model_path("deepfilternet3-20ms"), predicted_frames=1),
                "fast": DeepFilterNet3(assets.model_path("deepfilternet3-10ms"), predicted_frames=2),
                "light": NsNet2(assets.model_path("nsnet2")),
            }
        )

    def successor(self) -> Self:
        """Make another that shares the weights. Control thread."""
        return type(self)(self._denoisers)

    def expect(self, params: DenoiseParams) -> None:
        """Learn which mode the stream will begin with: its delay is what `prepare` declares. Control thread."""
        self._expected_mode = params.mode

    def prepare(self, fmt: StreamFormat) -> None:
        """Make warm streams for each channel and mode that may be wanted. Control thread.

        Raises
        ------
        ModelError
            If the sample rate is not the networks'.
        """
        if fmt.sample_rate != self._sample_rate:
            raise ModelError(
                f"the denoiser works at {self._sample_rate} Hz, not at {fmt.sample_rate} Hz; "
                f"set the engine's sample rate to {self._sample_rate} Hz"
            )
        self._mode = self._expected_mode
        self._delay_samples = self._denoisers[self._mode].delay_samples
        in_time = {
            mode: denoiser
            for mode, denoiser in self._denoisers.items()
            if denoiser.delay_samples <= self._delay_samples
        }
        self._lanes = Lanes(in_time, fmt.channels, self._delay_samples, self._mode)
        self._bridge = HopBridge(self._hop_samples, fmt)
        self._residual_gain = 0.0
        self.reset()

    def process(self, block: Block, ctx: Context[DenoiseParams]) -> None:
        """Denoise `block` in place. Audio thread."""
        self._residual_gain = residual_gain(ctx.params.strength_db)
        self._mode = ctx.params.mode
        self._bridge.process(block, self._process_hop)
        ctx.meters[0] = 10.0 * math.log10(self._noisy_power / self._clean_power)
        ctx.meters[1] = self._lanes.lane.speech_snr_db

    def _process_hop(self, hop_in: Block, hop_out: Block) -> None:
        wanted = self._mode if self._mode in self._lanes.names else self._lanes.current
        self._lanes.process(wanted, hop_in, hop_out, self._residual_gain)
        lane = self._lanes.lane
        growth = 1.0 - self._meter_decay
        self._noisy_power += growth * (INAUDIBLE_POWER + lane.noisy_power - self._noisy_power)
        self._clean_power += growth * (INAUDIBLE_POWER + lane.clean_power - self._clean_power)

    def reset(self) -> None:
        """Forget all history. Audio thread, at a block boundary."""
        self._lanes.reset()
        self._bridge.reset()
        self._noisy_power = INAUDIBLE_POWER
        self._clean_power = INAUDIBLE_POWER

    @property
    def latency_samples(self) -> int:
        """The delay of the mode it was prepared for, and the waiting of samples for the rest of their hop."""
        return self._delay_samples + self._bridge.latency_samples

    @property
    def wants_prepare(self) -> bool:
        """Whether the mode that is wanted has another delay than the one this was prepared for."""
        return self._denoisers[self._mode].delay_samples != self._delay_samples


def residual_gain(strength_db: float) -> float:
    """Share of the noisy signal that stays, for a limit on the attenuation; none at full strength."""
    return 0.0 if strength_db >= FULL_STRENGTH_DB else 10.0 ** (-strength_db / 20.0)
