"""What an impulse response says of a room: how it colours, how long it rings, how much of it is direct sound.

Pure mathematics; nothing waits.

Source: ISO 3382-1:2009 and ISO 3382-2:2008: backward integration (5.3.3), evaluation ranges (5.3.4, annex A), truncation and
compensation of noise (A. Lundeby et al., "Uncertainties of measurements in room acoustics", Acustica 81 (1995)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.dsp.curve import GRID_HZ, Curve, Values, power_spectrum, psychoacoustic_db, smoothed_db

OCTAVES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)

_ONSET_DB = -20.0
_DIRECT_MS, _EARLY_MS = 2.5, 50.0
_FLOOR_SHARE = 0.1
_SAFETY_DB = 10.0
_HEADROOM_DB = 5.0
"""The noise lies at least so far below the end of what is evaluated; 10 dB where it is not compensated."""

_MOST_CROOKED = 0.1
"""One less the squared correlation of a fall with a straight line; annex B of ISO 3382-2 doubts from 0.01 on."""

_EVENT_MS, _BUILD_UP_MS = 10.0, 200.0
_LEAST_FALL_DB, _MOST_RISE_DB = 10.0, 10.0
_STILL_LOUD_DB = 20.0
_MOST_BEFORE = 0.1

_SMOOTHING_MS = 10.0
_LOWEST_OF_A_CAVE_S = 30.0


@dataclass(frozen=True, slots=True)
class Decay:
    """How a room rings; None where the recording does not reach far enough above its noise.

    Attributes
    ----------
    t20_s, t30_s : float or None
        Time for 60 dB, from the fall between -5 and -25 or -35 dB.
    edt_s : float or None
        The same from the first 10 dB: what is heard of the reverberation while somebody speaks.
    c50_db : float
        Clarity: what comes within 50 ms against what comes later.
    drr_db : float
        Direct sound against all that follows it.
    """

    t20_s: float | None
    t30_s: float | None
    edt_s: float | None
    c50_db: float
    drr_db: float


def onset(impulse: NDArray[np.floating]) -> int:
    """Sample at which the direct sound begins: where it first comes within 20 dB of the peak."""
    magnitude = np.abs(impulse)
    return int(np.argmax(magnitude >= 10 ** (_ONSET_DB / 20) * magnitude.max()))


def dies_away(sound: NDArray[np.floating], rate_hz: int) -> bool:
    """Whether a sound, shape (frames,), dies away from its beginning on, as a response does, and no speech, music or noise."""
    frame = round(_EVENT_MS * rate_hz / 1e3)
    energy = np.square(np.asarray(sound[: sound.size // frame * frame], np.float64)).reshape(-1, frame).mean(axis=1)
    if energy.size < 2:
        return True  # shorter than any sound that is not one event
    loudest = int(np.argmax(energy))
    level_db = 10.0 * np.log10(energy[loudest:] + 1e-20)
    rise_db = level_db - np.minimum.accumulate(level_db)
    end_db = 10.0 * float(np.log10(energy[-max(1, energy.size // 10) :].mean() + 1e-20))
    return (
        energy[: max(0, loudest - round(_BUILD_UP_MS / _EVENT_MS))].sum() < _MOST_BEFORE * energy.sum()
        and float(rise_db[level_db > level_db[0] - _STILL_LOUD_DB].max()) < _MOST_RISE_DB
        and float(level_db[0]) - end_db > _LEAST_FALL_DB
    )


def decay_of(impulse: NDArray[np.floating], rate_hz: int, octave_hz: float | None = None) -> Decay:
    """Evaluate a response, shape (frames,), as a whole or in one octave."""
    start = onset(impulse)
    peak = int(np.argmax(np.abs(impulse)))
    heard = np.asarray(impulse, np.float64)
    if octave_hz is not None:
        heard = _octave(heard, rate_hz, octave_hz)
    energy = np.square(heard[start:])
    level_db, range_db = _backward_integral_db(energy, rate_hz)
    early = round(_EARLY_MS * rate_hz / 1e3)
    direct = peak - start + round(_DIRECT_MS * rate_hz / 1e3)
    return Decay(
        t20_s=_fall_s(level_db, rate_hz, -5.0, -25.0, range_db),
        t30_s=_fall_s(level_db, rate_hz, -5.0, -35.0, range_db),
        edt_s=_fall_s(level_db, rate_hz, 0.0, -10.0, range_db),
        c50_db=_ratio_db(energy, early),
        drr_db=_ratio_db(energy, direct),
    )


def response_curve(impulse: NDArray[np.floating], rate_hz: int) -> Curve:
    """Level over frequency as the ear sums it, on `GRID_HZ`."""
    return Curve(GRID_HZ, psychoacoustic_db(power_spectrum(impulse), rate_hz))


@dataclass(frozen=True, slots=True)
class Waterfall:
    """How the spectrum dies away: `level_db`, shape (times, frequencies), 0 at its loudest."""

    times_s: Values
    frequencies_hz: Values
    level_db: Values


def waterfall(impulse: NDArray[np.floating], rate_hz: int, seconds: float = 0.4, slices: int = 40) -> Waterfall:
    """Spectra of what is left of a response from later and later on: cumulative spectral decay, for a picture.

    Source: J. Bunton, R. Small, "Cumulative spectra, tone bursts and apodization", JAES 30 (1982).
    """
    sound = np.asarray(impulse, np.float64)[onset(impulse) :]
    rise = round(0.002 * rate_hz)
    times_s = np.linspace(0.0, seconds, slices)
    frequencies_hz = GRID_HZ[(GRID_HZ > 40) & (GRID_HZ < 16_000)][::4]
    levels = []
    for time_s in times_s:
        first = round(time_s * rate_hz)
        left = sound[first : first + round(0.3 * rate_hz)].copy()
        if time_s > 0.0 and left.size > rise:
            left[:rise] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
        left = left if left.size else np.zeros(1)
        levels.append(smoothed_db(power_spectrum(left, 1 << 14), rate_hz, frequencies_hz, 1.0 / 6.0))
    level_db = np.array(levels)
    return Waterfall(times_s, frequencies_hz, level_db - level_db.max())


def _octave(impulse: Values, rate_hz: int, centre_hz: float) -> Values:
    """The part in one octave, by a window on the spectrum whose edges are a sixth of an octave wide."""
    size = 1 << (impulse.size + rate_hz // 4 - 1).bit_length()
    frequencies_hz = np.maximum(np.arange(size // 2 + 1) * (rate_hz / size), 1e-3)
    outside = (np.abs(np.log2(frequencies_hz / centre_hz)) - 0.5) * 6.0 + 0.5
    window = 0.5 + 0.5 * np.cos(np.pi * np.clip(outside, 0.0, 1.0))
    return np.asarray(np.fft.irfft(np.fft.rfft(impulse, size) * window, size)[: impulse.size])


def _backward_integral_db(energy: Values, rate_hz: int) -> tuple[Values, float]:
    """Schroeder's curve in dB of its start, down to where it meets the noise, and how far above that the response reaches."""
    window = max(1, round(_SMOOTHING_MS * rate_hz / 1e3))
    smooth = np.convolve(energy, np.full(window, 1.0 / window), mode="same")
    floor = float(np.mean(energy[-max(window, int(_FLOOR_SHARE * energy.size)) :]))
    top = float(smooth.max())
    # A little above the noise the fall is still the room's; from there on it is thought to go on as it was.
    above = np.flatnonzero(smooth > 2.0 * floor)
    end = int(above[-1]) + 1 if above.size and floor > 0.0 else energy.size
    reach = np.flatnonzero(smooth[:end] > 10 ** (_SAFETY_DB / 10) * floor)
    knee = int(reach[-1]) + 1 if reach.size else end
    rest = _tail_energy(smooth, knee, floor, rate_hz)
    cleaned = np.maximum(energy[:knee] - floor, 0.0) if floor < 1e-3 * top else energy[:knee]
    integral = np.cumsum(cleaned[::-1])[::-1] + rest
    range_db = 10.0 * np.log10(max(top, 1e-30) / max(floor, 1e-30))
    return np.asarray(10.0 * np.log10(np.maximum(integral / integral[0], 1e-20))), float(range_db)


