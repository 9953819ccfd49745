"""Starts, steers and ends comparisons over the live run; ends them too where the sound would suffer.

What is compared with (B) is a second chain with other settings; A stays under the user's hands, through `Controls` as ever.
Control thread; the caller sees to it that no run begins or ends meanwhile.
"""

from __future__ import annotations

from time import monotonic, sleep

from engine.commands import AnswerBlind, Compare, ComparisonCommand, EndComparison, Listen
from engine.comparison import ComparisonSnapshot, Source
from engine.config import SAMPLE_RATE_HZ, ChainConfig
from engine.control.blind_test import BlindTest
from engine.control.controls import Controls
from engine.control.model_changes import ModelChanges
from engine.control.presets import Presets
from engine.core.chain import Chain
from engine.errors import ParameterError
from engine.event_log import EventLog
from engine.hop import DENOISED_AFTER, MONITOR_AFTER
from engine.live import LiveRun
from engine.side_by_side import SideBySide
from engine.snapshot import EventKind

MOST_TRIALS = 100
MISSES_TO_END = 3
"""Deadlines missed since the comparison began: two chains are more than there is time for."""
_LONGEST_FADE_S = 1.0


class Comparisons:
    """The one comparison there may be.

    Parameters
    ----------
    chain : Chain
        A.
    controls : Controls
        The door through which B's settings become A's, if they are kept.
    presets : Presets
        Gives B the settings of a preset.
    models : ModelChanges
        Gives B another model.
    """

    def __init__(
        self, chain: Chain, controls: Controls, presets: Presets, models: ModelChanges, events: EventLog
    ) -> None:
        self._chain = chain
        self._controls = controls
        self._presets = presets
        self._models = models
        self._events = events
        self._model = ""
        self._heard = Source.NOW
        self._words = ""
        self._test: BlindTest | None = None
        self._misses = 0

    def carry_out(self, run: LiveRun | None, command: ComparisonCommand) -> None:
        """Do what a command says.

        Raises
        ------
        SidetoneError
            If it cannot be done; nothing has changed then.
        """
        match command:
            case Compare():
                self.start(run, command)
            case Listen(to=source):
                self.listen(run, source)
            case AnswerBlind(x=guess):
                self.answer(run, guess)
            case EndComparison(is_b_kept=is_b_kept):
                self.end(run, is_b_kept)

    def start(self, run: LiveRun | None, command: Compare) -> None:
        """Begin to run B beside A; nothing changes in the sound yet.

        Raises
        ------
        ParameterError
            If nothing runs, or the settings of B cannot be.
        ModelError, PresetError
            If B's model or preset cannot be had.
        """
        if not 0 <= command.trials <= MOST_TRIALS:
            raise ParameterError(f"a blind test has 1 to {MOST_TRIALS} trials, not {command.trials}")
        running = _expect_running(run)
        other = self._twin(command)
        self.end(running)
        self._model = command.model
        self._words = command.label or _words(command)
        self._test = BlindTest(command.trials) if command.trials else None
        self._begin(running, other)
        self._events.add(EventKind.NOTICE, f"a comparison begins: A as it is, B with {self._words}")

    def listen(self, run: LiveRun | None, source: Source) -> None:
        """Let something else be heard.

        Raises
        ------
        ParameterError
            If it is not there to be heard.
        """
        running = _expect_running(run)
        if source is Source.OTHER:
            source = Source.B if self._heard is Source.A else Source.A
        if source is Source.X and (self._test is None or self._test.is_over):
            raise ParameterError("there is no X to be heard; start a blind test with `ctl compare start --trials 10`")
        if source in (Source.A, Source.B, Source.X) and not self._is_comparing(running):
            raise ParameterError("there is no B to compare with; say what it is with `ctl compare start`")
        if source is Source.REMOVED and self._chain.tap(DENOISED_AFTER, 0) is None:
            raise ParameterError("this chain has no denoiser, so nothing is removed")
        if running.processor.side_by_side is None and source is Source.REMOVED:
            self._begin(running, None)
        self._heard = source
        side_by_side = running.processor.side_by_side
        if side_by_side is None:
            return
        side_by_side.listen(self._test.x if source is Source.X and self._test else source)
        if source is Source.NOW and side_by_side.other is None:
            self.end(running)

    def answer(self, run: LiveRun | None, guess: Source) -> None:
        """Say what X is, A or B; the next X is drawn, and A is heard.

        Raises
        ------
        ParameterError
            If there is no blind test, or the answer is neither.
        """
        if self._test is None or self._test.is_over:
            raise ParameterError("there is no blind test to answer; start one with `ctl compare start --trials 10`")
        if guess not in (Source.A, Source.B):
            raise ParameterError(f"X is a or b, not {guess}")
        self._test.answer(guess)
        # From one X to the next nothing may be heard, or it would tell whether they are the same.
        self.listen(run, Source.A)
        if self._test.guessing is not None:
            self._events.add(
                EventKind.NOTICE,
                f"blind test: {self._test.right} of {self._test.trials} right; by guessing alone as many are right "
                f"in {100 * self._test.guessing:.1f} % of all tests (A as it is, B with {self._words})",
            )

    def end(self, run: LiveRun | None, is_b_kept: bool = False) -> None:
        """Go back to the chain as ever, or let it take over B's settings first. Waits for the crossfade."""
        side_by_side = None if run is None else run.processor.side_by_side
        if run is not None and side_by_side is not None:
            if is_b_kept and side_by_side.other is not None:
                other = side_by_side.other
                self._controls.apply(
                    ChainConfig(params=other.values(), bypass=other.bypasses()), f"B kept: {self._words}"
                )
                if self._model:
                    self._models.use(self._model, "kept after a comparison", is_live=True)
                self._events.add(EventKind.NOTICE, f"B is kept: {self._words}")
            side_by_side.listen(Source.NOW)
            give_up_at_s = monotonic() + _LONGEST_FADE_S
            while not side_by_side.is_at_rest and run.worker.is_running and monotonic() < give_up_at_s:
                sleep(0.005)
            run.processor.side_by_side = None
        self._heard, self._words, self._model, self._test = Source.NOW, "", "", None

    def look_after(self, run: LiveRun) -> None:
        """Match the loudness, and end what cannot go on. Now and then."""
        side_by_side = run.processor.side_by_side
        if side_by_side is None:
            return
        side_by_side.match()
        if not side_by_side.is_aligned:
            self.end(run)
            self._events.add(EventKind.NOTICE, "the comparison has ended, because the chain's delay has changed")
        elif run.worker.deadline_misses - self._misses >= MISSES_TO_END:
            self.end(run)
            self._events.add(
                EventKind.NOTICE, "the comparison has ended, because there is not enough time for two chains"
            )

    def snapshot(self, run: LiveRun | None) -> ComparisonSnapshot | None:
        """How it stands; None if there is none."""
        side_by_side = None if run is None else run.processor.side_by_side
        if side_by_side is None:
            return None
        test = self._test
        return ComparisonSnapshot(
            heard=self._heard,
            other=self._words,
            is_private=side_by_side.is_private,
            delay_ms=1000.0 * side_by_side.delay_samples / SAMPLE_RATE_HZ,
            gains_db=side_by_side.gains_db,
            trials=test.trials if test else 0,
            answered=test.answered if test else 0,
            right=test.right if test else None,
            guessing=test.guessing if test else None,
        )

    def _is_comparing(self, run: LiveRun) -> bool:
        side_by_side = run.processor.side_by_side
        return side_by_side is not None and side_by_side.other is not None

    def _begin(self, run: LiveRun, other: Chain | None) -> None:
        self._misses = run.worker.deadline_misses
        self._heard = Source.NOW
        monitor = MONITOR_AFTER if run.stream.has_monitor else ""
        run.processor.side_by_side = SideBySide(self._chain, other, DENOISED_AFTER, monitor)

    def _twin(self, command: Compare) -> Chain:
        """B: stages of the same kind with weights shared, and the settings of A but for what `command` says."""
        chain = self._chain
        new = self._models.stage_with(command.model) if command.model else None
        other = Chain(
            new if new is not None and new.id == slot.stage.id else slot.stage.successor() for slot in chain.slots
        )
        preset = self._presets.chain(command.preset) if command.preset else ChainConfig()
        params = {**chain.values(), **preset.params, **command.chain.params}
        other.load(params, {**chain.bypasses(), **preset.bypass, **command.chain.bypass})
        other.prepare(chain.format)
        for own, twin in zip(chain.slots, other.slots, strict=True):
            twin.budget_ns = own.budget_ns
        return other


def _expect_running(run: LiveRun | None) -> LiveRun:
    if run is None or not run.worker.is_running:
        raise ParameterError("nothing can be compared while the engine stands still; start it first")
    return run


def _words(command: Compare) -> str:
    changed = [name for name in (command.preset, command.model) if name]
    changed += [f"{name} {value}" for name, value in command.chain.params.items()]
    changed += [f"{stage} {'off' if is_bypassed else 'on'}" for stage, is_bypassed in command.chain.bypass.items()]
    return ", ".join(changed) or "the same settings"
