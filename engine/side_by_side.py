"""Two chains over the same sound, aligned to the sample and equally loud, of which one is heard.

A is the chain that runs anyway. B hears the same input, and whichever is earlier is delayed. Both are measured as loudness
is, and the louder one is lowered; that is the one thing between a comparison and the old trap that louder is taken for better.
Every change of what is heard is a crossfade.

Source: loudness as ITU-R BS.1770-4 (`engine.dsp.loudness`).
"""

from __future__ import annotations

import math

import numpy as np

from engine.comparison import Source
from engine.core.chain import Chain, TapListener
from engine.core.crossfade import Crossfade
from engine.core.delay import DelayLine
from engine.core.stage import Block, StreamFormat
from engine.dsp.loudness import LoudnessMeter

WARM_UP_S = 1.0
"""B is not heard before: a network that begins in the middle of the sound judges badly at first."""
GLIDE_S = 0.1
LARGEST_MATCH_DB = 30.0


class _Side:
    """What comes out of one chain, delayed, measured, and lowered if it is the louder one."""

    def __init__(self, fmt: StreamFormat, delay_samples: int) -> None:
        self.meter = LoudnessMeter(fmt.sample_rate, fmt.channels)
        self.gain_db = 0.0
        self._line = DelayLine(fmt.channels, delay_samples)
        self._gain = 1.0
        self._glide = 1.0 - math.exp(-fmt.max_frames / (GLIDE_S * fmt.sample_rate))
        self._ramp = np.linspace(0.0, 1.0, fmt.max_frames + 1, dtype=np.float32)[1:]

    def process(self, block: Block, out: Block) -> None:
        """Write to `out` what is to be heard of this side. Audio thread."""
        self.meter.process(block)
        self._line.process(block, out)
        start = self._gain
        self._gain += self._glide * (10.0 ** (self.gain_db / 20.0) - start)
        frames = block.shape[1]
        out *= np.float32(start) + np.float32(self._gain - start) * self._ramp[-frames:]


class SideBySide:
    """Runs a chain and, if there is one, another beside it.

    Parameters
    ----------
    chain : Chain
        A; prepared, and running.
    other : Chain or None
        B; prepared for the same format. None: there is only what is removed to be listened to.
    removed_by : str
        Id of the stage whose work `Source.REMOVED` lets hear; tapped by `chain`.
    private_after : str
        Id of the stage after which the monitor bus is taken, if that alone shall carry what is heard, and the air bus go on
        as ever; empty if there is no monitor.
    """

    def __init__(self, chain: Chain, other: Chain | None, removed_by: str, private_after: str = "") -> None:
        fmt = chain.format
        self.chain = chain
        self.other = other
        self.is_private = bool(private_after)
        self._private_after = private_after
        self._removed_by = removed_by
        self._latencies = chain.latency_samples, other.latency_samples if other else chain.latency_samples
        self.delay_samples = max(self._latencies)
        self._sides = tuple(_Side(fmt, self.delay_samples - own) for own in self._latencies)
        self._edition = chain.settings.edition
        shape = (fmt.channels, fmt.max_frames)
        self._sounds = {source: np.zeros(shape, np.float32) for source in Source}
        self._mix = np.zeros(shape, np.float32)
        self._wanted = self._heard = self._next = Source.NOW
        self._fade = Crossfade(fmt.sample_rate)
        self._faded_frames = 0
        self._frames_to_warm = round(WARM_UP_S * fmt.sample_rate) if other else 0

    def listen(self, source: Source) -> None:
        """Let NOW, A, B or REMOVED be heard, as soon as it is good. Any thread."""
        self._wanted = source

    @property
    def is_at_rest(self) -> bool:
        """Whether the chain is heard as ever, so that this can be taken away. Any thread."""
        return self._heard is Source.NOW and self._next is Source.NOW and self._wanted is Source.NOW

    @property
    def is_aligned(self) -> bool:
        """Whether both chains still have the delays for which the sides were aligned. Any thread."""
        now = self.chain.latency_samples, self.other.latency_samples if self.other else self.chain.latency_samples
        return now == self._latencies

    @property
    def gains_db(self) -> tuple[float, float]:
        """What A and B are changed by; never above 0."""
        return self._sides[0].gain_db, self._sides[1].gain_db

    def match(self) -> None:
        """Set the louder side back to the loudness of the other, as far as both are known. Control thread, now and then."""
        if self.other is None:
            return
        a, b = (side.meter.integrated_lufs for side in self._sides)
        if not (math.isfinite(a) and math.isfinite(b)):
            return
        louder_db = min(max(a - b, -LARGEST_MATCH_DB), LARGEST_MATCH_DB)
        self._sides[0].gain_db = min(0.0, -louder_db)
        self._sides[1].gain_db = min(0.0, louder_db)

    def process(self, block: Block, music: Block | None = None, listener: TapListener | None = None) -> None:
        """Run the chain over `block`, shape (channels, frames), as if there were no other. Audio thread; then ask `heard`.

        `listener` hears the taps of the chain; see `Chain.process`.
        """
        frames = block.shape[1]
        sounds = {source: sound[:, :frames] for source, sound in self._sounds.items()}
        if self.other is not None:
            sounds[Source.X][:] = block
            self.other.process(sounds[Source.X], music)
            self._sides[1].process(sounds[Source.X], sounds[Source.B])
            self._frames_to_warm -= min(frames, self._frames_to_warm)
        self.chain.process(block, music, listener)
        if self.chain.settings.edition != self._edition:
            # What was measured is of other settings.
            self._edition = self.chain.settings.edition
            for side in self._sides:
                side.meter.reset()
        monitor = self.chain.tap(self._private_after, frames) if self.is_private else None
        sounds[Source.NOW][:] = block if monitor is None else monitor
        self._sides[0].process(block, sounds[Source.A])
        wet = self.chain.tap(self._removed_by, frames)
        if wet is not None:
            np.subtract(self.chain.dry(self._removed_by, frames), wet, out=sounds[Source.REMOVED])
        self._blend(sounds, self._mix[:, :frames])

    def heard(self, frames: int) -> Block:
        """What is to be heard of the block just processed, shape (channels, frames). Audio thread."""
        return self._mix[:, :frames]

    def _blend(self, sounds: dict[Source, Block], mix: Block) -> None:
        if self._next is self._heard:
            is_cold = self._wanted is Source.B and self._frames_to_warm > 0
            self._next = self._heard if is_cold else self._wanted
            self._faded_frames = 0
        mix[:] = sounds[self._heard]
        if self._next is self._heard:
            return
        self._fade.process(mix, sounds[self._next], mix, self._faded_frames)
        self._faded_frames += mix.shape[1]
        if self._faded_frames >= self._fade.frames:
            self._heard = self._next
