"""Renders the window into PNG files at the sizes it must look right at.

    python -m scripts.screenshots FOLDER [--seconds S]

Each size is taken in a process of its own, because the scale factor is fixed when Qt starts. The engine is the deterministic
one of the tests; `shoot` takes any bridge, so that the real engine can be shown too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PICTURES = {
    "window-1000x640": (1000, 640, 1.0),
    "window-1440x900": (1440, 900, 1.0),
    "window-200-percent": (1000, 640, 2.0),
}
EXTRA_PICTURES = {
    "extra-4k": (3840, 2160, 1.0),
    "extra-panel-1000x640": (1000, 640, 1.0),
    "extra-panel-1440x900": (1440, 900, 1.0),
    "extra-trouble": (1000, 640, 1.0),
}


@dataclass(frozen=True)
class Shot:
    """What one picture shows."""

    name: str
    width: int
    height: int
    open_stage: str | None = None


def shoot(bridge: object, shot: Shot, target: Path, seconds: float) -> None:
    """Open the window on `bridge`, let it live for `seconds`, and save what it looks like."""
    from PySide6.QtCore import QEventLoop, QTimer

    from app.bridge import EngineBridge
    from app.ui.main_window import MainWindow

    assert isinstance(bridge, EngineBridge)
    window = MainWindow(bridge)
    window.resize(shot.width, shot.height)
    window.show()
    bridge.open()
    loop = QEventLoop()
    if shot.open_stage:
        QTimer.singleShot(int(seconds * 500), lambda: window.open_stage(shot.open_stage or ""))
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()
    target.parent.mkdir(parents=True, exist_ok=True)
    window.grab().save(str(target))
    bridge.close()
    window.close()


def _shoot_fake(name: str, target: Path, seconds: float) -> None:
    from app.bridge import EngineBridge
    from app.ui.application import make_application
    from engine import EventKind
    from tests.helpers.fake_engine import FakeEngine, FakeLink

    width, height, _ = (PICTURES | EXTRA_PICTURES)[name]
    make_application(["sidetone"])
    engine = FakeEngine(is_measured="trouble" not in name)
    engine.note("Model DeepFilterNet3 loaded and warmed up")
    engine.note("Virtual microphone “Sidetone” made", EventKind.DEVICE)
    if "trouble" in name:
        engine.degraded["denoise"] = "It took longer than its budget; tried again in 5 s"
        engine.bypassed.add("compressor")
        engine.xruns = 3
        engine.advice = (
            "No virtual cable was found: get VB-CABLE from vb-audio.com, install it, start Sidetone again, and in OBS "
            "choose “CABLE Output” as the microphone."
        )
    open_stage = "compressor" if "panel" in name else None
    shoot(EngineBridge(FakeLink(engine)), Shot(name, width, height, open_stage), target, seconds)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--extra", action="store_true", help="also 4K, an open panel, and trouble")
    parser.add_argument("--platform", default="offscreen", help="Qt platform; xcb under an X server")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        _shoot_fake(arguments.only, arguments.folder / f"{arguments.only}.png", arguments.seconds)
        return 0
    for name, (_, _, scale) in (PICTURES | (EXTRA_PICTURES if arguments.extra else {})).items():
        environment = os.environ | {"QT_QPA_PLATFORM": arguments.platform, "QT_SCALE_FACTOR": str(scale)}
        command = [sys.executable, "-m", "scripts.screenshots", str(arguments.folder), "--only", name]
        subprocess.run([*command, "--seconds", str(arguments.seconds)], env=environment, check=True)
        print(arguments.folder / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
