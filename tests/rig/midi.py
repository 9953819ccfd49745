"""Real MIDI between processes: a JACK server, a device that plays on it, and a witness in the audio."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.control.midi_map_library import MapLibrary
from engine.core.stage import Block, Context
from tests.helpers.small_stages import Factor, FactorParams
from tests.rig.processes import end
from tests.rig.studio import JackStudio

ROOT = Path(__file__).resolve().parent.parent.parent
FADER, OTHER_FADER, BUTTON = 1, 2, 3
FACTOR_HIGHEST = 4.0
MAP = """
name = "Tiny desk"
ports = ["tiny desk"]
controls = [
    {{ id = "fader", kind = "cc", number = 1 }},
    {{ id = "other", kind = "cc", number = 2 }},
    {{ id = "button", kind = "cc_button", number = 3, feedback = {{}} }},
]
bindings = [
    {{ control = "fader", to = [{{ target = "{first}", takeover = false }}] }},
    {{ control = "other", to = [{{ target = "{second}", takeover = false }}] }},
    {{ control = "button", to = [{{ target = "bypass:{stage}" }}] }},
]
"""


def tiny_desk(folder: Path, first: str, second: str, stage: str) -> MapLibrary:
    """A library of one map: two faders and a button with a light."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.toml").write_text(MAP.format(first=first, second=second, stage=stage), encoding="utf-8")
    return MapLibrary(folder)


class Witness(Factor):
    """A factor that notes when the first block with another factor left it (monotonic seconds).

    Parameters
    ----------
    heard : callable or None
        What else a block has had on its way here, to be noted in the place of the factor.
    """

    id = "witness"

    def __init__(self, heard: Callable[[], float] | None = None) -> None:
        self._heard = heard
        self.seen: list[tuple[float, float]] = []

    def process(self, block: Block, ctx: Context[FactorParams]) -> None:
        super().process(block, ctx)
        heard = self._heard() if self._heard else ctx.params.factor
        if not self.seen or self.seen[-1][1] != heard:
            self.seen.append((time.monotonic(), heard))


def effective_after_ms(
    sent: list[tuple[float, int]], seen: list[tuple[float, float]], highest: float = FACTOR_HIGHEST
) -> list[float]:
    """For each message that was sent: how long until the first block had its value, 0 or `highest`."""
    delays_ms = []
    for index, (sent_s, value) in enumerate(sent):
        until_s = sent[index + 1][0] if index + 1 < len(sent) else sent_s + 1.0
        wanted = highest if value else 0.0
        heard_s = next((time_s for time_s, factor in seen if sent_s <= time_s < until_s and factor == wanted), None)
        if heard_s is not None:
            delays_ms.append((heard_s - sent_s) * 1000.0)
    return delays_ms


class Player:
    """The device's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        assert self._stdout.readline() == "ready\n"

    def go(self) -> None:
        """Begin to play."""
        self._stdin.write("go\n")
        self._stdin.flush()

    def lines(self, count: int) -> list[str]:
        """The next lines it says."""
        return [self._stdout.readline() for _ in range(count)]

    def sent(self, count: int) -> list[tuple[float, int]]:
        """When it sent which value."""
        pairs = (line.split() for line in self.lines(count))
        return [(float(time_s), int(value)) for time_s, value in pairs]

    def stop(self) -> None:
        """Let it end what it does and say the last of it."""
        self._stdin.close()


@contextmanager
def playing(studio: JackStudio, mode: str, *options: str) -> Iterator[Player]:
    """A device on JACK, plugged in while the context lasts."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.rig.midi_player", mode, *options],
        cwd=ROOT,
        env=studio.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield Player(process)
        finally:
            end(process)
