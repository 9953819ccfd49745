"""What comes up from the engine: snapshots, pulled by a timer, and events. Plain frozen data, encoded by msgspec.

The names that reach JSON are the contract of the command line (reports, `ctl --json`); what is not known is None, never a
made-up number.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.alarms import Alarm
from engine.comparison import ComparisonSnapshot
from engine.config import DeviceConfig, PresetConfig, RoomConfig
from engine.core.params import Value
from engine.midi import MidiSnapshot
from engine.services import ServicesSnapshot


class EngineState(StrEnum):
    """What the engine is doing; the reason stands beside it in the snapshot."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    DEGRADED = "degraded"
    STALLED = "stalled"
    FAILED = "failed"


class Percentiles(msgspec.Struct, frozen=True):
    """A distribution of times in milliseconds."""

    p50: float
    p99: float
    p999: float
    max: float


class StageSnapshot(
    msgspec.Struct, frozen=True, rename={"is_bypassed": "bypassed", "is_degraded": "degraded", "work_ms": "ms"}
):
    """One stage now. `reason` says why it is degraded, `waits_for` what it has not got to work on; else they are empty."""

    id: str
    is_bypassed: bool
    is_degraded: bool
    reason: str
    latency_samples: int
    work_ms: Percentiles | None
    meters: dict[str, float]
    waits_for: str = ""


class LevelSnapshot(msgspec.Struct, frozen=True):
    """Levels of a bus, one value a channel; silence is −120."""

    peak_dbfs: tuple[float, ...]
    rms_dbfs: tuple[float, ...]
    is_clipping: bool


class LoudnessSnapshot(msgspec.Struct, frozen=True):
    """Loudness of the air bus to ITU-R BS.1770; None while there is nothing to measure."""

    momentary_lufs: float | None
    short_term_lufs: float | None
    integrated_lufs: float | None
    true_peak_dbtp: float | None


class SessionSnapshot(msgspec.Struct, frozen=True):
    """Loudness of the air bus since the meters were reset, and its course; None while there is nothing to measure.

    Attributes
    ----------
    is_held : bool
        Whether all but `short_term_lufs` stands still for now.
    short_term_lufs : tuple of float
        Short-term loudness over the session, oldest first, −70 for silence; a value stands for `interval_s`.
    """

    last_ten_minutes_lufs: float | None
    range_lu: float
    max_momentary_lufs: float | None
    max_short_term_lufs: float | None
    is_held: bool
    interval_s: float
    short_term_lufs: tuple[float, ...]


class LatencySnapshot(msgspec.Struct, frozen=True):
    """The parts of the delay that are known, and the whole where it was measured from device to device.

    `recent_ms` is the median of the last five measurements.
    """

    chain_samples: int
    chain_ms: float
    input_ms: float | None
    output_ms: float | None
    measured_ms: Percentiles | None
    recent_ms: float | None = None


class DeviceSnapshot(msgspec.Struct, frozen=True):
    """The devices in use, by name, the choice that led to them, and what of it is `used`: a backup may have taken over.

    `virtual_microphone` is what to pick in OBS; `advice` is what the user should do about the devices, else it is empty.
    """

    input: str
    output: str
    monitor: str
    virtual_microphone: str
    advice: str
    chosen: DeviceConfig = DeviceConfig()
    used: DeviceConfig = DeviceConfig()
    music: str = ""


class SpectrumSnapshot(msgspec.Struct, frozen=True):
    """Spectra of the chain's input and output on one logarithmic frequency grid, in dB full scale."""

    frequencies_hz: tuple[float, ...]
    input_dbfs: tuple[float, ...]
    output_dbfs: tuple[float, ...]


class RoomSnapshot(msgspec.Struct, frozen=True):
    """Which profiles are chosen; `problem` says why one of them is not corrected, else it is empty."""

    config: RoomConfig = RoomConfig()
    problem: str = ""


class ControlSnapshot(msgspec.Struct, frozen=True):
    """What can be taken back or done again, in words (empty: nothing), and what is going on with all settings.

    `revision` counts up with every change of a setting; `is_dry` says that all effects are out of the sound for now.
    """

    revision: int = 0
    undo: str = ""
    redo: str = ""
    is_dry: bool = False
    is_morphing: bool = False


class PresetSnapshot(msgspec.Struct, frozen=True):
    """Which presets there are, and which one is in use.

    Parameters
    ----------
    names : tuple of str
        All that can be loaded; `own` are those that the user made, which can be written over and removed.
    loaded : str
        The one that was loaded last, empty if none was; `is_edited` if the sound is no more as it says.
    config : PresetConfig
        Which input device brings which preset with it.
    """

    names: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    loaded: str = ""
    is_edited: bool = False
    config: PresetConfig = PresetConfig()


class ModelSnapshot(msgspec.Struct, frozen=True):
    """A model in use: in whose place (the id of one of the program's own), which, and what it runs on."""

    place: str
    id: str
    sha256: str
    provider: str


class Snapshot(msgspec.Struct, frozen=True):
    """All a face shows, at one moment.

    `is_waiting` tells that a device which is not there is waited for, and comes into use by itself.
    """

    sequence: int
    state: EngineState
    reason: str
    uptime_s: float
    sample_rate: int
    hop_frames: int
    hops: int
    xruns: int
    deadline_misses: int
    hop_ms: Percentiles | None
    stages: tuple[StageSnapshot, ...]
    input_level: LevelSnapshot
    output_level: LevelSnapshot
    loudness: LoudnessSnapshot
    latency: LatencySnapshot
    drift_ppm: float | None
    devices: DeviceSnapshot
    params: dict[str, Value]
    spectrum: SpectrumSnapshot | None = None
    session: SessionSnapshot | None = None
    services: ServicesSnapshot = ServicesSnapshot()
    midi: MidiSnapshot = MidiSnapshot()
    room: RoomSnapshot = RoomSnapshot()
    controls: ControlSnapshot = ControlSnapshot()
    presets: PresetSnapshot = PresetSnapshot()
    models: tuple[ModelSnapshot, ...] = ()
    comparison: ComparisonSnapshot | None = None
    alarms: tuple[Alarm, ...] = ()
    is_waiting: bool = False


class TapPoint(StrEnum):
    """Where a listener hears the sound: as the microphone gives it, after the denoiser, or as it leaves."""

    INPUT = "input"
    DENOISED = "denoised"
    OUTPUT = "output"


class TapChunk(msgspec.Struct, frozen=True):
    """Sound for a listener: mono, 48 kHz.

    Parameters
    ----------
    run : int
        Which live run it is of; frames are counted anew in each.
    first_frame : int
        Number of the first sample.
    content : bytes
        float32, little-endian, full scale 1.0.
    """

    run: int
    first_frame: int
    content: bytes

    def samples(self) -> NDArray[np.float32]:
        """The sound, shape (frames,); read-only."""
        return np.frombuffer(self.content, "<f4")

    @property
    def end_frame(self) -> int:
        """What to ask for next."""
        return self.first_frame + len(self.content) // 4


class EventKind(StrEnum):
    """What an event is about."""

    STATE = "state"
    STAGE = "stage"
    DEVICE = "device"
    XRUN = "xrun"
    NOTICE = "notice"
    MODEL = "model"
    ALARM = "alarm"


class Event(msgspec.Struct, frozen=True):
    """Something that happened. `sequence` counts up from 1; `time_s` is seconds since the engine began."""

    sequence: int
    time_s: float
    kind: EventKind
    text: str
