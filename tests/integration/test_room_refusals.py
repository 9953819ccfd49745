"""Real noise over a take: it is refused in words that tell what to do, or what is learnt is right all the same."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray
from scipy import signal

from engine.dsp.curve import THIRD_OCTAVES_HZ, power_spectrum, third_octave_db
from engine.dsp.speech_spectrum import SPEAKERS
from engine.errors import RoomError
from engine.measure.clap import evaluate_claps
from engine.measure.response import decay_of
from engine.measure.sweep import Sweep, SweepResult, evaluate_sweeps
from engine.measure.talk import evaluate_talk
from tests.helpers.rooms import RATE_HZ, room_impulse, speech_like

pytestmark = pytest.mark.needs("eval")

SWEEP = Sweep()
ROOM = room_impulse(0.4, seconds=1.5)
HUM = ("things_ceiling-fan", "things_washing-machine")
RUMBLE = "transport_inside-a-train"
SUDDEN = ("things_keyboard", "animals_dog-barking", "places_restaurant")


def read(path: Path) -> NDArray[np.float64]:
    """A recording, its channels together, at 48 kHz."""
    samples, rate_hz = soundfile.read(path, always_2d=True)
    return np.asarray(soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ))


def noise(eval_folder: Path, name: str, frames: int) -> NDArray[np.float64]:
    """A real noise of 1 RMS, over and over."""
    heard = np.resize(read(eval_folder / "data" / "noise" / f"md_{name}.flac"), frames)
    heard -= heard.mean()
    return np.asarray(heard / np.sqrt(np.mean(heard**2)))


@pytest.fixture(scope="module")
def swept() -> NDArray[np.float64]:
    sound = signal.oaconvolve(SWEEP.stimulus().astype(np.float64), ROOM)
    return np.asarray(0.1 * np.concatenate([np.zeros(4000), sound])[: SWEEP.stimulus().size])


def error_db(result: SweepResult) -> float:
    """Largest deviation of the third-octave response from the room's, in the band that is to be believed, up to a gain."""
    inside = (result.low_hz <= THIRD_OCTAVES_HZ) & (result.high_hz >= THIRD_OCTAVES_HZ)
    found_db = third_octave_db(power_spectrum(result.impulse), RATE_HZ)[inside]
    difference = found_db - third_octave_db(power_spectrum(ROOM), RATE_HZ)[inside]
    return float(np.abs(difference - difference.mean()).max())


@pytest.mark.parametrize("name", HUM + SUDDEN)
def test_noise_as_loud_as_the_sweep_is_refused(swept: NDArray[np.float64], eval_folder: Path, name: str) -> None:
    level = np.sqrt(np.mean(swept[2 * RATE_HZ : 5 * RATE_HZ] ** 2))
    with pytest.raises(RoomError, match=r"noise|quiet|moved|clipped|distorts"):
        evaluate_sweeps(swept + 2.0 * level * noise(eval_folder, name, swept.size), SWEEP)


@pytest.mark.parametrize("name", [*HUM, RUMBLE, *SUDDEN])
def test_noise_below_the_sweep_is_refused_or_does_no_harm(
    swept: NDArray[np.float64], eval_folder: Path, name: str
) -> None:
    level = np.sqrt(np.mean(swept[2 * RATE_HZ : 5 * RATE_HZ] ** 2))
    recording = swept + 10 ** (-25.0 / 20) * level * noise(eval_folder, name, swept.size)
    with contextlib.suppress(RoomError):
        assert error_db(evaluate_sweeps(recording, SWEEP)) < 1.0


@pytest.mark.parametrize("name", [*HUM, RUMBLE, *SUDDEN, "things_clock", "places_cafe", "places_office", "nature_wind"])
def test_noise_is_no_talking(eval_folder: Path, name: str) -> None:
    heard = noise(eval_folder, name, 30 * RATE_HZ)
    with pytest.raises(
        RoomError, match=r"too loud to learn it|too little speech|hardly anything|nobody was heard talking"
    ):
        evaluate_talk(0.5 * heard / np.abs(heard).max())


@pytest.mark.parametrize("room", ["am_impulse_response_0", "seminar_clap", "wa_omni-35-10"])
@pytest.mark.parametrize("speaker", ["3080", "367"])
def test_a_real_voice_in_a_bad_room_is_heard(eval_folder: Path, room: str, speaker: str) -> None:
    data = eval_folder / "data"
    words = [read(path) for path in sorted((data / "speech").glob(f"ls_{speaker}-*.flac"))]
    heard = signal.oaconvolve(np.concatenate(words)[: 20 * RATE_HZ], read(data / "rir" / f"{room}.flac"))
    assert evaluate_talk(0.5 * heard / np.abs(heard).max()).speaker in SPEAKERS


@pytest.mark.parametrize("name", HUM)
def test_talking_below_noise_is_refused(eval_folder: Path, name: str) -> None:
    voice = speech_like()
    with pytest.raises(RoomError, match="too loud to learn it"):
        evaluate_talk(0.1 * voice + 0.3 * noise(eval_folder, name, voice.size) * np.std(voice))


@pytest.mark.parametrize("name", [*HUM, RUMBLE])
def test_noise_is_no_clap(eval_folder: Path, name: str) -> None:
    with pytest.raises(RoomError, match="no clap"):
        evaluate_claps(0.05 * noise(eval_folder, name, 12 * RATE_HZ))


@pytest.mark.parametrize("name", [*HUM, RUMBLE, *SUDDEN])
def test_a_clap_in_noise_is_refused_or_tells_the_decay(eval_folder: Path, name: str) -> None:
    clap = np.zeros(12 * RATE_HZ)
    start = 3 * RATE_HZ
    clap[start : start + ROOM.size] = 0.9 * ROOM / np.abs(ROOM).max()
    with contextlib.suppress(RoomError):
        result = evaluate_claps(clap + 1e-3 * noise(eval_folder, name, clap.size))
        assert decay_of(result.impulse, RATE_HZ).t20_s == pytest.approx(decay_of(ROOM, RATE_HZ).t20_s, rel=0.1)
