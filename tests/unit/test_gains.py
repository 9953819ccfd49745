"""The two gain stages: exact when they stand, silent when they move."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.stage import StreamFormat
from engine.stages.input_gain import InputGain, InputGainParams
from engine.stages.output_gain import OutputGain, OutputGainParams
from tests.helpers.stages import run, run_through, voice_like


def test_no_gain_is_bit_exact() -> None:
    samples = voice_like(0.3, 2)
    for stage, params in ((InputGain(), InputGainParams()), (OutputGain(), OutputGainParams())):
        stage.prepare(StreamFormat(48_000, 2, 480))
        np.testing.assert_array_equal(run(stage, samples, params), samples)


@pytest.mark.parametrize("gain_db", [-24.0, -6.0, 12.0, 24.0])
def test_gain_is_there_from_the_first_sample(gain_db: float) -> None:
    samples = voice_like(0.3)
    stage = InputGain()
    stage.prepare(StreamFormat(48_000, 1, 480))
    np.testing.assert_allclose(run(stage, samples, InputGainParams(gain_db)), samples * 10 ** (gain_db / 20), rtol=1e-6)


def test_change_is_done_within_a_tenth_of_a_second_and_exact_again() -> None:
    stage = InputGain()
    stage.prepare(StreamFormat(48_000, 1, 480))
    samples = np.ones((1, 96_000), np.float32)
    out = run_through(stage, samples, [InputGainParams(-24.0)] * 10 + [InputGainParams(0.0)])[0]
    assert (np.diff(out) >= 0).all()
    assert out[4800 + 4800] == pytest.approx(1.0, abs=1e-6)
    assert (out[-48_000:] == 1.0).all()
