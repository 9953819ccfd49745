"""The compressor's mathematics against its source."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dsp.envelope import follow_coefficient, follow_reduction, soft_knee_reduction_db


@given(
    threshold=st.floats(-60, 0),
    ratio=st.floats(1, 20),
    knee=st.floats(0, 24),
    level=st.floats(-100, 40),
    step=st.floats(0, 1),
)
def test_curve_is_continuous_and_never_bends_back(
    threshold: float, ratio: float, knee: float, level: float, step: float
) -> None:
    slope = 1 - 1 / ratio
    here = soft_knee_reduction_db(level, threshold, slope, knee)
    louder = soft_knee_reduction_db(level + step, threshold, slope, knee)
    assert here >= 0
    # Output rises with input, by no more than the input: a reduction between nothing and all of the step.
    assert -1e-9 <= louder - here <= slope * step + 1e-9


@given(threshold=st.floats(-60, 0), ratio=st.floats(1, 20), knee=st.floats(0, 24), beyond=st.floats(0.001, 40))
def test_curve_outside_its_knee(threshold: float, ratio: float, knee: float, beyond: float) -> None:
    slope = 1 - 1 / ratio
    assert soft_knee_reduction_db(threshold - knee / 2 - beyond, threshold, slope, knee) == 0
    level = threshold + knee / 2 + beyond
    output = level - soft_knee_reduction_db(level, threshold, slope, knee)
    assert output == pytest.approx(threshold + (level - threshold) / ratio, abs=1e-9)


@pytest.mark.parametrize("attack_ms", [1.0, 5.0, 50.0])
def test_attack_takes_its_time(attack_ms: float) -> None:
    state = np.zeros(2)
    attack, release = follow_coefficient(attack_ms, 48_000), follow_coefficient(100, 48_000)
    for _ in range(round(attack_ms * 48)):
        reduction = follow_reduction(state, 10.0, attack, release)
    assert reduction == pytest.approx(10 * (1 - 1 / np.e), rel=0.01)


def test_release_takes_its_time_and_ends() -> None:
    attack, release = follow_coefficient(0.1, 48_000), follow_coefficient(100, 48_000)
    state = np.array([10.0, 10.0])
    for _ in range(4800):
        reduction = follow_reduction(state, 0.0, attack, release)
    assert reduction == pytest.approx(10 / np.e, rel=0.01)
    for _ in range(200_000):
        reduction = follow_reduction(state, 0.0, attack, release)
    assert reduction == 0.0
