"""Captions in the characters and rows that CEA-608 has: Western letters, 32 to a row.

Source: ANSI/CTA-608-E, tables 49 to 55 (basic, special and the two extended Western European character sets).
"""

from __future__ import annotations

import textwrap
import unicodedata

COLUMNS = 32
ROWS = 2
UNKNOWN = "?"

_BASIC = {chr(code) for code in range(0x20, 0x7F)} - {"`"}
_SPECIAL = set("áéíóúç÷Ññ®°½¿™¢£♪àèâêîôû")
_EXTENDED = set("ÁÉÓÚÜü‘¡’—©•“”ÀÂÇÈÊËëÎÏïÔÙùÛ«»ÃãÍÌìÒòÕõÄäÖöß¥¤ÅåØø")
REPERTOIRE = frozenset(_BASIC | _SPECIAL | _EXTENDED)

_NEAREST = {
    "`": "'", "´": "'", "‚": "'", "‹": "'", "›": "'", "„": '"', "‟": '"', "…": "...", "–": "-", "‐": "-", "‑": "-", "−": "-",
    "€": "EUR", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "ð": "d", "Þ": "Th",
    "þ": "th", "ı": "i", "ẞ": "SS", "×": "x", "¼": "1/4", "¾": "3/4", "№": "No", "♫": "♪", "\u200b": "", "\ufeff": "",
}  # fmt: skip


def to_western(text: str) -> str:
    """`text` in the characters of CEA-608: the same ones, else the nearest ones, else a question mark."""
    return "".join(_western(character) for character in unicodedata.normalize("NFC", text))


def is_western(text: str) -> bool:
    """Whether more than half of the letters can be sent; else the viewer would read question marks."""
    letters = [character for character in unicodedata.normalize("NFC", text) if character.isalpha()]
    return 2 * sum(_western(letter) != UNKNOWN for letter in letters) >= len(letters)


def last_rows(text: str, rows: int = ROWS, columns: int = COLUMNS) -> str:
    """The last rows of `text` when it is broken between words, joined by line ends."""
    return "\n".join(textwrap.wrap(text, columns, break_on_hyphens=False)[-rows:])


def _western(character: str) -> str:
    if character in REPERTOIRE:
        return character
    if character in _NEAREST:
        return _NEAREST[character]
    if character.isspace():
        return " "
    bare = "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
    return bare if bare and all(part in REPERTOIRE for part in bare) else UNKNOWN if bare else ""
