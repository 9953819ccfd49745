"""One live session in this process: an engine from its start to its report, open to `ctl` and to signals while it runs."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, suppress
from time import monotonic

from app.composition import rendezvous
from app.crash import EXIT_DONE, failed
from app.engine_process import prepare_engine_process
from app.paths import Paths
from app.services.keeper import ServicesKeeper, launch_services
from app.terminal import meter_display
from engine import ConnectionLostError, EngineConfig, EngineState, EventKind, SidetoneError, Start
from engine.facade import Engine
from engine.report import Report, live_report

_LOOK_INTERVAL_S = 0.1


def run_live(engine: Engine, config: EngineConfig, duration_s: float | None, paths: Paths) -> Report:
    """Run `engine` until its time is over, its input ends, somebody says stop, or a signal comes; then close it.

    Raises
    ------
    SidetoneError
        If the devices cannot be opened, or a recorded file cannot be completed.
    """
    with ExitStack() as clean_up:
        clean_up.callback(engine.close)
        stop = _on_signal(clean_up)
        prepare_engine_process()
        _serve(engine, paths, clean_up)
        engine.send(Start(config))
        show = clean_up.enter_context(meter_display())
        ends_at_s = monotonic() + duration_s if duration_s else None
        while not engine.shutdown_requested.is_set() and not stop.is_set():
            show(engine.snapshot())
            left_s = ends_at_s - monotonic() if ends_at_s is not None else _LOOK_INTERVAL_S
            if left_s <= 0 or engine.is_over:
                break
            stop.wait(min(left_s, _LOOK_INTERVAL_S))
        return live_report(engine.snapshot(), engine.events())


def exit_code(report: Report) -> int:
    """Exit code of a session that is over; why a failed one failed is said in one line."""
    if report.state is not EngineState.FAILED:
        return EXIT_DONE
    states = (event.text for event in reversed(report.events) if event.kind is EventKind.STATE)
    return failed(next(states, "the engine failed").removeprefix("failed: "))


def _on_signal(clean_up: ExitStack) -> threading.Event:
    """Make Ctrl-C and termination end the run cleanly, so that reports are written and devices given back."""
    stop = threading.Event()

    def note(number: int, frame: object) -> None:
        stop.set()

    # A hang-up exists on POSIX only.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            clean_up.callback(signal.signal, number, signal.signal(number, note))
    return stop


def _serve(engine: Engine, paths: Paths, clean_up: ExitStack) -> None:
    """Let `ctl` and a window talk to this engine, unless another one answers them already."""
    from engine.host import EngineHost
    from engine.remote import connect

    meeting_point = rendezvous(paths)
    with suppress(ConnectionLostError):
        connect(meeting_point).close()
        return
    with suppress(OSError, SidetoneError):
        host = EngineHost(engine, meeting_point)
        host.start()
        clean_up.callback(host.close)
        services = ServicesKeeper(lambda: launch_services(host.address))
        services.start()
        clean_up.callback(services.close)
