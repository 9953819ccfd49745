"""A prediction goes on with what is regular, fades where there is nothing regular, and never runs away."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.dsp.linear_prediction import SILENCE, WHITE_NOISE, LinearPredictor, rising_window

HISTORY, FUTURE = 1920, 960


def predicted(known: NDArray[np.floating], order: int = 128) -> NDArray[np.float32]:
    line = np.zeros(HISTORY + FUTURE, np.float32)
    line[:HISTORY] = known
    LinearPredictor(order, HISTORY, FUTURE).extend(line)
    np.testing.assert_array_equal(line[:HISTORY], known.astype(np.float32))
    return line[HISTORY:]


def level_db(samples: NDArray[np.floating]) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-30))


@pytest.mark.parametrize("frequency_hz", [700.0, 1000.0, 5000.0])
def test_a_tone_goes_on(frequency_hz: float) -> None:
    tone = 0.1 * np.sin(2 * np.pi * frequency_hz / 48_000 * np.arange(HISTORY + FUTURE) + 0.3)
    ahead = predicted(tone[:HISTORY])
    assert level_db(ahead[:480] - tone[HISTORY : HISTORY + 480]) < level_db(tone) - 15.0


@pytest.mark.parametrize("order", [8, 32, 128])
def test_the_weights_are_those_of_the_normal_equations(order: int) -> None:
    noise = np.random.default_rng(1).standard_normal(HISTORY)
    known = np.convolve(noise, [1.0, 1.6, 0.9, 0.2], "same").astype(np.float32)
    weighted = known * rising_window(HISTORY).astype(np.float64)
    lags = np.array([weighted[lag:] @ weighted[: HISTORY - lag] for lag in range(order + 1)])
    lags[0] = lags[0] * (1 + WHITE_NOISE) + SILENCE
    matrix = lags[np.abs(np.subtract.outer(np.arange(order), np.arange(order)))]
    weights = np.linalg.solve(matrix, lags[1:])
    expected = [float(sample) for sample in known]
    for _ in range(FUTURE):
        expected.append(float(weights @ expected[: -order - 1 : -1]))
    ahead = predicted(known, order)
    assert level_db(ahead - np.array(expected[HISTORY:])) < level_db(np.array(expected[HISTORY:])) - 50.0


def test_noise_fades_and_silence_stays_silence() -> None:
    noise = 0.1 * np.random.default_rng(2).standard_normal(HISTORY)
    assert level_db(predicted(noise)[480:]) < level_db(noise) - 20.0
    assert not predicted(np.zeros(HISTORY)).any()
    assert not predicted(np.concatenate([noise[:-128], np.zeros(128)])).any()


@pytest.mark.parametrize("scale", [100.0, 1e-20, 1e-40])
@pytest.mark.parametrize("shape", ["noise", "constant", "step", "sweep"])
def test_nothing_runs_away(shape: str, scale: float) -> None:
    t = np.arange(HISTORY) / HISTORY
    known = {
        "noise": np.random.default_rng(3).uniform(-1, 1, HISTORY),
        "constant": np.ones(HISTORY),
        "step": np.sign(t - 0.9),
        "sweep": np.sin(2 * np.pi * 400 * t**2),
    }[shape]
    ahead = predicted(scale * known)
    assert np.isfinite(ahead).all()
    assert np.abs(ahead).max() <= 4.0 * scale
