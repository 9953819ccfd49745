"""The last net of the command line: every failure becomes one line on stderr and an exit code; tracebacks go to a file."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from engine import SidetoneError

EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130
_MOST_LOG_BYTES = 1_000_000


def guarded(work: Callable[[], int], log_folder: Path) -> int:
    """Run `work` and return its exit code, whatever happens."""
    try:
        return work()
    except SidetoneError as error:
        return failed(str(error))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough (`sidetone params | head`).
        sys.stderr.close()
        return EXIT_DONE
    except MemoryError:
        return failed("there is not enough memory; close other programs and try again")
    except Exception:
        logging.getLogger("sidetone").exception("unexpected")
        began = datetime.now(UTC).strftime("%H:%M:%S UTC")
        return failed(f"something unexpected went wrong; {log_folder / 'sidetone.log'} has the details ({began})")


def failed(message: str) -> int:
    """Say what is wrong in one line on stderr; returns the exit code for it."""
    print(f"sidetone: {' '.join(message.split())}", file=sys.stderr)
    return EXIT_FAILED


def log_to_file(folder: Path) -> None:
    """Keep a log of bounded size; without a writable folder the program goes on without one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / "sidetone.log", maxBytes=_MOST_LOG_BYTES, backupCount=2, encoding="utf-8"
        )
    except OSError:
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(name)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger("sidetone").setLevel(logging.INFO)
