"""Leveller: brings the voice to one loudness, whoever speaks and however far away. Audio thread; never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.core.kernel import compile_kernels
from engine.core.params import Params, param
from engine.core.stage import Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.gated_loudness import energy_to_lufs
from engine.dsp.levelling import FAST_STEPS, GAIN_DB, LEVELLER_STATE_SIZE, MOMENTARY_STEPS, VOICE_ENERGY, level
from engine.dsp.listening import forget_voice, new_listener
from engine.dsp.smoothing import glide_coefficient, new_glides

_WAKE_MS = 2.0
_GLIDE_MS = 8.0
_NOTHING_LUFS = -70.0
_WORTH_KEEPING_DB = 1.0


@dataclass(frozen=True)
class LevellerParams(Params):
    """Parameters of `Leveller`."""

    target_lufs: float = param(
        -16.0, lo=-32, hi=-10, unit="LUFS", step=0.5, label="Target", main=True,
        help="How loud the voice shall be: -14 for video sites, -16 for streams and podcasts, -23 for broadcast.",
    )  # fmt: skip
    boost_db: float = param(
        24.0, lo=0, hi=36, unit="dB", step=1, label="Most boost", main=True,
        help="A quiet voice is raised by no more than this.",
    )  # fmt: skip
    cut_db: float = param(
        20.0, lo=0, hi=36, unit="dB", step=1, label="Most cut", help="A loud voice is lowered by no more than this."
    )
    reaction_s: float = param(
        3.0, lo=0.5, hi=20, unit="s", label="Reaction", log=True,
        help="Seconds of speech over which small changes are evened out; whispers and shouts are followed sooner.",
    )  # fmt: skip
    rate_db_per_s: float = param(
        30.0, lo=1, hi=100, unit="dB/s", label="Fastest change", log=True, step=1,
        help="The gain never moves faster than this while you speak.",
    )  # fmt: skip
    start_db: float = param(
        0.0, lo=-36, hi=36, unit="dB", label="Start at",
        help="The gain with which a stream begins, before the voice is known; it follows what this stream has taught.",
    )  # fmt: skip


class Leveller(Stage[LevellerParams]):
    """Gain that follows the gated loudness of the voice, frozen in pauses; channels are linked."""

    id: ClassVar[str] = "leveller"
    label: ClassVar[str] = "Leveller"
    params_type: ClassVar[type[Params]] = LevellerParams
    meters: ClassVar[tuple[MeterSpec, ...]] = (
        MeterSpec("gain_db", "Gain", "dB", -24.0, 24.0),
        MeterSpec("voice_lufs", "Voice arrives at", "LUFS", -60.0, 0.0),
        MeterSpec("held_gain_db", "Gain for the voice", "dB", -36.0, 36.0),
    )
    help: ClassVar[str] = "Keeps you at one loudness over seconds, and leaves pauses and the room alone."
    starts_bypassed: ClassVar[bool] = True

    def prepare(self, fmt: StreamFormat) -> None:
        """Compile and set up for a stream. Control thread."""
        compile_kernels(level)
        self.listener = new_listener(fmt)
        self._state = np.zeros(LEVELLER_STATE_SIZE)
        self._ring = np.zeros(FAST_STEPS)
        self._leaving = np.zeros(MOMENTARY_STEPS)
        self._glides = new_glides(1)
        self._settings = np.zeros(6)
        self._coefficients = np.array(
            [glide_coefficient(fmt.sample_rate, _WAKE_MS), glide_coefficient(fmt.sample_rate, _GLIDE_MS)]
        )
        self._designed_for: LevellerParams | None = None
        self.reset()

    def process(self, block: Block, ctx: Context[LevellerParams]) -> None:
        """Level in place. Audio thread."""
        params = ctx.params
        if params is not self._designed_for:
            self._designed_for = params
            self._settings[:] = (
                params.target_lufs,
                params.boost_db,
                params.cut_db,
                params.reaction_s,
                params.rate_db_per_s,
                params.start_db,
            )
        ctx.meters[0] = level(
            block,
            self._state,
            self._ring,
            self._leaving,
            self._glides,
            ctx.side.speech_probability,
            self._settings,
            self._coefficients,
            self.listener,
        )
        ctx.meters[1] = max(_NOTHING_LUFS, energy_to_lufs(float(self._state[VOICE_ENERGY])))
        ctx.meters[2] = self._state[GAIN_DB]

    def learnt(self) -> dict[str, float]:
        """The gain for this voice, once it is known and has moved: the next stream begins with it. Control thread."""
        params, gain_db = self._designed_for, float(self._state[GAIN_DB])
        if params is None or self._state[VOICE_ENERGY] == 0.0 or abs(gain_db - params.start_db) < _WORTH_KEEPING_DB:
            return {}
        return {"start_db": round(gain_db, 1)}

    def reset(self) -> None:
        """Forget the voice; the next block begins at the start gain. Audio thread."""
        forget_voice(self.listener)
        self._state.fill(0.0)
        self._state[GAIN_DB] = np.nan
        self._ring.fill(0.0)
        self._leaving.fill(0.0)
        self._glides.fill(np.nan)
