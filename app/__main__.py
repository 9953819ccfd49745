"""Starts Sidetone: `python -m app`, or the frozen program."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from app.cli import parse
from app.crash import failed, guarded, log_to_file, speak_safely
from app.paths import find_paths
from engine import SidetoneError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 the work failed, 2 wrong usage."""
    speak_safely()
    try:
        paths = find_paths()
    except SidetoneError as error:
        return failed(str(error))
    command = parse(sys.argv[1:] if arguments is None else arguments)
    log_to_file(paths.log)
    return guarded(partial(command.run, command, paths), paths.log)


if __name__ == "__main__":
    sys.exit(main())
