"""A sweep through a loudspeaker and a microphone with clocks of their own; and the takes that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from engine.dsp.curve import power_spectrum, third_octave_db
from engine.errors import RoomError
from engine.measure.lesson import SweepLesson
from engine.measure.response import decay_of
from engine.measure.sweep import Sweep, evaluate_sweeps
from engine.measure.take import Take
from tests.helpers.rooms import RATE_HZ, room_impulse
from tests.helpers.simulated_room import RoomLoop, room_backend

SWEEP = Sweep()
ROOM = room_impulse(0.4, seconds=1.5)


def heard(impulse: NDArray[np.float64] = ROOM, snr_db: float = 30.0, peak: float = 0.5) -> NDArray[np.float64]:
    """The sweeps in a room, late, with noise below them."""
    sound = signal.fftconvolve(SWEEP.stimulus().astype(np.float64), impulse)
    sound = np.concatenate([np.zeros(4000), sound])[: SWEEP.stimulus().size]
    sound *= peak / np.abs(sound).max()
    level = np.sqrt(np.mean(sound[round(2 * RATE_HZ) : round(5 * RATE_HZ)] ** 2))
    return np.asarray(sound + 10 ** (-snr_db / 20) * level * np.random.default_rng(1).standard_normal(sound.size))


def error_db(found: NDArray[np.float64], known: NDArray[np.float64] = ROOM) -> float:
    """Largest deviation of the third-octave response, 100 Hz to 10 kHz, up to a gain."""
    difference = third_octave_db(power_spectrum(found), RATE_HZ) - third_octave_db(power_spectrum(known), RATE_HZ)
    return float(np.abs(difference - difference.mean()).max())


@pytest.mark.parametrize("ppm", [-100.0, 100.0])
def test_a_room_is_recovered_over_devices_whose_clocks_differ(ppm: float) -> None:
    loop = RoomLoop(ROOM, gain=0.5, noise=2e-4, ppm=ppm)
    take = Take(room_backend(loop, ppm), SweepLesson(), "simulated:in", "simulated:out")
    learnt = take.run()
    assert learnt.impulse is not None
    assert learnt.decay is not None
    assert error_db(learnt.impulse) < 0.5
    assert learnt.decay.t20_s == pytest.approx(decay_of(ROOM, RATE_HZ).t20_s, rel=0.05)
    assert evaluate_sweeps(take.recording, SWEEP).clock_ppm == pytest.approx(ppm, abs=2.0)
    assert take.status.learnt is learnt
    profile = learnt.profile("Attic", "in", "out")
    assert profile.decay_s == learnt.decay.t20_s
    assert profile.low_hz == pytest.approx(39.0)
    assert profile.high_hz == 16_000.0


def test_thirty_decibels_above_noise_are_enough() -> None:
    result = evaluate_sweeps(heard(snr_db=30.0), SWEEP)
    assert error_db(result.impulse) < 0.5
    assert decay_of(result.impulse, RATE_HZ).t20_s == pytest.approx(decay_of(ROOM, RATE_HZ).t20_s, rel=0.05)


def _bad_takes() -> dict[str, tuple[NDArray[np.float64], str]]:
    whole = heard()
    second = round((SWEEP.silence_s + SWEEP.spacing_s + 0.05) * RATE_HZ)
    moved = np.concatenate([whole[:second], heard(room_impulse(0.4, seconds=1.5, seed=9))[second:]])
    noisy = heard(peak=0.05)
    noisy[second + RATE_HZ : second + 3 * RATE_HZ] += 0.2 * np.random.default_rng(2).standard_normal(2 * RATE_HZ)
    return {
        "quiet": (heard(snr_db=-30.0) * 1e-4, "the sweep is too quiet"),
        "clipped": (np.clip(heard(peak=1.5), -1, 1), "the recording is clipped"),
        "noise all the time": (heard(snr_db=-25.0) * 0.02, "there is too much noise"),
        "noise once": (noisy, "a noise came in between"),
        "moved": (moved, "something moved between the sweeps"),
        "distorted": (np.clip(whole * 8, -0.5, 0.5), "the loudspeaker distorts"),
        "nothing": (np.zeros(whole.size), "nothing was recorded"),
    }


@pytest.mark.parametrize(("recording", "reason"), _bad_takes().values(), ids=_bad_takes().keys())
def test_a_bad_take_is_refused_with_the_reason(recording: NDArray[np.float64], reason: str) -> None:
    with pytest.raises(RoomError, match=reason):
        evaluate_sweeps(recording, SWEEP)


def test_a_take_that_clips_ends_at_once() -> None:
    take = Take(room_backend(RoomLoop(ROOM, gain=30.0)), SweepLesson(), "simulated:in", "simulated:out")
    with pytest.raises(RoomError, match="clipped"):
        take.run()
    assert take.status.is_over
    assert take.status.progress < 0.3
    assert "clipped" in take.status.refusal
    assert take.status.learnt is None


def test_a_take_can_be_cancelled() -> None:
    take = Take(room_backend(RoomLoop(ROOM)), SweepLesson(), "simulated:in", "simulated:out")
    take.cancel()
    with pytest.raises(RoomError, match="cancelled"):
        take.run()
