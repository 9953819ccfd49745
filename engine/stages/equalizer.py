"""Equalizer: bass, middle and treble for the ear, and ten free bands for a measurement. Audio thread; never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from engine.core.kernel import compile_kernels
from engine.core.params import Params, choice, param
from engine.core.stage import Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.decibel import db_to_gain
from engine.dsp.equalization import equalize
from engine.dsp.gain import apply_gain
from engine.dsp.responses import BANDS, KINDS, PEAK, SECTION_VALUES, equalizer_sections
from engine.dsp.smoothing import glide_coefficient, new_glides

_TONES = 3
_GLIDE_MS = 12.0


def _kind(band: int) -> Any:
    return choice(PEAK, KINDS, label=f"Band {band} kind", help="Shape of the band; cuts and notch have no gain.")


def _pitch(band: int, frequency_hz: float) -> Any:
    return param(
        frequency_hz, lo=20, hi=20000, unit="Hz", label=f"Band {band} pitch", log=True, step=1,
        help="Centre of a peak or notch, corner of a shelf or cut.",
    )  # fmt: skip


def _gain(band: int) -> Any:
    return param(0.0, lo=-24, hi=24, unit="dB", label=f"Band {band} gain", help="At 0 dB the band does nothing.")


def _width(band: int) -> Any:
    return param(
        1.0, lo=0.1, hi=30, label=f"Band {band} Q", log=True, step=0.01, help="Narrower the higher; 0.7 is gentle."
    )


@dataclass(frozen=True)
class EqualizerParams(Params):
    """Parameters of `Equalizer`."""

    bass_db: float = param(
        0.0, lo=-12, hi=12, unit="dB", label="Bass", main=True, help="Warmth: everything below about 160 Hz."
    )
    middle_db: float = param(
        0.0, lo=-12, hi=12, unit="dB", label="Middle", help="Body or boxiness: the octaves around the pitch below."
    )
    middle_hz: float = param(
        800.0, lo=200, hi=4000, unit="Hz", label="Middle pitch", log=True, step=10,
        help="Where the middle control acts: 400 Hz is boxy, 3 kHz is presence.",
    )  # fmt: skip
    treble_db: float = param(
        0.0, lo=-12, hi=12, unit="dB", label="Treble", main=True, help="Clarity and air: everything above about 5 kHz."
    )
    preamp_db: float = param(
        0.0, lo=-24, hi=12, unit="dB", label="Preamp", help="Gain of the whole, to make room for bands that boost."
    )
    band1_kind: str = _kind(1)
    band1_hz: float = _pitch(1, 60.0)
    band1_db: float = _gain(1)
    band1_q: float = _width(1)
    band2_kind: str = _kind(2)
    band2_hz: float = _pitch(2, 120.0)
    band2_db: float = _gain(2)
    band2_q: float = _width(2)
    band3_kind: str = _kind(3)
    band3_hz: float = _pitch(3, 250.0)
    band3_db: float = _gain(3)
    band3_q: float = _width(3)
    band4_kind: str = _kind(4)
    band4_hz: float = _pitch(4, 500.0)
    band4_db: float = _gain(4)
    band4_q: float = _width(4)
    band5_kind: str = _kind(5)
    band5_hz: float = _pitch(5, 1000.0)
    band5_db: float = _gain(5)
    band5_q: float = _width(5)
    band6_kind: str = _kind(6)
    band6_hz: float = _pitch(6, 2000.0)
    band6_db: float = _gain(6)
    band6_q: float = _width(6)
    band7_kind: str = _kind(7)
    band7_hz: float = _pitch(7, 4000.0)
    band7_db: float = _gain(7)
    band7_q: float = _width(7)
    band8_kind: str = _kind(8)
    band8_hz: float = _pitch(8, 6000.0)
    band8_db: float = _gain(8)
    band8_q: float = _width(8)
    band9_kind: str = _kind(9)
    band9_hz: float = _pitch(9, 8000.0)
    band9_db: float = _gain(9)
    band9_q: float = _width(9)
    band10_kind: str = _kind(10)
    band10_hz: float = _pitch(10, 12000.0)
    band10_db: float = _gain(10)
    band10_q: float = _width(10)


class Equalizer(Stage[EqualizerParams]):
    """Three tone controls and ten parametric bands; all channels alike."""

    id: ClassVar[str] = "equalizer"
    label: ClassVar[str] = "Equalizer"
    params_type: ClassVar[type[Params]] = EqualizerParams
    meters: ClassVar[tuple[MeterSpec, ...]] = ()
    help: ClassVar[str] = "Shapes the tone of the voice; takes over filters that other programs measured."
    starts_bypassed: ClassVar[bool] = True

    def prepare(self, fmt: StreamFormat) -> None:
        """Compile and set up for a stream. Control thread."""
        compile_kernels(equalize, apply_gain)
        self._sample_rate = fmt.sample_rate
        self._coefficient = glide_coefficient(fmt.sample_rate, _GLIDE_MS)
        self._state = np.zeros((_TONES + BANDS, fmt.channels, 2))
        self._glides = new_glides(SECTION_VALUES * (_TONES + BANDS))
        self._gain_glides = new_glides(1)
        self._designed_for: EqualizerParams | None = None

    def process(self, block: Block, ctx: Context[EqualizerParams]) -> None:
        """Filter in place. Audio thread."""
        if ctx.params is not self._designed_for:
            self._designed_for = ctx.params
            self._sections = equalizer_sections(vars(ctx.params), self._sample_rate)
        equalize(block, self._state, self._glides, self._sections, self._coefficient)
        apply_gain(block, self._gain_glides, db_to_gain(ctx.params.preamp_db), self._coefficient)

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._state.fill(0.0)
        self._glides.fill(np.nan)
        self._gain_glides.fill(np.nan)
