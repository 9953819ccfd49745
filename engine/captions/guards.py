"""What a lost recogniser writes, and how it is kept from the viewers: repetitions, too many words, words it doubts itself."""

from __future__ import annotations

from collections.abc import Sequence

from engine.inference.tokens import Word

LEAST_SPEECH_S = 0.2
"""Shorter sounds are coughs and clicks."""

LEAST_CONFIDENCE = 0.5
"""Mean over the words of a segment."""

_LEAST_AFTERTHOUGHT_CONFIDENCE = 0.7
"""In the first word of a sentence that nobody was heard beginning."""

MOST_WORDS_PER_S = 6.0
_SHORT_LETTERS = 4
"""A word as short as this may well be said four times on end, anything longer twice."""
_LONGEST_PHRASE = 12


def is_believable(words: Sequence[Word], speech_s: float) -> bool:
    """Whether somebody can have said this in so much speech."""
    if not words or speech_s < LEAST_SPEECH_S or len(words) > max(2.0, MOST_WORDS_PER_S * speech_s):
        return False
    return sum(word.confidence for word in words) / len(words) >= LEAST_CONFIDENCE


def without_repetitions(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words up to where a phrase begins to come again and again."""
    spoken = [plain(word) for word in words]
    for end in range(1, len(words) + 1):
        for length in range(1, min(_LONGEST_PHRASE, end) + 1):
            phrase = spoken[end - length : end]
            repeats = 5 if sum(map(len, phrase)) <= _SHORT_LETTERS else 3
            begin = end - repeats * length
            if begin >= 0 and spoken[begin:end] == phrase * repeats:
                return tuple(words[: begin + length])
    return tuple(words)


def without_afterthought(words: Sequence[Word], spoken: int) -> tuple[Word, ...]:
    """The words without a sentence that the model doubts and that came up in the pause after the `spoken` first words.

    Out of silence a recogniser makes what often ends a recording: "Thank you."
    """
    for index in range(max(1, spoken), len(words)):
        begins_sentence = words[index - 1].mark.endswith((".", "?", "!"))
        if begins_sentence and words[index].confidence < _LEAST_AFTERTHOUGHT_CONFIDENCE:
            return tuple(words[:index])
    return tuple(words)


def plain(word: Word) -> str:
    """A word as it is compared: neither capitals nor marks count."""
    return "".join(character for character in word.text.casefold() if character.isalnum())
