"""Which words of a segment stand while it is still spoken: those on which hypotheses have agreed for long enough.

No hypothesis is bound to what stands already. What comes behind the words that stand is looked for where the hypothesis goes
on from them; so a word that stands wrongly does not lead the recogniser astray.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.captions.guards import plain, without_repetitions
from engine.inference.tokens import Word

AGREEMENT_S = ((0.95, 0.2), (0.8, 0.3), (0.5, 0.5), (0.0, 0.8))
"""Confidence in a word -> for how long hypotheses must agree on it; two at least.

If two are enough for every word, many that are wrong stand for good: they would have been mended by what follows.
"""

DOUBTED_BELOW, DOUBTED_TIMES = 0.88, 3.0
"""Where the mean confidence in all words is lower, as in noise, agreement must last so many times as long."""


class StablePrefix:
    """The newest hypothesis of a segment, and how much of its beginning stands.

    Attributes
    ----------
    words : tuple of Word
        All words; the first `committed` of them never change, but for the mark behind the last of these.
    committed : int
    """

    def __init__(self) -> None:
        self.words: tuple[Word, ...] = ()
        self.committed = 0
        self._agreed_since_s: list[float] = []
        self._heard_s = 0.0

    def hear(self, hypothesis: Sequence[Word], at_s: float) -> None:
        """Take in a hypothesis of all sound up to `at_s`, on any clock of the sound."""
        words = without_repetitions(continued(self.words[: self.committed], hypothesis))
        if len(words) < self.committed:
            words = self.words[: self.committed]
        same = _common(self.words, words)
        self._agreed_since_s = self._agreed_since_s[:same] + [at_s] * (len(words) - same)
        self.words, self._heard_s = words, at_s

    def stable(self, is_pause: bool) -> int:
        """How many words may stand: all in a pause, else none that nothing follows yet."""
        if is_pause:
            return len(self.words)
        followed = self.words[:-1]
        mean = sum(word.confidence for word in followed) / max(1, len(followed))
        patience = DOUBTED_TIMES if mean < DOUBTED_BELOW else 1.0
        count = self.committed
        while count < len(followed) and self._lasted_s(count) >= patience * _needed_s(followed[count].confidence):
            count += 1
        return count

    def _lasted_s(self, index: int) -> float:
        return self._heard_s - self._agreed_since_s[index]


def continued(committed: tuple[Word, ...], hypothesis: Sequence[Word]) -> tuple[Word, ...]:
    """The words that stand, and what follows on them in a hypothesis.

    They end in it where its beginning differs from them least, by Levenshtein's distance in words.
    """
    if not committed:
        return tuple(hypothesis)
    heard = [plain(word) for word in hypothesis]
    row = list(range(len(heard) + 1))
    for number, word in enumerate(map(plain, committed), 1):
        above, row = row, [number]
        for index, other in enumerate(heard):
            row.append(min(above[index + 1] + 1, row[index] + 1, above[index] + (word != other)))
    # Of two ends as good as each other the later one: a word that was taken for another is not to be written after it.
    end = max(index for index, distance in enumerate(row) if distance == min(row))
    last = committed[-1]
    if end and heard[end - 1] == plain(last):
        last = replace(last, mark=hypothesis[end - 1].mark)
    return (*committed[:-1], last, *hypothesis[end:])


def _needed_s(confidence: float) -> float:
    return next(seconds for least, seconds in AGREEMENT_S if confidence >= least)


def _common(before: tuple[Word, ...], now: tuple[Word, ...]) -> int:
    """How many words at the beginning two hypotheses have in common."""
    count = 0
    for one, other in zip(before, now, strict=False):
        if plain(one) != plain(other):
            break
        count += 1
    return count
