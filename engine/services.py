"""What the services do, and how they are: captions, their overlay, OBS, remote control, keys, canary. Plain frozen data.

Services run in a process of their own, at low priority, as clients of the engine. The engine keeps their settings and shows
what they last said of themselves, so a window needs to know nobody but the engine.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

OVERLAY_PORT = 47_820
REMOTE_PORT = 47_840

Port = Annotated[int, msgspec.Meta(ge=1024, le=65_535)]


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


class OverlayTheme(StrEnum):
    """How the overlay's captions look."""

    OUTLINE = "outline"
    BOX = "box"
    PAPER = "paper"
    CONTRAST = "contrast"


class OverlayPosition(StrEnum):
    """Where on the page they stand."""

    TOP = "top"
    MIDDLE = "middle"
    BOTTOM = "bottom"


class TextDirection(StrEnum):
    """How text runs; automatic is what its first letter says."""

    AUTOMATIC = "auto"
    LEFT_TO_RIGHT = "ltr"
    RIGHT_TO_LEFT = "rtl"


class OverlayConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The page that shows captions in OBS's browser source.

    Parameters
    ----------
    port : int
        Where it is served. OBS keeps the address, so this changes only when another program has the port.
    font_px, outline_px : int
        Height of the letters and width of the line around them, in pixels of the page.
    lines : int
        The most that are shown at once.
    keep_s : float
        How long a finished line stays when nothing more is said.
    """

    is_on: bool = False
    port: Port = OVERLAY_PORT
    theme: OverlayTheme = OverlayTheme.OUTLINE
    position: OverlayPosition = OverlayPosition.BOTTOM
    direction: TextDirection = TextDirection.AUTOMATIC
    font_px: Annotated[int, msgspec.Meta(ge=12, le=200)] = 48
    outline_px: Annotated[int, msgspec.Meta(ge=0, le=20)] = 4
    lines: Annotated[int, msgspec.Meta(ge=1, le=8)] = 2
    keep_s: Annotated[float, msgspec.Meta(ge=1.0, le=120.0)] = 6.0


class SceneRule(msgspec.Struct, frozen=True):
    """When OBS shows this scene, this preset is loaded."""

    scene: str
    preset: str


class ObsConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The link to OBS. Its password is in the system's keyring, never here.

    Parameters
    ----------
    port : int
        Where obs-websocket listens on this machine.
    is_synced : bool
        Whether the measured latency is written as the sync offset.
    input : str
        The audio input whose offset is held; empty: those that capture the virtual microphone.
    picture_delay_ms : float
        How late the picture is by itself, through its camera.
    lowest_offset_ms : int
        Down to where the offset may go; what is missing then delays `delayed_source`.
    delayed_source : str
        The video source that may be given a Render Delay filter; empty: none.
    scene_rules : tuple of SceneRule
    text_source : str
        The text source that shows the captions; empty: none.
    sends_stream_captions : bool
        Whether captions go into the stream (CEA-608).
    password_changes : int
        Counts up when another password was put into the keyring, so that it is read again.
    """

    is_on: bool = False
    port: int = 4455
    is_synced: bool = True
    input: str = ""
    picture_delay_ms: float = 0.0
    lowest_offset_ms: int = -950
    delayed_source: str = ""
    scene_rules: tuple[SceneRule, ...] = ()
    text_source: str = ""
    sends_stream_captions: bool = False
    password_changes: int = 0


class RemoteConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Remote control by other programs of this machine; `port` is where they find it."""

    is_on: bool = False
    port: Port = REMOTE_PORT


class KeysConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Keys that work while another program is in front.

    Parameters
    ----------
    keys : dict
        What a key does -> its combination, like `Ctrl+Alt+Shift+M`, or empty for none; what is not named has its default.
    """

    is_on: bool = False
    keys: dict[str, str] = {}


class CanaryConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Which model runs unheard beside the one in use, and for how long; none if `model` is empty."""

    model: str = ""
    seconds: float = 600.0


ServiceConfig = CanaryConfig | CaptionsConfig | KeysConfig | OverlayConfig | ObsConfig | RemoteConfig


class ServicesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of all services."""

    captions: CaptionsConfig = CaptionsConfig()
    overlay: OverlayConfig = OverlayConfig()
    obs: ObsConfig = ObsConfig()
    remote: RemoteConfig = RemoteConfig()
    keys: KeysConfig = KeysConfig()
    canary: CanaryConfig = CanaryConfig()

    def with_part(self, part: ServiceConfig) -> ServicesConfig:
        """Return a copy with one service's settings replaced."""
        match part:
            case CaptionsConfig():
                return msgspec.structs.replace(self, captions=part)
            case OverlayConfig():
                return msgspec.structs.replace(self, overlay=part)
            case ObsConfig():
                return msgspec.structs.replace(self, obs=part)
            case RemoteConfig():
                return msgspec.structs.replace(self, remote=part)
            case KeysConfig():
                return msgspec.structs.replace(self, keys=part)
            case CanaryConfig():
                return msgspec.structs.replace(self, canary=part)


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
    files : tuple of str
        Paths of the files that are written along.
    lines : tuple of CaptionLine
        The last lines, oldest first; only the last of them may still change.
    """

    state: CaptionsState = CaptionsState.OFF
    text: str = ""
    model: str = ""
    is_speech: bool = False
    age_ms: float | None = None
    session: str = ""
    files: tuple[str, ...] = ()
    lines: tuple[CaptionLine, ...] = ()


class OverlayStatus(msgspec.Struct, frozen=True, tag=True):
    """How the overlay page is.

    Attributes
    ----------
    text : str
        What the user should know or do, else empty.
    port : int or None
        Where it is served; None while it is not. The token of the address is in the user's file, never in here.
    pages : int
        How many show it.
    """

    text: str = ""
    port: int | None = None
    pages: int = 0


class ObsLink(StrEnum):
    """How things stand with OBS."""

    OFF = "off"
    WAITING = "waiting"
    CONNECTED = "connected"


class ObsInput(msgspec.Struct, frozen=True):
    """An audio input of OBS and its sync offset."""

    name: str
    offset_ms: int


class ObsOutputs(msgspec.Struct, frozen=True, kw_only=True):
    """What OBS sends and keeps. Times are of the running stream and recording; frames are of the running stream."""

    is_streaming: bool = False
    is_reconnecting: bool = False
    is_recording: bool = False
    is_paused: bool = False
    stream_s: float = 0.0
    record_s: float = 0.0
    dropped_frames: int = 0
    stream_frames: int = 0
    late_frames: int = 0
    rendered_frames: int = 0


class ObsChoices(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to choose from in OBS, by name."""

    scenes: tuple[str, ...] = ()
    audio_inputs: tuple[str, ...] = ()
    text_sources: tuple[str, ...] = ()
    video_sources: tuple[str, ...] = ()


class ObsStatus(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How the link to OBS is.

    Parameters
    ----------
    link : ObsLink
    text : str
        Why OBS is not connected, what hinders the sync offset, else empty.
    version : str
        Of OBS.
    scene : str
        The one on air.
    inputs : tuple of ObsInput
        Those that are held in sync, with the offsets that OBS has.
    render_delay_ms : int
        By how much the picture is delayed.
    captions : str
        How captions reach the viewers, or why not; empty if none are wanted.
    """

    link: ObsLink = ObsLink.OFF
    text: str = ""
    version: str = ""
    scene: str = ""
    inputs: tuple[ObsInput, ...] = ()
    render_delay_ms: int = 0
    captions: str = ""
    outputs: ObsOutputs = ObsOutputs()
    choices: ObsChoices = ObsChoices()


class RemoteClient(msgspec.Struct, frozen=True):
    """A program that is connected: what it calls itself, for how long, and how much it has asked."""

    name: str
    connected_s: float
    requests: int


class RemoteStatus(msgspec.Struct, frozen=True, tag=True):
    """How the remote control is.

    Attributes
    ----------
    text : str
        What the user should know or do, else empty.
    port : int or None
        Where it listens; None while it does not. The token of the address is in the user's file, never in here.
    """

    text: str = ""
    port: int | None = None
    clients: tuple[RemoteClient, ...] = ()


class KeysStatus(msgspec.Struct, frozen=True, tag=True):
    """How the system-wide keys are; `text` is what the user should know or do, else empty."""

    text: str = ""
    is_listening: bool = False


class CanaryStatus(msgspec.Struct, frozen=True, tag=True):
    """How the model that runs unheard does: what was heard so far, and the figures in words.

    Attributes
    ----------
    verdict : str
        Why it may take over or not, once its time is over; stays until another one is tried.
    """

    model: str
    heard_s: float
    text: str
    verdict: str = ""
    is_promoted: bool = False


ServiceStatus = CanaryStatus | CaptionsStatus | KeysStatus | OverlayStatus | ObsStatus | RemoteStatus


class ServicesSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Settings, and what each service last said; None for one that does not run or has fallen silent."""

    config: ServicesConfig = ServicesConfig()
    captions: CaptionsStatus | None = None
    overlay: OverlayStatus | None = None
    obs: ObsStatus | None = None
    remote: RemoteStatus | None = None
    keys: KeysStatus | None = None
    canary: CanaryStatus | None = None
