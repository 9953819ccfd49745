"""From a signal that has broken off to the dry one: the same, however the sound was cut."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.landing import LANDING_FRAMES, Landing


@pytest.mark.parametrize("frames", [1, 30, 97, 480])
def test_the_distance_from_dry_is_turned_about_its_last_sample_and_faded_out(frames: int) -> None:
    wet, dry = np.random.default_rng(2).standard_normal((2, 1, 4800)).astype(np.float32)
    landing = Landing(1)
    for start in range(0, 4800 - frames + 1, frames):
        end = start + frames
        landing.keep(wet[:, start:end], dry[:, start:end])
    landing.begin()
    landed = np.zeros((1, 480), np.float32)
    for start in range(0, 480, 120):
        landing.cross(landed[:, start : start + 120])
    distance = (wet - dry)[0, end - LANDING_FRAMES - 1 : end]
    fade = 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, LANDING_FRAMES))
    np.testing.assert_allclose(landed[0, :LANDING_FRAMES], (2 * distance[-1] - distance[-2::-1]) * fade, atol=1e-6)
    assert not landed[0, LANDING_FRAMES:].any()


def test_nothing_is_landed_after_a_reset() -> None:
    landing = Landing(2)
    landing.keep(np.ones((2, 480), np.float32), np.zeros((2, 480), np.float32))
    landing.reset()
    landing.begin()
    dry = np.zeros((2, 480), np.float32)
    landing.cross(dry)
    assert not dry.any()
