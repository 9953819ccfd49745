"""`sidetone room`: learns rooms, keeps what was learnt, and tells the running engine which one to correct."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from rich.table import Table

from app.composition import rendezvous, room_folder
from app.paths import Paths
from app.rooms import DevicePair, device_warning
from app.terminal import console
from engine import RoomError, SetRoom
from engine.files import write_whole

if TYPE_CHECKING:
    from app.rooms import RoomFolder
    from engine.measure.lesson import Lesson
    from engine.measure.profile import RoomProfile
    from engine.measure.take import Take

_LOOK_S = 0.1


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Carry out one action."""
    folder = room_folder(paths)
    match command.action:
        case "measure" | "learn":
            folder.expect_name(command.name)
            _learn(command, folder)
        case "import":
            from engine.measure.exchange import import_profile

            folder.expect_name(command.name)
            _keep(import_profile(command.file, command.name), folder, command.json)
        case "list":
            _list(folder, command.json)
        case "show":
            _show([folder.load(name) for name in command.names], command.json)
        case "export":
            write_whole(command.file, _exported(folder.load(command.name), command.file).encode("utf-8"))
        case "remove":
            folder.remove(command.name)
        case "use":
            _use(command.name, command.monitor, folder, paths)
    return 0


def _learn(command: argparse.Namespace, folder: RoomFolder) -> None:
    from engine.io.system import SystemBackend
    from engine.measure.lesson import ClapLesson, SweepLesson, TalkLesson
    from engine.measure.take import Take

    if command.action == "learn" and command.pattern and not command.close:
        raise RoomError("--pattern is about talking close to the microphone; say --close too, or leave it out")
    backend = SystemBackend()
    if command.action == "measure":
        lesson: Lesson = SweepLesson()
    elif command.way == "clap":
        lesson = ClapLesson()
    else:
        lesson = talking = TalkLesson(command.speaker, pattern=command.pattern)
        if command.close:
            first = Take(backend, talking.close_by(), command.input, command.output)
            _carry_out(first)
            lesson = talking.after(first.recording)
    take = Take(backend, lesson, command.input, command.output)
    _carry_out(take)
    learnt = take.status.learnt
    assert learnt is not None
    for note in learnt.notes:
        print(note, file=sys.stderr)
    _keep(learnt.profile(command.name, take.microphone, take.loudspeaker), folder, command.json)


def _carry_out(take: Take) -> None:
    """Run a take and tell how it goes; Ctrl-C ends it at once."""
    failure: list[BaseException] = []

    def work() -> None:
        try:
            take.run()
        except Exception as error:  # noqa: BLE001 - raised again on the thread that asked
            failure.append(error)

    worker = threading.Thread(target=work, name="sidetone-take", daemon=True)
    worker.start()
    said = ""
    try:
        while worker.is_alive():
            worker.join(_LOOK_S)
            if take.status.phase != said:
                said = take.status.phase
                print(said, file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        take.cancel()
        worker.join()
        raise
    if failure:
        raise failure[0]


def _keep(profile: RoomProfile, folder: RoomFolder, as_json: bool) -> None:
    folder.save(profile)
    _show([profile], as_json)
    if not as_json:
        print(f"kept; `sidetone room use {profile.name!r}` corrects it in the running engine")


def _list(folder: RoomFolder, as_json: bool) -> None:
    found: list[dict[str, Any]] = []
    for name in folder.names():
        try:
            profile = folder.load(name)
            found.append({"name": name, "made_at": profile.made_at, "way": profile.way, "problem": None})
        except RoomError as error:
            found.append({"name": name, "made_at": None, "way": None, "problem": str(error)})
    if as_json:
        print(msgspec.json.encode(found).decode())
    elif not found:
        print("No room was learnt yet; `sidetone room measure NAME` does it with a loudspeaker, `room learn` without.")
    for entry in [] if as_json else found:
        print(entry["problem"] or f"{entry['name']}: {entry['way']}, {entry['made_at']}")


def _show(profiles: list[RoomProfile], as_json: bool) -> None:
    from app.room_picture import limit_in_words
    from engine.dsp.correction import FLAT, Limits
    from engine.dsp.curve import THIRD_OCTAVES_HZ

    if as_json:
        shown = [
            {key: value for key, value in msgspec.to_builtins(profile).items() if key != "impulse"}
            for profile in profiles
        ]
        print(msgspec.json.encode(shown).decode())
        return
    table = Table("", *(profile.name for profile in profiles))
    table.add_row("made", *(f"{profile.way}, {profile.made_at[:16].replace('T', ' ')}" for profile in profiles))
    table.add_row("microphone", *(profile.input_device or "–" for profile in profiles))
    table.add_row("loudspeaker", *(profile.output_device or "–" for profile in profiles))
    for label, name, unit in (
        ("T20", "t20_s", "s"), ("T30", "t30_s", "s"), ("EDT", "edt_s", "s"), ("C50", "c50_db", "dB"), ("DRR", "drr_db", "dB")
    ):  # fmt: skip
        values = [getattr(profile.decay, name) if profile.decay else None for profile in profiles]
        table.add_row(label, *("–" if value is None else f"{value:.2f} {unit}" for value in values))
    levels = []
    for profile in profiles:
        level_db = profile.response.curve().at(THIRD_OCTAVES_HZ)
        levels.append(level_db if profile.is_correction else level_db - np.median(level_db))
    for row, frequency_hz in enumerate(THIRD_OCTAVES_HZ):
        table.add_row(f"{frequency_hz:.0f} Hz", *(f"{level_db[row]:+.1f} dB" for level_db in levels))
    console().print(table)
    for profile in profiles:
        for sentence in limit_in_words(profile.room(), FLAT, Limits()):
            print(f"{profile.name}: {sentence}")


def _exported(profile: RoomProfile, file: Path) -> str:
    """The response as REW's text, or, for a name with `eq` in it, the bands that correct it as Equalizer APO's."""
    from engine.measure.exchange import export_correction, export_rew

    if "eq" in file.stem.lower():
        return export_correction(profile.room())
    return export_rew(profile.response.curve(), f"{profile.name}, measured with Sidetone {profile.made_at}")


def _use(name: str, is_monitor: bool, folder: RoomFolder, paths: Paths) -> None:
    from engine.remote import connect

    chosen = "" if name == "off" else name
    if chosen:
        folder.load(chosen)
    engine = connect(rendezvous(paths))
    snapshot = engine.snapshot()
    devices = snapshot.devices
    used = DevicePair(loudspeaker=devices.monitor) if is_monitor else DevicePair(microphone=devices.input)
    if chosen and (warning := device_warning(chosen, folder.devices(chosen), used)):
        print(warning, file=sys.stderr)
    changed = {"monitor": chosen} if is_monitor else {"profile": chosen}
    engine.send(SetRoom(msgspec.structs.replace(snapshot.room.config, **changed)))
