"""The way to the headphones on JACK, from the first second on: `python -m benchmarks.monitor`.

JACK with a dummy driver at a period of 128 frames; its own meter measures from the microphone's port to the headphones'. First
the edge alone, then the whole program with its denoiser at work on the air bus. Writes `docs/benchmarks/monitor.md`. Run it
alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.files import write_whole
from tests.rig.processes import end, wait_until
from tests.rig.studio import JackStudio

PERIOD_FRAMES = 128
ENDS = ("--input", "jack:system", "--output", "jack:system", "--monitor", "jack:system")
MICROPHONE_PORT, MONITOR_PORT = "Sidetone:in_0", "Sidetone:out_2"
FIGURES_PER_S = 2
"""So often JACK's meter tells what it has measured."""

MOST_MS = 10.0
REPORT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "monitor.md"


@dataclass(frozen=True)
class Measured:
    """Round trips in milliseconds, two a second from the first on; interruptions of both buses, None where nobody counts."""

    round_trips_ms: Sequence[float]
    air_losses: int | None = None
    monitor_losses: int | None = None


def main() -> int:
    """Measure, print and write; 1 if it takes too long or is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitor", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--hops", type=int, nargs="*", default=[128, 480])
    options = parser.parse_args()
    rows = []
    is_met = True
    for hop in options.hops:
        with JackStudio(PERIOD_FRAMES) as studio:
            rows.append(row("the edge alone", hop, edge_alone(studio, hop)))
        with JackStudio(PERIOD_FRAMES) as studio:
            measured = whole_program(studio, hop, options.seconds)
        rows.append(row("the whole program", hop, measured))
        if hop == PERIOD_FRAMES:
            is_met = max(measured.round_trips_ms) <= MOST_MS and measured.air_losses == 0
    text = report(rows, options.seconds)
    print(text)
    write_whole(REPORT, text.encode())
    return 0 if is_met else 1


def edge_alone(studio: JackStudio, hop: int) -> Measured:
    """A pass-through over the same edge."""
    command = [sys.executable, "-m", "tests.rig.pass_through", *ENDS, "--hop", str(hop), "--seconds", "60"]
    process = subprocess.Popen(command, env=studio.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: MONITOR_PORT in studio.run("jack_lsp"), "the pass-through's ports")
        return Measured(studio.round_trips_ms(MICROPHONE_PORT, MONITOR_PORT, 8.0))
    finally:
        end(process)


def whole_program(studio: JackStudio, hop: int, seconds: float) -> Measured:
    """The program as one starts it, with all its stages and services."""
    account = studio.folder / "report.json"
    command = [
        *(sys.executable, "-m", "app", "headless", *ENDS, "--hop", str(hop)),
        *("--duration", str(seconds), "--report", str(account)),
    ]
    process = subprocess.Popen(command, env=studio.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: MONITOR_PORT in studio.run("jack_lsp"), "the program's ports", 60.0)
        round_trips_ms = studio.round_trips_ms(MICROPHONE_PORT, MONITOR_PORT, seconds - 2.0)
        process.wait(30.0)
    finally:
        end(process)
    told = json.loads(account.read_text(encoding="utf-8"))
    monitor_losses = sum(losses(event["text"], "sound in the monitor") for event in told["events"])
    return Measured(round_trips_ms, told["xruns"], monitor_losses)


def losses(text: str, what: str) -> int:
    """How many interruptions an event tells of."""
    found = re.fullmatch(rf"the {what} was interrupted(?: (\d+) times)?", text)
    return 0 if found is None else int(found.group(1) or 1)


def row(name: str, hop: int, measured: Measured) -> str:
    """One line of the table."""
    found = measured.round_trips_ms
    first, first_five = found[:FIGURES_PER_S], found[: 5 * FIGURES_PER_S]
    figures = (max(first), max(first_five), max(found), sorted(found)[len(found) // 2])
    counts = ("–" if count is None else str(count) for count in (measured.air_losses, measured.monitor_losses))
    return f"| {name} | {hop} | " + " | ".join((*(f"{figure:.1f}" for figure in figures), *counts)) + " |"


def report(rows: Sequence[str], seconds: float) -> str:
    """The page."""
    machine = f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()})"
    table = "\n".join(rows)
    return f"""# The way to the headphones

Measured by `python -m benchmarks.monitor` on {machine}: JACK at a period of {PERIOD_FRAMES} frames
with a dummy driver, JACK's own meter from the microphone's port to the headphones'. The whole program runs for {seconds:.0f} s
with all stages and services, its denoiser at work on the air bus. Milliseconds; the meter begins as soon as the ports are there
and tells two figures a second.

| | hop, frames | first second, most | first 5 s, most | all, most | median | interruptions of air | of the monitor |
|---|---|---|---|---|---|---|---|
{table}

Aim at a hop of {PERIOD_FRAMES}: at most {MOST_MS:.0f} ms from the start, and no interruption of the air bus.
"""


if __name__ == "__main__":
    sys.exit(main())
