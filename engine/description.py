"""What there is, without running any of it: stages, devices, presets. For panels, help pages and the command line.

Plain frozen data, encoded by msgspec; the names are the contract of the command line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from engine.core.params import ParamSpec
from engine.core.stage import MeterSpec, Stage


class StageDescription(msgspec.Struct, frozen=True):
    """What a stage is: all that is needed to build its panel, its help page or its MIDI map."""

    id: str
    label: str
    help: str
    params: tuple[ParamSpec, ...]
    meters: tuple[MeterSpec, ...]


class Description(msgspec.Struct, frozen=True):
    """What this engine is made of, in chain order."""

    stages: tuple[StageDescription, ...]


class DeviceDescription(msgspec.Struct, frozen=True):
    """A device that can be chosen; `is_monitor` marks what an output plays, to be chosen as music only."""

    id: str
    name: str
    host_api: str
    input_channels: int
    output_channels: int
    sample_rate: int
    is_default_input: bool
    is_default_output: bool
    is_monitor: bool = False


class ParamDifference(msgspec.Struct, frozen=True):
    """One setting that a preset would change, as a person reads it: ``Compressor Threshold``, ``−20.0 dB``, ``−24.0 dB``."""

    id: str
    label: str
    now: str
    then: str


class PresetDescription(msgspec.Struct, frozen=True):
    """A preset, looked at without loading it.

    Parameters
    ----------
    text : str
        Its file, to be handed on to somebody else.
    differences : tuple of ParamDifference
        What loading it would change now.
    notes : tuple of str
        What about it cannot be taken over here, or was mended, a sentence each.
    """

    name: str
    description: str
    is_own: bool
    text: str
    differences: tuple[ParamDifference, ...]
    notes: tuple[str, ...]


def describe(stages: Iterable[Stage[Any] | type[Stage[Any]]]) -> Description:
    """Labels, parameters and meters of stages or stage types, in their order."""
    return Description(
        tuple(
            StageDescription(stage.id, stage.label, stage.help, tuple(stage.params_type.specs().values()), stage.meters)
            for stage in stages
        )
    )
