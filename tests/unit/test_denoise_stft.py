"""Windows that come back to the signal, a line that takes in only sound, and the bands of the published network."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels, kernel
from engine.dsp.erb import erb_band_ends, erb_frequency, erb_rate
from engine.dsp.stft import LARGEST_SAMPLE, append_hop, sine_window, vorbis_window


@kernel("void(float32[::1], float32[::1])")
def take_in(hop: NDArray[np.float32], line: NDArray[np.float32]) -> None:
    append_hop(hop, line)


@pytest.mark.parametrize("window", [vorbis_window(960), sine_window(960)], ids=["vorbis", "sine"])
def test_two_overlapping_halves_make_a_whole(window: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(window[:480] ** 2 + window[480:] ** 2, 1.0, atol=1e-6)


def test_a_line_holds_the_newest_samples() -> None:
    compile_kernels(take_in)
    line = np.zeros(7, np.float32)
    for start in range(0, 12, 3):
        take_in(np.arange(start, start + 3, dtype=np.float32), line)
    assert line.tolist() == [5, 6, 7, 8, 9, 10, 11]


def test_a_line_takes_in_only_what_can_be_sound() -> None:
    compile_kernels(take_in)
    line = np.zeros(6, np.float32)
    take_in(np.array([np.nan, np.inf, -np.inf, 1e6, -0.5, 1e-42], np.float32), line)
    expected = [0.0, LARGEST_SAMPLE, -LARGEST_SAMPLE, LARGEST_SAMPLE, -0.5, 1e-42]
    assert line.tolist() == pytest.approx(expected, rel=1e-3)


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
