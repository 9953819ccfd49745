"""Starts the frozen program as a user without a screen would, in a home of its own, and looks at what it does.

What only the frozen program can lack: a module found by name, a library, a resource, a model, a compiled kernel.
Stages, parameters and models are counted against the sources.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from app.paths import find_paths
from engine.inference.catalog import read_catalog
from engine.stages import STAGES

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "dist" / "sidetone" / ("sidetone.exe" if sys.platform == "win32" else "sidetone")
SAMPLE_RATE_HZ = 48_000
TONE_HZ = 997.0
LOOK_INTERVAL_S = 0.5
LONGEST_S = 120.0  # the first start compiles the kernels


class Frozen:
    """The frozen program, run in a folder that is all it knows of this machine's user."""

    def __init__(self, program: Path, home: Path) -> None:
        self._program = program
        self._home = home
        private = {f"SIDETONE_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "CACHE", "RUNTIME")}
        hidden = ("DISPLAY", "WAYLAND_DISPLAY", "PYTHONPATH", "VIRTUAL_ENV", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR")
        self._environment = {name: value for name, value in os.environ.items() if name not in hidden}
        self._environment |= {**private, "HOME": str(home), "CI": "false"}

    def run(self, *arguments: str) -> str:
        """Run one command, which must succeed without a word on stderr about failure; return what it printed."""
        started_s = time.monotonic()
        done = subprocess.run(
            [str(self._program), *arguments],
            cwd=self._home,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LONGEST_S,
            check=False,
        )
        print(f"{time.monotonic() - started_s:6.1f} s  sidetone {' '.join(arguments)[:90]}", flush=True)
        assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr}{self._log()}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    def start(self, **variables: str) -> subprocess.Popen[bytes]:
        """Start the program as a window would be started."""
        environment = {**self._environment, **variables}
        return subprocess.Popen([str(self._program)], cwd=self._home, env=environment, stdin=subprocess.DEVNULL)

    def succeeds(self, *arguments: str) -> bool:
        """Run one command that may fail."""
        command = [str(self._program), *arguments]
        done = subprocess.run(command, cwd=self._home, env=self._environment, capture_output=True, check=False)
        return done.returncode == 0

    def run_json(self, *arguments: str) -> Any:
        """Run one command and read what it printed."""
        return json.loads(self.run(*arguments))

    def _log(self) -> str:
        logs = sorted(self._home.rglob("sidetone.log"))
        return "".join(log.read_text("utf-8")[-4000:] for log in logs)


def check_parts(frozen: Frozen) -> None:
    """Version, parameters of every stage, every model of the catalogue from the program's own folder."""
    assert frozen.run("--version").startswith("sidetone ")
    parameters = {entry["id"] for entry in frozen.run_json("params", "--json")}
    assert parameters == {f"{stage.id}.{name}" for stage in STAGES for name in stage.params_type.specs()}
    models = frozen.run_json("models", "list", "--json")
    assert [model["id"] for model in models] == [entry.id for entry in read_catalog(find_paths().catalog)]
    foreign = [model for model in models if not Path(str(model["path"])).is_relative_to(PROGRAM.parent.resolve())]
    assert not foreign, f"not in the program's folder: {foreign}"


def check_live(frozen: Frozen, home: Path) -> None:
    """One second of the live engine on the simulated device: sound comes out, through every stage."""
    source, target, report_file = home / "in.wav", home / "out.wav", home / "report.json"
    time_s = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    soundfile.write(source, 0.1 * np.sin(2 * np.pi * TONE_HZ * time_s), SAMPLE_RATE_HZ)
    devices = ("--input", f"simulated:{source}", "--output", f"simulated:{target}")
    frozen.run("headless", *devices, "--bypass", "denoise", "--duration", "1", "--report", str(report_file))
    report = json.loads(report_file.read_text("utf-8"))
    assert [stage["id"] for stage in report["stages"]] == [stage.id for stage in STAGES]
    assert not [stage["id"] for stage in report["stages"] if stage["degraded"]], report["stages"]
    assert report["hops"] > 0
    sound, _ = soundfile.read(target, always_2d=True)
    assert _loudest_hz(sound[:, 0]) == round(TONE_HZ)


def check_offline(frozen: Frozen, home: Path) -> None:
    """A file through the whole chain, denoiser too: white noise, which is no speech, becomes quieter."""
    source, target = home / "noise.wav", home / "clean.wav"
    noise = 0.05 * np.random.default_rng(1).standard_normal(2 * SAMPLE_RATE_HZ)
    soundfile.write(source, noise, SAMPLE_RATE_HZ)
    frozen.run("process", str(source), str(target))
    clean, _ = soundfile.read(target, always_2d=True)
    before, after = (float(np.sqrt(np.mean(np.square(part[SAMPLE_RATE_HZ:])))) for part in (noise, clean))
    assert after < before / 4, f"noise of {before:.4f} came out as {after:.4f}"


def check_window(frozen: Frozen) -> None:
    """The window, drawn into memory, and the engine process it starts: the engine answers and its chain is whole."""
    window = frozen.start(QT_QPA_PLATFORM="offscreen")
    try:
        give_up_at_s = time.monotonic() + LONGEST_S
        while not frozen.succeeds("ctl", "snapshot", "--json"):
            assert window.poll() is None, f"the window ended with code {window.returncode}"
            assert time.monotonic() < give_up_at_s, "the window's engine did not answer"
            time.sleep(LOOK_INTERVAL_S)
        snapshot = frozen.run_json("ctl", "snapshot", "--json")
        assert [stage["id"] for stage in snapshot["stages"]] == [stage.id for stage in STAGES]
        assert window.poll() is None, f"the window ended with code {window.returncode}"
    finally:
        # The window first: it would start an engine that ended anew.
        window.kill()
        window.wait()
        frozen.succeeds("ctl", "stop")


def _loudest_hz(sound: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    tail = sound[-SAMPLE_RATE_HZ // 2 :]
    spectrum = np.abs(np.fft.rfft(tail * np.hanning(len(tail)), SAMPLE_RATE_HZ))
    return int(np.argmax(spectrum))


def main() -> int:
    """Check the program in `dist`; a failed assertion says what it did."""
    with tempfile.TemporaryDirectory(prefix="sidetone-smoke-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        frozen = Frozen(PROGRAM, home)
        check_parts(frozen)
        check_live(frozen, home)
        check_offline(frozen, home)
        check_window(frozen)
    print("the frozen program works")
    return 0


if __name__ == "__main__":
    sys.exit(main())
