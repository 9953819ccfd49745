"""The interpolator finds what lies between the samples, over the whole band that is heard."""

from __future__ import annotations

import numpy as np
import pytest

from engine.dsp.loudness import LoudnessMeter
from engine.dsp.true_peak import REACH_SAMPLES, TAPS, interpolator


@pytest.mark.parametrize("factor", [4, 8])
def test_interpolator_is_flat_to_22_khz(factor: int) -> None:
    taps = np.arange(TAPS) - (REACH_SAMPLES - 1)
    for frequency in np.linspace(0, 22_000, 89) / 48_000:
        for point, row in enumerate(interpolator(factor), start=1):
            expected = np.exp(2j * np.pi * frequency * point / factor)
            assert abs(row @ np.exp(2j * np.pi * frequency * taps) - expected) < 0.02


def test_rows_keep_dc() -> None:
    np.testing.assert_allclose(interpolator(8).sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(interpolator(4, taps=20, kaiser_beta=5.0).sum(axis=1), 1.0, atol=1e-6)


def test_a_gentler_interpolator_has_fewer_taps() -> None:
    assert (np.count_nonzero(interpolator(4, taps=20), axis=1) == 20).all()


@pytest.mark.parametrize("phase_degrees", [0, 22.5, 45, 60, 67.5])
@pytest.mark.parametrize("divisor", [4, 6, 8, 2.4])
def test_tone_between_samples(divisor: float, phase_degrees: float) -> None:
    meter = LoudnessMeter(48_000, 1)
    n = np.arange(4800)
    samples = 0.5 * np.sin(2 * np.pi * n / divisor + np.deg2rad(phase_degrees)) * np.hanning(4800)
    meter.process(samples[None].astype(np.float32))
    assert -6.02 - 0.4 <= meter.true_peak_dbtp <= -6.02 + 0.2
