"""Saves a preset over and over until it is killed: ``python -m tests.helpers.save_forever FOLDER``.

With a number as second argument it does so in that many children, one after the other, and kills each of them itself after
some milliseconds: a Python that has to start for each of them would take most of the time.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from engine import ChainConfig, Value
from engine.control.preset import Preset
from engine.control.preset_library import PresetLibrary

_LONGEST_LIFE_S = 0.02


def save_forever(folder: Path) -> None:
    """Write the preset ``mine``, each time a little different and of another length."""
    library = PresetLibrary(folder)
    turn = 0
    while True:
        turn += 1
        params: dict[str, Value] = {f"stage.field_{index}": float(turn) for index in range(turn % 200 + 1)}
        library.write("mine", Preset(description="x" * (turn % 3000), chain=ChainConfig(params=params)))


def kill_savers(folder: Path, count: int) -> None:
    """Let `count` children save, kill each, and look at what they left."""
    if sys.platform == "win32":
        raise SystemExit("there is no fork here; start it without a number and end it from outside")
    chance = random.Random(5)
    for _ in range(count):
        child = os.fork()
        if child == 0:
            save_forever(folder)
        time.sleep(chance.uniform(0.0005, _LONGEST_LIFE_S))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if (folder / "mine.toml").exists():
            _, notes = PresetLibrary(folder).read("mine")
            assert not notes, notes


if __name__ == "__main__":
    if len(sys.argv) > 2:
        kill_savers(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        save_forever(Path(sys.argv[1]))
