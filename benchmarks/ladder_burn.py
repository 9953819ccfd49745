"""The live chain in mode auto while other programs take the processor: does the sound go on, does the ladder come back.

    python -m benchmarks.ladder_burn [--seconds 30] [--mode auto] [--without-real-time | --in-front 0.6] [--json FILE]

The engine hears the demo's voice under noise, looped, on the simulated device, in real time and in its own process. After
some quiet seconds, twice as many real processes as there are cores compute for `--seconds`; then all is quiet again. What
was put out is kept, and looked through for gaps: with a strength of 24 dB there is always some noise, so a run of zeros is one.
Printed as JSON; meant to run alone on the machine. `--without-real-time` (Linux, as root) takes the right to real-time
priority from the benchmark and all it starts, as on a system that grants none. `--in-front` (Linux, as root) adds a program on
each core that has a higher real-time priority than the engine and takes such a share of the core, in bursts of 512 frames, as
another audio program with heavy effects does.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
import soundfile

from app.demo import prepare_demo
from app.paths import find_paths
from app.supervisor import EngineSupervisor
from benchmarks.live_soak import await_running
from engine import ChainConfig, DeviceConfig, EngineConfig, Event, EventKind, Snapshot
from engine.files import write_whole
from engine.remote import connect
from engine.rendezvous import Rendezvous

WARM_UP_HOPS = 500
BASELINE_S, RECOVERY_S = 5.0, 20.0
LOOK_S = 0.05
SHORTEST_GAP_FRAMES = 24
STRENGTH_DB = 24.0
BURN = "while True: pass"
IN_FRONT = """
import os, sys, time
core, share, period_s = int(sys.argv[1]), float(sys.argv[2]), 512 / 48000
os.sched_setaffinity(0, {core})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
while True:
    # On all cores at once, or the engine would go to the one that is free.
    began_s = time.monotonic() // period_s * period_s
    while time.monotonic() < began_s + share * period_s:
        pass
    time.sleep(max(0.0, began_s + period_s - time.monotonic()))
