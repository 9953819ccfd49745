"""`sidetone bench quality`: hands over to `benchmarks.quality`, in an environment that has the packages for scoring."""

from __future__ import annotations

import argparse
import subprocess
import sys

from app.paths import Paths
from engine import SidetoneError


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Set up what scoring needs, measure, and return the benchmark's exit code."""
    bootstrap = paths.program / "scripts" / "bootstrap"
    if not bootstrap.is_dir():
        raise SidetoneError("only a checkout of Sidetone can score denoisers; get its source and run the command there")
    call = [sys.executable, "-E", "-s", "-S", str(bootstrap), "bench", "-m", "benchmarks.quality"]
    for name in ("data", "out", "jobs"):
        if (value := getattr(command, name)) is not None:
            call += [f"--{name}", str(value.absolute() if name != "jobs" else value)]
    if command.only:
        call += ["--only", *command.only]
    return subprocess.run(call, cwd=paths.program, check=False).returncode
