"""Undo and redo of changes of sound, whichever source they came from: a bounded list of steps, each with its way back.

A step holds only what it changed, so taking it back leaves everything else as it is. Steps of the same subject that follow
each other closely are one: a knob that is dragged sends fifty values and is taken back at once. Control thread; the caller
locks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

from engine.config import ChainConfig

_MOST_STEPS = 200
_SAME_GESTURE_S = 1.0
"""Two changes of the same subject that lie no further apart are one gesture."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change.

    Attributes
    ----------
    before, after : ChainConfig
        What it changed, as it was and as it is; the same names in both.
    title : str
        What a person calls it, where the names do not say enough; else empty.
    """

    before: ChainConfig
    after: ChainConfig
    title: str = ""

    @property
    def subject(self) -> tuple[frozenset[str], frozenset[str]]:
        """What it is about."""
        return frozenset(self.after.params), frozenset(self.after.bypass)


class History:
    """The steps that led here, and those that were taken back.

    Parameters
    ----------
    now_s : callable
        The clock by which gestures are told apart.
    """

    def __init__(self, now_s: Callable[[], float] = monotonic) -> None:
        self._now_s = now_s
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._noted_at_s = float("-inf")

    @property
    def last(self) -> Step | None:
        """The step that `undo` would take back."""
        return self._done[-1] if self._done else None

    @property
    def next(self) -> Step | None:
        """The step that `redo` would do again."""
        return self._undone[-1] if self._undone else None

    def note(self, step: Step) -> None:
        """Take in a step that was just done; one that changed nothing is none."""
        if step.before == step.after:
            return
        self._undone.clear()
        now_s = self._now_s()
        is_same_gesture = now_s - self._noted_at_s <= _SAME_GESTURE_S
        self._noted_at_s = now_s
        last = self.last
        if last is not None and is_same_gesture and not step.title and not last.title and last.subject == step.subject:
            self._done[-1] = replace(last, after=step.after)
            return
        self._done.append(step)
        del self._done[:-_MOST_STEPS]

    def undo(self) -> Step | None:
        """Take the last step back: the caller brings `before` about. None if there is none."""
        return self._move(self._done, self._undone)

    def redo(self) -> Step | None:
        """Do the step again that was taken back last: the caller brings `after` about. None if there is none."""
        return self._move(self._undone, self._done)

    def _move(self, source: list[Step], target: list[Step]) -> Step | None:
        if not source:
            return None
        step = source.pop()
        target.append(step)
        # What comes next is another gesture, however soon.
        self._noted_at_s = float("-inf")
        return step


def difference(before: ChainConfig, after: ChainConfig) -> tuple[ChainConfig, ChainConfig]:
    """What of `after` is not as in `before`, which is whole: as it was, and as it is."""
    params = [name for name, value in after.params.items() if before.params.get(name, value) != value]
    stages = [stage for stage, is_out in after.bypass.items() if before.bypass.get(stage, is_out) != is_out]
    return (
        ChainConfig(
            params={name: before.params[name] for name in params},
            bypass={stage: before.bypass[stage] for stage in stages},
        ),
        ChainConfig(
            params={name: after.params[name] for name in params},
            bypass={stage: after.bypass[stage] for stage in stages},
        ),
    )