"""


class Step(msgspec.Struct, frozen=True):
    """A step of the ladder, in seconds after the burn began."""

    at_s: float
    text: str


class Burn(msgspec.Struct, frozen=True):
    """What a run came to. `back_after_s` counts from the end of the burn: 0 if the mode was never left, None if for good."""

    mode: str
    burn_s: float
    processes: int
    share_in_front: float
    gaps: int
    longest_gap_ms: float
    xruns: int
    deadline_misses: int
    chain_samples: tuple[int, ...]
    steps: tuple[Step, ...]
    back_after_s: float | None
    latency_before_ms: float | None
    latency_during_ms: float | None
    latency_after_ms: float | None
    latency_difference_ms: float | None
    other_events: tuple[str, ...]


def main() -> int:
    """Run, and print what it came to; 1 if the sound had a gap or the ladder did not come back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--mode", default="auto")
    parser.add_argument("--without-real-time", action="store_true")
    parser.add_argument("--in-front", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.without_real_time:
        give_up_real_time()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIDETONE_RUNTIME_DIR"] = folder
        result = burn(Path(folder), options.seconds, options.mode, options.in_front)
    content = msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"
    sys.stdout.write(content.decode())
    if options.json:
        write_whole(options.json, content)
    return int(result.gaps > 0 or result.back_after_s is None)


def give_up_real_time() -> None:
    """Start this program again without the capability that real-time priority needs, and without the flag."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise SystemExit("--without-real-time needs setpriv, which is part of util-linux")
    words = [word for word in sys.argv[1:] if word != "--without-real-time"]
    taken = ["--bounding-set=-sys_nice", "--inh-caps=-sys_nice"]
    os.execv(setpriv, ["setpriv", *taken, sys.executable, "-m", "benchmarks.ladder_burn", *words])


def burn(folder: Path, seconds: float, mode: str, share_in_front: float) -> Burn:
    """Baseline, burn and recovery of one engine."""
    _, noisy, _ = prepare_demo(find_paths())
    output = folder / "out.wav"
    meeting_point = Rendezvous(folder)
    config = EngineConfig(
        devices=DeviceConfig(input=f"simulated:loop:{noisy}", output=f"simulated:{output}"),
        chain=ChainConfig(params={"denoise.mode": mode, "denoise.strength_db": STRENGTH_DB}),
    )
    supervisor = EngineSupervisor(meeting_point, config)
    cores = os.cpu_count() or 1
    programs: list[tuple[str, ...]] = [(BURN,) for _ in range(2 * cores)]
    if share_in_front:
        programs += [(IN_FRONT, str(core), str(share_in_front)) for core in range(cores)]
    try:
        await_running(supervisor, WARM_UP_HOPS)
        before = look(supervisor, BASELINE_S)
        began_s = time.monotonic()
        # The engine's own clock, by which events are told.
        event_offset_s = supervisor.api().snapshot().uptime_s
        others = [subprocess.Popen([sys.executable, "-c", *program]) for program in programs]
        try:
            during = look(supervisor, seconds)
            if any(process.poll() is not None for process in others):
                raise SystemExit("a program of the burn has ended; --in-front needs the right to real-time priority")
        finally:
            for process in others:
                process.kill()
                process.wait()
        burned_s = time.monotonic() - began_s
        after = look(supervisor, RECOVERY_S)
        engine = connect(meeting_point)
        events = engine.events()
        engine.close()
    finally:
        supervisor.close()
    steps = tuple(Step(round(e.time_s - event_offset_s, 2), e.text) for e in events if is_step(e))
    gaps = zero_runs(output)
    # The last third, when all is as it was.
    latency_before, latency_after = latency_ms(before), latency_ms(after[-len(after) // 3 :])
    known = latency_before is not None and latency_after is not None
    return Burn(
        mode=mode,
        burn_s=round(burned_s, 2),
        processes=len(programs),
        share_in_front=share_in_front,
        gaps=len(gaps),
        longest_gap_ms=max(gaps, default=0) / 48.0,
        xruns=after[-1].xruns - before[0].xruns,
        deadline_misses=after[-1].deadline_misses - before[0].deadline_misses,
        chain_samples=tuple(sorted({snapshot.latency.chain_samples for snapshot in before + during + after})),
        steps=steps,
        back_after_s=back_after_s(steps, burned_s),
        latency_before_ms=latency_before,
        latency_during_ms=latency_ms(during),
        latency_after_ms=latency_after,
        latency_difference_ms=round(latency_after - latency_before, 3)
        if known and latency_after is not None and latency_before is not None
        else None,
        other_events=tuple(e.text for e in events if not is_step(e) and e.kind is not EventKind.STATE)[-50:],
    )


def look(supervisor: EngineSupervisor, seconds: float) -> list[Snapshot]:
    """Snapshots over so many seconds."""
    found = []
    ends_at_s = time.monotonic() + seconds
    while time.monotonic() < ends_at_s:
        found.append(supervisor.api().snapshot())
        time.sleep(LOOK_S)
    return found


def is_step(event: Event) -> bool:
    """Whether the denoiser's ladder tells it."""
    return event.kind is EventKind.STAGE and " is heard instead of " in event.text


def back_after_s(steps: tuple[Step, ...], burned_s: float) -> float | None:
    """Seconds from the end of the burn until the mode that was left first is heard again; None if it is not."""
    if not steps:
        return 0.0
    home = steps[0].text.split(" is heard instead of ")[1].split(" (")[0]
    last = steps[-1]
    return max(0.0, round(last.at_s - burned_s, 2)) if last.text.startswith(f"Denoise: {home} is heard") else None


def latency_ms(snapshots: list[Snapshot]) -> float | None:
    """Median of the delay from device to device, as far as the engine knows it."""
    known = [
        s.latency.input_ms + s.latency.chain_ms + s.latency.output_ms
        for s in snapshots
        if s.latency.input_ms is not None and s.latency.output_ms is not None
    ]
    return round(float(np.median(known)), 3) if known else None


def zero_runs(path: Path) -> list[int]:
    """Lengths in frames of all silences in the file, but for its beginning and its end."""
    samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    sounding = np.flatnonzero(samples[:, 0])
    runs = np.diff(sounding) - 1
    return [int(run) for run in runs[48_000:] if run >= SHORTEST_GAP_FRAMES]


if __name__ == "__main__":
    raise SystemExit(main())
