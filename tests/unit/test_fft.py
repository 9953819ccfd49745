"""Transforms inside kernels against numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels, kernel
from engine.dsp.fft import FFT_TYPE, FftTables, inverse_real_fft, plan_fft, real_fft


@kernel(f"void({FFT_TYPE}, float32[::1], complex64[::1])")
def forward(plan: FftTables, samples: NDArray[np.float32], spectrum: NDArray[np.complex64]) -> None:
    real_fft(plan, samples, 1.0, spectrum)


@kernel(f"void({FFT_TYPE}, complex64[::1], float32[::1])")
def backward(plan: FftTables, spectrum: NDArray[np.complex64], samples: NDArray[np.float32]) -> None:
    inverse_real_fft(plan, spectrum, 1.0 / samples.size, samples)


@pytest.mark.parametrize("size", [2, 4, 6, 8, 10, 12, 18, 30, 50, 90, 960, 1024, 2048])
def test_spectrum_and_way_back_are_numpys(size: int) -> None:
    compile_kernels(forward, backward)
    plan = plan_fft(size)
    samples = np.random.default_rng(size).standard_normal(size).astype(np.float32)
    spectrum, back = np.zeros(size // 2 + 1, np.complex64), np.zeros(size, np.float32)
    forward(plan, samples, spectrum)
    np.testing.assert_allclose(spectrum, np.fft.rfft(samples), atol=2e-6 * np.sqrt(size) * np.log2(2 * size))
    backward(plan, spectrum, back)
    np.testing.assert_allclose(back, samples, atol=3e-6)


def test_an_imaginary_part_where_none_can_be_counts_for_nothing() -> None:
    compile_kernels(backward)
    spectrum = (np.random.default_rng(1).standard_normal(481) + 1j).astype(np.complex64)
    got = np.zeros(960, np.float32)
    backward(plan_fft(960), spectrum, got)
    np.testing.assert_allclose(got, np.fft.irfft(spectrum), atol=1e-6)


@pytest.mark.parametrize("size", [7, 14, 22, 961])
def test_a_size_with_other_factors_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"no transform of {size} samples"):
        plan_fft(size)
