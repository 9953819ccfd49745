"""How late a thread is let in beside twice as many busy processes as there are cores, with short time slices and without.

    python -m benchmarks.wake_up

Linux; meant to run alone on the machine. The thread wakes every 10 ms and works for 1.5 ms, as the DSP thread does; real-time
priority is not asked for. Lateness of the end of its work, in milliseconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from time import perf_counter, sleep, thread_time

import numpy as np

from engine.realtime import shorten_slice

HOP_S, WORK_S, HOPS, RUNS = 0.01, 0.0015, 1000, 3


def lateness_ms() -> str:
    """Percentiles over `HOPS` wake-ups of the calling thread."""
    late = []
    due_s = perf_counter() + HOP_S
    for _ in range(HOPS):
        sleep(max(0.0, due_s - perf_counter()))
        done_s = thread_time() + WORK_S
        while thread_time() < done_s:
            pass
        late.append(perf_counter() - due_s - WORK_S)
        due_s = max(due_s + HOP_S, perf_counter())
    p50, p99, most = 1000.0 * np.percentile(late, [50, 99, 100])
    return f"{p50:.2f} | {p99:.2f} | {most:.2f}"


def main() -> None:
    """Print a table; with an argument, one row's figures."""
    if len(sys.argv) > 1:
        if sys.argv[1] == "short slices":
            shorten_slice()
        print(f"| {sys.argv[1]} | {lateness_ms()} |", flush=True)
        return
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        print("| | late by ms, p50 | p99 | max |\n|---|---|---|---|", flush=True)
        for kind in ("usual slices", "short slices") * RUNS:
            subprocess.run([sys.executable, "-m", "benchmarks.wake_up", kind], check=True)
    finally:
        for process in others:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
