"""A stage in its place: the dry path beside it, bypass without click or shift, and a net under its failures.

Bypass is the chain's business, not the stage's. The dry path is delayed by the stage's own latency, so dry and wet are
aligned to the sample, and the switch is a crossfade. A bypassed stage stays fed, so it is warm when it returns, unless it
says that it would rather rest. A stage that raises, returns NaN or Inf, or keeps overrunning its budget is taken out and
tried again later.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

import numpy as np

from engine.core.chain_settings import SettingsInUse
from engine.core.crossfade import Crossfade
from engine.core.delay import DelayLine
from engine.core.finite import is_finite
from engine.core.kernel import compile_kernels
from engine.core.landing import Landing
from engine.core.meters import DurationHistogram
from engine.core.params import Params
from engine.core.side_signals import SideSignals
from engine.core.stage import Block, Context, Stage, StreamFormat

_OVERRUNS_TO_FAULT = 10
_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 60.0
_FORGIVEN_AFTER_S = 60.0


class Slot:
    """Runs one stage inside a chain.

    Attributes
    ----------
    fault : str
        Why the stage is out; empty while it works.
    fault_count : int
        Counts up with each fault, so that a reader notices one that came and went.
    """

    def __init__(
        self,
        stage: Stage[Any],
        params: Params,
        side: SideSignals | None = None,
        in_use: SettingsInUse | None = None,
    ) -> None:
        self.stage = stage
        self.context: Context[Any] = Context(params, len(stage.meters), side, in_use)
        self.durations = DurationHistogram()
        self.fault = ""
        self.fault_count = 0

    @property
    def budget_ns(self) -> int:
        """Time the stage may take per block before it counts as an overrun; 0 is no limit (offline)."""
        return self.context.budget_ns

    @budget_ns.setter
    def budget_ns(self, budget_ns: int) -> None:
        self.context.budget_ns = budget_ns

    def prepare(self, fmt: StreamFormat) -> None:
        """Prepare the stage and everything beside it. Control thread."""
        self.stage.prepare(fmt)
        compile_kernels(is_finite)
        self.latency_samples = self.stage.latency_samples
        self._sample_rate = fmt.sample_rate
        self._delay = DelayLine(fmt.channels, self.latency_samples)
        self._dry = np.zeros((fmt.channels, fmt.max_frames), np.float32)
        self._landing = Landing(fmt.channels)
        self._fade = Crossfade(fmt.sample_rate)
        self._wetness = self._fade.frames
        self._overruns = 0
        self._pause_s = _FIRST_PAUSE_S
        self._pause_frames = 0
        self._good_frames = 0
        self._is_resting = False
        self.durations.reset()
        self.fault = ""

    def snap(self, is_bypassed: bool) -> None:
        """Stand at the end of the fade, for the moment before a stream begins. Control thread."""
        self._wetness = 0 if is_bypassed else self._fade.frames

    def process(self, block: Block, params: Params, is_bypassed: bool) -> None:
        """Run the stage over `block` in place, shape (channels, frames). Audio thread."""
        frames = block.shape[1]
        dry = self._dry[:, :frames]
        self._delay.process(block, dry)
        if self.fault and not self._is_due_again(frames):
            block[:] = dry
            self._landing.cross(block)
        elif is_bypassed and self._wetness <= 0 and self.stage.rests_bypassed:
            block[:] = dry
            self.durations.add(0)
            self._is_resting = True
        elif self._is_resting and not self._begin_anew():
            self._fall_back(block, dry)
        else:
            self.context.params = params
            if self._run(block):
                self.fault = ""
                self._good_frames += frames
                self._mix(block, dry, is_bypassed)
            else:
                self._fall_back(block, dry)
        self._landing.keep(block, dry)

    def dry(self, frames: int) -> Block:
        """The dry path beside the block just processed, shape (channels, frames). Audio thread."""
        return self._dry[:, :frames]

    def _run(self, block: Block) -> bool:
        started_ns = perf_counter_ns()
        try:
            self.stage.process(block, self.context)
        except Exception as error:  # noqa: BLE001 - whatever a stage raises, the audio goes on
            return self._fail(f"{type(error).__name__}: {error}")
        elapsed_ns = perf_counter_ns() - started_ns
        self.durations.add(elapsed_ns)
        if not is_finite(block):
            return self._fail("it returned samples that are no numbers")
        self._overruns = self._overruns + 1 if self.budget_ns and elapsed_ns > self.budget_ns else 0
        if self._overruns >= _OVERRUNS_TO_FAULT:
            return self._fail(f"it takes longer than the time there is ({elapsed_ns / 1e6:.1f} ms a block)")
        return True

    def _fail(self, reason: str) -> bool:
        self.fault = reason
        self.fault_count += 1
        self._overruns = 0
        if self._good_frames > _FORGIVEN_AFTER_S * self._sample_rate:
            self._pause_s = _FIRST_PAUSE_S
        self._good_frames = 0
        self._pause_frames = round(self._pause_s * self._sample_rate)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        return False

    def _is_due_again(self, frames: int) -> bool:
        self._pause_frames -= frames
        if self._pause_frames > 0:
            return False
        return self._begin_anew()

    def _begin_anew(self) -> bool:
        self._is_resting = False
        try:
            self.stage.reset()
        except Exception as error:  # noqa: BLE001 - as in `_run`
            return self._fail(f"{type(error).__name__}: {error}")
        # Silent until its own latency has passed, then faded in from zero.
        self._wetness = -self.latency_samples
        return True

    def _fall_back(self, block: Block, dry: Block) -> None:
        # What the stage wrote cannot be used, so there is nothing to fade from.
        block[:] = dry
        self._landing.begin()
        self._wetness = 0
        self._landing.cross(block)

    def _mix(self, block: Block, dry: Block, is_bypassed: bool) -> None:
        frames = block.shape[1]
        start = self._wetness
        if is_bypassed and start <= 0:
            self._wetness = min(start + frames, 0)
            block[:] = dry
            return
        if not is_bypassed and start == self._fade.frames:
            return
        step = -1 if is_bypassed else 1
        self._fade.process(dry, block, block, start, step)
        end = start + step * frames
        self._wetness = max(end, 0) if is_bypassed else min(end, self._fade.frames)
