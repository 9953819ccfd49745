"""A known room, recovered through a real sound server: two devices, two clocks, and noise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.config import SAMPLE_RATE_HZ
from engine.dsp.curve import power_spectrum, third_octave_db
from engine.measure.profile import decode_profile
from engine.measure.response import decay_of
from tests.helpers.rooms import room_impulse
from tests.rig.room_loop import room_in
from tests.rig.studio import PipeWireStudio

pytestmark = pytest.mark.needs("pipewire")

NOISE = 0.0026
"""RMS; the sweep comes through this room at -21 dBFS, 30 dB above it."""

PPM = 100.0
"""By how much the two clocks differ; the simulated devices are tried with either sign."""

ATTEMPTS = 3
"""A busy machine may tear a hole into the sound; such a take is refused with the reason, and a user measures again."""


def measure(studio: PipeWireStudio, config: Path) -> str:
    """What `sidetone room measure` says once it has succeeded."""
    command = [sys.executable, "-m", "app", "room", "measure", "Attic", "--input", "pulse:fake_mic"]
    refusals = []
    for _ in range(ATTEMPTS):
        done = subprocess.run(
            [*command, "--output", "pulse:app_out", "--json"],
            env=studio.env | {"SIDETONE_CONFIG_DIR": str(config)},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        if done.returncode == 0:
            return done.stderr
        assert "measure again" in done.stderr
        refusals.append(done.stderr.splitlines()[-1])
    raise AssertionError(refusals)


def third_octaves_db(impulse: NDArray[np.floating]) -> NDArray[np.float64]:
    level_db = third_octave_db(power_spectrum(impulse), SAMPLE_RATE_HZ)
    return np.asarray(level_db - level_db.mean())


def test_a_known_room_is_recovered_through_the_real_path(tmp_path: Path) -> None:
    impulse = room_impulse(0.4, seconds=1.2)
    # So loud that the sweep comes back at the level at which it was played.
    impulse /= np.sqrt(np.sum(impulse**2))
    np.save(tmp_path / "room.npy", impulse)
    with PipeWireStudio() as studio, room_in(studio, tmp_path / "room.npy", noise=NOISE, ppm=PPM):
        said = measure(studio, tmp_path / "config")
    profile = decode_profile((tmp_path / "config" / "rooms" / "Attic.room.json").read_bytes())
    error_db = third_octaves_db(profile.impulse_samples()) - third_octaves_db(impulse)
    assert np.abs(error_db).max() < 0.5
    assert profile.decay_s == pytest.approx(decay_of(impulse, SAMPLE_RATE_HZ).t20_s, rel=0.05)
    assert "The clocks of the two devices differ by " in said
    assert (profile.input_device, profile.output_device) == ("fake_mic", "app_out")
