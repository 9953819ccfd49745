"""The last net of the command line: every failure becomes one line on stderr and an exit code; tracebacks go to a file."""

from __future__ import annotations

import errno
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from engine import SidetoneError

EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130
_MOST_LOG_BYTES = 1_000_000
_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC)
# A hang-up exists on POSIX only.
_REQUESTS_TO_END = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def guarded(work: Callable[[], int], log_folder: Path) -> int:
    """Run `work` and return its exit code, whatever happens."""
    try:
        code = work()
        # Here a reader who is gone can still be met with grace; at the exit Python would complain.
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except SidetoneError as error:
        return failed(str(error))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # Whoever read our output has seen enough (`sidetone params | head`); rich ends the program then.
        _drop_output()
        return EXIT_DONE
    except MemoryError:
        return failed("there is not enough memory; close other programs and try again")
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            _drop_output()
            return failed("there is no room for the output; make room, or write to another place")
        logging.getLogger("sidetone").exception("unexpected")
        began = datetime.now(UTC).strftime("%H:%M:%S UTC")
        return failed(f"something unexpected went wrong; {log_folder / 'sidetone.log'} has the details ({began})")


def failed(message: str) -> int:
    """Say what is wrong in one line on stderr; returns the exit code for it."""
    print(f"sidetone: {' '.join(message.split())}", file=sys.stderr)
    return EXIT_FAILED


def speak_safely() -> None:
    """Let any name of a device or a file be printed on any terminal, and machines read UTF-8 on Windows too."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_for_machines = sys.platform == "win32" and not stream.isatty()
            stream.reconfigure(encoding="utf-8" if is_for_machines else None, errors="replace")


@contextmanager
def interrupted_by_termination() -> Iterator[None]:
    """Within, a request to end is like Ctrl-C: what was begun is cleaned up. Main thread."""
    former = {number: signal.signal(number, _interrupt) for number in _REQUESTS_TO_END}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _drop_output() -> None:
    """Send to nowhere what is still in the buffer and has nowhere to go."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def log_to_file(folder: Path) -> None:
    """Keep a log of bounded size; without a writable folder the program goes on without one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / "sidetone.log", maxBytes=_MOST_LOG_BYTES, backupCount=2, encoding="utf-8"
        )
    except OSError:
        return
    # A log that cannot be written (a full disk, a rotation while another process writes) is nobody's concern.
    logging.raiseExceptions = False
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(name)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger("sidetone").setLevel(logging.INFO)
