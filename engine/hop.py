"""One hop of sound: chain, meters and their cost. The same object runs under the DSP thread and the offline renderer."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns

from engine.core.chain import Chain
from engine.core.kernel import compile_kernels
from engine.core.meters import DurationHistogram
from engine.core.stage import Block
from engine.core.tap import Tap
from engine.dsp.level import LevelMeter
from engine.dsp.loudness import LoudnessMeter
from engine.dsp.loudness_history import LoudnessHistory
from engine.dsp.sanity import make_sane
from engine.monitor import MonitorBus
from engine.side_by_side import SideBySide
from engine.snapshot import TapPoint

MONITOR_AFTER = "high_pass"
"""The monitor bus leaves the chain here: rumble is gone, and nothing with a long delay has happened yet."""

DENOISED_AFTER = "denoise"
TAPPED_STAGES = (MONITOR_AFTER, DENOISED_AFTER)

_TAP_S = 10


class HopProcessor:
    """Runs a prepared chain over one hop after the other and keeps the figures that a snapshot or a report shows.

    Parameters
    ----------
    chain : Chain
        Prepared; its format gives rate, channels and the longest block.
    is_mono_doubled : bool
        Whether one channel will be heard from two: then it counts twice in the loudness (+3.01 LU).
    monitor : MonitorBus or None
        What the monitor bus passes through, prepared; None leaves it as the chain gives it.

    Attributes
    ----------
    side_by_side : SideBySide or None
        A comparison that goes on; set by the control thread.
    """

    def __init__(self, chain: Chain, is_mono_doubled: bool = False, monitor: MonitorBus | None = None) -> None:
        compile_kernels(make_sane)
        fmt = chain.format
        weights = [2.0] if is_mono_doubled and fmt.channels == 1 else None
        self.chain = chain
        self._monitor = monitor
        self.durations = DurationHistogram()
        self.input_level = LevelMeter(fmt.sample_rate, fmt.channels)
        self.output_level = LevelMeter(fmt.sample_rate, fmt.channels)
        self.loudness = LoudnessMeter(fmt.sample_rate, fmt.channels, weights)
        self.loudness_history = LoudnessHistory(fmt.sample_rate)
        self.taps = {point: Tap(_TAP_S * fmt.sample_rate) for point in TapPoint}
        self.side_by_side: SideBySide | None = None
        self._write_monitor: Callable[[Block], None] | None = None
        self._is_reset_due = False

    def process(
        self, block: Block, music: Block | None = None, write_monitor: Callable[[Block], None] | None = None
    ) -> None:
        """Change `block` in place, shape (channels, frames). Audio thread.

        Parameters
        ----------
        music : Block or None
            The second input, if there is one; see `Chain.process`.
        write_monitor : callable or None
            Takes the monitor bus, shape (channels, frames): as soon as it is there, so that the work of what comes after it
            does not count among its delays.
        """
        started_ns = perf_counter_ns()
        if self._is_reset_due:
            self._is_reset_due = False
            self._reset_meters()
        make_sane(block)
        if music is not None:
            make_sane(music)
        self.input_level.process(block)
        self.taps[TapPoint.INPUT].process(block)
        self._write_monitor = write_monitor
        side_by_side = self.side_by_side
        if side_by_side is None:
            self.chain.process(block, music, self._at_tap)
        else:
            self._compare(side_by_side, block, music)
        denoised = self.chain.tap(DENOISED_AFTER, block.shape[1])
        if denoised is not None:
            self.taps[TapPoint.DENOISED].process(denoised)
        self.taps[TapPoint.OUTPUT].process(block)
        self.output_level.process(block)
        self.loudness.process(block)
        self.loudness_history.process(block.shape[1], self.loudness.short_term_lufs)
        self.durations.add(perf_counter_ns() - started_ns)

    def _compare(self, side_by_side: SideBySide, block: Block, music: Block | None) -> None:
        if side_by_side.is_private:
            side_by_side.process(block, music)
            self._to_monitor(side_by_side.heard(block.shape[1]))
        else:
            side_by_side.process(block, music, self._at_tap)
            block[:] = side_by_side.heard(block.shape[1])

    def _at_tap(self, stage_id: str, tap: Block) -> None:
        if stage_id == MONITOR_AFTER:
            self._to_monitor(tap)

    def _to_monitor(self, bus: Block) -> None:
        if self._write_monitor is None:
            return
        if self._monitor is not None:
            self._monitor.process(bus)
        self._write_monitor(bus)

    @property
    def latency_samples(self) -> int:
        """Delay of the air bus now: the chain's, and what a comparison adds to align it. Any thread."""
        side_by_side = self.side_by_side
        if side_by_side is None or side_by_side.is_private or side_by_side.is_at_rest:
            return self.chain.latency_samples
        return side_by_side.delay_samples

    def reset_meters(self) -> None:
        """Begin durations and loudness anew with the next hop. Any thread."""
        self._is_reset_due = True

    def _reset_meters(self) -> None:
        self.durations.reset()
        self.loudness.reset()
        self.loudness_history.reset()
        for slot in self.chain.slots:
            slot.durations.reset()
