"""Builds what is missing of the models, freezes the program into `dist/sidetone`, and tries it out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEPS = (
    ("models.build",),
    ("PyInstaller", "--noconfirm", "--log-level", "ERROR", "installer/sidetone.spec"),
    ("installer.smoke_test",),
)


def main() -> int:
    """Take all steps; return the exit code of the first that fails."""
    for module, *arguments in STEPS:
        code = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=False).returncode
        if code != 0:
            print(f"{module} failed with code {code}", file=sys.stderr)
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
