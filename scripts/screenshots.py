"""Renders the window into PNG files at the sizes it must look right at.

    python -m scripts.screenshots docs/screenshots --live

With `--live` the engine of this machine is shown (where there is no microphone, with the demo's speech under noise), else
the deterministic one of the tests. Each picture is taken in a process of its own, because Qt's scale factor is fixed when it
starts; `--platform xcb` draws under an X server instead of into memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.bridge import EngineBridge

LOUD_DBFS = -20.0
PATIENCE_S = 6.0
STARTING_S = 60.0


@dataclass(frozen=True)
class Shot:
    """What one picture shows."""

    width: int
    height: int
    scale: float = 1.0
    open_stage: str = ""
    open_tool: str = ""
    is_trouble: bool = False


PICTURES = {
    "window-1000x640": Shot(1000, 640),
    "window-1440x900": Shot(1440, 900, open_stage="compressor"),
    "window-200-percent": Shot(1000, 640, scale=2.0),
}
EXTRA_PICTURES = {
    "extra-4k": Shot(3840, 2160),
    "extra-4k-200-percent": Shot(1920, 1080, scale=2.0),
    **{
        f"extra-{stage}-{width}x{height}": Shot(width, height, open_stage=stage)
        for stage in ("gate", "de_esser", "equalizer", "compressor", "leveller", "duck", "limiter")
        for width, height in ((1000, 640), (1440, 900))
    },
    "extra-loudness": Shot(1000, 640, open_tool="loudness"),
    "extra-loudness-1440x900": Shot(1440, 900, open_tool="loudness"),
    "extra-room": Shot(1000, 640, open_tool="room"),
    "extra-models": Shot(1000, 640, open_tool="models"),
    "extra-trouble": Shot(1000, 640, is_trouble=True),
}


def shoot(bridge: EngineBridge, shot: Shot, target: Path, seconds: float) -> None:
    """Open the window on `bridge`, let it live for `seconds` and until somebody speaks, and save what it looks like."""
    from app.ui.main_window import MainWindow

    window = MainWindow(bridge)
    window.resize(shot.width, shot.height)
    window.show()
    bridge.open()
    _live(STARTING_S, until=lambda: window.status.badge.word == "Running")
    _live(seconds)
    if shot.open_stage:
        window.open_stage(shot.open_stage)
        _live(3.0)
    if shot.open_tool:
        window.open_tool(shot.open_tool)
        _live(1.0)
    _live(PATIENCE_S, until=lambda: max(window.output.meter.levels_db) > LOUD_DBFS)
    target.parent.mkdir(parents=True, exist_ok=True)
    window.grab().save(str(target))
    bridge.close()
    window.close()


def _live(seconds: float, until: Callable[[], bool] = lambda: False) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop, look = QEventLoop(), QTimer(interval=30)
    look.timeout.connect(lambda: loop.quit() if until() else None)
    look.start()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


@contextmanager
def _fake_bridge(shot: Shot) -> Iterator[EngineBridge]:
    from app.bridge import EngineBridge
    from engine import EventKind
    from tests.helpers.fake_engine import FakeEngine, FakeLink

    engine = FakeEngine(is_measured=not shot.is_trouble)
    engine.note("Virtual microphone “Sidetone” made", EventKind.DEVICE)
    if shot.is_trouble:
        engine.degraded["denoise"] = "It took longer than its budget; tried again in 5 s"
        engine.bypassed.add("compressor")
        engine.xruns = 3
        engine.advice = (
            "No virtual cable was found: get VB-CABLE from vb-audio.com, install it, start Sidetone again, and in OBS "
            "choose “CABLE Output” as the microphone."
        )
    yield EngineBridge(FakeLink(engine))


@contextmanager
def _live_bridge(shot: Shot) -> Iterator[EngineBridge]:
    from app.bridge import EngineBridge
    from app.composition import rendezvous
    from app.demo import prepare_demo
    from app.paths import find_paths
    from app.supervisor import EngineSupervisor
    from engine import ChainConfig, DeviceConfig, EngineConfig

    # What is looked at is at work, and has something to work on.
    looked_at = "leveller" if shot.open_tool == "loudness" else shot.open_stage
    chain, devices = ChainConfig(bypass={looked_at: False} if looked_at else {}), DeviceConfig()
    if shot.open_stage == "duck":
        looped = f"simulated:loop:{prepare_demo(find_paths())[1]}"
        devices = DeviceConfig(input=looped, music=looped)
    supervisor = EngineSupervisor(rendezvous(find_paths()), EngineConfig(devices=devices, chain=chain))
    supervisor.prelaunch()
    try:
        yield EngineBridge(supervisor)
    finally:
        supervisor.close()


def _take(name: str, arguments: argparse.Namespace) -> int:
    from app.ui.application import make_application

    shot = (PICTURES | EXTRA_PICTURES)[name]
    application = make_application(["sidetone"])
    with _live_bridge(shot) if arguments.live else _fake_bridge(shot) as bridge:
        shoot(bridge, shot, arguments.folder / f"{name}.png", arguments.seconds)
    application.quit()
    return 0


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long the window lives before the picture")
    parser.add_argument("--live", action="store_true", help="this machine's engine instead of the one of the tests")
    parser.add_argument("--extra", action="store_true", help="also 4K, open panels and tools, and trouble")
    parser.add_argument("--platform", default="offscreen", help="Qt platform; xcb under an X server")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        return _take(arguments.only, arguments)
    with tempfile.TemporaryDirectory(prefix="sidetone-") as runtime:
        for name, shot in (PICTURES | (EXTRA_PICTURES if arguments.extra else {})).items():
            environment = os.environ | {
                "QT_QPA_PLATFORM": arguments.platform,
                "QT_SCALE_FACTOR": str(shot.scale),
                "QT_LOGGING_RULES": "qt.qpa.*=false",
                "SIDETONE_RUNTIME_DIR": runtime,
                "SIDETONE_CONFIG_DIR": runtime,
            }
            command = [sys.executable, "-m", "scripts.screenshots", *sys.argv[1:], "--only", name]
            subprocess.run(command, env=environment, check=True)
            print(arguments.folder / f"{name}.png", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
