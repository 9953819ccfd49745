"""De-esser: softens sharp s and sh sounds, measured against the voice that makes them. Audio thread; never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.core.kernel import compile_kernels
from engine.core.params import Params, param
from engine.core.stage import Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.de_essing import de_ess, detector_coefficients
from engine.dsp.envelope import follow_coefficient
from engine.dsp.responses import warped_frequency
from engine.dsp.smoothing import glide_coefficient, new_glides

_ATTACK_MS = 1.0
_RELEASE_MS = 40.0


@dataclass(frozen=True)
class DeEsserParams(Params):
    """Parameters of `DeEsser`."""

    most_db: float = param(
        6.0, lo=0, hi=18, unit="dB", label="Most reduction", main=True,
        help="A sharp s is lowered by no more than this; past 10 dB it begins to lisp.",
    )  # fmt: skip
    threshold_db: float = param(
        -12.0, lo=-40, hi=0, unit="dB", label="Threshold", main=True,
        help="How loud an s may be beside the voice as a whole; lower softens more of them.",
    )  # fmt: skip
    split_hz: float = param(
        5500.0, lo=2000, hi=12000, unit="Hz", label="From", log=True, step=10,
        help="Everything above this pitch is lowered; deep voices hiss from 4.5 kHz, high ones from 7.",
    )  # fmt: skip


class DeEsser(Stage[DeEsserParams]):
    """Split-band de-esser with a threshold relative to the voice; channels are linked."""

    id: ClassVar[str] = "de_esser"
    label: ClassVar[str] = "De-esser"
    params_type: ClassVar[type[Params]] = DeEsserParams
    meters: ClassVar[tuple[MeterSpec, ...]] = (MeterSpec("gain_reduction_db", "Gain reduction", "dB", 0.0, 18.0),)
    help: ClassVar[str] = "Softens sharp s and sh sounds and leaves the rest of the voice alone."
    starts_bypassed: ClassVar[bool] = True

    def prepare(self, fmt: StreamFormat) -> None:
        """Compile and set up for a stream. Control thread."""
        compile_kernels(de_ess)
        self._sample_rate = fmt.sample_rate
        self._coefficient = glide_coefficient(fmt.sample_rate)
        self._detector = detector_coefficients(fmt.sample_rate)
        self._attack = follow_coefficient(_ATTACK_MS, fmt.sample_rate)
        self._release = follow_coefficient(_RELEASE_MS, fmt.sample_rate)
        self._filters = np.zeros((fmt.channels, 2))
        self._energies = np.zeros(2)
        self._reduction = np.zeros(2)
        self._glides = new_glides(3)
        self._settings = np.zeros(3)
        self._designed_for: DeEsserParams | None = None

    def process(self, block: Block, ctx: Context[DeEsserParams]) -> None:
        """Soften in place. Audio thread."""
        params = ctx.params
        if params is not self._designed_for:
            self._designed_for = params
            warped = warped_frequency(params.split_hz, self._sample_rate)
            self._settings[:] = warped, params.threshold_db, params.most_db
        ctx.meters[0] = de_ess(
            block,
            self._filters,
            self._energies,
            self._reduction,
            self._glides,
            self._settings,
            self._detector,
            self._attack,
            self._release,
            self._coefficient,
        )

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._filters.fill(0.0)
        self._energies.fill(0.0)
        self._reduction.fill(0.0)
        self._glides.fill(np.nan)
