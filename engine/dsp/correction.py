"""What has to be changed so that a room or a microphone sounds as it should: a limited inverse of its response.

Regularised by rules that a person can check: never more boost than allowed; less and less where a dip is so deep that it is
a null, which no boost fills; nothing outside of the band that was measured; the voice as loud as before. Control thread.

Source: limits and fill of nulls as in S. Norcross, G. Soulodre, M. Lavoie, "Subjective investigations of inverse filtering",
JAES 52 (2004): what is ill-conditioned must not be inverted; speech weights from D. Byrne et al., "An international
comparison of long-term average speech spectra", JASA 96 (1994), table II, and ITU-R BS.1770-5, annex 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.dsp.band_fit import bands_db, fit_bands
from engine.dsp.curve import GRID_HZ, Curve, Values
from engine.dsp.minimum_phase import minimum_phase_taps, response_db
from engine.dsp.speech_spectrum import speech_weights

FILTER, BANDS = FORMS = ("filter", "bands")
"""As fine as the measurement allows, or as ten bands of an equalizer at most."""

FLAT, WARM, BROADCAST, OWN = TARGETS = ("flat", "warm", "broadcast", "own")

_SHAPES_DB: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    FLAT: ((1000.0,), (0.0,)),
    # A gentle tilt, as listeners choose it for loudspeakers in rooms.
    WARM: ((60.0, 250.0, 1000.0, 4000.0, 12000.0), (2.5, 1.5, 0.0, -1.0, -3.0)),
    # Less boom, more presence, a little air: what a voice channel is usually given.
    BROADCAST: ((80.0, 150.0, 300.0, 1000.0, 3000.0, 5000.0, 12000.0), (-2.0, 0.0, -1.5, 0.0, 2.0, 2.0, 1.0)),
}
_NULL_DB, _HOPELESS_DB = 15.0, 30.0
"""Dips that need more than the first are nulls: the boost goes back, and from the second on there is none."""

_EDGE_OCTAVES = 0.5
_LOUDNESS_STEPS = 40
_CHECKED_HZ: Values = np.geomspace(20.0, 23_000.0, 4000)
_TOLERANCE_DB = 0.02


@dataclass(frozen=True, slots=True)
class Room:
    """What was learnt of a room, a microphone or a pair of headphones, as far as a correction needs it.

    Attributes
    ----------
    curve : Curve
        Smoothed response; or, where `is_correction`, the gain itself that another program worked out.
    low_hz, high_hz : float
        Where the response is to be believed.
    own_target : Curve or None
        What the target "own" means here.
    decay_s, direct_db : float or None
        Reverberation time, and direct sound against all reverberation, where they were learnt.
    """

    curve: Curve
    low_hz: float = 20.0
    high_hz: float = 20_000.0
    own_target: Curve | None = None
    decay_s: float | None = None
    is_correction: bool = False
    direct_db: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a correction may go.

    Parameters
    ----------
    boost_db, cut_db : float
        Most of each, both positive.
    low_hz, high_hz : float
        Nothing is changed beyond half an octave outside of these.
    strength : float
        Share of the correction, 0 to 1.
    """

    boost_db: float = 6.0
    cut_db: float = 18.0
    low_hz: float = 80.0
    high_hz: float = 12_000.0
    strength: float = 1.0


def target_curve(name: str, own: Curve | None = None) -> Curve:
    """Where a response is led to; "own" without one of its own is flat."""
    if name == OWN and own is not None:
        return own
    frequencies, gains = _SHAPES_DB.get(name, _SHAPES_DB[FLAT])
    return Curve(np.array(frequencies), np.array(gains))


