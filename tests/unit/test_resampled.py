"""The denoiser at other rates: the delay is as declared, and the passband comes through."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from engine.core.stage import Context, StreamFormat
from engine.errors import ModelError
from engine.inference.catalog import ModelStore
from engine.inference.dry import Dry
from engine.inference.frame_denoiser import no_residual
from engine.inference.resampled import Resampled
from engine.stages.denoise import Denoise, DenoiseParams

RATES = (16_000, 32_000, 44_100, 96_000)


def through(denoiser: Resampled, sound: NDArray[np.float32]) -> NDArray[np.float32]:
    stream, hop = denoiser.stream(), denoiser.hop_samples
    out = np.zeros_like(sound)
    for start in range(0, sound.size - hop + 1, hop):
        stream.process(sound[start : start + hop].copy(), out[start : start + hop], no_residual)
    return out


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hz", [100.0, 1000.0, 6500.0])
def test_a_tone_comes_through_as_it_is_and_as_late_as_declared(rate: int, hz: float) -> None:
    denoiser = Resampled(Dry(48_000, 480), rate)
    tone = np.sin(2 * np.pi * hz / rate * np.arange(rate // 2)).astype(np.float32)
    out = through(denoiser, tone)
    late = denoiser.delay_samples
    error = out[rate // 4 : -denoiser.hop_samples] - tone[rate // 4 - late : -denoiser.hop_samples - late]
    assert 20 * np.log10(np.abs(error).max()) < -60.0


@pytest.mark.parametrize(("rate", "inner"), [(96_000, 48_000), (48_000, 16_000)])
def test_what_the_lower_rate_cannot_hold_is_gone(rate: int, inner: int) -> None:
    tone = np.sin(2 * np.pi * 0.52 * inner / rate * np.arange(rate // 2)).astype(np.float32)
    assert 20 * np.log10(np.abs(through(Resampled(Dry(inner, inner // 100), rate), tone)[rate // 4 :]).max()) < -75.0


@pytest.mark.parametrize("rate", RATES)
def test_the_stage_declares_its_delay_at_every_rate(
    rate: int, model_store: ModelStore, speech: NDArray[np.float32]
) -> None:
    stage = Denoise.build(model_store)
    params = DenoiseParams()
    stage.expect(params)
    stage.prepare(StreamFormat(rate, 1, rate // 100))
    sound = soxr.resample(speech[: 4 * 48_000], 48_000, rate)
    out = sound[None].copy()
    ctx: Context[DenoiseParams] = Context(params, len(Denoise.meters))
    for start in range(0, sound.size, rate // 100):
        stage.process(out[:, start : start + rate // 100], ctx)
    size = 2 * sound.size
    spectrum = np.fft.rfft(out[0], size) * np.conj(np.fft.rfft(sound, size))
    assert int(np.argmax(np.fft.irfft(spectrum))) == stage.latency_samples


def test_a_rate_without_whole_hops_is_refused(model_store: ModelStore) -> None:
    with pytest.raises(ModelError, match="cannot follow 11025 Hz; set the engine's sample rate to 48000 Hz"):
        Denoise.build(model_store).prepare(StreamFormat(11_025, 1, 110))
