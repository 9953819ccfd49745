"""`sidetone ctl`: talks to the running engine."""

from __future__ import annotations

import argparse
from time import sleep
from typing import Any

import msgspec
from rich.console import Console

from app.chain_settings import load_preset
from app.composition import rendezvous
from app.paths import Paths
from app.terminal import meter_table
from engine import ApplyChain, EngineApi, ParameterError, SetBypass, SetParam, Shutdown
from engine.remote import connect

_WATCH_INTERVAL_S = 0.1


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Carry out one action."""
    engine = connect(rendezvous(paths))
    match command.action:
        case "snapshot":
            _snapshot(engine, command.json)
        case "get":
            _show({command.id: _value(engine, command.id)}, command.json)
        case "set":
            _value(engine, command.id)
            engine.send(SetParam(command.id, command.value))
            _show({command.id: _value(engine, command.id)}, command.json)
        case "bypass":
            _bypass(engine, command.stage, command.position, command.json)
        case "preset":
            _preset(engine, command.name, paths)
        case "stop":
            engine.send(Shutdown())
        case "watch":
            _watch(engine, command.json)
    return 0


def _snapshot(engine: EngineApi, as_json: bool) -> None:
    snapshot = engine.snapshot()
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(snapshot), indent=2).decode())
    else:
        Console().print(meter_table(snapshot))


def _value(engine: EngineApi, param_id: str) -> Any:
    params = engine.snapshot().params
    if param_id not in params:
        raise ParameterError(f"there is no parameter {param_id!r}; `sidetone params` lists them")
    return params[param_id]


def _show(values: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(values).decode())
    else:
        for name, value in values.items():
            print(f"{name} = {value}")


def _bypass(engine: EngineApi, stage_id: str, position: str, as_json: bool) -> None:
    was_bypassed = {stage.id: stage.is_bypassed for stage in engine.snapshot().stages}
    is_bypassed = not was_bypassed.get(stage_id, False) if position == "toggle" else position == "on"
    engine.send(SetBypass(stage_id, is_bypassed))
    _show({f"{stage_id} bypassed": is_bypassed}, as_json)


def _preset(engine: EngineApi, name: str, paths: Paths) -> None:
    engine.send(ApplyChain(load_preset(name, paths)))


def _watch(engine: EngineApi, as_json: bool) -> None:
    seen = 0
    while True:
        for event in engine.events(after=seen):
            seen = event.sequence
            line = (
                msgspec.json.encode(event).decode() if as_json else f"{event.time_s:9.3f}  {event.kind}  {event.text}"
            )
            print(line, flush=True)
        sleep(_WATCH_INTERVAL_S)
