"""`sidetone bench quality` and `modes`: hand over to `benchmarks`, in an environment that has the packages they need."""

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
    call = [sys.executable, "-E", "-s", "-S", str(bootstrap), "bench", "-m", command.module]
    for name in ("data", "out"):
        if (folder := getattr(command, name, None)) is not None:
            call += [f"--{name}", str(folder.absolute())]
    for name in ("jobs", "seconds"):
        if (number := getattr(command, name, None)) is not None:
            call += [f"--{name}", f"{number:g}"]
    if only := getattr(command, "only", None):
        call += ["--only", *only]
    return subprocess.run(call, cwd=paths.program, check=False).returncode
