"""Spectra for the eye: a tone stands in its band at its level, and every band can be drawn."""

from __future__ import annotations

import numpy as np
import pytest

from engine.spectrum import SpectrumAnalyzer

SPECTRUM_FRAMES = 4096


def analyzer() -> SpectrumAnalyzer:
    return SpectrumAnalyzer(48_000, SPECTRUM_FRAMES)


def sine(frequency_hz: float, amplitude: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    t = np.arange(SPECTRUM_FRAMES) / 48_000
    return (amplitude * np.sin(2 * np.pi * frequency_hz * t)).astype(np.float32)


@pytest.mark.parametrize("frequency_hz", [100.0, 440.0, 1000.0, 3150.0, 15_000.0])
def test_a_tone_stands_in_its_own_band(frequency_hz: float) -> None:
    made = analyzer()
    spectrum = made.snapshot(sine(frequency_hz, 0.5), np.zeros(SPECTRUM_FRAMES, np.float32))
    levels = np.array(spectrum.input_dbfs)
    highest = int(levels.argmax())
    assert made.frequencies_hz[highest] == pytest.approx(frequency_hz, rel=0.12)
    # A Hann window spreads a tone over a few bins, of one band or of several.
    assert levels.max() == pytest.approx(-6.0, abs=4.0)
    assert levels[np.abs(np.log2(np.array(made.frequencies_hz) / frequency_hz)) > 1].max() < -45.0


def test_silence_is_the_floor_and_every_band_is_there() -> None:
    spectrum = analyzer().snapshot(*2 * [np.zeros(SPECTRUM_FRAMES, np.float32)])
    assert set(spectrum.input_dbfs) == set(spectrum.output_dbfs) == {-120.0}
    assert len(spectrum.frequencies_hz) == len(spectrum.input_dbfs)
    assert all(np.diff(spectrum.frequencies_hz) > 0)


def test_white_noise_rises_with_the_width_of_the_bands() -> None:
    samples = np.random.default_rng(0).standard_normal((2, SPECTRUM_FRAMES)).astype(np.float32) * 0.1
    spectrum = analyzer().snapshot(samples[0], samples[1])
    high = [level for hz, level in zip(spectrum.frequencies_hz, spectrum.input_dbfs, strict=True) if hz > 2000]
    slope_db_per_octave = np.polyfit(np.arange(len(high)) / 12, high, 1)[0]
    assert slope_db_per_octave == pytest.approx(3.0, abs=1.0)
    assert all(np.isfinite(spectrum.output_dbfs))
