"""What stages are, without running any: for panels, help pages, presets and the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.core.stage import Stage
from engine.snapshot import Description, StageDescription


def describe(stages: Iterable[Stage[Any] | type[Stage[Any]]]) -> Description:
    """Labels, parameters and meters of stages or stage types, in their order."""
    return Description(
        tuple(
            StageDescription(stage.id, stage.label, stage.help, tuple(stage.params_type.specs().values()), stage.meters)
            for stage in stages
        )
    )
