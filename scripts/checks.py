"""Style, types for every platform, and import directions; prints what each found and fails if any did."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("app", "engine", "models", "scripts")
ALL_CODE = (*PRODUCT, "tests", "benchmarks", "installer")


def main() -> int:
    """Run all checks in the environment of this Python; return 0 if every one is content."""
    python = sys.executable
    lint_imports = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    checks = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy linux": _mypy("linux", ALL_CODE),
        "mypy win32": _mypy("win32", PRODUCT),
        "mypy darwin": _mypy("darwin", PRODUCT),
        "import-linter": [python, "-c", lint_imports],
    }
    failed = [name for name, command in checks.items() if not _passes(name, command)]
    print(f"failed: {', '.join(failed)}" if failed else f"all {len(checks)} checks passed", flush=True)
    return 1 if failed else 0


def _mypy(platform: str, folders: tuple[str, ...]) -> list[str]:
    there = [folder for folder in folders if any((ROOT / folder).rglob("*.py"))]
    return [sys.executable, "-m", "mypy", "--platform", platform, "--cache-dir", f".mypy_cache/{platform}", *there]


def _passes(name: str, command: list[str]) -> bool:
    started_s = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    passed = done.returncode == 0
    print(f"{'ok    ' if passed else 'FAILED'} {name} ({time.monotonic() - started_s:.1f} s)", flush=True)
    if not passed:
        print(done.stdout, flush=True)
    return passed


if __name__ == "__main__":
    sys.exit(main())
