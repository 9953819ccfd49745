"""The program as a user's shell sees it: processes of their own, folders of their own, one line of complaint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    def complaint(self) -> str:
        """The one line on stderr of a command that failed."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        assert lines[0].startswith("sidetone: ")
        assert "unexpected" not in lines[0]
        return lines[0].removeprefix("sidetone: ")


def sidetone(*arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Finished:
    """Run a command to its end."""
    done = subprocess.run(
        command(*arguments), env=environment(env), cwd=cwd, capture_output=True, timeout=PATIENCE_S, check=False
    )
    return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def started(*arguments: object, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs, killed at the end if it still does."""
    process = subprocess.Popen(
        command(*arguments), env=environment(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def finish(process: subprocess.Popen[bytes], number: int | None = None) -> Finished:
    """Send a signal, if one is given, and wait for the end."""
    if number is not None:
        process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    return Finished(process.returncode, out.decode(), err.decode())


def command(*arguments: object) -> Sequence[str]:
    return [sys.executable, "-P", "-m", "app", *map(str, arguments)]


def environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the process of the test has, and the checkout on Python's path."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}


def is_alive(process_id: int) -> bool:
    """Whether a process runs; one that is dead and not yet waited for does not."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process_id}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def kill(process_id: int) -> None:
    """End a process that this test started, at once."""
    os.kill(process_id, signal.SIGKILL)
