"""What other programs wrote is taken over, what is none of it is refused, and what is written is read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from engine.dsp.band_fit import Band, bands_db
from engine.dsp.curve import GRID_HZ, Curve
from engine.dsp.responses import HIGH_SHELF, LOW_SHELF, PEAK
from engine.errors import RoomError
from engine.measure.exchange import export_equalizer_apo, export_rew, import_profile
from engine.measure.profile import decode_profile, encode_profile
from engine.measure.response import dies_away
from tests.helpers.rooms import RATE_HZ, room_impulse, speech_like

REW = """* Measurement data measured by REW V5.20
* Freq(Hz) SPL(dB) Phase(degrees)
20.142 71.251 -106.8
100.0 74.5 20.1
1000.0 75.25 10
5000,0 70,5 0
10000.0 68.0 1
"""
AUTOEQ = "frequency,raw,error\n20.00,5.68,0.1\n100.5,3.2,0.1\n1000,0.0,0.2\n5000.0,-2.5,0.2\n20000,-9.25,1\n"
GRAPHIC = "GraphicEQ: 20 -1.5; 100 2.0; 1000 0.0; 5000 -3.5; 20000 -6"
APO = "Preamp: -6.0 dB\nFilter 1: ON PK Fc 1000 Hz Gain 6.0 dB Q 1.00\n"


@pytest.mark.parametrize(
    ("text", "is_correction", "at_hz", "expected_db"),
    [
        (REW, False, 5000.0, 70.5),
        (AUTOEQ, False, 5000.0, -2.5),
        (GRAPHIC, True, 100.0, 2.0),
        (APO, True, 1000.0, 0.0),
    ],
    ids=["REW", "AutoEq", "GraphicEQ", "Equalizer APO"],
)
def test_a_text_of_another_program_is_taken_over(
    tmp_path: Path, text: str, is_correction: bool, at_hz: float, expected_db: float
) -> None:
    path = tmp_path / "curve.txt"
    path.write_text(text, "utf-8")
    profile = import_profile(path, "Phones")
    assert profile.is_correction is is_correction
    assert float(profile.room().curve.at(np.array([at_hz]))[0]) == pytest.approx(expected_db, abs=0.05)
    assert decode_profile(encode_profile(profile)) == profile


def test_an_impulse_response_is_taken_over_at_any_rate(tmp_path: Path) -> None:
    path = tmp_path / "room.wav"
    soundfile.write(path, np.repeat(room_impulse(0.4)[:, None] / 4, 2, axis=1), RATE_HZ, subtype="FLOAT")
    profile = import_profile(path, "Attic")
    assert profile.decay is not None
    assert profile.decay.t20_s == pytest.approx(0.4, rel=0.05)
    soundfile.write(path, room_impulse(0.4)[::3] / 4, 16_000)
    assert import_profile(path, "Attic").high_hz == pytest.approx(7200.0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b""),
        ("a.txt", b"hello\n1 2\n"),
        ("a.csv", bytes(range(256)) * 20),
        ("a.wav", b"RIFF"),
        ("none.txt", None),
    ],
)
def test_what_is_no_measurement_is_refused_with_a_sentence(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RoomError, match=r"holds no measurement|cannot be read"):
        import_profile(path, "Attic")


def test_a_silent_impulse_response_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(48_000), RATE_HZ)
    with pytest.raises(RoomError, match="it is empty or silent"):
        import_profile(tmp_path / "a.wav", "Attic")


@pytest.mark.parametrize(
    "sound",
    [
        speech_like(4.0),
        0.1 * np.random.default_rng(1).standard_normal(2 * RATE_HZ),
        0.3 * np.sin(np.arange(2 * RATE_HZ) * 0.05),
        np.concatenate([room_impulse(0.4), 0.8 * room_impulse(0.4)]) / 4,
        room_impulse(0.4)[::-1] / 4,
    ],
    ids=["speech", "noise", "tone", "two claps", "backwards"],
)
def test_a_sound_that_is_no_impulse_response_is_refused(tmp_path: Path, sound: NDArray[np.float64]) -> None:
    soundfile.write(tmp_path / "a.wav", sound, RATE_HZ, subtype="FLOAT")
    with pytest.raises(
        RoomError, match=r"holds no impulse response: it does not die away .* export the impulse response"
    ):
        import_profile(tmp_path / "a.wav", "Attic")


@pytest.mark.parametrize("frames", [24, 300, 2000])
def test_the_short_response_of_headphones_is_taken_over(tmp_path: Path, frames: int) -> None:
    response = np.random.default_rng(3).standard_normal(frames) * np.exp(-np.arange(frames) / (frames / 8))
    soundfile.write(tmp_path / "a.wav", 0.3 * response, RATE_HZ, subtype="FLOAT")
    assert import_profile(tmp_path / "a.wav", "Phones").impulse


@pytest.mark.needs("eval")
def test_measured_rooms_are_responses_and_recordings_are_none(eval_folder: Path) -> None:
    taken: list[Path] = []
    refused: list[Path] = []
    for path in sorted((eval_folder / "data").glob("*/*.flac")):
        samples, rate_hz = soundfile.read(path, always_2d=True)
        (taken if dies_away(samples.mean(axis=1), rate_hz) else refused).append(path)
    rooms = {path for path in taken + refused if path.parent.name == "rir"}
    assert rooms <= set(taken)
    assert len(set(taken) - rooms) <= 3, taken


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    bands = (Band(LOW_SHELF, 110.0, -3.0, 0.71), Band(PEAK, 900.0, 4.5, 2.0), Band(HIGH_SHELF, 8000.0, 2.0, 0.71))
    path = tmp_path / "eq.txt"
    path.write_text(export_equalizer_apo(bands, -4.5), "utf-8")
    again = import_profile(path, "Attic").room().curve.at(GRID_HZ)
    np.testing.assert_allclose(again, bands_db(bands, GRID_HZ, RATE_HZ) - 4.5, atol=0.05)
    curve = Curve(GRID_HZ, np.sin(GRID_HZ / 999))
    path.write_text(export_rew(curve, "Attic"), "utf-8")
    np.testing.assert_allclose(import_profile(path, "Attic").room().curve.gain_db, curve.gain_db, atol=1e-3)
