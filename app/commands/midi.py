"""`sidetone midi`: ports, maps, learning and a monitor of what arrives."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from time import sleep

import msgspec
from rich.table import Column, Table

from app.composition import midi_maps, rendezvous
from app.paths import Paths
from app.terminal import console
from engine import (
    CancelMidiLearn,
    ConnectionLostError,
    EngineApi,
    ForgetMidi,
    LearnMidi,
    MidiConfig,
    MidiMapSnapshot,
    MidiPortSnapshot,
    MidiSnapshot,
    PanicMidi,
    PresetError,
    SetMidi,
)
from engine.remote import connect

_LOOK_INTERVAL_S = 0.1


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Carry out one action."""
    match command.action:
        case "ports":
            _ports(paths, command.json)
        case "maps":
            _maps(paths, command.json)
        case "check":
            _check(command.file)
        case "learn":
            _learn(connect(rendezvous(paths)), command.target, command.add)
        case "forget":
            connect(rendezvous(paths)).send(ForgetMidi(command.target))
        case "use":
            _use(connect(rendezvous(paths)), command.port, command.map, paths)
        case "panic":
            connect(rendezvous(paths)).send(PanicMidi())
        case "monitor":
            _monitor(connect(rendezvous(paths)))
    return 0


def _ports(paths: Paths, as_json: bool) -> None:
    """Of the running engine if there is one, else of this machine."""
    midi = _here(paths)
    with suppress(ConnectionLostError):
        midi = connect(rendezvous(paths)).snapshot().midi
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(midi.ports), indent=2).decode())
    elif midi.problem:
        print(f"No MIDI: {midi.problem}.")
    elif not midi.ports:
        print("No MIDI device is plugged in.")
    else:
        table = Table("port", "map", "layer", "state")
        for port in midi.ports:
            layer = f"{port.layer} of {port.layers}" if port.layers > 1 else ""
            state = port.problem or ("in use" if port.is_open else "not in use")
            table.add_row(port.port, port.map_name or port.map, layer, state)
        console().print(table)


def _here(paths: Paths) -> MidiSnapshot:
    from engine.control.midi_ports import identified
    from engine.control.midi_rtmidi import RtMidiSystem

    system = RtMidiSystem()
    problem = system.look()
    files = midi_maps(paths).read_all()
    ports = []
    for port in identified(system.inputs()):
        file = max(files, key=lambda file: file.map.fit(port), default=None)
        is_known = file is not None and bool(file.map.fit(port))
        map_id, name = (file.id, file.map.name) if file is not None and is_known else ("", "")
        ports.append(MidiPortSnapshot(port, map_id, name, 1, 1, False, False, ""))
    system.close()
    return MidiSnapshot(problem=problem, ports=tuple(ports))


def _maps(paths: Paths, as_json: bool) -> None:
    files = midi_maps(paths).read_all()
    if as_json:
        maps = tuple(MidiMapSnapshot(file.id, file.map.name, file.is_own, file.notes) for file in files)
        print(msgspec.json.format(msgspec.json.encode(maps), indent=2).decode())
        return
    table = Table(Column("map", no_wrap=True), "device", "whose", "controls", "notes")
    for file in files:
        whose = "yours" if file.is_own else "Sidetone's"
        table.add_row(file.id, file.map.name, whose, str(len(file.map.single_controls())), "; ".join(file.notes))
    console().print(table)


def _check(path: Path) -> None:
    from engine.control.midi_map_library import read_map_file

    file = read_map_file(path)
    if file.is_damaged:
        raise PresetError("; ".join(file.notes))
    for note in file.notes:
        print(note)
    print(f"{file.map.name or file.id}: {len(file.map.single_controls())} controls, {len(file.map.bindings)} bindings")


def _learn(engine: EngineApi, target: str, is_added: bool) -> None:
    engine.send(LearnMidi(target, is_added))
    print(engine.snapshot().midi.learn.text, flush=True)
    try:
        while (learn := engine.snapshot().midi.learn).is_active:
            sleep(_LOOK_INTERVAL_S)
    except KeyboardInterrupt:
        engine.send(CancelMidiLearn())
        raise
    print(learn.text)


def _use(engine: EngineApi, port: str, map_id: str, paths: Paths) -> None:
    midi = engine.snapshot().midi
    known = [shown.port for shown in midi.ports]
    fitting = [name for name in known if port.casefold() in name.casefold()]
    if len(fitting) != 1:
        raise PresetError(f"{port!r} names {len(fitting)} MIDI ports; there are: {', '.join(known) or 'none'}")
    maps = {name: chosen for name, chosen in midi.config.maps.items() if name != fitting[0]}
    if map_id not in ("auto", "off"):
        midi_maps(paths).find(map_id)
    if map_id != "auto":
        maps[fitting[0]] = map_id
    engine.send(SetMidi(MidiConfig(is_on=midi.config.is_on, maps=maps)))


def _monitor(engine: EngineApi) -> None:
    seen = 0
    while True:
        for message in engine.snapshot().midi.messages:
            if message.sequence > seen:
                seen = message.sequence
                print(f"{message.time_s:9.3f}  {message.port}  {message.text}", flush=True)
        sleep(_LOOK_INTERVAL_S)
