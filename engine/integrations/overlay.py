"""What the overlay page is sent: the captions of this moment and how they shall look, as one JSON object. Control thread.

Each message holds everything, so a page that was away, or is slow, needs nothing but the newest one.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.errors import SidetoneError
from engine.integrations.loopback_server import Page
from engine.services import ServicesSnapshot
from engine.services.captions import CaptionLine
from engine.services.loopback import OverlayPosition, OverlayTheme, TextDirection

_FILES = {
    "": ("index.html", "text/html; charset=utf-8"),
    "overlay.css": ("overlay.css", "text/css; charset=utf-8"),
    "overlay.js": ("overlay.js", "text/javascript; charset=utf-8"),
    "worker.js": ("worker.js", "text/javascript; charset=utf-8"),
}
_MOST_CAPTION_LINES = 8


class OverlayLine(msgspec.Struct, frozen=True):
    """One line: words that stand, each with how sure the model is (0 … 1), and what may still change."""

    id: int
    words: tuple[tuple[str, float], ...]
    tentative: str


class OverlayMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows; `keep_s` tells it when to clear itself after the server is gone."""

    theme: OverlayTheme
    position: OverlayPosition
    direction: TextDirection
    font_px: int
    outline_px: int
    rows: int
    keep_s: float
    lines: tuple[OverlayLine, ...]


class OverlayContent:
    """Makes messages of what the services say; remembers since when nothing was said."""

    def __init__(self) -> None:
        self._lines: tuple[CaptionLine, ...] = ()
        self._changed_s = 0.0

    def message(self, services: ServicesSnapshot, now_s: float) -> bytes:
        """The message of this moment, in UTF-8.

        Parameters
        ----------
        now_s : float
            On a clock that only goes forward.
        """
        config = services.config.overlay
        lines = services.captions.lines if services.captions is not None else ()
        if lines != self._lines:
            self._lines, self._changed_s = lines, now_s
        is_old = now_s - self._changed_s > config.keep_s and all(line.is_final for line in lines)
        shown = () if is_old else tuple(line for line in lines if line.committed or line.tentative)
        return msgspec.json.encode(
            OverlayMessage(
                theme=config.theme,
                position=config.position,
                direction=config.direction,
                font_px=config.font_px,
                outline_px=config.outline_px,
                rows=config.lines,
                keep_s=config.keep_s,
                lines=tuple(_line(line) for line in shown[-_MOST_CAPTION_LINES:]),
            )
        )


def overlay_pages(folder: Path) -> dict[str, Page]:
    """The page and what belongs to it, by name in its address.

    Raises
    ------
    SidetoneError
        If a file of the program is missing.
    """
    try:
        return {name: Page(kind, (folder / file).read_bytes()) for name, (file, kind) in _FILES.items()}
    except OSError as error:
        raise SidetoneError(f"{error.filename} belongs to this program and is gone; install Sidetone again") from None


def _line(line: CaptionLine) -> OverlayLine:
    words = line.committed.split()
    known = (*line.confidences, *(1.0 for _ in words))
    return OverlayLine(
        line.id, tuple((word, round(sure, 2)) for word, sure in zip(words, known, strict=False)), line.tentative
    )
