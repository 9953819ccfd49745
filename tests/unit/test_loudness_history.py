"""The course of a session: every second at first, a day in the same memory, and what is merged keeps its energy."""

from __future__ import annotations

import numpy as np
import pytest

from engine.dsp.loudness import LoudnessMeter
from engine.dsp.loudness_history import FLOOR_LUFS, LoudnessHistory

RATE_HZ = 48_000


def filled(seconds: int, lufs: float = -20.0, points: int = 1800) -> LoudnessHistory:
    history = LoudnessHistory(RATE_HZ, points)
    for _ in range(seconds):
        history.process(RATE_HZ, lufs)
    return history


def test_a_value_a_second_whatever_the_hop() -> None:
    history = LoudnessHistory(RATE_HZ)
    for hop in range(2500):
        history.process(480, -30.0 + hop / 100)
    assert history.interval_s == 1.0
    assert history.read_lufs() == pytest.approx(-30.0 + np.arange(1, 26) - 0.01, abs=1e-6)


def test_silence_is_the_gate_and_nothing_below() -> None:
    assert filled(3, -np.inf).read_lufs() == pytest.approx(FLOOR_LUFS)


def test_a_day_fits_and_covers_the_whole_day() -> None:
    history = filled(24 * 3600)
    values = history.read_lufs()
    assert 900 <= values.size < 1800
    assert values.size * history.interval_s == pytest.approx(24 * 3600, abs=history.interval_s)
    assert values == pytest.approx(-20.0)


def test_what_is_merged_keeps_its_energy() -> None:
    history = LoudnessHistory(RATE_HZ, points=4)
    for lufs in (-10.0, -20.0, -30.0, -30.0):
        history.process(RATE_HZ, lufs)
    assert history.interval_s == 2.0
    assert history.read_lufs() == pytest.approx([10 * np.log10((0.1 + 0.01) / 2), -30.0])


def test_reset_begins_anew() -> None:
    history = filled(2000)
    history.reset()
    assert (history.interval_s, history.read_lufs().size) == (1.0, 0)


def test_a_held_meter_adds_nothing_up_and_goes_on_afterwards() -> None:
    meter = LoudnessMeter(RATE_HZ, 1)
    quiet, loud = (
        (level * np.random.default_rng(1).standard_normal((1, 10 * RATE_HZ))).astype(np.float32)
        for level in (0.03, 0.3)
    )
    meter.process(quiet)
    before = (meter.integrated_lufs, meter.range_lu, meter.true_peak_dbtp, meter.max_short_term_lufs)
    meter.is_held = True
    meter.process(loud)
    assert (meter.integrated_lufs, meter.range_lu, meter.true_peak_dbtp, meter.max_short_term_lufs) == before
    assert meter.short_term_lufs > before[0] + 15.0
    meter.is_held = False
    meter.process(loud)
    assert meter.integrated_lufs > before[0] + 10.0
    meter.is_held = True
    meter.reset()
    assert meter.is_held
    assert meter.integrated_lufs == -np.inf
