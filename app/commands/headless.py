"""`sidetone headless`: the live engine without a window. Also what `sidetone` does on a machine without a screen."""

from __future__ import annotations

import argparse

from app.chain_settings import apply_settings
from app.composition import make_engine, room_folder
from app.demo import has_microphone
from app.live_session import exit_code, run_live
from app.paths import Paths
from engine import AUTOMATIC, DeviceConfig, EngineConfig, RoomConfig
from engine.config import DEFAULT_HOP_FRAMES
from engine.files import expect_writable, write_whole


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Run until the duration is over, the input ends, Ctrl-C, or `ctl stop`."""
    if command.report:
        expect_writable(command.report)
    if command.room:
        # A session that was asked for a room does not begin without it.
        room_folder(paths).room(command.room)
    engine = make_engine(paths)
    apply_settings(engine.controls, engine.presets, command)
    config = EngineConfig(
        devices=DeviceConfig(
            input=command.input or AUTOMATIC,
            output=command.output or AUTOMATIC,
            monitor=command.monitor,
            music=command.music,
            hop_frames=command.hop or DEFAULT_HOP_FRAMES,
            is_exclusive=command.exclusive,
        ),
        chain=engine.controls.save(),
        room=RoomConfig(profile=command.room),
    )
    if command.input is None and command.output is None and not has_microphone(engine.devices()):
        from app.commands.demo import run_demo

        return run_demo(engine, config, command.duration, command.report, paths)
    report = run_live(engine, config, command.duration, paths)
    if command.report:
        write_whole(command.report, report.to_json())
    return exit_code(report)
