"""Captions: what shall be written down of speech, and what was."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class TranscriptFormat(StrEnum):
    """A kind of file that captions can be kept in; its value is the file's ending."""

    WEBVTT = "vtt"
    SUBRIP = "srt"
    TEXT = "txt"
    JSON = "json"


class CaptionsConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Whether and how speech is written down.

    Parameters
    ----------
    formats : tuple of TranscriptFormat
        Files that are written along; without any, nothing is kept.
    folder : str
        Where; empty for the user's documents.
    dictionary : dict
        What is heard -> what is written, for names and terms.
    filters : tuple of str
        Regular expressions of what must not be seen.
    is_dropping : bool
        Whether that is left out; otherwise its letters are masked.
    forgotten_session : str
        The session whose text is to be deleted, on the screen and in files.
    """

    is_on: bool = False
    formats: tuple[TranscriptFormat, ...] = ()
    folder: str = ""
    dictionary: dict[str, str] = {}
    filters: tuple[str, ...] = ()
    is_dropping: bool = False
    forgotten_session: str = ""


class CaptionLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was said between two pauses.

    Attributes
    ----------
    id : int
        A later line has a greater one; a line that changes keeps its own.
    committed : str
        Words that stand: from one version of a line to the next this only grows at its end.
    tentative : str
        What may be something else a moment later; belongs right behind `committed`, with the space it begins with.
    is_final : bool
        Whether the line is done; a final line without text was none, and is to be taken away.
    start_s, end_s : float
        On the clock of the session, which begins when captions are switched on.
    confidence : float
        Mean of `confidences`.
    confidences : tuple of float
        How sure the model is, 0 … 1, of each word of `committed`, words being what spaces separate.
    """

    id: int
    committed: str = ""
    tentative: str = ""
    is_final: bool = False
    start_s: float = 0.0
    end_s: float = 0.0
    confidence: float = 1.0
    confidences: tuple[float, ...] = ()


class TapPosition(msgspec.Struct, frozen=True):
    """A place in the sound of a tap: frames are counted anew in each live run."""

    run: int
    frame: int


class RecordingClock(msgspec.Struct, frozen=True):
    """The clock of a recording that OBS makes, told by the computer's own in seconds since the epoch.

    Attributes
    ----------
    began_s : float
        When it began, by which recordings are told from each other.
    zero_s : float
        Its second 0, later than `began_s` by what was paused.
    paused_s : float or None
        Since when it is paused; None while it runs.
    """

    began_s: float
    zero_s: float
    paused_s: float | None = None


class CaptionsState(StrEnum):
    """What the captions are doing; `CaptionsStatus.text` says it in words."""

    OFF = "off"
    PREPARING = "preparing"
    WAITING = "waiting"
    LISTENING = "listening"
    FAILED = "failed"


class CaptionsStatus(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How the captions are, and the last of them.

    Attributes
    ----------
    state : CaptionsState
    text : str
        One sentence for the user; empty while all is well.
    model : str
        Name and version of the model that listens.
    is_speech : bool
        Whether somebody is heard speaking, and so is being written down.
    age_ms : float or None
        How old the oldest sound is that is not in the captions yet; None while nobody speaks.
    session : str
        Which session this is; empty before the first. A session lasts from switching on to switching off.
    recording : RecordingClock or None
        By whose clock files are written; None where it is the session's.
    files : tuple of str
        Paths of the files that are written along.
    lines : tuple of CaptionLine
        The last lines, oldest first; only the last of them may still change.
    position : TapPosition or None
        All sound before it is in finished lines: from here a process goes on that takes the place of one that was killed.
    """

    state: CaptionsState = CaptionsState.OFF
    text: str = ""
    model: str = ""
    is_speech: bool = False
    age_ms: float | None = None
    session: str = ""
    recording: RecordingClock | None = None
    files: tuple[str, ...] = ()
    lines: tuple[CaptionLine, ...] = ()
    position: TapPosition | None = None
