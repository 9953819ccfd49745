"""The limiter: never above its ceiling, whatever comes; and nothing but a delay below it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from engine.core.stage import Block, Context, StreamFormat
from engine.dsp.loudness import LoudnessMeter
from engine.stages.limiter import Limiter, LimiterParams
from tests.helpers.stages import SAMPLE_RATE, run, tone, voice_like

FRAMES = 9600
_TOLERANCE_DB = 0.1


def prepared(channels: int = 1, sample_rate: int = SAMPLE_RATE) -> Limiter:
    stage = Limiter()
    stage.prepare(StreamFormat(sample_rate, channels, 480))
    return stage


@cache
def shared() -> Limiter:
    """One limiter for hundreds of examples, reset before each."""
    return prepared()


def true_peaks_dbtp(samples: Block) -> tuple[float, float]:
    """What two meters read that share no filter: ours, and the usual polyphase resampler at four times the rate."""
    # Both need to see what follows a peak.
    samples = np.pad(samples, ((0, 0), (64, 64)))
    meter = LoudnessMeter(SAMPLE_RATE, samples.shape[0])
    meter.process(samples)
    other = np.abs(signal.resample_poly(samples.astype(np.float64), 4, 1, axis=1)).max()
    return meter.true_peak_dbtp, 20 * float(np.log10(max(other, 1e-12)))


def limited(samples: NDArray[Any], params: LimiterParams) -> Block:
    stage = shared()
    stage.reset()
    return run(stage, np.pad(np.atleast_2d(samples), ((0, 0), (0, 480))).astype(np.float32), params)


def square(frequency_hz: float) -> NDArray[np.float64]:
    return np.sign(np.sin(2 * np.pi * frequency_hz * np.arange(FRAMES) / SAMPLE_RATE + 1e-6))


_N = np.arange(FRAMES)
_RNG = np.random.default_rng(5)
_BURST = np.where((_N > 4000) & (_N < 4300), 1e3, 0.3)


@pytest.mark.parametrize("ceiling_dbtp", [-12.0, -1.0, 0.0])
@pytest.mark.parametrize("release_ms", [10.0, 80.0])
@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(1e3 * np.sin(2 * np.pi * 997 * _N / SAMPLE_RATE), id="a thousand times full scale"),
        pytest.param(1e3 * square(440), id="square"),
        pytest.param(3 * square(3333), id="high square"),
        pytest.param(np.full(FRAMES, 1e3), id="DC"),
        pytest.param(2 * np.sin(np.pi / 2 * _N + np.pi / 4), id="a quarter of the rate at 45 degrees"),
        pytest.param(2 * np.sin(2 * np.pi * _N * 19_997 / SAMPLE_RATE), id="20 kHz"),
        pytest.param(_RNG.standard_normal(FRAMES), id="noise"),
        pytest.param(1e6 * _RNG.standard_normal(FRAMES), id="immense noise"),
        pytest.param(np.sign(_RNG.standard_normal(FRAMES)) * _BURST, id="burst in random bits"),
        pytest.param(np.where(_RNG.random(FRAMES) < 0.003, 1e3, 0) * _RNG.standard_normal(FRAMES), id="single samples"),
        pytest.param(4 * voice_like(0.2)[0], id="voice"),
    ],
)
def test_ceiling_holds(samples: NDArray[Any], ceiling_dbtp: float, release_ms: float) -> None:
    out = limited(samples, LimiterParams(ceiling_dbtp, release_ms))
    assert max(true_peaks_dbtp(out)) <= ceiling_dbtp + _TOLERANCE_DB


def test_a_peak_is_brought_down_whole_however_fast_the_release() -> None:
    samples = np.zeros(FRAMES)
    samples[::1000] = 10.0 ** np.linspace(1, 6, 10)
    out = limited(samples, LimiterParams(-1.0, 10.0))
    # The margin below the ceiling is there for what lies between the samples; none of it is needed here.
    assert 20 * np.log10(np.abs(out).max()) == pytest.approx(-1.2, abs=1e-3)


stretches = st.lists(
    st.tuples(
        st.sampled_from(["tone", "bits", "noise", "constant", "peaks"]),
        st.integers(1, 300),
        st.floats(-3, 6),
        st.floats(0.01, 3.14),
        st.floats(0, 6.3),
    ),
    min_size=1,
    max_size=12,
)


def sound_of(parts: list[tuple[str, int, float, float, float]]) -> NDArray[np.float64]:
    """Stretches of sound: kind, frames, power of ten of the level, radians per sample, phase."""
    pieces = []
    for kind, frames, exponent, frequency, phase in parts:
        n = np.arange(frames)
        noise = np.random.default_rng(round(1e4 * (frequency + phase))).standard_normal(frames)
        match kind:
            case "tone":
                piece = np.sin(frequency * n + phase)
            case "bits":
                piece = np.sign(noise)
            case "noise":
                piece = noise
            case "constant":
                piece = np.ones(frames)
            case _:
                # The signs of a sinc: what makes an interpolator swing highest between two samples.
                piece = np.sign(np.sinc(n - frames // 2 + 0.5))
        pieces.append(10**exponent * piece)
    return np.concatenate(pieces)


@settings(max_examples=300)
@given(parts=stretches, ceiling_dbtp=st.floats(-12, 0), release_ms=st.floats(10, 1000))
def test_no_counterexample_to_the_ceiling(
    parts: list[tuple[str, int, float, float, float]], ceiling_dbtp: float, release_ms: float
) -> None:
    out = limited(sound_of(parts), LimiterParams(ceiling_dbtp, release_ms))
    own, other = true_peaks_dbtp(out)
    assert own <= ceiling_dbtp + _TOLERANCE_DB
    assert other <= ceiling_dbtp + _TOLERANCE_DB


@settings(max_examples=100)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=200))
def test_no_counterexample_among_single_samples(samples: list[float]) -> None:
    own, other = true_peaks_dbtp(limited(np.array(samples), LimiterParams()))
    assert max(own, other) <= -1.0 + _TOLERANCE_DB


def test_below_the_ceiling_it_only_delays() -> None:
    samples = voice_like(2.0, 2)
    # A little below, for it looks more closely than either meter.
    samples *= np.float32(10 ** (-1.3 / 20) / 10 ** (max(true_peaks_dbtp(samples)) / 20))
    stage = prepared(2)
    context = Context(LimiterParams(), len(Limiter.meters))
    out = samples.copy()
    for start in range(0, out.shape[1], 480):
        stage.process(out[:, start : start + 480], context)
        assert context.meters[0] == 0.0
    delay = stage.latency_samples
    np.testing.assert_array_equal(out[:, delay:], samples[:, :-delay])
    assert not out[:, :delay].any()


def test_it_is_bit_exact_again_after_a_peak() -> None:
    samples = tone(4.0, -6.0)
    samples[0, 4800:4900] *= 20
    stage = prepared()
    out = run(stage, samples, LimiterParams())
    delay = stage.latency_samples
    np.testing.assert_array_equal(out[:, -48_000:], samples[:, -48_000 - delay : -delay])


def test_loudness_is_not_given_away() -> None:
    out = run(prepared(), tone(1.0, 6.0, 997.0), LimiterParams())
    assert 20 * np.log10(np.abs(out[0, 24_000:]).max()) > -1.3


def test_meter_shows_the_reduction() -> None:
    context = Context(LimiterParams(), len(Limiter.meters))
    stage = prepared()
    samples = tone(0.5, 5.0)
    for start in range(0, samples.shape[1], 480):
        stage.process(samples[:, start : start + 480], context)
    assert context.meters[0] == pytest.approx(6.2, abs=0.05)


@pytest.mark.parametrize(("sample_rate", "expected"), [(44_100, 66), (48_000, 72), (96_000, 144)])
def test_latency_is_one_and_a_half_milliseconds(sample_rate: int, expected: int) -> None:
    assert prepared(sample_rate=sample_rate).latency_samples == expected


def test_both_channels_are_turned_down_together() -> None:
    samples = np.concatenate([tone(0.5, 12.0), tone(0.5, -28.0)])
    out = run(prepared(2), samples, LimiterParams())
    np.testing.assert_allclose(out[0] / 100.0, out[1], atol=1e-6)
