"""The correction of a response: how near it comes to its target, and what it must never do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray
from scipy import signal

from app.room_picture import limit_in_words
from engine.core.chain import Chain
from engine.core.stage import Context, StreamFormat
from engine.dsp.band_fit import Band, bands_db, fit_bands
from engine.dsp.correction import (
    BANDS,
    FORMS,
    OWN,
    TARGETS,
    Limits,
    Room,
    correction,
    correction_taps,
    shortfall,
    target_curve,
)
from engine.dsp.curve import GRID_HZ, THIRD_OCTAVES_HZ, Curve, power_spectrum, third_octave_db
from engine.dsp.minimum_phase import energy_delay_ms, minimum_phase_taps, response_db
from engine.dsp.responses import HIGH_SHELF, LOW_SHELF, PEAK
from engine.dsp.speech_spectrum import speech_weights
from engine.stages.room_correction import RoomCorrection, RoomCorrectionParams
from tests.helpers.rooms import RATE_HZ, room_impulse, room_of
from tests.helpers.stages import BLOCK, blocks_of, clicks, tone, voice_like

EVERYWHERE_HZ = np.geomspace(20, 23_500, 5000)


def deviation_db(impulse: NDArray[np.float64], target: str = "flat") -> float:
    """Standard deviation of the third-octave response from the target, 100 Hz to 10 kHz."""
    level = third_octave_db(power_spectrum(impulse), RATE_HZ)
    return float(np.std(level - target_curve(target).at(THIRD_OCTAVES_HZ)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", [target for target in TARGETS if target != OWN])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_room_comes_nearer_to_its_target(form: str, target: str, seed: int) -> None:
    impulse = room_impulse(seed=seed)
    taps = correction_taps(room_of(impulse), target, Limits(), form, RATE_HZ)
    # Ten bands cannot follow every bump of a room that is even in the main.
    kept = 0.5 if form == BANDS else 0.4
    assert deviation_db(signal.fftconvolve(impulse, taps), target) < kept * deviation_db(impulse, target)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("boost_db", [0.0, 3.0, 6.0, 12.0])
def test_no_boost_is_above_the_limit(form: str, boost_db: float) -> None:
    room = room_of(room_impulse(boxy_db=15.0))
    taps = correction_taps(room, "broadcast", Limits(boost_db=boost_db), form, RATE_HZ)
    assert response_db(taps, EVERYWHERE_HZ, RATE_HZ).max() <= boost_db + 0.05


def test_a_null_is_left_alone_and_a_dip_is_filled() -> None:
    level = np.zeros(GRID_HZ.size)
    level[np.abs(np.log2(GRID_HZ / 500)) < 0.2] = -40.0
    level[np.abs(np.log2(GRID_HZ / 2000)) < 0.2] = -5.0
    gain = correction(Room(Curve(GRID_HZ, level)), "flat", Limits())
    assert abs(float(gain.at(np.array([500.0]))[0])) < 0.1
    assert float(gain.at(np.array([2000.0]))[0]) > 3.5


def test_what_the_boost_limit_keeps_back_is_told() -> None:
    level = np.zeros(GRID_HZ.size)
    level[np.abs(np.log2(GRID_HZ / 2500)) < 0.5] = -12.0
    dull = Room(Curve(GRID_HZ, level))
    missing = shortfall(dull, "flat", Limits(boost_db=6.0))
    # Where it is dull it wants 12 dB, less what all of it is turned down by so that the voice stays as loud.
    assert 3.0 < float(missing.at(np.array([2500.0]))[0]) < 6.0
    np.testing.assert_array_equal(missing.gain_db[GRID_HZ < 1500], 0.0)
    assert shortfall(dull, "flat", Limits(boost_db=12.0)).gain_db.max() < 0.1
    (sentence,) = limit_in_words(dull, "flat", Limits(boost_db=6.0))
    assert re.match(r"From 1[67]\d\d to 3[5-8]\d\d Hz the room takes more than a boost of 6 dB gives back", sentence)
    assert limit_in_words(room_of(room_impulse()), "flat", Limits()) == ()


def test_nothing_changes_outside_of_the_band() -> None:
    gain = correction(room_of(room_impulse()), "flat", Limits(low_hz=200.0, high_hz=4000.0))
    np.testing.assert_array_equal(gain.gain_db[(GRID_HZ < 140) | (GRID_HZ > 5700)], 0.0)
    taps = correction_taps(room_of(room_impulse()), "flat", Limits(low_hz=200.0, high_hz=4000.0), "filter", RATE_HZ)
    outside = np.concatenate([np.geomspace(30, 120, 50), np.geomspace(6500, 20_000, 50)])
    assert np.abs(response_db(taps, outside, RATE_HZ)).max() < 0.1


def test_a_band_that_was_not_measured_is_left_alone() -> None:
    room = replace(room_of(room_impulse()), high_hz=3000.0)
    np.testing.assert_array_equal(correction(room, "flat", Limits()).gain_db[GRID_HZ > 4300], 0.0)


def test_a_voice_comes_out_as_loud_as_it_went_in() -> None:
    gain = correction(room_of(room_impulse(boxy_db=12.0)), "flat", Limits())
    assert abs(10 * np.log10(np.sum(speech_weights(GRID_HZ) * 10 ** (gain.gain_db / 10)))) < 0.05


def test_the_sound_is_not_delayed() -> None:
    taps = correction_taps(room_of(room_impulse(boxy_db=12.0)), "flat", Limits(boost_db=12.0), "filter", RATE_HZ)
    assert int(np.argmax(np.abs(taps))) == 0
    assert energy_delay_ms(taps, RATE_HZ) < 1.0


def test_strength_scales_the_correction() -> None:
    room = room_of(room_impulse())
    half, whole = (correction(room, "flat", Limits(boost_db=12, strength=share)).gain_db for share in (0.5, 1.0))
    assert np.corrcoef(half, whole)[0, 1] > 0.99
    assert np.std(half) == pytest.approx(0.5 * np.std(whole), rel=0.1)


def test_minimum_phase_has_the_gain_and_its_zeros_inside() -> None:
    gain = Curve(np.array([100.0, 300.0, 1000.0, 5000.0]), np.array([-6.0, 4.0, -3.0, 2.0]))
    taps = minimum_phase_taps(gain, RATE_HZ)
    checked = np.geomspace(50, 15_000, 200)
    assert np.abs(response_db(taps, checked, RATE_HZ) - gain.at(checked)).max() < 0.4
    # The energy of a minimum-phase filter is ahead of that of any other with the same gain.
    backwards = np.cumsum(taps[::-1] ** 2)
    assert (np.cumsum(taps**2) >= backwards - 1e-12).all()


def test_bands_that_made_a_gain_are_found_again() -> None:
    made = (Band(LOW_SHELF, 120.0, -4.0, 0.7071), Band(PEAK, 700.0, 5.0, 1.5), Band(HIGH_SHELF, 6000.0, -3.0, 0.7071))
    gain = Curve(GRID_HZ, bands_db(made, GRID_HZ, RATE_HZ))
    bands = fit_bands(gain, 6.0, RATE_HZ)
    assert len(bands) <= 10
    assert np.abs(bands_db(bands, GRID_HZ, RATE_HZ) - gain.gain_db)[(GRID_HZ > 50) & (GRID_HZ < 14_000)].max() < 0.6


def test_a_filter_of_another_program_is_taken_as_it_is() -> None:
    ready = Room(Curve(np.array([100.0, 1000.0, 10_000.0]), np.array([8.0, 0.0, -4.0])), is_correction=True)
    gain = response_db(correction_taps(ready, "flat", Limits(), "filter", RATE_HZ), THIRD_OCTAVES_HZ, RATE_HZ)
    assert np.abs(gain - ready.curve.at(THIRD_OCTAVES_HZ)).max() < 0.2


def test_the_stage_follows_room_and_parameters_without_a_click() -> None:
    stage = RoomCorrection()
    chain = Chain([stage])
    chain.prepare(StreamFormat(RATE_HZ, 1, BLOCK))
    samples = tone(4.0, -12.0)
    out = samples.copy()
    changes: dict[int, Callable[[], object]] = {
        40: lambda: stage.correct(room_of(room_impulse(boxy_db=12.0))),
        100: lambda: chain.set("room_correction.strength", 30.0),
        160: lambda: chain.set("room_correction.form", BANDS),
        220: lambda: chain.set("room_correction.target", "broadcast"),
        280: lambda: stage.correct(None),
    }
    for index, cut in enumerate(blocks_of(samples.shape[1])):
        if index in changes:
            changes[index]()
        if index % 10 == 5:
            chain.tend()
        chain.process(out[:, cut])
    np.testing.assert_array_equal(out[:, : 40 * BLOCK], samples[:, : 40 * BLOCK])
    assert np.abs(out - samples)[:, 60 * BLOCK : 280 * BLOCK].max() > 0.01
    np.testing.assert_array_equal(out[:, 300 * BLOCK :], samples[:, 300 * BLOCK :])
    assert clicks(out[0])[10 * BLOCK : -2 * BLOCK].max() < 10 ** (-60 / 20)


def test_the_stage_filters_as_designed_from_the_first_block() -> None:
    room = room_of(room_impulse())
    stage = RoomCorrection(room)
    params = RoomCorrectionParams(boost_db=4.0)
    stage.expect(params)
    stage.prepare(StreamFormat(RATE_HZ, 1, BLOCK))
    samples = voice_like(0.5)
    out = samples.copy()
    context: Context[RoomCorrectionParams] = Context(params, len(stage.meters))
    for cut in blocks_of(samples.shape[1]):
        stage.process(out[:, cut], context)
    taps = correction_taps(room, "flat", Limits(boost_db=4.0), "filter", RATE_HZ)
    np.testing.assert_allclose(out[0], signal.fftconvolve(samples[0], taps)[: samples.shape[1]], atol=1e-5)
    assert 0.0 < context.meters[0] <= 4.05


@pytest.mark.needs("eval")
def test_every_measured_room_comes_nearer_by_three_fifths(eval_folder: Path) -> None:
    for path in sorted((eval_folder / "data" / "rir").glob("*.flac")):
        samples, rate_hz = soundfile.read(path, always_2d=True)
        impulse = soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ, quality="VHQ")
        level = third_octave_db(power_spectrum(impulse), RATE_HZ)
        # Beyond the bandwidth of a recording there is nothing that a boost within the limit could lift.
        top_hz = 0.45 * rate_hz
        is_there = (top_hz > THIRD_OCTAVES_HZ * 2 ** (1 / 6)) & (level > np.median(level) - 25)
        room = replace(room_of(impulse), high_hz=top_hz)
        taps = correction_taps(room, "flat", Limits(), "filter", RATE_HZ)
        corrected = third_octave_db(power_spectrum(signal.fftconvolve(impulse, taps)), RATE_HZ)
        assert np.std(corrected[is_there]) < 0.4 * np.std(level[is_there]), path.name
        assert response_db(taps, EVERYWHERE_HZ, RATE_HZ).max() <= 6.05, path.name
        assert energy_delay_ms(taps, RATE_HZ) < 1.0, path.name


def test_it_says_that_it_waits_for_a_room() -> None:
    stage = RoomCorrection()
    assert stage.waits_for == "a room that was learnt"
    stage.correct(room_of(room_impulse()))
    assert stage.waits_for == ""
