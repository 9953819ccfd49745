"""One session of captions: from switching on to switching off, its lines and its files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from engine.captions.pipeline import CaptionPipeline
from engine.captions.recording_clock import on_recording
from engine.captions.transcript import TranscriptFile, TranscriptHead
from engine.errors import SidetoneError
from engine.inference.recognizer import SPEECH_RATE_HZ
from engine.services.captions import CaptionLine, RecordingClock, TranscriptFormat

KEPT_LINES = 12
"""So many last lines are shown; nothing older is kept anywhere but in files."""

MakePipeline = Callable[[int, float], CaptionPipeline]
"""Makes a pipeline whose first line has this number and whose first sample this time in seconds."""


class CaptionSession:
    """Lines and files of one session. One thread at a time; may wait for the disk.

    Parameters
    ----------
    make_pipeline : MakePipeline
    head : TranscriptHead
        Of the model; when it began is put in.
    folder : Path
        Where files are written.
    name : str
        Of a session that was broken off and goes on; empty for a new one.
    lines : iterable of CaptionLine
        What was shown of it before.
    recording : RecordingClock or None
        By whose clock files were written before.
    now : Callable[[], datetime]
        The time of day, with its zone.

    Attributes
    ----------
    name : str
    recording : RecordingClock or None
        By whose clock files are written.
    problem : str
        Why a file is not written; empty while all are.
    """

    def __init__(
        self,
        make_pipeline: MakePipeline,
        head: TranscriptHead,
        folder: Path,
        *,
        name: str = "",
        lines: Iterable[CaptionLine] = (),
        recording: RecordingClock | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._make_pipeline = make_pipeline
        self._head = head
        self._folder = folder
        self._now = now
        self.name = name or f"{now():%Y-%m-%d %H.%M.%S}"
        self._began = datetime.strptime(self.name, "%Y-%m-%d %H.%M.%S").replace(tzinfo=UTC)
        self._lines = {line.id: line for line in lines if line.is_final and line.committed}
        self._files: dict[TranscriptFormat, TranscriptFile] = {}
        self.recording = recording
        self.problem = ""
        self.pipeline = self._new_pipeline()

    @property
    def lines(self) -> tuple[CaptionLine, ...]:
        """The last lines, oldest first."""
        return tuple(self._lines.values())

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the files that are written."""
        return tuple([str(file.path) for file in self._files.values()])

    def accept(self, sound: NDArray[np.float32], lost_samples: int = 0, is_new: bool = False) -> None:
        """Take in sound; see `engine.captions.listener.Heard`.

        Raises
        ------
        ModelError
            If the model fails.
        """
        if is_new:
            self._take(self.pipeline.end())
            self.pipeline = self._new_pipeline(sound.size / SPEECH_RATE_HZ)
        elif lost_samples:
            self._take(self.pipeline.skip(lost_samples))
        self._take(self.pipeline.accept(sound))

    def keep(self, formats: Iterable[TranscriptFormat], recording: RecordingClock | None = None) -> None:
        """Write these files from now on, and no others; each recording has files of its own, by its own clock."""
        if recording is None and not all(line.is_final for line in self._lines.values()):
            # What is being said as a recording ends began in it.
            recording = self.recording
        wanted = set(formats)
        for form in self._files.keys() - (wanted if _are_same(recording, self.recording) else set()):
            self._files.pop(form).close()
        self.recording = recording
        for form in wanted - self._files.keys():
            try:
                self._files[form] = TranscriptFile(self._path(form), form, self._dated_head())
                self.problem = ""
            except SidetoneError as error:
                self.problem = str(error)

    def end(self) -> None:
        """Write down what is left, and close the files."""
        self._take(self.pipeline.end())
        self.keep(())

    def forget(self) -> None:
        """Delete all text of this session, on the screen and in files.

        Raises
        ------
        SidetoneError
            If a file cannot be deleted.
        """
        self.keep(())
        self._lines.clear()
        self.pipeline = self._new_pipeline()
        of_recordings = self._folder.glob(f"Captions {self.name} recording *")
        for path in (*(self._folder / f"Captions {self.name}.{form}" for form in TranscriptFormat), *of_recordings):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise SidetoneError(f"{path} cannot be deleted ({error.strerror}); delete it by hand") from None

    def _path(self, form: TranscriptFormat) -> Path:
        recording = self.recording
        of_recording = f" recording {_date(recording.began_s):%H.%M.%S}" if recording is not None else ""
        return self._folder / f"Captions {self.name}{of_recording}.{form}"

    def _dated_head(self) -> TranscriptHead:
        began = self._began if self.recording is None else _date(self.recording.began_s)
        return replace(self._head, began_at=began.isoformat(timespec="seconds"))

    def _new_pipeline(self, past_s: float = 0.0) -> CaptionPipeline:
        """A pipeline for sound that begins `past_s` ago."""
        self._drop_unfinished()
        elapsed_s = max(0.0, (self._now() - self._began).total_seconds() - past_s)
        return self._make_pipeline(max(self._lines, default=0) + 1, elapsed_s)

    def _drop_unfinished(self) -> None:
        self._lines = {key: line for key, line in self._lines.items() if line.is_final}

    def _take(self, changed: Iterable[CaptionLine]) -> None:
        for line in changed:
            if line.is_final and line.committed:
                self._write(line)
            if line.is_final and not line.committed:
                self._lines.pop(line.id, None)
            else:
                self._lines[line.id] = line
            while len(self._lines) > KEPT_LINES:
                del self._lines[next(iter(self._lines))]

    def _write(self, line: CaptionLine) -> None:
        if self.recording is not None:
            timed = on_recording(line, self.recording, self._began.timestamp())
            if timed is None:
                return
            line = timed
        for form, file in tuple(self._files.items()):
            try:
                file.add(line)
            except SidetoneError as error:
                self.problem = str(error)
                with suppress(OSError):
                    self._files.pop(form).close()


def _are_same(recording: RecordingClock | None, other: RecordingClock | None) -> bool:
    return (recording and recording.began_s) == (other and other.began_s)


def _date(since_epoch_s: float) -> datetime:
    return datetime.fromtimestamp(since_epoch_s, UTC)
