"""What an engine needs to know to start: devices, hop, and the settings of its chain. Plain frozen data."""

from __future__ import annotations

import msgspec

from engine.core.params import Value
from engine.midi import MidiConfig
from engine.services import ServicesConfig

SAMPLE_RATE_HZ = 48_000
"""The rate inside the engine, always; devices and files of other rates are resampled at the edge."""

DEFAULT_HOP_FRAMES = 480

AUTOMATIC = "auto"
"""Device choice: the system's default microphone, or the virtual microphone for the air bus."""


class BackupConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which devices take over, in this order, when the chosen one is gone.

    Parameters
    ----------
    input, output, monitor : tuple of str
        As in `DeviceConfig`.
    takes_back : bool
        Whether a better one is taken back as soon as it is there again.
    """

    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    monitor: tuple[str, ...] = ()
    takes_back: bool = True


class DeviceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which devices, and how they are opened.

    Parameters
    ----------
    input, output : str
        Device id, name, or part of a name; `AUTOMATIC`; or `simulated:FILE.wav`.
    monitor : str or None
        Where the performer hears the monitor bus; None is off.
    music : str or None
        Second input, mixed in and lowered under speech: music, a game; None is off.
    is_exclusive : bool
        Set the devices up for this program where the system knows that (WASAPI exclusive, Core Audio device parameters).
    """

    input: str = AUTOMATIC
    output: str = AUTOMATIC
    monitor: str | None = None
    music: str | None = None
    hop_frames: int = DEFAULT_HOP_FRAMES
    is_exclusive: bool = False
    backups: BackupConfig = BackupConfig()


class ChainConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the chain that differ from their defaults: parameters by id, bypass by stage id."""

    params: dict[str, Value] = {}
    bypass: dict[str, bool] = {}


class RoomConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which profiles are corrected, by their names; empty for none.

    Parameters
    ----------
    profile : str
        The room and the microphone, in the voice.
    monitor : str
        The headphones or loudspeakers, on the monitor bus.
    """

    profile: str = ""
    monitor: str = ""


class PresetConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which preset comes with which microphone.

    Parameters
    ----------
    by_input : dict of str to str
        Preset by the id of the input device.
    fallback : str
        Preset for every other input device; empty leaves the sound as it is.
    is_stuck : bool
        The sound stays as it is, whatever device comes.
    last_input : str
        The input device that the sound was last set for; the same device again changes nothing.
    """

    by_input: dict[str, str] = {}
    fallback: str = ""
    is_stuck: bool = False
    last_input: str = ""


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """All that has to be kept to bring a killed engine back as it was."""

    devices: DeviceConfig = DeviceConfig()
    chain: ChainConfig = ChainConfig()
    services: ServicesConfig = ServicesConfig()
    midi: MidiConfig = MidiConfig()
    room: RoomConfig = RoomConfig()
    presets: PresetConfig = PresetConfig()
