"""A room between the output and the microphone of a PipeWire studio: what is played there is heard here, in that room.

Run inside a studio: ``python -m tests.rig.room_loop --impulse room.npy --ppm 100 --snr 30``. Hears ``app_out``, puts the room
and noise on it, and speaks it into the microphone at a pace of its own, which stands for a second device's clock. Prints
``ready`` once sound runs; SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.helpers.simulated_room import RoomLoop
from tests.rig.processes import end
from tests.rig.studio import PipeWireStudio

_CHUNK = 4800
_DELAY_FRAMES = 3 * _CHUNK


@contextmanager
def room_in(studio: PipeWireStudio, impulse: Path, noise: float, ppm: float = 0.0) -> Iterator[None]:
    """A room between `app_out` and `fake_mic` of a studio while the context lasts."""
    command = [sys.executable, "-m", "tests.rig.room_loop", "--impulse", str(impulse), "--ppm", str(ppm)]
    loop = subprocess.Popen([*command, "--gain", "0.5", "--noise", str(noise)], env=studio.env, stdout=subprocess.PIPE)
    assert loop.stdout is not None
    try:
        with loop.stdout as said:
            assert said.readline() == b"ready\n"
            yield
            end(loop)
    finally:
        end(loop)


def main() -> int:
    """Loop until the sound ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--impulse", required=True)
    parser.add_argument("--ppm", type=float, default=0.0)
    parser.add_argument("--gain", type=float, default=1.0)
    parser.add_argument("--noise", type=float, default=0.0)
    arguments = parser.parse_args()
    loop = RoomLoop(
        np.load(arguments.impulse), arguments.gain, arguments.noise, arguments.ppm, delay_frames=_DELAY_FRAMES
    )
    form = ["--format=float32le", "--rate=48000", "--raw"]
    ears = subprocess.Popen(
        ["parec", "--device=virtual_mic", "--channels=2", "--latency-msec=50", *form], stdout=subprocess.PIPE
    )
    mouth = subprocess.Popen(
        ["pacat", "--device=fake_mic_sink", "--channels=1", "--latency-msec=400", *form], stdin=subprocess.PIPE
    )
    assert ears.stdout is not None
    assert mouth.stdin is not None
    # In hand, so that a busy machine does not tear a hole.
    mouth.stdin.write(np.zeros(2 * _CHUNK, "<f4").tobytes())
    out = np.zeros((1, _CHUNK), np.float32)
    is_ready = False
    try:
        while len(piece := _read(ears.stdout.fileno(), _CHUNK * 8)) == _CHUNK * 8:
            loop.write(np.frombuffer(piece, "<f4").reshape(-1, 2).T)
            loop.read(out)
            mouth.stdin.write(out[0].astype("<f4").tobytes())
            mouth.stdin.flush()
            if not is_ready:
                is_ready = True
                print("ready", flush=True)
    finally:
        ears.terminate()
        mouth.terminate()
    return 0


def _read(pipe: int, size: int) -> bytes:
    whole = b""
    while len(whole) < size and (piece := os.read(pipe, size - len(whole))):
        whole += piece
    return whole


if __name__ == "__main__":
    sys.exit(main())