def correction_taps(room: Room, target: str, limits: Limits, form: str, sample_rate: int) -> Values:
    """Filter that corrects `room`, minimum phase, never boosting by more than `limits` allow; shape (taps,)."""
    gain = correction(room, target, limits)
    most_db = max(limits.boost_db, float(gain.gain_db.max())) if room.is_correction else limits.boost_db
    excess_db = 0.0
    while True:
        lowered = Curve(gain.frequencies_hz, np.minimum(gain.gain_db, most_db - excess_db))
        if form == BANDS:
            bands = fit_bands(lowered, most_db, sample_rate)
            lowered = Curve(GRID_HZ, np.minimum(bands_db(bands, GRID_HZ, sample_rate), most_db - excess_db))
        taps = minimum_phase_taps(lowered, sample_rate)
        # Where the gain has a corner, a filter of finite length goes a little beyond.
        over_db = float(response_db(taps, _CHECKED_HZ, sample_rate).max()) - most_db
        if over_db <= _TOLERANCE_DB:
            return taps
        excess_db += over_db


def correction(room: Room, target: str, limits: Limits) -> Curve:
    """Gain in dB over frequency that corrects `room`."""
    if room.is_correction:
        return Curve(room.curve.frequencies_hz, limits.strength * room.curve.gain_db)
    return correction_db(room.curve, target_curve(target, room.own_target), _inside(room, limits))


def correction_db(response: Curve, target: Curve, limits: Limits) -> Curve:
    """Gain that leads `response` to `target` as far as `limits` allow, on `GRID_HZ`.

    Parameters
    ----------
    response : Curve
        Smoothed level of what is corrected; only its shape counts.
    """
    wanted_db = _wanted_db(response, target, limits)
    return Curve(GRID_HZ, _limited(wanted_db, limits) * _band_window(limits.low_hz, limits.high_hz))


def shortfall(room: Room, target: str, limits: Limits) -> Curve:
    """How far `room` stays below its target because more boost is not allowed, in dB, 0 or more, on `GRID_HZ`."""
    if room.is_correction:
        return Curve(GRID_HZ, np.zeros(GRID_HZ.size))
    inside = _inside(room, limits)
    wanted_db = _wanted_db(room.curve, target_curve(target, room.own_target), inside)
    missing_db = np.maximum(inside.strength * wanted_db - _limited(wanted_db, inside), 0.0)
    is_inside = (inside.low_hz <= GRID_HZ) & (inside.high_hz >= GRID_HZ)
    return Curve(GRID_HZ, np.where(is_inside, missing_db, 0.0))


def _inside(room: Room, limits: Limits) -> Limits:
    """No further than `room` was learnt."""
    return replace(limits, low_hz=max(limits.low_hz, room.low_hz), high_hz=min(limits.high_hz, room.high_hz))


def _wanted_db(response: Curve, target: Curve, limits: Limits) -> Values:
    """Gain that would lead `response` to `target`, at the level at which a voice comes out as loud as it went in."""
    weights = speech_weights(GRID_HZ)
    wanted = target.at(GRID_HZ) - response.at(GRID_HZ)
    window = _band_window(limits.low_hz, limits.high_hz)
    # The louder the rest, the less the correction may add.
    low, high = float(wanted.min()), float(wanted.max())
    for _ in range(_LOUDNESS_STEPS):
        middle = (low + high) / 2.0
        gain_db = _limited(wanted - middle, limits) * window
        if np.sum(weights * 10.0 ** (gain_db / 10.0)) > 1.0:
            low = middle
        else:
            high = middle
    return np.asarray(wanted - high)


def _limited(wanted_db: Values, limits: Limits) -> Values:
    scaled = limits.strength * wanted_db
    hope = np.clip((_HOPELESS_DB - wanted_db) / (_HOPELESS_DB - _NULL_DB), 0.0, 1.0)
    return np.where(wanted_db > 0.0, np.minimum(scaled, limits.boost_db) * hope, np.maximum(scaled, -limits.cut_db))


def _band_window(low_hz: float, high_hz: float) -> Values:
    """1 inside of the band, 0 half an octave outside of it, a raised cosine between."""
    outside = np.maximum(np.log2(low_hz / GRID_HZ), np.log2(GRID_HZ / high_hz)) / _EDGE_OCTAVES
    return 0.5 + 0.5 * np.cos(np.pi * np.clip(outside, 0.0, 1.0))
