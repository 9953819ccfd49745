"""A long live run at its own pace in a real engine process, with or without a window beside it that moves or hangs.

    python -m benchmarks.live_soak --minutes 10 --window --hang [--restart] [--json FILE]

The engine hears the demo's voice under noise, looped, on the simulated device, in real time. `--window` opens the real window
(offscreen where there is no screen), moves it about, and lets it draw all its meters; `--hang` blocks its thread for two
seconds out of ten; `--restart` kills the engine at the end and takes the time until it runs again. The first seconds, in
which caches are cold, are left out. Printed as JSON; meant to run alone on the machine.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from app.demo import prepare_demo
from app.paths import find_paths
from app.supervisor import EngineSupervisor
from engine import (
    ConnectionLostError,
    DeviceConfig,
    EngineConfig,
    EngineState,
    EventKind,
    Percentiles,
    ResetMeters,
    Snapshot,
)
from engine.files import write_whole
from engine.remote import connect
from engine.rendezvous import Rendezvous

if TYPE_CHECKING:
    from PySide6.QtCore import QTimer

WARM_UP_HOPS = 500
HANG_S, HANG_EVERY_S = 2.0, 10.0
LOOK_S = 1 / 30
MOVE_S = 0.05


class Miss(msgspec.Struct, frozen=True):
    """Deadlines missed within one second, when, and what else the machine did.

    `load` is the load average of one minute; `stolen_ms` what a host beneath took from this second, as far as Linux knows.
    """

    at_s: float
    count: int
    load: float
    stolen_ms: float


class MissWatch:
    """Looks once a second, on a thread and a connection of its own, whether deadlines were missed."""

    def __init__(self, meeting_point: Rendezvous) -> None:
        self.seen: list[Miss] = []
        self._engine = connect(meeting_point)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._ended.set()
        self._thread.join()
        self._engine.close()

    def _look(self) -> None:
        began_s = time.monotonic()
        known, stolen_ms = self._engine.snapshot().deadline_misses, stolen_so_far_ms()
        while not self._ended.wait(1.0):
            count, stolen_now_ms = self._engine.snapshot().deadline_misses, stolen_so_far_ms()
            if count > known:
                load = os.getloadavg()[0] if sys.platform != "win32" else 0.0
                at_s = round(time.monotonic() - began_s, 1)
                self.seen.append(Miss(at_s, count - known, load, stolen_now_ms - stolen_ms))
            known, stolen_ms = count, stolen_now_ms


def stolen_so_far_ms() -> float:
    """Time that a host beneath this machine took from its processors since the start; 0 where that is not told."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    except OSError:
        return 0.0
    return 10.0 * float(fields[8])


class Soak(msgspec.Struct, frozen=True):
    """What a run came to, without its first seconds; times in milliseconds unless named otherwise."""

    minutes: float
    with_window: bool
    gui_hung_s: float
    hops: int
    deadline_misses: int
    misses_seen: tuple[Miss, ...]
    xruns: int
    hop_ms: Percentiles | None
    stage_ms: dict[str, Percentiles | None]
    notices: tuple[str, ...]
    restart_s: float | None


