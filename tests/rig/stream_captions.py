"""Reads the CEA-608 captions in a recorded H.264 stream.

OBS puts them behind the picture they belong to, where FFmpeg does not look for them, so they are taken out of the bytes.

Source: ATSC A/53 Part 4 (user data `GA94`, caption data), ANSI/CTA-608-E (channel 1, odd parity, control codes).
"""

from __future__ import annotations

from pathlib import Path

_USER_DATA = b"\xb5\x00\x31GA94\x03"
_SPECIAL = "®°½¿™¢£♪à èâêîôû"
_BASIC = {0x2A: "á", 0x5C: "é", 0x5E: "í", 0x5F: "ó", 0x60: "ú", 0x7B: "ç", 0x7C: "÷", 0x7D: "Ñ", 0x7E: "ñ", 0x7F: "█"}


def stream_captions(recording: Path) -> list[str]:
    """The text of each caption message in a stream, in the order in which they were sent; its rows are joined by spaces."""
    parts = recording.read_bytes().split(_USER_DATA)[1:]
    return [text for part in parts if (text := _text(part))]


def _text(part: bytes) -> str:
    """What one message of user data writes; control codes only part rows."""
    part = part.replace(b"\x00\x00\x03", b"\x00\x00")
    count, text, before = part[0] & 0x1F, "", (0, 0)
    for at in range(2, 2 + 3 * count, 3):
        kind, first, second = part[at], part[at + 1] & 0x7F, part[at + 2] & 0x7F
        if kind & 0x07 != 0x04:  # not valid, or another field
            continue
        is_control = 0x10 <= first < 0x20
        if is_control and (first, second) != before:
            is_special = first & 0x77 == 0x11 and 0x30 <= second < 0x40
            text += _SPECIAL[second - 0x30] if is_special else " "
        elif not is_control:
            text += "".join(_BASIC.get(code, chr(code)) for code in (first, second) if code >= 0x20)
        before = (first, second) if is_control else (0, 0)
    return " ".join(text.split())
