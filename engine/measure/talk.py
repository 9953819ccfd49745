"""What half a minute of talking tells of a room: how it colours the voice, and how long it rings.

No equipment: the average spectrum of speech is known (Byrne et al. 1994), so what a recording has more or less than that is
room, microphone and, in part, the speaker. What may be the speaker's is left alone, so only strong colours are corrected. The
same words once more, close to the microphone, tell the room from the voice: what differs is the room and the distance.
Pure mathematics; nothing waits.

Source: the spectrum, engine/dsp/speech_spectrum.py; blind decay times from the steepest free falls of the envelope, after
R. Ratnam et al., "Blind estimation of reverberation time", JASA 114 (2003), where falls after a speaker has stopped bound the
decay of the room from above; how far a difference is believed, B. Efron, C. Morris, "Stein's estimation rule and its
competitors", JASA 68 (1973).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.config import SAMPLE_RATE_HZ
from engine.dsp.curve import GRID_HZ, Curve, Values, smoothed_db
from engine.dsp.speech_spectrum import ANY, FEMALE, MALE, speech_spectrum
from engine.errors import RoomError
from engine.measure.pitch import PitchTrack, pitch_track
from engine.measure.sweep import expect_no_clipping

_FRAME, _HOP = 4096, 2048
_ACTIVE_DB, _LEAST_ABOVE_NOISE_DB = 30.0, 12.0
_LEAST_SPEECH_S = 8.0
_LEAST_DBFS = -55.0
_SMOOTHING_OCTAVES, _OWN_SMOOTHING_OCTAVES = 2.0 / 3.0, 1.0 / 3.0
"""The average voice tells no more than the first; the same words by the same voice do."""

_FINE_OCTAVES = 1.0 / 12.0
"""Two readings are compared so finely and averaged afterwards: a voice has its tones at some places of a band only."""

CARDIOID, OMNI = PATTERNS = ("cardioid", "omni")
"""Whether a microphone lifts low tones close to a mouth, or does not."""

_CLOSE_M, _SOUND_M_PER_S = 0.2, 343.0
_SPREAD_DB = Curve(
    np.array([100.0, 200.0, 400.0, 1000.0, 2500.0, 4000.0, 8000.0]), np.array([6.0, 4.3, 2.8, 2.5, 2.8, 4.3, 6.0])
)
"""Standard deviation between voices, of 44 speakers against the average of their kind."""

_MAY_BE_VOICE = 2.0
"""What is less than so many standard deviations is left. With one, most rooms come out worse than they were."""

_READING_DB = Curve(
    np.array([100.0, 160.0, 250.0, 500.0, 2000.0, 4000.0, 8000.0]), np.array([1.8, 1.3, 0.9, 0.7, 0.7, 0.9, 1.2])
)
"""Standard deviation of what two readings of the same words tell of a room from what it is, of 42 speakers and 44 simulated
rooms."""

OWN_VOICE = "own"
"""What stands for the kind of speaker where the voice was compared with itself."""

_VOICED, _LEAST_VOICED_FRAMES = 0.45, 40
_MALE_BELOW_HZ = 155.0
_LEAST_VOICE_SHARE = 0.03

_ENVELOPE_MS = 10.0
_FALL_MS, _FALL_DB = 100.0, 12.0
_DECAY_BANDS_HZ = ((300.0, 700.0), (700.0, 1500.0), (1500.0, 3000.0))
_STEEPEST_SHARE = 20.0


@dataclass(frozen=True, slots=True)
class TalkResult:
    """What the talking gave.

    Attributes
    ----------
    curve : Curve
        Estimated response of room and microphone, on `GRID_HZ`.
    low_hz, high_hz : float
        Where there was speech enough to tell.
    speaker : str
        The kind of voice that was compared with.
    decay_s : float or None
        Estimated reverberation time; None if nobody paused.
    """

    curve: Curve
    low_hz: float
    high_hz: float
    speaker: str
    decay_s: float | None


def evaluate_talk(
    recording: NDArray[np.floating],
    speaker: str = "",
    close_voice: NDArray[np.floating] | None = None,
    pattern: str = "",
) -> TalkResult:
    """Compare a recording of speech, shape (frames,), 48 kHz, with the average of its kind, or with the same voice close by.

    Parameters
    ----------
    speaker : str
        One of `SPEAKERS`; empty to go by the pitch.
    close_voice : array or None
        The same words by the same speaker some 20 cm from the same microphone, where the room is next to nothing: what
        differs is the room, and no allowance for voices is made.
    pattern : str
        One of `PATTERNS`, which the microphone of `close_voice` has; empty if that is not known.

    Raises
    ------
    RoomError
        If there is too little speech, or too much noise; the sentence says what to do.
    """
    heard = np.asarray(recording, np.float64)
    speech = _speech(heard)
    if close_voice is not None:
        speaker = OWN_VOICE
        close = _speech(np.asarray(close_voice, np.float64))
        low_hz, high_hz = max(speech.low_hz, close.low_hz), min(speech.high_hz, close.high_hz)
        coloured_db = _ratio_db(speech.power, close.power) + _proximity_db(pattern)
    else:
        speaker = speaker or _kind_of(pitch_track(heard))
        low_hz, high_hz = speech.low_hz, speech.high_hz
        coloured_db = smoothed_db(speech.power, SAMPLE_RATE_HZ, GRID_HZ, _SMOOTHING_OCTAVES) - _expected_db(speaker)
    inside = (low_hz <= GRID_HZ) & (high_hz >= GRID_HZ)
    trusted = _beyond_voices_db if close_voice is None else _beyond_readings_db
    curve = Curve(GRID_HZ[inside], trusted(coloured_db[inside], GRID_HZ[inside]))
    return TalkResult(Curve(GRID_HZ, curve.at(GRID_HZ)), low_hz, high_hz, speaker, blind_decay_s(heard))


def _beyond_voices_db(difference_db: Values, frequencies_hz: Values) -> Values:
    """What of a difference from the average voice is more than voices differ."""
    difference_db = difference_db - np.median(difference_db)
    spread_db = _MAY_BE_VOICE * _SPREAD_DB.at(frequencies_hz)
    return np.asarray(np.sign(difference_db) * np.maximum(np.abs(difference_db) - spread_db, 0.0))


def _beyond_readings_db(difference_db: Values, frequencies_hz: Values) -> Values:
    """What of a difference between two readings is to be believed: all but nothing in a room no more uneven than readings are.

    Source: Efron and Morris: the room's variance is what the differences have beyond that of the readings.
    """
    error = np.square(_READING_DB.at(frequencies_hz))
    difference_db = difference_db - np.average(difference_db, weights=1.0 / error)
    room = max(0.0, float(np.average(np.square(difference_db) - error, weights=1.0 / error)))
    return np.asarray(difference_db * room / (room + error))


def _ratio_db(power: Values, close_power: Values) -> Values:
    """Mean ratio of two spectra around each of `GRID_HZ`."""
    frequencies_hz = np.linspace(0.0, SAMPLE_RATE_HZ / 2.0, power.size)
    frequencies_hz[0] = frequencies_hz[1]
    fine_db = [smoothed_db(each, SAMPLE_RATE_HZ, frequencies_hz, _FINE_OCTAVES) for each in (power, close_power)]
    return smoothed_db(10.0 ** ((fine_db[0] - fine_db[1]) / 10.0), SAMPLE_RATE_HZ, GRID_HZ, _OWN_SMOOTHING_OCTAVES)


def _proximity_db(pattern: str) -> Values:
    """What the microphone adds close to a mouth, on `GRID_HZ`: a cardioid's half of pressure gradient rises by 1 + 1 / jkr.

    A microphone without a direction adds nothing, so for one that is not known half of it is never far wrong.
    """
    wave_number = 2.0 * np.pi * GRID_HZ / _SOUND_M_PER_S
    share = {CARDIOID: 1.0, OMNI: 0.0}.get(pattern, 0.5)
    return np.asarray(share * 10.0 * np.log10(1.0 + 1.0 / (2.0 * wave_number * _CLOSE_M) ** 2))


@dataclass(frozen=True, slots=True)
class _Speech:
    """Mean power of the speech without the noise, in the bins of a frame, and the band in which there was speech enough."""

    power: Values
    low_hz: float
    high_hz: float


def _speech(heard: Values) -> _Speech:
    expect_no_clipping(heard)
    spectra = _spectra(heard)
    level_db = 10.0 * np.log10(_voice_band(spectra) + 1e-20)
    loud_db, quiet_db = float(np.percentile(level_db, 95)), float(np.percentile(level_db, 5))
    active = level_db > max(loud_db - _ACTIVE_DB, quiet_db + 6.0)
    if loud_db < _LEAST_DBFS:
        raise RoomError("hardly anything was heard; speak up, or turn the microphone up, and try again")
    if loud_db - quiet_db < _LEAST_ABOVE_NOISE_DB:
        raise RoomError("the room is too loud to learn it by talking; silence what hums or blows and try again")
    if np.count_nonzero(active) * _HOP / SAMPLE_RATE_HZ < _LEAST_SPEECH_S:
        raise RoomError("that was too little speech; read something aloud for half a minute without long pauses")
    if pitch_track(heard).voice_share() < _LEAST_VOICE_SHARE:
        raise RoomError("nobody was heard talking; read something aloud, silence what else is heard, and try again")
    noise = np.percentile(spectra, 5, axis=0) * 1.5
    voice = spectra[active].mean(axis=0)
    is_heard = (
        smoothed_db(voice, SAMPLE_RATE_HZ, GRID_HZ, 1 / 3) - smoothed_db(noise, SAMPLE_RATE_HZ, GRID_HZ, 1 / 3) > 3.0
    )
    low_hz, high_hz = _band(is_heard)
    # Of the pauses too: what rings on in them is of the room.
    return _Speech(np.maximum(spectra.mean(axis=0) - noise, 0.0), low_hz, high_hz)


def blind_decay_s(heard: Values) -> float | None:
    """Reverberation time from speech alone, or None where there are too few pauses."""
    times = [
        time_s for low_hz, high_hz in _DECAY_BANDS_HZ for time_s in _falls_s(_band_envelope_db(heard, low_hz, high_hz))
    ]
    if len(times) < 8:
        return None
    return float(np.percentile(times, _STEEPEST_SHARE))


def _spectra(heard: Values) -> Values:
    """Power spectra of half overlapped frames, full scale 1, shape (frames, bins)."""
    count = max(1, (heard.size - _FRAME) // _HOP + 1)
    padded = np.pad(heard, (0, max(0, _FRAME - heard.size)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP][:count]
    window = np.hanning(_FRAME)
    return np.asarray(np.square(np.abs(np.fft.rfft(frames * window))) / np.sum(window**2) / _FRAME * 2.0)


def _voice_band(spectra: Values) -> Values:
    low, high = round(150.0 * _FRAME / SAMPLE_RATE_HZ), round(4000.0 * _FRAME / SAMPLE_RATE_HZ)
    return np.asarray(spectra[:, low:high].sum(axis=1))


def _expected_db(speaker: str) -> Values:
    """The average voice as a density on `GRID_HZ`, smoothed like the recording."""
    frequencies_hz = np.linspace(0.0, SAMPLE_RATE_HZ / 2.0, _FRAME // 2 + 1, dtype=np.float64)
    frequencies_hz[0] = frequencies_hz[1]
    # Third-octave levels, and a bin's share of its third octave.
    density_db = speech_spectrum(speaker).at(frequencies_hz) - 10.0 * np.log10(frequencies_hz)
    return smoothed_db(10.0 ** (density_db / 10.0), SAMPLE_RATE_HZ, GRID_HZ, _SMOOTHING_OCTAVES)


def _band(is_heard: NDArray[np.bool_]) -> tuple[float, float]:
    """The stretch around 1 kHz in which speech was heard without a break."""
    middle = int(np.argmin(np.abs(GRID_HZ - 1000.0)))
    below = np.flatnonzero(~is_heard[:middle])
    above = np.flatnonzero(~is_heard[middle:])
    low = int(below[-1]) + 1 if below.size else 0
    high = middle + int(above[0]) - 1 if above.size else GRID_HZ.size - 1
    return max(80.0, float(GRID_HZ[low])), float(GRID_HZ[max(high, middle)])


def _kind_of(track: PitchTrack) -> str:
    """Male or female by the median pitch; "any" where no pitch is clear."""
    is_voiced = (track.strength > _VOICED) & (track.level_db > np.percentile(track.level_db, 50))
    if np.count_nonzero(is_voiced) < _LEAST_VOICED_FRAMES:
        return ANY
    return MALE if float(np.median(track.pitch_hz[is_voiced])) < _MALE_BELOW_HZ else FEMALE


def _band_envelope_db(heard: Values, low_hz: float, high_hz: float) -> Values:
    spectrum = np.fft.rfft(heard)
    frequencies_hz = np.arange(spectrum.size) * (SAMPLE_RATE_HZ / heard.size)
    spectrum[(frequencies_hz < low_hz) | (frequencies_hz > high_hz)] = 0.0
    power = np.square(np.fft.irfft(spectrum, heard.size))
    frame = round(_ENVELOPE_MS * SAMPLE_RATE_HZ / 1e3)
    return np.asarray(10.0 * np.log10(power[: power.size // frame * frame].reshape(-1, frame).mean(axis=1) + 1e-16))


def _falls_s(level_db: Values) -> list[float]:
    """Times for 60 dB of all stretches in which the level falls by itself."""
    smooth = np.convolve(level_db, np.full(3, 1 / 3), mode="same")
    floor_db = float(np.percentile(smooth, 5))
    least = round(_FALL_MS / _ENVELOPE_MS)
    times = []
    start = 0
    for frame in range(1, smooth.size + 1):
        if frame < smooth.size and smooth[frame] < smooth[frame - 1] and smooth[frame] > floor_db + 6.0:
            continue
        stretch = smooth[start:frame]
        # The speaker's own end of a word is at the top of it, the noise at its bottom.
        stretch = stretch[1:]
        if stretch.size >= least and stretch[0] - stretch[-1] >= _FALL_DB:
            slope = float(np.polyfit(np.arange(stretch.size), stretch, 1)[0]) * 1e3 / _ENVELOPE_MS
            times.append(-60.0 / slope)
        start = frame
    return times
