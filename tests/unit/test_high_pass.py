"""The high-pass is a Butterworth filter, and says nothing of its own while it is swept."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from engine.core.stage import StreamFormat
from engine.dsp.responses import warped_frequency
from engine.dsp.smoothing import new_glides
from engine.dsp.svf import high_pass
from engine.stages.high_pass import HighPass, HighPassParams
from tests.helpers.stages import run


@pytest.mark.parametrize("sample_rate", [44_100, 48_000])
@pytest.mark.parametrize("cutoff_hz", [20.0, 80.0, 400.0])
@pytest.mark.parametrize(("slope", "order"), [("12 dB/oct", 2), ("24 dB/oct", 4)])
def test_response_is_butterworth(sample_rate: int, cutoff_hz: float, slope: str, order: int) -> None:
    stage = HighPass()
    stage.prepare(StreamFormat(sample_rate, 1, 480))
    impulse = np.zeros((1, sample_rate), np.float32)
    impulse[0, 0] = 1.0
    found = run(stage, impulse, HighPassParams(cutoff_hz, slope))[0]
    reference = signal.sosfilt(signal.butter(order, cutoff_hz, "highpass", fs=sample_rate, output="sos"), impulse[0])
    np.testing.assert_allclose(found, reference, rtol=0, atol=1e-6)


def test_rumble_goes_and_voice_stays() -> None:
    stage = HighPass()
    stage.prepare(StreamFormat(48_000, 1, 480))
    t = np.arange(48_000) / 48_000
    for frequency_hz, lowest_db, highest_db in ((20, -25.0, -23.0), (80, -3.2, -2.8), (300, -0.1, 0.0)):
        stage.reset()
        out = run(stage, np.sin(2 * np.pi * frequency_hz * t)[None].astype(np.float32), HighPassParams(80.0))
        level_db = 20 * np.log10(np.abs(out[0, 24_000:]).max())
        assert lowest_db <= level_db <= highest_db


def test_state_ends_in_zero_and_not_in_slow_denormal_numbers() -> None:
    state, glides = np.zeros((1, 4)), new_glides(2)
    block = np.ones((1, 48_000), np.float32)
    for _ in range(3):
        high_pass(block, state, glides, warped_frequency(80.0, 48_000), 1.0, 0.01)
        block[:] = 0.0
    assert not state.any()
