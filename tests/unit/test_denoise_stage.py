"""The denoise stage with its real network: what it declares is what it does, for any block and any input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.core.stage import Context, StreamFormat
from engine.errors import ModelError
from engine.inference.catalog import ModelStore
from engine.stages.denoise import MODES, Denoise, DenoiseParams

HOP = 480
DELAYS = {"quality": 1440, "balanced": 960, "fast": 480, "light": 480}
DELAY = DELAYS["quality"]
every_mode = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(scope="module")
def denoise(model_store: ModelStore) -> Denoise:
    return Denoise.build(model_store)


def context(strength_db: float = 100.0, mode: str = "quality") -> Context[DenoiseParams]:
    return Context(DenoiseParams(strength_db, mode), len(Denoise.meters))


def prepare(stage: Denoise, fmt: StreamFormat, mode: str = "quality") -> None:
    stage.expect(DenoiseParams(mode=mode))
    stage.prepare(fmt)


def run(
    stage: Denoise,
    samples: NDArray[np.float32],
    frames: int = HOP,
    strength_db: float = 100.0,
    mode: str = "quality",
) -> NDArray[np.float32]:
    """Prepare `stage` for blocks of `frames`, run `samples` (channels, n) through it in whole blocks."""
    prepare(stage, StreamFormat(48_000, samples.shape[0], frames), mode)
    return go_on(stage, samples, frames, context(strength_db, mode))


def go_on(
    stage: Denoise, samples: NDArray[np.float32], frames: int, ctx: Context[DenoiseParams]
) -> NDArray[np.float32]:
    out = samples[:, : samples.shape[1] // frames * frames].copy()
    for start in range(0, out.shape[1], frames):
        stage.process(out[:, start : start + frames], ctx)
    return out


def level_db(samples: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-30))


@every_mode
@pytest.mark.parametrize("frames", [64, 441, 480, 512])
def test_declared_delay_is_the_measured_one(
    denoise: Denoise, speech: NDArray[np.float32], frames: int, mode: str
) -> None:
    x = speech[None, :144_000]
    y = run(denoise, x, frames, mode=mode)
    n = y.shape[1]
    spectrum = np.fft.rfft(y[0], 2 * n) * np.conj(np.fft.rfft(x[0, :n], 2 * n))
    assert int(np.argmax(np.fft.irfft(spectrum)[:n])) == denoise.latency_samples
    assert denoise.latency_samples == DELAYS[mode] + HOP - np.gcd(HOP, frames)


@every_mode
@pytest.mark.parametrize("frames", [100, 480])
def test_at_no_strength_the_input_comes_out_untouched(
    denoise: Denoise, noisy_speech: NDArray[np.float32], frames: int, mode: str
) -> None:
    x = noisy_speech[None, :96_000]
    y = run(denoise, x, frames, strength_db=0.0, mode=mode)
    delay = denoise.latency_samples
    np.testing.assert_allclose(y[:, delay:], x[:, : y.shape[1] - delay], atol=2e-6)


@every_mode
@pytest.mark.parametrize("strength_db", [6.0, 24.0])
def test_noise_is_lowered_by_the_strength_and_no_more(denoise: Denoise, strength_db: float, mode: str) -> None:
    noise = (0.01 * np.random.default_rng(3).standard_normal((1, 96_000))).astype(np.float32)
    y = run(denoise, noise, strength_db=strength_db, mode=mode)
    lowered_db = level_db(noise[:, 48_000:]) - level_db(y[:, 48_000:])
    assert lowered_db == pytest.approx(strength_db, abs=1.0)


@every_mode
def test_at_full_strength_noise_is_all_but_gone_and_speech_is_not(
    denoise: Denoise, speech: NDArray[np.float32], noisy_speech: NDArray[np.float32], mode: str
) -> None:
    y = run(denoise, noisy_speech[None], mode=mode)[0, DELAYS[mode] :].reshape(-1, HOP)
    x, noisy = speech[: y.size].reshape(-1, HOP), noisy_speech[: y.size].reshape(-1, HOP)
    power = np.mean(x**2, axis=1)
    loud, quiet = power > np.quantile(power, 0.7), power < np.quantile(power, 0.05)
    assert level_db(noisy[quiet]) - level_db(y[quiet]) > 15.0
    assert level_db(y[loud]) == pytest.approx(level_db(x[loud]), abs=1.0)


def test_meters_tell_what_was_removed_and_how_far_speech_stands_out(
    denoise: Denoise, speech: NDArray[np.float32]
) -> None:
    noise = (0.01 * np.random.default_rng(3).standard_normal((1, 96_000))).astype(np.float32)
    prepare(denoise, StreamFormat(48_000, 1, HOP))
    ctx = context(12.0)
    go_on(denoise, noise, HOP, ctx)
    assert ctx.meters[0] == pytest.approx(12.0, abs=1.0)
    snr_in_noise_db = ctx.meters[1]
    denoise.reset()
    go_on(denoise, speech[None, : HOP * 200], HOP, ctx)
    assert ctx.meters[0] < 3.0
    assert ctx.meters[1] > snr_in_noise_db + 10.0


def test_result_does_not_depend_on_the_block_size(denoise: Denoise, noisy_speech: NDArray[np.float32]) -> None:
    x = noisy_speech[None, :48_000]
    whole = run(denoise, x)
    for frames in (64, 100, 960):
        cut = run(denoise, x, frames)
        extra = denoise.latency_samples - DELAY
        n = min(whole.shape[1], cut.shape[1] - extra)
        np.testing.assert_array_equal(cut[:, extra : extra + n], whole[:, :n])


@settings(max_examples=10)
@given(cuts=st.lists(st.integers(1, 480), min_size=20, max_size=60))
def test_result_does_not_depend_on_cuts(denoise: Denoise, noisy_speech: NDArray[np.float32], cuts: list[int]) -> None:
    x = noisy_speech[None, : sum(cuts)]
    prepare(denoise, StreamFormat(48_000, 1, HOP, is_fixed=False))
    cut, ctx, start = x.copy(), context(), 0
    for frames in cuts:
        denoise.process(cut[:, start : start + frames], ctx)
        start += frames
    whole = run(denoise, x)
    n = min(whole.shape[1], cut.shape[1] - 479)
    np.testing.assert_array_equal(cut[:, 479 : 479 + n], whole[:, :n])


@every_mode
def test_silence_stays_silence_also_after_speech(
    denoise: Denoise, noisy_speech: NDArray[np.float32], mode: str
) -> None:
    assert not run(denoise, np.zeros((1, 48_000), np.float32), mode=mode).any()
    x = np.concatenate([noisy_speech[:48_000], np.zeros(48_000, np.float32)])[None]
    # Half a frame of overlap, and two frames that the filter still reads from before the one it puts out.
    assert not run(denoise, x, mode=mode)[:, 48_000 + DELAY + 3 * HOP :].any()


def test_a_minute_of_digital_silence_does_no_harm(
    denoise: Denoise, speech: NDArray[np.float32], noisy_speech: NDArray[np.float32]
) -> None:
    prepare(denoise, StreamFormat(48_000, 1, HOP))
    ctx = context()
    assert not go_on(denoise, np.zeros((1, 60 * 48_000), np.float32), HOP, ctx).any()
    y = go_on(denoise, noisy_speech[None, :96_000], HOP, ctx)
    assert level_db(y[:, DELAY:]) == pytest.approx(level_db(speech[: 96_000 - DELAY]), abs=1.0)


@every_mode
@pytest.mark.parametrize("scale", [1e6, 3e38, 1e-40, 1e-44, 0.0])
@pytest.mark.parametrize("sign", ["noise", "constant"])
def test_finite_input_gives_finite_output_and_leaves_no_mark(
    denoise: Denoise, noisy_speech: NDArray[np.float32], scale: float, sign: str, mode: str
) -> None:
    noise = np.random.default_rng(4).uniform(-1, 1, (1, 9600)) if sign == "noise" else np.ones((1, 9600))
    prepare(denoise, StreamFormat(48_000, 1, HOP), mode)
    ctx = context(mode=mode)
    assert np.isfinite(go_on(denoise, (noise * scale).astype(np.float32), HOP, ctx)).all()
    after = go_on(denoise, noisy_speech[None, :96_000], HOP, ctx)
    assert np.isfinite(after).all()
    assert np.isfinite(ctx.meters).all()


@every_mode
def test_samples_that_are_no_numbers_do_not_stay_in_the_network(
    denoise: Denoise, noisy_speech: NDArray[np.float32], mode: str
) -> None:
    x = noisy_speech[None, :96_000].copy()
    x[0, 10_000:10_100] = np.nan
    x[0, 20_000] = np.inf
    assert np.isfinite(run(denoise, x, mode=mode)).all()


@every_mode
def test_reset_is_as_good_as_new(denoise: Denoise, noisy_speech: NDArray[np.float32], mode: str) -> None:
    x = noisy_speech[None, :48_000]
    fresh = run(denoise, x, 100, mode=mode)
    go_on(denoise, 0.5 * x[:, :4567], 100, context(mode="light"))
    denoise.reset()
    np.testing.assert_array_equal(go_on(denoise, x, 100, context(mode=mode)), fresh)


def test_equal_channels_are_denoised_as_one(denoise: Denoise, noisy_speech: NDArray[np.float32]) -> None:
    x = noisy_speech[None, :48_000]
    mono = run(denoise, x)
    stereo = run(denoise, np.concatenate([x, x]))
    np.testing.assert_array_equal(stereo, np.concatenate([mono, mono]))


@every_mode
@pytest.mark.parametrize("apart_from", [0, 30_001])
def test_channels_that_part_are_each_denoised_as_if_alone(
    denoise: Denoise, noisy_speech: NDArray[np.float32], apart_from: int, mode: str
) -> None:
    left = noisy_speech[:48_000]
    right = left.copy()
    right[apart_from:] = noisy_speech[100_000 + apart_from : 148_000]
    alone = np.concatenate([run(denoise, left[None], mode=mode), run(denoise, right[None], mode=mode)])
    np.testing.assert_array_equal(run(denoise, np.stack([left, right]), mode=mode), alone)


def test_strength_may_move_while_speaking_without_a_jump(denoise: Denoise) -> None:
    tone = (0.1 * np.sin(2 * np.pi * 997 / 48_000 * np.arange(96_000))).astype(np.float32)[None]
    prepare(denoise, StreamFormat(48_000, 1, HOP))
    out = tone.copy()
    for index, start in enumerate(range(0, 96_000, HOP)):
        denoise.process(out[:, start : start + HOP], context(0.0 if index % 20 < 10 else 6.0))
    step = np.abs(np.diff(out[0, DELAY + HOP :])).max()
    assert step < 1.05 * np.abs(np.diff(tone)).max()


def test_a_damaged_model_is_refused_before_anything_runs(model_store: ModelStore, tmp_path: Path) -> None:
    content = bytearray(model_store.model_path("deepfilternet3").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "deepfilternet3.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="is not the DeepFilterNet3 that Sidetone was made with"):
        Denoise.build(ModelStore(model_store.entries, [tmp_path]))
