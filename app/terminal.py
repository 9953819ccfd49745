"""What a person at a terminal sees: tables, progress of a first set-up, and the live meter table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress import Progress, TaskID
from rich.table import Table

from engine import Snapshot

_BAR_CELLS = 18
_BAR_FLOOR_DBFS = -60.0
_REDRAWS_PER_S = 8
_UNATTENDED_WIDTH = 120
_UNITS = {"db": "dB", "dbfs": "dBFS", "lufs": "LUFS"}


def is_attended() -> bool:
    """Whether somebody sits at this terminal."""
    # A windowed program on Windows has no stdout at all.
    return sys.stdout is not None and sys.stdout.isatty()


def console(is_error: bool = False) -> Console:
    """Where tables are printed. What stands in square brackets is a device's or a file's name, and no markup."""
    width = None if is_error or is_attended() else _UNATTENDED_WIDTH
    return Console(stderr=is_error, width=width, markup=False, emoji=False)


@contextmanager
def announce_progress() -> Iterator[Callable[[str, float], None]]:
    """A function to call with what is being done and its share done (0…1); shown on stderr."""
    screen = console(is_error=True)
    with Progress(console=screen, disable=not screen.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def announce(what: str, share: float) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(escape(what), total=1.0)
                if not screen.is_terminal:
                    screen.print(what)
            progress.update(tasks[what], completed=share)

        yield announce


@contextmanager
def meter_display() -> Iterator[Callable[[Snapshot], None]]:
    """A function that shows a snapshot as a table, in place; does nothing where nobody looks."""
    if not is_attended():
        yield lambda snapshot: None
        return
    with Live(console=console(), refresh_per_second=_REDRAWS_PER_S) as live:
        yield lambda snapshot: live.update(meter_table(snapshot, most_meters=1))


def meter_table(snapshot: Snapshot, most_meters: int | None = None) -> Table:
    """The snapshot as a table: levels, loudness, delay, and each stage's state and cost.

    Parameters
    ----------
    most_meters : int or None
        How many meters of a stage are shown; a table that is redrawn in place must not be higher than the terminal.
    """
    state = f"Sidetone · {snapshot.state}" + (f" ({snapshot.reason})" if snapshot.reason else "")
    table = Table(title=state, show_header=False)
    table.add_row(
        "input", _bar(max(snapshot.input_level.peak_dbfs)), f"{max(snapshot.input_level.rms_dbfs):6.1f} dB rms"
    )
    table.add_row(
        "output", _bar(max(snapshot.output_level.peak_dbfs)), _figure(snapshot.loudness.short_term_lufs, "LUFS")
    )
    table.add_row("true peak", "", _figure(snapshot.loudness.true_peak_dbtp, "dBTP"))
    measured = snapshot.latency.measured_ms
    table.add_row(
        "delay", f"chain {snapshot.latency.chain_ms:.1f} ms", _device_delay(measured.p50 if measured else None)
    )
    table.add_section()
    for stage in snapshot.stages:
        state = stage.reason if stage.is_degraded else "bypassed" if stage.is_bypassed else "on"
        cost = f"{stage.work_ms.p50:6.3f} ms a hop" if stage.work_ms else ""
        readings = [] if stage.is_bypassed else list(stage.meters.items())[:most_meters]
        meters = "  ".join(_reading(name, value) for name, value in readings)
        table.add_row(stage.id, f"{state}  {meters}".rstrip(), cost)
    table.add_section()
    faults = f"{snapshot.xruns} xruns, {snapshot.deadline_misses} late"
    table.add_row("hops", str(snapshot.hops), faults)
    return table


def _bar(level_dbfs: float) -> str:
    share = min(max(1.0 - level_dbfs / _BAR_FLOOR_DBFS, 0.0), 1.0)
    return "█" * round(share * _BAR_CELLS) + "·" * (_BAR_CELLS - round(share * _BAR_CELLS)) + f" {level_dbfs:6.1f} dBFS"


def _reading(name: str, value: float) -> str:
    """A stage's meter, whose unit is the end of its name."""
    what, _, end = name.rpartition("_")
    return f"{what} {value:.1f} {_UNITS[end]}" if end in _UNITS else f"{name} {value:.1f}"


def _figure(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:6.1f} {unit}"


def _device_delay(p50_ms: float | None) -> str:
    return "end to end not measured" if p50_ms is None else f"{p50_ms:.1f} ms end to end"
