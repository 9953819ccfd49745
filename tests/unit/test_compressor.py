"""The compressor stage: its static curve, its meter, and linked channels."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.stage import Context, StreamFormat
from engine.stages.compressor import Compressor, CompressorParams
from tests.helpers.stages import SAMPLE_RATE, run, tone


def prepared(channels: int = 1) -> Compressor:
    stage = Compressor()
    stage.prepare(StreamFormat(SAMPLE_RATE, channels, 480))
    return stage


@pytest.mark.parametrize("ratio", [1.0, 2.0, 4.0, 20.0])
@pytest.mark.parametrize("level_dbfs", [-40.0, -23.0, -20.0, -14.0, -6.0, 0.0])
def test_static_curve(ratio: float, level_dbfs: float) -> None:
    params = CompressorParams(threshold_db=-20.0, ratio=ratio, knee_db=6.0, makeup_db=3.0)
    out = run(prepared(), tone(1.0, level_dbfs), params)
    over_db = level_dbfs + 20.0
    if over_db <= -3.0:
        reduction_db = 0.0
    elif over_db < 3.0:
        reduction_db = (1 - 1 / ratio) * (over_db + 3.0) ** 2 / 12.0
    else:
        reduction_db = (1 - 1 / ratio) * over_db
    found_dbfs = 20 * np.log10(np.abs(out[0, SAMPLE_RATE // 2 :]).max())
    # The detector sees the peaks of the wave and lets go a little between them.
    assert found_dbfs == pytest.approx(level_dbfs - reduction_db + 3.0, abs=0.15)


def test_meter_shows_the_reduction() -> None:
    stage = prepared()
    context = Context(CompressorParams(threshold_db=-20.0, ratio=4.0, knee_db=0.0), len(Compressor.meters))
    samples = tone(1.0, 0.0)
    for start in range(0, SAMPLE_RATE, 480):
        stage.process(samples[:, start : start + 480], context)
    assert context.meters[0] == pytest.approx(15.0, abs=0.2)


def test_channels_are_turned_down_together() -> None:
    samples = np.concatenate([tone(0.5, 0.0), tone(0.5, -40.0)])
    out = run(prepared(2), samples, CompressorParams())
    np.testing.assert_allclose(out[0] / 100.0, out[1], atol=1e-6)


def test_ratio_of_one_changes_nothing() -> None:
    samples = tone(0.5, 0.0)
    np.testing.assert_array_equal(run(prepared(), samples, CompressorParams(ratio=1.0)), samples)
