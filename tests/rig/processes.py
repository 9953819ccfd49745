"""Starting and ending what a studio consists of, and saying plainly when a part is not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

_START_S = 30.0


def require(*programs: str) -> None:
    """Go on only if all `programs` are installed: a skip that names the missing ones, and a failure where CI is true."""
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return
    reason = f"not installed: {', '.join(missing)}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def wait_until(is_so: Callable[[], bool], what: str, timeout_s: float = _START_S) -> None:
    """Look again and again until something is so.

    Raises
    ------
    TimeoutError
        If it does not come to be.
    """
    until_s = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > until_s:
            raise TimeoutError(f"waited {timeout_s:g} s in vain for {what}")
        time.sleep(0.05)


class Processes:
    """Child processes that end with the studio, last started first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ending = ExitStack()

    def start(
        self, command: Sequence[str], env: Mapping[str, str], keep_open: Sequence[int] = ()
    ) -> subprocess.Popen[bytes]:
        """Start a program; what it says goes to a file named after it. `keep_open` are descriptors it is to inherit."""
        log = self._ending.enter_context(
            (
                self._folder / f"{Path(next(word for word in command if word not in ('chrt', '-r', '20'))).name}.log"
            ).open("ab")
        )
        process = subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(keep_open),
        )
        self._ending.callback(end, process)
        return process

    def close(self) -> None:
        """End them all."""
        self._ending.close()


def start_display(processes: Processes, folder: Path, env: Mapping[str, str] = os.environ) -> str:
    """Start an X server without a screen; what it is to be called in `DISPLAY`."""
    # Xvfb looks for a free display itself and writes its number to the descriptor it is given.
    numbers = folder / "display"
    with numbers.open("wb") as file:
        command = ["Xvfb", "-displayfd", str(file.fileno()), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
        processes.start(command, env, keep_open=(file.fileno(),))
    wait_until(lambda: numbers.read_text().endswith("\n"), "the display")
    return f":{numbers.read_text().strip()}"


def end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Ask a process to end, and make it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
