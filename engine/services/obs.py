"""The link to OBS: what is kept in step with it, and how OBS is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

LOWEST_OFFSET_MS = -950
"""OBS takes no sync offset below this (obs-websocket 5, SetInputAudioSyncOffset)."""


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
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 4455
    is_synced: bool = True
    input: str = ""
    picture_delay_ms: Annotated[float, msgspec.Meta(ge=0.0, le=1000.0)] = 0.0
    lowest_offset_ms: Annotated[int, msgspec.Meta(ge=LOWEST_OFFSET_MS, le=0)] = LOWEST_OFFSET_MS
    delayed_source: str = ""
    scene_rules: tuple[SceneRule, ...] = ()
    text_source: str = ""
    sends_stream_captions: bool = False
    password_changes: int = 0


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
    """What OBS sends and keeps. Times are of the running stream and recording; frames are of the running stream.

    Parameters
    ----------
    looked_s : float
        When OBS said so of the recording, in seconds since the epoch.
    record_since_s : float
        Since when it records, is paused or does neither: half-way between two looks, in seconds since the epoch.
    """

    is_streaming: bool = False
    is_reconnecting: bool = False
    is_recording: bool = False
    is_paused: bool = False
    stream_s: float = 0.0
    record_s: float = 0.0
    looked_s: float = 0.0
    record_since_s: float = 0.0
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
