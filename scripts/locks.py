"""Writes the locks in `requirements` anew from pyproject.toml: every version and hash, for all platforms, no host named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "uv": ["--group", "pyproject.toml:setup"],
    "app": ["pyproject.toml"],
    "dev": ["--group", "dev", "pyproject.toml"],
    "bench": ["--group", "dev", "--group", "bench", "pyproject.toml"],
}
FORM = ("--universal", "--generate-hashes", "--no-header", "--no-annotate", "--python-version", "3.11")


def main(arguments: list[str]) -> int:
    """Compile every lock; `arguments` are uv's own, such as `--upgrade`. Versions agree between locks."""
    uv = Path(sys.executable).with_name("uv.exe" if sys.platform == "win32" else "uv")
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    constraint: list[str] = []
    for name, sources in reversed(LOCKS.items()):
        output = f"requirements/{name}.txt"
        command = [str(uv), "pip", "compile", "--quiet", *FORM, *sources, *constraint, *arguments, "-o", output]
        print("locking", output, flush=True)
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
            return 1
        if name == "bench":
            constraint = ["--constraint", output]
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
