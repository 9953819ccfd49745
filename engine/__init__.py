"""Sidetone's engine: knows sound, devices and models, and no Qt.

These are its public names; the face imports nothing else. They are light: the DSP, the models and the devices are behind
`EngineApi`, in the engine's own process.
"""

from engine.api import EngineApi
from engine.commands import ApplyChain, Command, ResetMeters, SetBypass, SetParam, Shutdown, Start, Stop
from engine.config import AUTOMATIC, SAMPLE_RATE_HZ, ChainConfig, DeviceConfig, EngineConfig
from engine.core.params import ParamKind, ParamSpec, Value
from engine.core.stage import MeterSpec
from engine.errors import (
    AudioFileError,
    ConnectionLostError,
    DeviceError,
    ModelError,
    ParameterError,
    PresetError,
    SidetoneError,
)
from engine.snapshot import (
    Description,
    DeviceDescription,
    DeviceSnapshot,
    EngineState,
    Event,
    EventKind,
    LatencySnapshot,
    LevelSnapshot,
    LoudnessSnapshot,
    Percentiles,
    Snapshot,
    SpectrumSnapshot,
    StageDescription,
    StageSnapshot,
)

__all__ = [
    "AUTOMATIC",
    "SAMPLE_RATE_HZ",
    "ApplyChain",
    "AudioFileError",
    "ChainConfig",
    "Command",
    "ConnectionLostError",
    "Description",
    "DeviceConfig",
    "DeviceDescription",
    "DeviceError",
    "DeviceSnapshot",
    "EngineApi",
    "EngineConfig",
    "EngineState",
    "Event",
    "EventKind",
    "LatencySnapshot",
    "LevelSnapshot",
    "LoudnessSnapshot",
    "MeterSpec",
    "ModelError",
    "ParamKind",
    "ParamSpec",
    "ParameterError",
    "Percentiles",
    "PresetError",
    "ResetMeters",
    "SetBypass",
    "SetParam",
    "Shutdown",
    "SidetoneError",
    "Snapshot",
    "SpectrumSnapshot",
    "StageDescription",
    "StageSnapshot",
    "Start",
    "Stop",
    "Value",
]
