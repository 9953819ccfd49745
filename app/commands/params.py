"""`sidetone params`: every parameter with its unit, range and default."""

from __future__ import annotations

import argparse

import msgspec
from rich.table import Column, Table

from app.composition import description
from app.paths import Paths
from app.terminal import console
from engine import ParamSpec, Value


class ParamEntry(msgspec.Struct, frozen=True):
    """A parameter, as `params --json` lists it."""

    id: str
    stage: str
    label: str
    kind: str
    unit: str
    minimum: float
    maximum: float
    default: Value
    options: tuple[str, ...]
    help: str


def run(command: argparse.Namespace, paths: Paths) -> int:
    """List the parameters."""
    stages = description().stages
    entries = [_entry(stage.id, spec) for stage in stages for spec in stage.params]
    if command.json:
        print(msgspec.json.format(msgspec.json.encode(entries), indent=2).decode())
        return 0
    # An id is there to be typed again: the words beside it are what wraps.
    table = Table(Column("parameter", no_wrap=True), "what it does", "range", "default")
    for stage in stages:
        for spec in stage.params:
            table.add_row(f"{stage.id}.{spec.name}", spec.help or spec.label, _range(spec), spec.format(spec.default))
    console().print(table)
    return 0


def _entry(stage_id: str, spec: ParamSpec) -> ParamEntry:
    return ParamEntry(
        f"{stage_id}.{spec.name}",
        stage_id,
        spec.label,
        spec.kind,
        spec.unit,
        spec.minimum,
        spec.maximum,
        spec.default,
        spec.options,
        spec.help,
    )


def _range(spec: ParamSpec) -> str:
    if spec.options:
        return ", ".join(spec.options)
    return f"{spec.minimum:g} … {spec.maximum:g} {spec.unit}".rstrip()
