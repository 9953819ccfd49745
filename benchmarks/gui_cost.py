"""What the moving window costs: processor time of the face's process as a share of one core.

    QT_QPA_PLATFORM=offscreen python -m benchmarks.gui_cost [--seconds S] [--json FILE]
    xvfb-run python -m benchmarks.gui_cost

The fake engine moves every meter at 30 frames a second. Its own work (made-up meters and spectra) is in the same process,
so it is measured alone first and reported beside the total; the share of the face is the difference.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QGuiApplication

from app.bridge import EngineBridge
from app.ui.application import make_application
from app.ui.main_window import MainWindow
from tests.helpers.fake_engine import FakeEngine, FakeLink

ROUNDS = 3


@dataclass(frozen=True)
class Cost:
    """Shares of one core, in percent; medians over the rounds."""

    case: str
    whole_percent: float
    fake_engine_percent: float
    face_percent: float
    frames_per_s: float
    spectra_per_s: float


def live(seconds: float) -> None:
    """Let the event loop run."""
    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def engine_cost_percent(frames: int, spectra: int, seconds: float) -> float:
    """Processor time the fake engine itself takes for that many pictures, as a share of `seconds`."""
    engine = FakeEngine()
    began_s = time.process_time()
    for frame in range(frames):
        engine.snapshot(with_spectrum=frame < spectra)
    return 100.0 * (time.process_time() - began_s) / seconds


def measure(case: str, seconds: float, with_spectrum: bool, is_shown: bool, size: tuple[int, int]) -> Cost:
    """Run one window and weigh it."""
    engine = FakeEngine()
    bridge = EngineBridge(FakeLink(engine))
    window = MainWindow(bridge)
    window.spectrum.set_open(with_spectrum)
    window.resize(*size)
    window.show()
    bridge.open()
    live(1.0)
    if not is_shown:
        window.hide()
        live(1.0)
    wholes, frames, spectra, fakes = [], [], [], []
    for _ in range(ROUNDS):
        frame_0, spectrum_0 = engine.snapshots_taken, engine.spectra_taken
        wall_0, work_0 = time.perf_counter(), time.process_time()
        live(seconds)
        wall_s, work_s = time.perf_counter() - wall_0, time.process_time() - work_0
        wholes.append(100.0 * work_s / wall_s)
        frames.append((engine.snapshots_taken - frame_0) / wall_s)
        spectra.append((engine.spectra_taken - spectrum_0) / wall_s)
        fakes.append(engine_cost_percent(engine.snapshots_taken - frame_0, engine.spectra_taken - spectrum_0, wall_s))
    bridge.close()
    window.close()
    window.deleteLater()
    whole, fake = statistics.median(wholes), statistics.median(fakes)
    return Cost(case, whole, fake, whole - fake, statistics.median(frames), statistics.median(spectra))


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    make_application(["sidetone"])
    small, large = (1000, 640), (1440, 900)
    costs = [
        measure("meters, 1000×640", arguments.seconds, False, True, small),
        measure("meters, 1440×900", arguments.seconds, False, True, large),
        measure("meters and spectrum, 1000×640", arguments.seconds, True, True, small),
        measure("meters and spectrum, 1440×900", arguments.seconds, True, True, large),
        measure("hidden", arguments.seconds, True, False, small),
    ]
    platform = QGuiApplication.platformName()
    print(f"share of one core, Qt platform {platform}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
          if hasattr(os, "getloadavg") else f"share of one core, Qt platform {platform}")  # fmt: skip
    for cost in costs:
        print(
            f"{cost.case:32s} face {cost.face_percent:5.1f} %   with fake engine {cost.whole_percent:5.1f} %   "
            f"{cost.frames_per_s:4.1f} frames/s   {cost.spectra_per_s:4.1f} spectra/s"
        )
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"platform": platform, "costs": [asdict(cost) for cost in costs]}, indent=2)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