def main() -> int:
    """Run, and print what it came to; 1 if a deadline was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--window", action="store_true", help="open the window and move it")
    parser.add_argument("--hang", action="store_true", help="block the window's thread for 2 s out of 10")
    parser.add_argument("--restart", action="store_true", help="kill the engine at the end, and time its return")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIDETONE_RUNTIME_DIR"] = folder
        result = soak(Path(folder), options.minutes * 60.0, options.window, options.hang, options.restart)
    content = msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"
    sys.stdout.write(content.decode())
    if options.json:
        write_whole(options.json, content)
    return int(result.deadline_misses > 0)


def soak(folder: Path, seconds: float, with_window: bool, is_hanging: bool, with_restart: bool) -> Soak:
    """Run an engine for so long, and look at it before and after."""
    _, noisy, _ = prepare_demo(find_paths())
    meeting_point = Rendezvous(folder)
    devices = DeviceConfig(input=f"simulated:loop:{noisy}", output="simulated:out")
    supervisor = EngineSupervisor(meeting_point, EngineConfig(devices=devices))
    try:
        before = await_running(supervisor, WARM_UP_HOPS)
        supervisor.api().send(ResetMeters())
        watch = MissWatch(meeting_point)
        hung_s = show_window(supervisor, seconds, is_hanging) if with_window else look_on(supervisor, seconds)
        watch.close()
        engine = connect(meeting_point)
        after, events = engine.snapshot(), engine.events()
        engine.close()
        return Soak(
            minutes=seconds / 60.0,
            with_window=with_window,
            gui_hung_s=hung_s,
            hops=after.hops - before.hops,
            deadline_misses=after.deadline_misses - before.deadline_misses,
            misses_seen=tuple(watch.seen),
            xruns=after.xruns - before.xruns,
            hop_ms=after.hop_ms,
            stage_ms={stage.id: stage.work_ms for stage in after.stages},
            notices=tuple(event.text for event in events if event.kind is not EventKind.STATE)[-50:],
            restart_s=restart(supervisor, meeting_point) if with_restart else None,
        )
    finally:
        supervisor.close()


def await_running(supervisor: EngineSupervisor, hops: int) -> Snapshot:
    """The first snapshot of an engine that has done so many hops."""
    while True:
        with suppress(ConnectionLostError):
            snapshot = supervisor.api().snapshot()
            if snapshot.state is EngineState.RUNNING and snapshot.hops >= hops:
                return snapshot
        time.sleep(LOOK_S / 4)


def look_on(supervisor: EngineSupervisor, seconds: float) -> float:
    """Do what a window does all the time, without one."""
    ends_at_s = time.monotonic() + seconds
    while time.monotonic() < ends_at_s:
        supervisor.api().snapshot(with_spectrum=True)
        time.sleep(LOOK_S)
    return 0.0


def show_window(supervisor: EngineSupervisor, seconds: float, is_hanging: bool) -> float:
    """Show the real window for so long; returns for how many seconds its thread was blocked."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

    from PySide6.QtCore import QTimer

    from app.bridge import EngineBridge
    from app.ui.application import make_application
    from app.ui.main_window import MainWindow

    application = make_application(sys.argv[:1])
    bridge = EngineBridge(supervisor, supervisor.config)
    window = MainWindow(bridge)
    hung_s = 0.0
    step = 0

    def move() -> None:
        nonlocal step
        step += 1
        window.move(step % 200, step // 2 % 100)
        if step % 20 == 0:
            window.resize(1200 + step % 200, 800)

    def hang() -> None:
        nonlocal hung_s
        time.sleep(HANG_S)
        hung_s += HANG_S

    timers = [every(MOVE_S, move)] + ([every(HANG_EVERY_S, hang)] if is_hanging else [])
    bridge.open()
    window.show()
    QTimer.singleShot(int(seconds * 1000), application.quit)
    application.exec()
    for timer in timers:
        timer.stop()
    bridge.close()
    window.close()
    return hung_s


def every(seconds: float, act: Callable[[], None]) -> QTimer:
    """A running timer of Qt."""
    from PySide6.QtCore import QTimer

    timer = QTimer()
    timer.timeout.connect(act)
    timer.start(int(seconds * 1000))
    return timer


def restart(supervisor: EngineSupervisor, meeting_point: Rendezvous) -> float:
    """Kill the engine as a crash would, and take the time until the sound runs again."""
    found = meeting_point.find()
    if found is None:
        raise ConnectionLostError("there is no engine to kill")
    began_s = time.monotonic()
    os.kill(found.process_id, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    while True:
        with suppress(ConnectionLostError):
            snapshot = supervisor.api().snapshot()
            again = meeting_point.find()
            if snapshot.state is EngineState.RUNNING and snapshot.hops and again != found:
                return time.monotonic() - began_s
        time.sleep(LOOK_S / 4)


if __name__ == "__main__":
    sys.exit(main())
