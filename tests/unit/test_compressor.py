"""The compressor stage: its static curve, its meter, and linked channels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.core.stage import Context, StreamFormat
from engine.dsp.responses import compressed_dbfs
from engine.stages.compressor import Compressor, CompressorParams, adaptive_curve
from tests.helpers.stages import SAMPLE_RATE, blocks_of, run, tone, voice_like


def prepared(channels: int = 1) -> Compressor:
    stage = Compressor()
    stage.prepare(StreamFormat(SAMPLE_RATE, channels, 480))
    return stage


def drawn(params: CompressorParams, levels_dbfs: NDArray[np.float64]) -> NDArray[np.float64]:
    return compressed_dbfs(levels_dbfs, params.threshold_db, params.ratio, params.knee_db, params.makeup_db)


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


@given(
    params=st.builds(
        CompressorParams,
        threshold_db=st.floats(-60, 0),
        ratio=st.floats(1, 20),
        knee_db=st.floats(0, 24),
        makeup_db=st.floats(0, 24),
    )
)
def test_the_drawn_curve_rises_without_a_step_and_never_steeper_than_the_input(params: CompressorParams) -> None:
    leaving = drawn(params, np.linspace(-90, 12, 1021))
    steps = np.diff(leaving)
    assert (steps >= 0.1 / 20 - 1e-9).all()
    assert (steps <= 0.1 + 1e-9).all()


def test_the_drawn_curve_is_what_is_heard() -> None:
    params = CompressorParams(threshold_db=-30.0, ratio=4.0, knee_db=10.0, makeup_db=3.0)
    levels = np.array([-50.0, -33.0, -30.0, -27.0, -10.0])
    heard = [
        20 * np.log10(np.abs(run(prepared(), tone(1.0, level), params)[0, SAMPLE_RATE // 2 :]).max())
        for level in levels
    ]
    np.testing.assert_allclose(heard, drawn(params, levels), atol=0.2)


@given(amount=st.floats(1, 99), more=st.floats(0.1, 1), level=st.floats(-60, 0), spread=st.floats(0, 15))
def test_more_amount_is_never_less_compression(amount: float, more: float, level: float, spread: float) -> None:
    threshold_db, ratio = adaptive_curve(amount, level, spread)
    higher_threshold_db, higher_ratio = adaptive_curve(amount + more, level, spread)
    assert higher_threshold_db <= threshold_db
    assert higher_ratio >= ratio
    assert -60 <= threshold_db <= 0
    assert 1 <= ratio <= 8


@pytest.mark.parametrize("amount", [30.0, 70.0])
def test_one_amount_treats_a_whisper_as_it_treats_a_shout(amount: float) -> None:
    reductions = []
    for gain_db in (-20.0, 0.0):
        stage = prepared()
        context = Context(CompressorParams(amount=amount), len(Compressor.meters))
        samples = voice_like(8.0) * np.float32(10 ** (gain_db / 20))
        found = []
        for cut in blocks_of(samples.shape[1]):
            stage.process(samples[:, cut], context)
            found.append(float(context.meters[0]))
        reductions.append(np.mean(found[500:]))
    assert reductions[1] > 0.5
    assert reductions[0] == pytest.approx(reductions[1], rel=0.1)


def test_amount_zero_leaves_it_to_the_knobs() -> None:
    samples = voice_like(2.0)
    out = run(prepared(), samples, CompressorParams(amount=0.0, ratio=1.0))
    np.testing.assert_array_equal(out, samples)


def test_a_plosive_below_the_side_chain_does_not_turn_down() -> None:
    thump = tone(0.5, -3.0, 40.0)
    hears_all = run(prepared(), thump, CompressorParams(threshold_db=-30.0, ratio=10.0))
    is_deaf = run(prepared(), thump, CompressorParams(threshold_db=-30.0, ratio=10.0, side_chain_hz=300.0))
    assert np.abs(hears_all[0, SAMPLE_RATE // 4 :]).max() < 0.1
    assert np.abs(is_deaf[0, SAMPLE_RATE // 4 :]).max() > 0.4
