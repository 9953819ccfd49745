"""Compressor: brings loud and quiet words closer together. Audio thread; never waits.

With `amount` at zero it stands where its knobs are set. Above, it sets itself by what it learns of the voice: the threshold
where this voice speaks, the ratio by how far its words spread, attack and release by how spiky it is.

Source: D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic Range Compressor Design: A Tutorial and Analysis",
J. Audio Eng. Soc. 60(6), 2012: feed-forward, soft knee, smooth decoupled peak detector in the logarithmic domain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.core.kernel import compile_kernels
from engine.core.params import Params, param
from engine.core.stage import Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.compression import compress
from engine.dsp.decibel import gain_to_db
from engine.dsp.envelope import follow_coefficient
from engine.dsp.responses import warped_frequency
from engine.dsp.smoothing import glide_coefficient, new_glides
from engine.dsp.voice_statistics import VoiceStatistics

_LARGEST_RATIO = 8.0
_RATIO_PER_DB = 0.8
# The voice changes over seconds; between two designs the curve stands still, which is cheaper than gliding for ever.
_STEPS_PER_DESIGN = 20


@dataclass(frozen=True)
class CompressorParams(Params):
    """Parameters of `Compressor`."""

    amount: float = param(
        0.0, lo=0, hi=100, unit="%", label="Adaptive", step=1, main=True,
        help="Sets everything to the voice, more strongly the higher; at 0 threshold, ratio and times are as set here.",
    )  # fmt: skip
    threshold_db: float = param(
        -20.0, lo=-60, hi=0, unit="dB", label="Threshold", main=True, help="Above this level the voice is turned down."
    )
    ratio: float = param(
        3.0, lo=1, hi=20, unit=":1", label="Ratio", log=True,
        help="How strongly it is turned down: at 3:1, three decibels over the threshold become one.",
    )  # fmt: skip
    knee_db: float = param(
        6.0, lo=0, hi=24, unit="dB", label="Knee", help="How gently compression sets in around the threshold."
    )
    attack_ms: float = param(
        5.0, lo=0.5, hi=100, unit="ms", label="Attack", log=True, help="How fast a loud sound is turned down."
    )
    release_ms: float = param(
        120.0, lo=10, hi=1000, unit="ms", label="Release", log=True, step=1,
        help="How fast the level comes back after a loud sound.",
    )  # fmt: skip
    makeup_db: float = param(
        0.0, lo=0, hi=24, unit="dB", label="Make-up", help="Turns everything up again after compression."
    )
    side_chain_hz: float = param(
        20.0, lo=20, hi=400, unit="Hz", label="Deaf below", log=True, step=1,
        help="Sound below this pitch, such as plosives, does not make it turn down; at 20 Hz it hears everything.",
    )  # fmt: skip


class Compressor(Stage[CompressorParams]):
    """Feed-forward compressor with a soft knee; channels are linked."""

    id: ClassVar[str] = "compressor"
    label: ClassVar[str] = "Compressor"
    params_type: ClassVar[type[Params]] = CompressorParams
    meters: ClassVar[tuple[MeterSpec, ...]] = (
        MeterSpec("gain_reduction_db", "Gain reduction", "dB", 0.0, 24.0),
        MeterSpec("input_dbfs", "Peak arriving", "dB", -60.0, 0.0),
        MeterSpec("threshold_db", "Threshold now", "dB", -60.0, 0.0),
        MeterSpec("ratio", "Ratio now", ":1", 1.0, 20.0),
    )
    help: ClassVar[str] = "Evens out your voice, so that quiet words are heard and loud ones do not startle."

    def prepare(self, fmt: StreamFormat) -> None:
        """Compile and set up for a stream. Control thread."""
        compile_kernels(compress)
        VoiceStatistics.compile()
        self._sample_rate = fmt.sample_rate
        self._coefficient = glide_coefficient(fmt.sample_rate)
        self._voice = VoiceStatistics(fmt)
        self._state = np.zeros(2)
        self._filters = np.zeros((fmt.channels, 2))
        self._glides = new_glides(5)
        self._curve = np.zeros(5)
        self._designed_for: CompressorParams | None = None

    def process(self, block: Block, ctx: Context[CompressorParams]) -> None:
        """Compress in place. Audio thread."""
        if ctx.params is not self._designed_for:
            self._designed_for = ctx.params
            self._design(ctx.params)
        ctx.meters[1] = gain_to_db(float(max(block.max(), -block.min(), 0.0)))
        largest_db = 0.0
        start, frames = 0, block.shape[1]
        while start < frames:
            part = block[:, start : start + self._voice.frames_to_step]
            # The voice is watched even at amount zero, so that it is known when the knob is turned.
            is_due = self._voice.process(part, ctx.side.speech_probability)
            reduction_db = compress(
                part,
                self._state,
                self._filters,
                self._glides,
                self._curve,
                self._attack,
                self._release,
                self._coefficient,
            )
            largest_db = max(largest_db, reduction_db)
            if is_due and ctx.params.amount > 0.0:
                self._steps_to_design -= 1
                if self._steps_to_design <= 0:
                    self._design(ctx.params)
            start += part.shape[1]
        ctx.meters[0] = largest_db
        ctx.meters[2] = self._curve[0]
        ctx.meters[3] = 1.0 / (1.0 - self._curve[1])

    def _design(self, params: CompressorParams) -> None:
        self._steps_to_design = _STEPS_PER_DESIGN
        threshold_db, ratio = params.threshold_db, params.ratio
        attack_ms, release_ms = params.attack_ms, params.release_ms
        if params.amount > 0.0:
            threshold_db, ratio = adaptive_curve(params.amount, self._voice.level_dbfs, self._voice.spread_db)
            attack_ms, release_ms = self._voice.attack_ms, self._voice.release_ms
        deaf_below = warped_frequency(params.side_chain_hz, self._sample_rate) if params.side_chain_hz > 20.0 else 0.0
        self._curve[:] = threshold_db, 1.0 - 1.0 / ratio, params.knee_db, params.makeup_db, deaf_below
        self._attack = follow_coefficient(attack_ms, self._sample_rate)
        self._release = follow_coefficient(release_ms, self._sample_rate)

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._state.fill(0.0)
        self._filters.fill(0.0)
        self._glides.fill(np.nan)
        self._voice.reset()
        self._designed_for = None


def adaptive_curve(amount: float, level_dbfs: float, spread_db: float) -> tuple[float, float]:
    """Threshold (dB) and ratio that suit a voice.

    Parameters
    ----------
    amount : float
        0…100. The threshold falls from one spread above the voice's usual peaks to one below them.
    level_dbfs, spread_db : float
        Of `VoiceStatistics`. A voice that spreads further gets a higher ratio.
    """
    share = amount / 100.0
    threshold_db = min(max(level_dbfs + spread_db * (1.0 - 2.0 * share), -60.0), 0.0)
    return threshold_db, min(1.0 + share * _RATIO_PER_DB * spread_db, _LARGEST_RATIO)
