"""`sidetone process IN OUT`: the same chain over a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from app.chain_settings import apply_settings, correct_room
from app.composition import make_chain, preset_library
from app.crash import interrupted_by_termination
from app.paths import Paths
from engine import SidetoneError
from engine.files import expect_writable, write_whole


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Render one file and, if asked to, write the report."""
    if command.report:
        _expect_separate(command.report, command.source, command.target)
        expect_writable(command.report)

    from engine.control.controls import Controls
    from engine.control.presets import Presets
    from engine.render import render
    from engine.report import offline_report

    with interrupted_by_termination():
        chain = make_chain(paths, is_live=False)
        controls = Controls(chain)
        presets = Presets(controls, preset_library(paths), lambda note: print(f"sidetone: {note}", file=sys.stderr))
        apply_settings(controls, presets, command)
        correct_room(chain, command.room, paths)
        processor = render(chain, command.source, command.target, command.compensate_latency)
        if command.report:
            write_whole(command.report, offline_report(processor).to_json())
    return 0


def _expect_separate(report: Path, *sounds: Path) -> None:
    for sound in sounds:
        if report.absolute() == sound.absolute() or (report.exists() and sound.exists() and report.samefile(sound)):
            raise SidetoneError(f"the report cannot be {sound} itself; give it a name of its own")
