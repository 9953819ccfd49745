"""A/B/X: is X A or B? Drawn anew for every trial, and told only when all are answered."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from math import comb

from engine.comparison import Source


class BlindTest:
    """Draws X and counts the answers. Control thread.

    Parameters
    ----------
    trials : int
        At least 1.
    draw : callable
        Gives A or B.

    Attributes
    ----------
    x : Source
        What X is now, A or B.
    """

    def __init__(self, trials: int, draw: Callable[[], Source] = lambda: secrets.choice((Source.A, Source.B))) -> None:
        self.trials = trials
        self.answered = 0
        self._right = 0
        self._draw = draw
        self.x = draw()

    @property
    def is_over(self) -> bool:
        """Whether all trials are answered."""
        return self.answered >= self.trials

    @property
    def right(self) -> int | None:
        """Answers that were right; None before the last."""
        return self._right if self.is_over else None

    @property
    def guessing(self) -> float | None:
        """Probability of at least as many right answers by guessing alone; None before the last."""
        if not self.is_over:
            return None
        ways = sum(comb(self.trials, right) for right in range(self._right, self.trials + 1))
        return float(ways / 2**self.trials)

    def answer(self, guess: Source) -> None:
        """Take an answer, A or B, and draw the next X."""
        if self.is_over:
            return
        self._right += guess is self.x
        self.answered += 1
        self.x = self._draw()
