"""A microphone of a real sound server is unplugged and plugged in again: how long nothing is heard, and the delay after it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.rig.chirp import chirp_train, delays_ms
from tests.rig.processes import wait_until
from tests.rig.studio import PipeWireStudio

RATE = 48_000
LONGEST_GAP_S = 0.5
MARGIN_S = 0.25
"""What a busy build machine may add to the half second that is promised; alone on a machine it is met."""


@pytest.fixture(scope="module")
def studio() -> Iterator[PipeWireStudio]:
    with PipeWireStudio() as studio:
        yield studio


def longest_silence_s(samples: np.ndarray) -> float:
    heard = np.flatnonzero(np.abs(samples) > 1e-4)
    return float(np.diff(heard).max()) / RATE


def test_a_backup_takes_over_and_the_microphone_is_taken_back(studio: PipeWireStudio) -> None:
    first = studio.add_microphone("first_mic")
    studio.add_microphone("second_mic")
    devices = ("pulse:first_mic", "pulse:second_mic", "pulse:app_out")
    engine = subprocess.Popen(
        [sys.executable, "-m", "tests.rig.backup_engine", *devices],
        env=studio.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert engine.stdin is not None
    assert engine.stdout is not None
    assert engine.stdout.readline() == "ready\n"
    seconds = 16.0
    # A hiss beneath the chirps, so that any gap can be seen.
    rng = np.random.default_rng(4)
    sound = chirp_train(seconds)
    sound = (sound + 0.01 * rng.standard_normal(sound.size)).astype(np.float32)
    with studio.recording() as recording, studio.speaking(sound) as player:
        time.sleep(4.0)
        studio.unplug(first)
        time.sleep(4.0)
        studio.add_microphone("first_mic")
        player.wait()
    engine.stdin.close()
    said = engine.stdout.read()
    assert engine.wait(20.0) == 0
    assert engine.stderr is not None
    assert engine.stderr.read() == ""
    assert "second_mic takes over (first_mic was unplugged)" in said
    assert "first_mic is back" in said
    assert "state running" in said
    heard = recording.frames()
    spoken = np.flatnonzero(np.abs(heard[:, 0]) > 1e-4)
    inside = heard[spoken[0] + RATE // 2 : spoken[-1] - RATE // 10, 2]
    gap_s = longest_silence_s(inside)
    delays = delays_ms(heard[:, 0], heard[:, 2])
    before, after = float(np.median(delays[:6])), float(np.median(delays[-6:]))
    for pipe in (engine.stdout, engine.stderr):
        pipe.close()
    print(f"gap {1000 * gap_s:.0f} ms, delay before {before:.1f} ms, after {after:.1f} ms\n{said}")
    assert gap_s < LONGEST_GAP_S + MARGIN_S
    # Never more than before; on a busy machine the start itself may have left some in hand.
    assert after < before + 5.0


def test_the_studio_is_left_as_it_was_found(studio: PipeWireStudio) -> None:
    modules = studio.run("pactl", "list", "short", "modules").splitlines()
    for line in modules:
        if "source_name=first_mic" in line or "source_name=second_mic" in line:
            studio.unplug(line.split("\t")[0])
    wait_until(
        lambda: not {"first_mic", "second_mic"} & set(studio.names("sources")), "the microphones to be gone", 5.0
    )
