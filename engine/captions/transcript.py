"""Captions in files: WebVTT, SubRip, plain text and JSON, each valid after every line, whatever happens to the program.

A line is put at the end in one write, so that a kill loses the line being spoken and nothing else. May wait for the disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import SidetoneError
from engine.services.captions import CaptionLine, TranscriptFormat


class TranscriptHead(msgspec.Struct, frozen=True, kw_only=True):
    """What wrote a transcript: the model, and when its clock began.

    Parameters
    ----------
    began_at : str
        ISO 8601 of second 0 for a live session; empty for a recording, whose own clock it is.
    """

    id: str
    version: str
    sha256: str
    began_at: str = ""

    @property
    def text(self) -> str:
        """In one line."""
        began = f", began {self.began_at}" if self.began_at else ""
        return f"Written down by Sidetone with {self.id} {self.version}, sha256 {self.sha256}{began}"


@dataclass(frozen=True, slots=True)
class _Form:
    """How one kind of file is put together: head, entries with a joint between them, tail."""

    head: Callable[[TranscriptHead], str]
    entry: Callable[[int, CaptionLine], str]
    joint: str = ""
    tail: str = ""


def transcript(form: TranscriptFormat, head: TranscriptHead, lines: Iterable[CaptionLine]) -> bytes:
    """A whole file."""
    shape = _FORMS[form]
    entries = (shape.entry(number, line) for number, line in enumerate(lines, 1))
    return (shape.head(head) + shape.joint.join(entries) + shape.tail).encode()


class TranscriptFile:
    """A file that grows with the captions; goes on with one that this session has begun before.

    Raises
    ------
    SidetoneError
        If it cannot be written, also from `add`.
    """

    def __init__(self, path: Path, form: TranscriptFormat, head: TranscriptHead) -> None:
        self.path = path
        self._form = _FORMS[form]
        self._tail = self._form.tail.encode()
        begun = (self._form.head(head)).encode()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            content = path.read_bytes()
            self._count = content[len(begun) - 1 :].count(_MARKS[form])
            if not content:
                self._put(0, begun + self._tail)
            elif not (content.startswith(begun) and content.endswith(self._tail)):
                raise OSError(f"{path.name} is another file")
        except OSError as error:
            raise _not_written(path, error) from None

    def add(self, line: CaptionLine) -> None:
        """Put a final line at the end."""
        joint = self._form.joint if self._count else ""
        self._count += 1
        entry = joint + self._form.entry(self._count, line)
        try:
            self._put(os.lseek(self._file, 0, os.SEEK_END) - len(self._tail), entry.encode() + self._tail)
        except OSError as error:
            raise _not_written(self.path, error) from None

    def close(self) -> None:
        """Done."""
        os.close(self._file)

    def _put(self, at: int, content: bytes) -> None:
        os.lseek(self._file, at, os.SEEK_SET)
        if os.write(self._file, content) != len(content):
            raise OSError(28, "the disk is full")
        os.fsync(self._file)


def clock(seconds: float, point: str = ".") -> str:
    """A time as subtitles write it: hours, minutes, seconds, and thousandths behind `point`."""
    thousandths = round(1000 * max(0.0, seconds))
    minutes, thousandths = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{thousandths // 1000:02}{point}{thousandths % 1000:03}"


def _vtt_entry(number: int, line: CaptionLine) -> str:
    text = line.committed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{clock(line.start_s)} --> {clock(line.end_s)}\n{text}\n\n"


def _srt_entry(number: int, line: CaptionLine) -> str:
    return f"{number}\n{clock(line.start_s, ',')} --> {clock(line.end_s, ',')}\n{line.committed}\n\n"


def _srt_head(head: TranscriptHead) -> str:
    # SubRip knows no comments; an entry that lasts no time is shown by nobody.
    return f"0\n00:00:00,000 --> 00:00:00,000\n{head.text}\n\n"


def _text_entry(number: int, line: CaptionLine) -> str:
    return f"[{clock(line.start_s)[:8]}] {line.committed}\n"


def _json_head(head: TranscriptHead) -> str:
    return f'{{"model": {msgspec.json.encode(head).decode()}, "segments": [\n'


def _json_entry(number: int, line: CaptionLine) -> str:
    segment = {"start_s": line.start_s, "end_s": line.end_s, "text": line.committed, "confidence": line.confidence}
    return msgspec.json.encode(segment).decode()


_FORMS = {
    TranscriptFormat.WEBVTT: _Form(lambda head: f"WEBVTT\n\nNOTE\n{head.text}\n\n", _vtt_entry),
    TranscriptFormat.SUBRIP: _Form(_srt_head, _srt_entry),
    TranscriptFormat.TEXT: _Form(lambda head: f"# {head.text}\n", _text_entry),
    TranscriptFormat.JSON: _Form(_json_head, _json_entry, joint=",\n", tail="\n]}\n"),
}
_MARKS = {
    TranscriptFormat.WEBVTT: b" --> ",
    TranscriptFormat.SUBRIP: b" --> ",
    TranscriptFormat.TEXT: b"\n[",
    TranscriptFormat.JSON: b'"start_s":',
}
"""What is found once in each entry, to count those of a file that goes on."""


def _not_written(path: Path, error: OSError) -> SidetoneError:
    return SidetoneError(f"{path} cannot be written ({error.strerror or error}); choose another folder or make room")
