"""Glides have no corner, no overshoot, and an end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dsp.decibel import SILENCE_DB, db_to_gain, gain_to_db, kernel_db_to_gain, kernel_gain_to_db
from engine.dsp.smoothing import GLIDE_MS, glide, glide_coefficient, glide_is_over, new_glides

COEFFICIENT = glide_coefficient(48_000)
values = st.floats(-100, 1000, width=32)


@given(start=values, target=values)
def test_a_glide_goes_one_way_and_arrives_exactly(start: float, target: float) -> None:
    glides = new_glides(1)
    assert glide_is_over(glides, 0, start), "the first target is where it stands"
    path = [start]
    while not glide_is_over(glides, 0, target):
        path.append(glide(glides, 0, target, COEFFICIENT))
        assert len(path) < 48_000
    assert path[-1] == target
    steps = np.diff(path) * np.sign(target - start)
    assert (steps >= 0).all()
    # No corner: it sets off slower than it goes later.
    assert steps.size == 0 or abs(target - start) < 1e-6 or steps[0] <= 0.02 * steps.max()


def test_time_constant() -> None:
    glides = new_glides(1)
    glide_is_over(glides, 0, 0.0)
    for _ in range(round(GLIDE_MS * 48)):
        share = glide(glides, 0, 1.0, COEFFICIENT)
    # Two equal poles after one time constant: 1 - 2/e.
    assert share == pytest.approx(1 - 2 / np.e, abs=2e-3)


@given(level_db=st.floats(-199, 300))
def test_decibels_there_and_back(level_db: float) -> None:
    assert gain_to_db(db_to_gain(level_db)) == pytest.approx(level_db, abs=1e-9)
    assert kernel_db_to_gain(level_db) == pytest.approx(db_to_gain(level_db), rel=1e-12)
    assert kernel_gain_to_db(db_to_gain(level_db)) == pytest.approx(level_db, abs=1e-9)


@pytest.mark.parametrize("gain", [0.0, -1.0, 1e-30])
def test_silence_has_a_finite_level(gain: float) -> None:
    assert gain_to_db(gain) == SILENCE_DB
    assert kernel_gain_to_db(gain) == SILENCE_DB
