"""Sets a level up if it is not, then becomes the program that was asked for."""

from __future__ import annotations

import os
import sys

from scripts.bootstrap.stamp import LEVELS, is_ready, lacks_system, venv_python


def main(arguments: list[str]) -> int:
    """Run `python ARGUMENTS` in the environment: arguments are a level and what the environment's Python shall run.

    With a level alone it only sets up. Returns the exit code; on POSIX the program takes this process's place.
    """
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    if not arguments or arguments[0] not in LEVELS:
        print(f"usage: launch {'|'.join(LEVELS)} [python arguments]", file=sys.stderr)
        return 2
    level, *command = arguments
    if not is_ready(root, level) or lacks_system(root, level):
        code = _set_up(root, level)
        if code != 0:
            return code
    return _become(venv_python(root), command) if command else 0


def _set_up(root: str, level: str) -> int:
    from scripts.bootstrap.errors import SetupError
    from scripts.bootstrap.installation import install

    try:
        install(root, level)
    except SetupError as error:
        print(f"Sidetone: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Sidetone: set-up was interrupted; the next start goes on with it.", file=sys.stderr)
        return 130
    return 0


def _become(python: str, command: list[str]) -> int:
    # Another installation's modules on this path would shadow the locked ones.
    for name in ("PYTHONPATH", "PYTHONHOME"):
        os.environ.pop(name, None)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by whoever started this
            stream.flush()
    if sys.platform != "win32":
        os.execv(python, [python, *command])
    import signal
    import subprocess

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's to answer
    return subprocess.call([python, *command])
