"""What talking and clapping teach of a room, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from engine.dsp.correction import Limits, Room, correction
from engine.dsp.curve import THIRD_OCTAVES_HZ, power_spectrum, third_octave_db
from engine.dsp.speech_spectrum import ANY
from engine.errors import RoomError
from engine.measure.clap import evaluate_claps
from engine.measure.response import decay_of
from engine.measure.talk import CARDIOID, OMNI, evaluate_talk
from tests.helpers.rooms import RATE_HZ, room_impulse, speech_like


def deviation_db(impulse: NDArray[np.float64], gain_db: NDArray[np.float64]) -> float:
    return float(np.std(third_octave_db(power_spectrum(impulse), RATE_HZ) + gain_db))


def improvement(impulse: NDArray[np.float64], room: Room) -> float:
    before = deviation_db(impulse, np.zeros(THIRD_OCTAVES_HZ.size))
    return 1 - deviation_db(impulse, correction(room, "flat", Limits()).at(THIRD_OCTAVES_HZ)) / before


def talk_in(impulse: NDArray[np.float64]) -> NDArray[np.float64]:
    recording = signal.fftconvolve(speech_like(), impulse)[: 30 * RATE_HZ]
    return np.asarray(0.5 * recording / np.abs(recording).max())


@pytest.mark.parametrize("is_close_known", [False, True])
def test_a_boxy_room_is_heard_in_the_voice(is_close_known: bool) -> None:
    impulse = room_impulse(0.3, boxy_db=20.0)
    close = speech_like(seed=2) if is_close_known else None
    result = evaluate_talk(talk_in(impulse), close_voice=close)
    assert improvement(impulse, Room(result.curve, result.low_hz, result.high_hz)) > (0.6 if is_close_known else 0.15)


def test_what_a_cardioid_adds_close_by_is_allowed_for_and_half_of_it_if_it_may_be_one() -> None:
    impulse = room_impulse(0.3, boxy_db=15.0)
    voice = speech_like(seed=2)
    wave_number = 2 * np.pi * np.maximum(np.fft.rfftfreq(voice.size, 1 / RATE_HZ), 20.0) / 343.0
    close = np.fft.irfft(np.fft.rfft(voice) * (1 + 0.5 / (1j * wave_number * 0.2)), voice.size)
    close *= 0.5 / np.abs(close).max()
    places_hz = np.array([125.0, 1000.0])
    low_db = {}
    for pattern in (OMNI, "", CARDIOID):
        levels_db = evaluate_talk(talk_in(impulse), close_voice=close, pattern=pattern).curve.at(places_hz)
        low_db[pattern] = levels_db[0] - levels_db[1]
    truth_db = third_octave_db(power_spectrum(impulse), RATE_HZ, places_hz)
    assert low_db[CARDIOID] == pytest.approx(truth_db[0] - truth_db[1], abs=1.0)
    assert low_db[""] - low_db[OMNI] == pytest.approx(low_db[CARDIOID] - low_db[""], abs=0.3)
    assert 1.0 < low_db[""] - low_db[OMNI] < 2.0


@pytest.mark.parametrize("is_close_known", [False, True])
def test_an_even_room_is_left_alone(is_close_known: bool) -> None:
    close = speech_like(seed=2) if is_close_known else None
    result = evaluate_talk(speech_like(), ANY, close, OMNI)
    inside = (THIRD_OCTAVES_HZ > 150) & (THIRD_OCTAVES_HZ < 8000)
    assert np.abs(result.curve.at(THIRD_OCTAVES_HZ)[inside]).max() < 1.0


@pytest.mark.parametrize("t60_s", [0.3, 0.6])
def test_the_decay_is_estimated_from_the_pauses(t60_s: float) -> None:
    recording = signal.fftconvolve(speech_like(), room_impulse(t60_s, seconds=1.5))[: 30 * RATE_HZ]
    found = evaluate_talk(0.5 * recording / np.abs(recording).max()).decay_s
    assert found == pytest.approx(t60_s, rel=0.35)


@pytest.mark.parametrize(
    ("recording", "reason"),
    [
        (np.zeros(30 * RATE_HZ), "hardly anything was heard"),
        (0.1 * np.random.default_rng(1).standard_normal(30 * RATE_HZ), "the room is too loud"),
        (np.concatenate([speech_like(5.0), 1e-4 * np.ones(25 * RATE_HZ)]), "too little speech"),
        (np.clip(20 * speech_like(), -1, 1), "the recording is clipped"),
    ],
    ids=["silence", "noise", "short", "clipped"],
)
def test_talk_that_cannot_be_used_is_refused(recording: NDArray[np.float64], reason: str) -> None:
    with pytest.raises(RoomError, match=reason):
        evaluate_talk(recording)


def clap_in(impulse: NDArray[np.float64], noise: float = 1e-5) -> NDArray[np.float64]:
    """A soft clap and a hard one in a room."""
    recording = noise * np.random.default_rng(4).standard_normal(8 * RATE_HZ)
    burst = signal.fftconvolve(impulse, np.random.default_rng(5).standard_normal(48) * np.hanning(48))
    for start, gain in ((1.0, 0.1), (4.0, 0.8)):
        at = round(start * RATE_HZ)
        recording[at : at + burst.size] += gain * burst / np.abs(burst).max()
    return np.asarray(recording)


def test_the_clearest_clap_is_picked_and_gives_the_decay() -> None:
    impulse = room_impulse(0.5, seconds=1.5)
    result = evaluate_claps(clap_in(impulse))
    assert result.claps == 2
    assert decay_of(result.impulse, RATE_HZ).t20_s == pytest.approx(0.5, rel=0.1)
    assert np.abs(result.impulse).max() > 0.5


@pytest.mark.parametrize(
    ("recording", "reason"),
    [
        (np.zeros(5 * RATE_HZ), "no clap was heard"),
        (0.05 * np.random.default_rng(1).standard_normal(5 * RATE_HZ), "no clap was heard"),
        (clap_in(room_impulse(0.5, seconds=1.5), noise=0.004), "no clap stood clear of the noise"),
        (np.clip(5 * clap_in(room_impulse(0.5, seconds=1.5)), -1, 1), "clipped"),
    ],
    ids=["silence", "noise", "drowned", "clipped"],
)
def test_claps_that_cannot_be_used_are_refused(recording: NDArray[np.float64], reason: str) -> None:
    with pytest.raises(RoomError, match=reason):
        evaluate_claps(recording)
