"""The pieces that a speech model writes with, out of either kind of file that carries them, and words made of pieces.

A piece is a bit of text; "▁" stands for a space, and what no piece spells comes byte by byte. Pure; no thread of its own.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.errors import ModelError

_SPACE = "▁"
_BYTE = re.compile(rb"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a hypothesis.

    Attributes
    ----------
    text : str
        With the space before it, if there is one; words put together are the sentence.
    mark : str
        Punctuation behind it, which often changes with what comes next.
    confidence : float
        Mean probability of its pieces, 0 … 1.
    """

    text: str
    mark: str
    confidence: float


class Tokenizer:
    """Turns token ids into words.

    Parameters
    ----------
    pieces : Sequence[bytes]
        Piece by token id; empty where an id stands for no text.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = tuple(_plain(piece) for piece in pieces)

    def __len__(self) -> int:
        return len(self._pieces)

    def text(self, tokens: Sequence[int]) -> str:
        """What the tokens spell, without the space before the first word."""
        return self._spelt(tokens).lstrip(" ")

    def words(self, tokens: Sequence[int], probabilities: Sequence[float]) -> tuple[Word, ...]:
        """The words that the tokens spell."""
        bounds = [0, *(index for index in range(1, len(tokens)) if self._begins_word(tokens[index])), len(tokens)]
        # Through a list: Python puts a tuple that grew out of a generator aside when it is gone, and takes it for no later one.
        return tuple(
            [self._word(tokens[begin:end], probabilities[begin:end]) for begin, end in pairwise(bounds) if begin < end]
        )

    def _begins_word(self, token: int) -> bool:
        piece = self._pieces[token]
        if piece.startswith(b" "):
            return True
        # Scripts without spaces: every character may begin a word.
        first = piece.decode("utf-8", "ignore")[:1]
        return bool(first) and unicodedata.east_asian_width(first) == "W" and first.isalnum()

    def _word(self, tokens: Sequence[int], probabilities: Sequence[float]) -> Word:
        text_tokens = len(tokens)
        while text_tokens > 1 and not self._has_letters(tokens[text_tokens - 1]):
            text_tokens -= 1
        return Word(
            text=self._spelt(tokens[:text_tokens]),
            mark=self._spelt(tokens[text_tokens:]),
            confidence=sum(probabilities[:text_tokens]) / text_tokens,
        )

    def _has_letters(self, token: int) -> bool:
        piece = self._pieces[token]
        text = piece.decode("utf-8", "ignore")
        # What does not decode is a byte of a longer character, and these are mostly letters.
        return any(map(str.isalnum, text)) or (not text and bool(piece))

    def _spelt(self, tokens: Sequence[int]) -> str:
        return b"".join(self._pieces[token] for token in tokens).decode("utf-8", "replace")


def _plain(piece: bytes) -> bytes:
    if match := _BYTE.fullmatch(piece):
        return bytes([int(match[1], 16)])
    if re.fullmatch(rb"<[^<>]*>", piece):
        return b""  # begin, end, unknown: no text
    return piece.replace(_SPACE.encode(), b" ")


def read_tokenizer(name: str, content: bytes) -> Tokenizer:
    """The tokenizer in a file's content: `*.bin` of Moonshine's packages, or `tokenizer.json` of Hugging Face's.

    Raises
    ------
    ModelError
        If it is neither.
    """
    try:
        return Tokenizer(_from_json(content) if name.endswith(".json") else _from_bin(content))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ModelError(
            f"{name} is no list of word pieces that Sidetone can read ({error}); choose another model"
        ) from None


def _from_bin(content: bytes) -> list[bytes]:
    """Pieces one after another, each behind its length: one byte below 128, else two, the second counting 128s."""
    pieces, at = [], 0
    while at < len(content):
        length = content[at]
        at += 1
        if length >= 128:
            length += 128 * content[at] - 128
            at += 1
        if at + length > len(content):
            raise ValueError("it is cut off")
        pieces.append(content[at : at + length])
        at += length
    return pieces


def _from_json(content: bytes) -> list[bytes]:
    document = json.loads(content)
    vocabulary: dict[str, int] = dict(document["model"]["vocab"])
    special = {entry["content"]: entry["id"] for entry in document.get("added_tokens", ()) if entry.get("special")}
    by_id = {index: piece.encode() for piece, index in vocabulary.items()} | dict.fromkeys(special.values(), b"")
    if not by_id or min(by_id) < 0 or max(by_id) > 1_000_000:
        raise ValueError("its ids make no sense")
    return [by_id.get(index, b"") for index in range(max(by_id) + 1)]
