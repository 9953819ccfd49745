"""Spectra of a stream: exact there and back, and unmoved by samples that are no sound."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.dsp.erb import erb_band_ends, erb_frequency, erb_rate
from engine.dsp.stft import LARGEST_SAMPLE, Analysis, Synthesis, vorbis_window

HOP = 480


def there_and_back(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    analysis, synthesis = Analysis(HOP), Synthesis(HOP)
    spectrum = np.zeros(HOP + 1, np.complex64)
    out = np.empty_like(samples)
    for start in range(0, samples.size, HOP):
        analysis.process(samples[start : start + HOP], spectrum)
        synthesis.process(spectrum, out[start : start + HOP])
    return out


def test_a_signal_comes_back_exactly_one_hop_late() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, 20 * HOP).astype(np.float32)
    np.testing.assert_allclose(there_and_back(x)[HOP:], x[:-HOP], atol=1e-6)


def test_the_window_is_its_own_inverse() -> None:
    window = vorbis_window(2 * HOP).astype(np.float64)
    np.testing.assert_allclose(window[:HOP] ** 2 + window[HOP:] ** 2, 1.0, atol=1e-6)


def test_a_sine_of_full_scale_shows_its_level_whatever_the_window_length() -> None:
    spectrum = np.zeros(HOP + 1, np.complex64)
    analysis = Analysis(HOP)
    sine = np.sin(2 * np.pi * 40 * np.arange(2 * HOP) / (2 * HOP)).astype(np.float32)
    for start in (0, HOP):
        analysis.process(sine[start : start + HOP], spectrum)
    assert abs(spectrum[40]) == pytest.approx(0.5 * vorbis_window(2 * HOP).mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("sample", "counts_as"),
    [(np.nan, 0.0), (np.inf, LARGEST_SAMPLE), (-1e30, -LARGEST_SAMPLE), (3e38, LARGEST_SAMPLE), (50.0, 50.0)],
)
def test_what_is_no_sound_is_limited(sample: float, counts_as: float) -> None:
    x = np.zeros(4 * HOP, np.float32)
    x[600] = sample
    y = there_and_back(x)
    assert np.isfinite(y).all()
    assert y[600 + HOP] == pytest.approx(counts_as, abs=1e-3)


def test_reset_forgets_and_copy_takes_over() -> None:
    analysis, other, spectrum, expected = Analysis(HOP), Analysis(HOP), *np.zeros((2, HOP + 1), np.complex64)
    noise = np.random.default_rng(2).standard_normal(HOP).astype(np.float32)
    silence = np.zeros(HOP, np.float32)
    analysis.process(noise, spectrum)
    other.copy_from(analysis)
    analysis.process(silence, expected)
    other.process(silence, spectrum)
    np.testing.assert_array_equal(spectrum, expected)
    assert np.abs(expected).max() > 0
    other.process(noise, spectrum)
    other.reset()
    other.process(silence, spectrum)
    assert np.abs(spectrum).max() == 0


def test_erb_bands_are_those_deepfilternet_was_trained_with() -> None:
    ends = erb_band_ends(48_000, 960, 32, min_bins=2)
    published = [2] * 13 + [5, 5, 7, 7, 8, 10, 12, 13, 15, 18, 20, 24, 28, 31, 37, 42, 50, 56, 67]
    assert np.diff(ends, prepend=0).tolist() == published
    assert ends[-1] == 481


def test_the_erb_scale_and_its_inverse_agree() -> None:
    hz = np.array([0.0, 100.0, 1000.0, 24_000.0])
    np.testing.assert_allclose(erb_frequency(erb_rate(hz)), hz, atol=1e-6)
    # Glasberg & Moore: 21.4 log10(1 + 0.00437 f)
    np.testing.assert_allclose(erb_rate(hz), 21.4 * np.log10(1 + 0.00437 * hz), rtol=0.01)