def _tail_energy(smooth: Values, knee: int, floor: float, rate_hz: int) -> float:
    """Energy beyond `knee` if the fall of the stretch before it went on."""
    stretch = smooth[max(0, knee - max(rate_hz // 20, knee // 4)) : knee]
    if stretch.size < 16 or floor <= 0.0:
        return 0.0
    level = np.log(np.maximum(stretch - floor, 1e-30))
    slope = float(np.polyfit(np.arange(stretch.size), level, 1)[0])
    if slope >= -2.0 * 6.9 / (_LOWEST_OF_A_CAVE_S * rate_hz):
        return 0.0
    return float(np.exp(level[-stretch.size // 4 :].mean()) / -slope)


def _fall_s(level_db: Values, rate_hz: int, upper_db: float, lower_db: float, range_db: float) -> float | None:
    if range_db < _HEADROOM_DB - lower_db:
        return None
    first = int(np.argmax(level_db <= upper_db))
    last = int(np.argmax(level_db <= lower_db))
    if level_db[-1] > lower_db or last - first < 8:
        return None
    times_s, fall_db = np.arange(first, last + 1) / rate_hz, level_db[first : last + 1]
    slope = float(np.polyfit(times_s, fall_db, 1)[0])
    is_straight = 1.0 - float(np.corrcoef(times_s, fall_db)[0, 1]) ** 2 < _MOST_CROOKED
    return -60.0 / slope if slope < 0.0 and is_straight else None


def _ratio_db(energy: Values, boundary: int) -> float:
    before, after = float(energy[:boundary].sum()), float(energy[boundary:].sum())
    return float(np.clip(10.0 * np.log10((before + 1e-30) / (after + 1e-30)), -60.0, 60.0))
