"""How words are written: names spelt as their owner wants, words that must not be seen masked or dropped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.captions.guards import plain
from engine.errors import ParameterError
from engine.inference.tokens import Word

_HIDDEN = "\0"
MASK = "*"


@dataclass(frozen=True, slots=True)
class Written:
    """A stretch of text as it is shown.

    Attributes
    ----------
    text : str
        May begin with a space, as it continues what stands before it.
    confidences : tuple of float
        One for each word of `text`, words being what spaces separate.
    """

    text: str = ""
    confidences: tuple[float, ...] = ()

    @property
    def confidence(self) -> float:
        """Mean over the words; 1 where there is none."""
        return sum(self.confidences) / len(self.confidences) if self.confidences else 1.0


class Wording:
    """The rules by which recognised words become text. Never changed, so any number of lines may use one.

    Parameters
    ----------
    dictionary : Mapping[str, str]
        What is heard (one or more words, capitals do not count) -> what is written, in just these letters.
    filters : Sequence[str]
        Regular expressions of what must not be seen; capitals do not count.
    is_dropping : bool
        Whether that is left out; otherwise its letters are masked.

    Raises
    ------
    ParameterError
        If one of `filters` is no regular expression.
    """

    def __init__(
        self, dictionary: Mapping[str, str] | None = None, filters: Sequence[str] = (), is_dropping: bool = False
    ) -> None:
        self._names = {_plain_words(heard): written for heard, written in (dictionary or {}).items() if heard.strip()}
        self._longest = max(map(len, self._names), default=0)
        self._beginnings = {heard[:size] for heard in self._names for size in range(1, len(heard))}
        self._filters = tuple(_compiled(pattern) for pattern in filters if pattern)
        self._is_dropping = is_dropping

    def held_back(self, words: Sequence[Word], count: int) -> int:
        """How many of the first `count` words can be shown for good without splitting a name of the dictionary."""
        spoken = [plain(word) for word in words]
        for begin, end in self._found(spoken):
            if begin < count < end:
                return begin
        for begin in range(max(0, count - self._longest + 1), count):
            if tuple(spoken[begin:count]) in self._beginnings:
                return begin
        return count

    def spelt(self, words: Sequence[Word], has_last_mark: bool) -> Written:
        """The words with the names of the dictionary in place, nothing hidden yet."""
        spoken = [plain(word) for word in words]
        parts: list[tuple[str, float]] = []
        at = 0
        for begin, end in [*self._found(spoken), (len(words), len(words))]:
            parts += [(word.text + word.mark, word.confidence) for word in words[at:begin]]
            if begin < end:
                space = " " if words[begin].text.startswith(" ") else ""
                confidence = sum(word.confidence for word in words[begin:end]) / (end - begin)
                parts.append((space + self._names[tuple(spoken[begin:end])] + words[end - 1].mark, confidence))
            at = end
        if parts and words[-1].mark and not has_last_mark:
            parts[-1] = (parts[-1][0].removesuffix(words[-1].mark), parts[-1][1])
        return _joined(parts)

    def hidden(self, text: str, shown: str) -> str:
        """The text with a sign in the place of each letter that must not be seen, as long as before.

        `shown`, what this gave for the beginning of the text, is already seen and stays.
        """
        letters = list(text)
        for pattern in self._filters:
            for match in pattern.finditer(text):
                for index in range(*match.span()):
                    if text[index].isalnum():
                        letters[index] = _HIDDEN
        return shown + "".join(letters[len(shown) :])

    def visible(self, hidden: str, confidences: Sequence[float]) -> Written:
        """What is shown of a text that `hidden` made."""
        if not self._is_dropping:
            return Written(hidden.replace(_HIDDEN, MASK), tuple(confidences))
        kept = [
            (word.replace(_HIDDEN, ""), confidence)
            for word, confidence in zip(hidden.split(), confidences, strict=True)
            if _HIDDEN not in word or any(map(str.isalnum, word.replace(_HIDDEN, "")))
        ]
        space = " " if hidden.startswith(" ") and kept else ""
        return Written(space + " ".join(word for word, _ in kept), tuple([confidence for _, confidence in kept]))

    def _found(self, spoken: Sequence[str]) -> list[tuple[int, int]]:
        """Where names of the dictionary stand, the longest that begins first."""
        found, at = [], 0
        while at < len(spoken):
            sizes = range(min(self._longest, len(spoken) - at), 0, -1)
            size = next((size for size in sizes if tuple(spoken[at : at + size]) in self._names), 0)
            if size:
                found.append((at, at + size))
            at += size or 1
        return found


def _joined(parts: Sequence[tuple[str, float]]) -> Written:
    text = "".join(part for part, _ in parts)
    confidences: list[float] = []
    for index, (part, confidence) in enumerate(parts):
        # What has no space before it (another script, a suffix) belongs to the word before.
        count = len(part.split()) - (1 if index and not part.startswith(" ") else 0)
        confidences += [confidence] * count
    return Written(text, tuple(confidences))


def _plain_words(text: str) -> tuple[str, ...]:
    words = ["".join(filter(str.isalnum, word.casefold())) for word in text.split()]
    return tuple([word for word in words if word])


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ParameterError(f"the word filter {pattern!r} is no regular expression ({error}); correct it") from None
