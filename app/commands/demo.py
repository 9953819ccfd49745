"""What `sidetone` does where there is no sound device.

The same live engine runs in real time on a simulated microphone with real speech under made noise, and says what it did.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import soundfile
from rich.table import Table

from app.demo import prepare_demo
from app.demo_sound import DemoSound, removed_noise_db
from app.live_session import exit_code, run_live
from app.paths import Paths
from app.terminal import console, is_attended
from engine import EngineConfig, EngineState
from engine.facade import Engine
from engine.files import write_whole
from engine.io.simulated import PREFIX
from engine.report import Report

_UNATTENDED_S = 20.0


def run_demo(
    engine: Engine, config: EngineConfig, duration_s: float | None, report_file: Path | None, paths: Paths
) -> int:
    """Run the demo on `engine`; returns the exit code."""
    print("No sound device found: the engine runs on a simulated microphone, real speech under made noise.", flush=True)
    sound, before, after = prepare_demo(paths)
    devices = msgspec.structs.replace(config.devices, input=f"{PREFIX}{before}", output=f"{PREFIX}{after}")
    if duration_s is None and not is_attended():
        duration_s = _UNATTENDED_S
        print(f"Nobody is at a terminal: it ends by itself after {duration_s:.0f} s.", flush=True)

    report = run_live(engine, msgspec.structs.replace(config, devices=devices), duration_s, paths)
    if report_file:
        write_whole(report_file, report.to_json())
    if report.state is not EngineState.FAILED:
        _summarize(sound, before, after, report)
    return exit_code(report)


def _summarize(sound: DemoSound, before: Path, after: Path, report: Report) -> None:
    output, _ = soundfile.read(after, dtype="float32", always_2d=True)
    removed_db = removed_noise_db(sound, np.ascontiguousarray(output[:, 0]))
    hop_ms = 1000 * report.hop_frames / report.sample_rate
    table = Table(title="What was done", show_header=False)
    table.add_row("before", str(before))
    table.add_row("after", str(after))
    table.add_row("noise removed", "too short to say" if removed_db is None else f"{removed_db:.1f} dB in the pauses")
    for stage in report.stages:
        cost = f", {stage.work_ms.p50:.3f} ms a hop" if stage.work_ms else ""
        table.add_row(stage.id, f"{1000 * stage.latency_samples / report.sample_rate:.1f} ms delay{cost}")
    table.add_row("chain", f"{1000 * report.latency.chain_samples / report.sample_rate:.1f} ms delay")
    if report.hop_ms:
        share = 100 * report.hop_ms.p50 / hop_ms
        table.add_row(
            "cost per hop",
            f"{report.hop_ms.p50:.2f} ms of {hop_ms:.0f} ms ({share:.0f} %), p99 {report.hop_ms.p99:.2f}",
        )
    table.add_row("hops", f"{report.hops}, {report.xruns} xruns, {report.deadline_misses} late")
    console().print(table)
