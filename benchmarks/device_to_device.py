"""The delay from device to device on a real sound server, beside a plain pass-through: `python -m benchmarks.device_to_device`.

PipeWire with a made microphone (`tests/rig`); chirps are played into it, and microphone and output are recorded in one clock.
The whole program runs between them, denoise bypassed so that the chirps survive: its delay stays. What a plain pass-through
takes, plus the chain's declared delay, is what the program may take; its own measurement, made from the same seconds
without knowing of the chirps, is set beside it. Needs `pipewire`, `wireplumber` and `pipewire-pulse`; run it alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.files import write_whole
from tests.rig.chirp import chirp_train, delays_ms
from tests.rig.processes import end, wait_until
from tests.rig.studio import PipeWireStudio

DEVICES = ("--input", "pulse:fake_mic", "--output", "pulse:app_out")
SETTLING_S = 3.0


def main() -> int:
    """Measure, print a table, and write it if asked to; 1 if the program takes more than it may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device_to_device", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--modes", nargs="*", default=["fast", "balanced", "quality"])
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    options = parser.parse_args()
    with PipeWireStudio() as studio:
        plain, _ = measure(studio, options.seconds, "-m", "tests.rig.pass_through", *DEVICES, "--seconds", "600")
        rows = [row("plain pass-through", 0.0, plain, plain, np.array([]))]
        is_met = True
        for mode in options.modes:
            chain_ms, chirps, own = program(studio, options.seconds, mode)
            rows.append(row(f"the whole chain, {mode}", chain_ms, plain, chirps, own))
            is_met &= abs(float(np.median(chirps) - np.median(plain)) - chain_ms) <= 2.0
    table = "\n".join((HEAD, *rows)) + "\n"
    print(table, end="")
    if options.markdown:
        write_whole(options.markdown, table.encode())
    return 0 if is_met else 1


HEAD = (
    "| | chain ms | chirps p50 ms | p99 | more than pass-through and chain | own figure p50 ms | own minus chirps |\n"
    "|---|---|---|---|---|---|---|"
)


def row(
    name: str, chain_ms: float, plain: NDArray[np.float64], chirps: NDArray[np.float64], own: NDArray[np.float64]
) -> str:
    """One line of the table."""
    p50, p99 = np.percentile(chirps, [50, 99])
    excess = p50 - np.median(plain) - chain_ms
    its = f"{np.median(own):.1f} | {np.median(own) - p50:+.1f}" if own.size else "– | –"
    return f"| {name} | {chain_ms:.1f} | {p50:.1f} | {p99:.1f} | {excess:+.1f} | {its} |"


def program(
    studio: PipeWireStudio, seconds: float, mode: str
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Declared delay of the chain, delays of the chirps, and what the program's own meter found, all in ms."""
    settings = ("--bypass", "denoise", "--set", f"denoise.mode={mode}")
    report = studio.folder / "report.json"
    chirps, own = measure(
        studio, seconds, "-m", "app", "headless", *DEVICES, *settings, "--duration", "600", "--report", str(report),
        with_own=True,
    )  # fmt: skip
    latency = json.loads(report.read_text())["latency"]
    return latency["chain_samples"] / 48.0, chirps, own


def measure(
    studio: PipeWireStudio, seconds: float, *command: str, with_own: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Run a program between microphone and output; the chirps' delays and those of the program's own meter, in ms."""
    rng = np.random.default_rng(8)
    t = np.arange(int(seconds * 48_000)) / 48_000
    # Syllables of noise, as broad and as uneven as speech, for the meter that knows of no chirps.
    speech = (0.2 * np.clip(np.sin(2 * np.pi * 2.7 * t), 0, 1) * rng.standard_normal(t.size)).astype(np.float32)
    sound = np.concatenate([np.zeros(int(SETTLING_S * 48_000), np.float32), speech + chirp_train(seconds)])
    with running(studio, *command), studio.recording() as recording, studio.speaking(sound) as player:
        found: list[float] = []
        if with_own:
            meter = (sys.executable, "-m", "tests.rig.passive_meter", "fake_mic", "virtual_mic", str(seconds))
            found = json.loads(studio.run(*meter, timeout_s=seconds + 60).splitlines()[-1])
        player.wait()
        heard = recording.frames()
    return delays_ms(heard[:, 0], heard[:, 2]), np.asarray(found)


@contextmanager
def running(studio: PipeWireStudio, *command: str) -> Iterator[None]:
    """The program at work, ended so that it has time for its report."""
    env = {
        **studio.env,
        "SIDETONE_RUNTIME_DIR": str(studio.folder / "sidetone"),
        "SIDETONE_CONFIG_DIR": str(studio.folder / "settings"),
    }
    before = _streams(studio)
    process = subprocess.Popen([sys.executable, *command], env=env, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: _streams(studio) > before, "its sound", 90.0)
        yield
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60.0)
    finally:
        end(process)


def _streams(studio: PipeWireStudio) -> int:
    return len(studio.run("pactl", "list", "short", "sink-inputs").splitlines())


if __name__ == "__main__":
    sys.exit(main())
