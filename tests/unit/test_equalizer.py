"""The equalizer against the cookbook: the response that is heard, and the one that is drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from engine.core.stage import StreamFormat
from engine.dsp.responses import equalizer_gain_db
from engine.stages.equalizer import Equalizer, EqualizerParams
from tests.helpers.stages import SAMPLE_RATE, run, voice_like, with_values

_FREQUENCIES_HZ = np.geomspace(20, 20_000, 60)


def cookbook(kind: str, frequency_hz: float, gain_db: float, q: float) -> tuple[list[float], list[float]]:
    """Coefficients exactly as the cookbook prints them."""
    root = 10 ** (gain_db / 40)
    omega = 2 * math.pi * frequency_hz / SAMPLE_RATE
    c, alpha = math.cos(omega), math.sin(omega) / (2 * q)
    beta = 2 * math.sqrt(root) * alpha
    up, down = root + 1, root - 1
    match kind:
        case "peak":
            return [1 + alpha * root, -2 * c, 1 - alpha * root], [1 + alpha / root, -2 * c, 1 - alpha / root]
        case "low shelf":
            return (
                [root * (up - down * c + beta), 2 * root * (down - up * c), root * (up - down * c - beta)],
                [up + down * c + beta, -2 * (down + up * c), up + down * c - beta],
            )
        case "high shelf":
            return (
                [root * (up + down * c + beta), -2 * root * (down + up * c), root * (up + down * c - beta)],
                [up - down * c + beta, 2 * (down - up * c), up - down * c - beta],
            )
        case "low cut":
            return [(1 + c) / 2, -(1 + c), (1 + c) / 2], [1 + alpha, -2 * c, 1 - alpha]
        case "high cut":
            return [(1 - c) / 2, 1 - c, (1 - c) / 2], [1 + alpha, -2 * c, 1 - alpha]
        case _:
            return [1, -2 * c, 1], [1 + alpha, -2 * c, 1 - alpha]


def heard_db(params: EqualizerParams) -> NDArray[np.float64]:
    stage = Equalizer()
    stage.prepare(StreamFormat(SAMPLE_RATE, 1, 480))
    impulse = np.zeros((1, 2 * SAMPLE_RATE), np.float32)
    impulse[0, 0] = 1.0
    _, response = signal.freqz(run(stage, impulse, params)[0], worN=_FREQUENCIES_HZ, fs=SAMPLE_RATE)
    level_db: NDArray[np.float64] = 20 * np.log10(np.maximum(np.abs(response), 1e-3))
    return level_db


@pytest.mark.parametrize("kind", ["peak", "low shelf", "high shelf", "low cut", "high cut", "notch"])
@pytest.mark.parametrize(
    ("frequency_hz", "gain_db", "q"), [(100.0, 9.0, 0.7), (3000.0, -12.0, 4.0), (15000.0, 6.0, 1.0)]
)
def test_each_kind_is_the_cookbooks(kind: str, frequency_hz: float, gain_db: float, q: float) -> None:
    params = EqualizerParams(band4_kind=kind, band4_hz=frequency_hz, band4_db=gain_db, band4_q=q)
    _, response = signal.freqz(*cookbook(kind, frequency_hz, gain_db, q), worN=_FREQUENCIES_HZ, fs=SAMPLE_RATE)
    expected_db = 20 * np.log10(np.maximum(np.abs(response), 1e-3))
    np.testing.assert_allclose(heard_db(params), expected_db, atol=0.02)
    np.testing.assert_allclose(
        np.maximum(equalizer_gain_db(vars(params), _FREQUENCIES_HZ, SAMPLE_RATE), -60), expected_db, atol=0.02
    )


def test_the_drawing_is_what_is_heard() -> None:
    values = {"bass_db": 4.0, "middle_db": -3.0, "treble_db": 5.0, "preamp_db": -6.0, "band2_db": 3.0, "band9_db": -7.0}
    params = with_values(EqualizerParams, values)
    assert isinstance(params, EqualizerParams)
    np.testing.assert_allclose(
        heard_db(params), equalizer_gain_db(vars(params), _FREQUENCIES_HZ, SAMPLE_RATE), atol=0.02
    )


def test_flat_is_untouched() -> None:
    stage = Equalizer()
    stage.prepare(StreamFormat(SAMPLE_RATE, 1, 480))
    samples = voice_like(0.5)
    np.testing.assert_array_equal(run(stage, samples, EqualizerParams()), samples)
