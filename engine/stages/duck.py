"""Duck: adds music or a game from the second input, and turns it down while you speak. Audio thread; never waits.

It stands before the limiter, so that voice and music together keep the ceiling, and behind everything else, so that no effect
of the voice is steered by music. Without a second input it does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.core.kernel import compile_kernels
from engine.core.params import Params, param
from engine.core.stage import Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.decibel import SILENCE_DB, gain_to_db
from engine.dsp.ducking import duck
from engine.dsp.listening import HOLD_STEPS, forget_voice, hold_steps, new_listener, new_usual_voice
from engine.dsp.smoothing import glide_coefficient, new_glides

_OPENS_LU = 8.0


@dataclass(frozen=True)
class DuckParams(Params):
    """Parameters of `Duck`."""

    level_db: float = param(
        -12.0, lo=-40, hi=12, unit="dB", label="Level", main=True, help="How loud the music is while nobody speaks."
    )
    depth_db: float = param(
        12.0, lo=0, hi=40, unit="dB", label="Lowered by", main=True,
        help="The music is turned down by this much while you speak; 10 to 15 dB leaves it audible.",
    )  # fmt: skip
    hold_ms: float = param(
        800.0, lo=100, hi=5000, unit="ms", step=10, label="Hold", log=True,
        help="It stays down this long after your last word, so that it does not swell between sentences.",
    )  # fmt: skip
    attack_ms: float = param(
        60.0, lo=5, hi=1000, unit="ms", step=1, label="Down within", log=True, help="How fast it is turned down."
    )
    release_ms: float = param(
        600.0, lo=50, hi=5000, unit="ms", step=10, label="Back within", log=True, help="How slowly it comes back."
    )


class Duck(Stage[DuckParams]):
    """A second input, lowered under speech; its channels are linked."""

    id: ClassVar[str] = "duck"
    label: ClassVar[str] = "Music"
    params_type: ClassVar[type[Params]] = DuckParams
    meters: ClassVar[tuple[MeterSpec, ...]] = (
        MeterSpec("gain_reduction_db", "Turned down", "dB", 0.0, 40.0),
        MeterSpec("music_dbfs", "Music arriving", "dB", -60.0, 0.0),
    )
    help: ClassVar[str] = "Mixes in music or a game from the second input, and lowers it while you speak."

    def prepare(self, fmt: StreamFormat) -> None:
        """Compile and set up for a stream. Control thread."""
        compile_kernels(duck)
        self.listener = new_listener(fmt, _OPENS_LU)
        self._sample_rate = fmt.sample_rate
        self._voice = new_usual_voice()
        self._glides = new_glides(2)
        self._settings = np.zeros(2)
        self._ways = np.full(3, glide_coefficient(fmt.sample_rate))
        self._designed_for: DuckParams | None = None
        self._has_music = False

    def process(self, block: Block, ctx: Context[DuckParams]) -> None:
        """Add the music in place. Audio thread."""
        music = ctx.side.music
        self._has_music = music is not None
        if music is None:
            ctx.meters[:] = 0.0, SILENCE_DB
            return
        if ctx.params is not self._designed_for:
            self._designed_for = ctx.params
            self._design(ctx.params)
        ctx.meters[1] = gain_to_db(float(max(music.max(), -music.min(), 0.0)))
        ctx.meters[0] = duck(
            block,
            music,
            self._voice,
            self._glides,
            ctx.side.speech_probability,
            self._settings,
            self._ways,
            self.listener,
        )

    def _design(self, params: DuckParams) -> None:
        self.listener[HOLD_STEPS] = hold_steps(params.hold_ms)
        self._settings[:] = params.depth_db, params.level_db
        # Two equal poles are there, but for a decibel in twelve, after four of their time constants.
        self._ways[0] = glide_coefficient(self._sample_rate, params.attack_ms / 4)
        self._ways[1] = glide_coefficient(self._sample_rate, params.release_ms / 4)

    def reset(self) -> None:
        """Forget the voice; the music stands at its level. Audio thread."""
        forget_voice(self.listener)
        self._voice[:] = np.nan, 0.0
        self._glides.fill(np.nan)

    @property
    def waits_for(self) -> str:
        """A second input. Any thread."""
        return "" if self._has_music else "a second input"
