"""`sidetone ctl`: talks to the running engine."""

from __future__ import annotations

import argparse
from time import sleep
from typing import Any

import msgspec

from app.chain_settings import preset_named, tell_clamped
from app.commands.ctl_compare import compare
from app.composition import rendezvous
from app.paths import Paths
from app.preset_files import read_preset_text, write_preset_text
from app.terminal import console, meter_table
from engine import (
    EngineApi,
    ImportPreset,
    ParameterError,
    Redo,
    RemovePreset,
    SavePreset,
    SetBypass,
    SetDry,
    SetParam,
    Shutdown,
    Undo,
)
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
            _set(engine, command.id, command.value, command.json)
        case "bypass":
            _bypass(engine, command.stage, command.position, command.json)
        case "preset":
            engine.send(preset_named(command.name, command.morph))
            _confirm({"loaded": engine.snapshot().presets.loaded}, command.json)
        case "save":
            engine.send(SavePreset(command.name, command.description))
            _confirm({"saved": command.name}, command.json)
        case "presets":
            _presets(engine, command.json)
        case "diff":
            _diff(engine, command.name, command.json)
        case "export":
            write_preset_text(command.file, engine.preset(command.name).text)
            _confirm({"exported": command.name, "file": str(command.file)}, command.json)
        case "import":
            name = command.name or command.file.stem
            engine.send(ImportPreset(name, read_preset_text(command.file)))
            _confirm({"imported": name}, command.json)
        case "remove":
            engine.send(RemovePreset(command.name))
            _confirm({"removed": command.name}, command.json)
        case "undo":
            _retrace(engine, Undo(), command.json)
        case "redo":
            _retrace(engine, Redo(), command.json)
        case "dry":
            engine.send(SetDry(command.position == "on"))
            _confirm({"dry": engine.snapshot().controls.is_dry}, command.json)
        case "compare":
            compare(engine, command)
        case "stop":
            engine.send(Shutdown())
            _confirm({"stopped": True}, command.json)
        case "watch":
            _watch(engine, command.json)
    return 0


def _snapshot(engine: EngineApi, as_json: bool) -> None:
    snapshot = engine.snapshot()
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(snapshot), indent=2).decode())
    else:
        console().print(meter_table(snapshot))


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


def _confirm(values: dict[str, Any], as_json: bool) -> None:
    """Tell a machine what was done; to a person, no word is a good one."""
    if as_json:
        _show(values, as_json)


def _set(engine: EngineApi, param_id: str, value: str, as_json: bool) -> None:
    _value(engine, param_id)
    engine.send(SetParam(param_id, value))
    tell_clamped([(param_id, value)], engine.describe())
    _show({param_id: _value(engine, param_id)}, as_json)


def _retrace(engine: EngineApi, command: Undo | Redo, as_json: bool) -> None:
    is_undo = isinstance(command, Undo)
    controls = engine.snapshot().controls
    change = controls.undo if is_undo else controls.redo
    if not change:
        raise ParameterError(f"there is nothing to {'take back' if is_undo else 'do again'}; the sound stays as it is")
    engine.send(command)
    _show({"undone" if is_undo else "redone": change}, as_json)


def _bypass(engine: EngineApi, stage_id: str, position: str, as_json: bool) -> None:
    was_bypassed = {stage.id: stage.is_bypassed for stage in engine.snapshot().stages}
    is_bypassed = not was_bypassed.get(stage_id, False) if position == "toggle" else position == "on"
    engine.send(SetBypass(stage_id, is_bypassed))
    _show({f"{stage_id} bypassed": is_bypassed}, as_json)


def _presets(engine: EngineApi, as_json: bool) -> None:
    presets = engine.snapshot().presets
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(presets), indent=2).decode())
        return
    for name in presets.names:
        marks = [mark for mark, is_so in (("yours", name in presets.own), ("loaded", name == presets.loaded)) if is_so]
        print(f"{name} ({', '.join(marks)})" if marks else name)


def _diff(engine: EngineApi, name: str, as_json: bool) -> None:
    preset = engine.preset(name)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(preset), indent=2).decode())
        return
    for each in preset.differences:
        print(f"{each.label}: {each.now} → {each.then}")
    for note in preset.notes:
        print(note)


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
