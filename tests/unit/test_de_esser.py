"""The de-esser: sharp sounds go down, whatever the level of the voice; everything else is untouched to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from engine.core.stage import Block, StreamFormat
from engine.stages.de_esser import DeEsser, DeEsserParams
from tests.helpers.stages import SAMPLE_RATE, run, tone

_SHARP = signal.butter(4, [6000, 10000], "bandpass", fs=SAMPLE_RATE, output="sos")


def prepared() -> DeEsser:
    stage = DeEsser()
    stage.prepare(StreamFormat(SAMPLE_RATE, 1, 480))
    return stage


def level_dbfs(samples: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-20))


def sibilant(seconds: float, level: float) -> Block:
    noise = np.random.default_rng(2).standard_normal(round(seconds * SAMPLE_RATE))
    hiss = signal.sosfilt(_SHARP, noise)
    scaled: Block = (10 ** (level / 20) * hiss / hiss.std())[None].astype(np.float32)
    return scaled


def test_a_sharp_s_goes_down_alike_at_any_level_of_the_voice() -> None:
    lost_db = []
    for voice_dbfs in (-45.0, -25.0, -10.0):
        samples = np.concatenate([tone(1.0, voice_dbfs, 200.0), sibilant(0.15, voice_dbfs - 6.0)], axis=1)
        out = run(prepared(), samples, DeEsserParams(most_db=6.0, threshold_db=-15.0))
        hiss = slice(round(1.02 * SAMPLE_RATE), None)
        lost_db.append(level_dbfs(samples[0, hiss]) - level_dbfs(out[0, hiss]))
    assert min(lost_db) > 3.5
    assert max(lost_db) - min(lost_db) < 0.01


def test_vowels_are_untouched_to_the_bit() -> None:
    vowel = tone(1.5, -10.0, 200.0) + 0.3 * tone(1.5, -10.0, 2400.0)
    out = run(prepared(), vowel, DeEsserParams(threshold_db=-12.0))
    # The step with which the sound begins is a sharp sound itself.
    np.testing.assert_array_equal(out[:, SAMPLE_RATE:], vowel[:, SAMPLE_RATE:])


def test_never_more_than_the_most() -> None:
    hiss = sibilant(1.0, -12.0)
    for most_db in (0.0, 3.0, 18.0):
        out = run(prepared(), hiss, DeEsserParams(most_db=most_db, threshold_db=-40.0, split_hz=2000.0))
        lost_db = level_dbfs(hiss) - level_dbfs(out)
        assert lost_db <= most_db + 0.01
        assert lost_db >= 0.9 * most_db


def test_lows_pass_while_highs_go_down() -> None:
    low, hiss = tone(1.0, -30.0, 150.0), sibilant(1.0, -20.0)
    out = run(prepared(), low + hiss, DeEsserParams(most_db=12.0, threshold_db=-20.0))
    spectrum = np.abs(np.fft.rfft(out[0, SAMPLE_RATE // 2 :])) / np.abs(np.fft.rfft(low[0, SAMPLE_RATE // 2 :])).max()
    assert spectrum[75] == pytest.approx(1.0, abs=0.05)
