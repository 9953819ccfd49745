"""The cough switch: silence after 5 ms, back after 5 ms, and nothing lost or heard on the way."""

from __future__ import annotations

import numpy as np

from engine.core.stage import StreamFormat
from engine.stages.output_gain import OutputGain, OutputGainParams
from tests.helpers.stages import BLOCK, SAMPLE_RATE, clicks, run_through, tone


def test_silence_after_five_milliseconds_and_back_after_five() -> None:
    stage = OutputGain()
    stage.prepare(StreamFormat(SAMPLE_RATE, 1, BLOCK))
    samples = tone(1.0, -3.0)
    heard, muted = OutputGainParams(), OutputGainParams(is_muted=True)
    out = run_through(stage, samples, [heard] * 30 + [muted] * 30 + [heard] * 40)
    np.testing.assert_array_equal(out[:, : 30 * BLOCK], samples[:, : 30 * BLOCK])
    assert not out[:, 30 * BLOCK + 240 : 60 * BLOCK].any()
    assert out[:, 30 * BLOCK : 30 * BLOCK + 120].any()
    np.testing.assert_array_equal(out[:, 60 * BLOCK + 240 :], samples[:, 60 * BLOCK + 240 :])
    assert clicks(out[0])[BLOCK : -2 * BLOCK].max() < 10 ** (-60 / 20)


def test_a_stream_that_begins_muted_begins_in_silence() -> None:
    stage = OutputGain()
    stage.prepare(StreamFormat(SAMPLE_RATE, 1, BLOCK))
    assert not run_through(stage, tone(0.1, -3.0), [OutputGainParams(is_muted=True)]).any()
