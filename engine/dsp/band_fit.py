"""The few equalizer bands that come nearest to a gain over frequency. Control thread.

One band after the other is set on what is left of the gain, and after each all of them are moved together to where the
squared error over the logarithm of the frequency is least.

Source: K. Levenberg, D. Marquardt: damped least squares, as in W. Press et al., "Numerical Recipes", section 15.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.dsp.curve import Curve, Values
from engine.dsp.responses import HIGH_SHELF, LOW_SHELF, PEAK, response_db, section

MOST_BANDS = 10

_LOWEST_Q, _HIGHEST_Q = 0.3, 8.0
_WORTH_DB = 0.25
"""A fit whose error is no greater than this needs no more bands."""

_STEPS = 25
_NUDGE = 1e-4
_Function = Callable[[Values], Values]


@dataclass(frozen=True, slots=True)
class Band:
    """A section of a parametric equalizer; `kind` as in `engine.dsp.equalization`."""

    kind: str
    frequency_hz: float
    gain_db: float
    q: float


def bands_db(bands: tuple[Band, ...], frequencies_hz: Values, sample_rate: int) -> Values:
    """Gain in dB of all bands together."""
    sections = [section(band.kind, band.frequency_hz, band.gain_db, band.q, sample_rate) for band in bands]
    return response_db(np.array(sections).reshape(-1, 5), frequencies_hz, sample_rate)


def fit_bands(
    gain: Curve,
    limit_db: float,
    sample_rate: int,
    most_bands: int = MOST_BANDS,
    low_hz: float = 40.0,
    high_hz: float = 16e3,
) -> tuple[Band, ...]:
    """Peaks, and shelves at both ends, that together come nearest to `gain`, lowest first.

    Parameters
    ----------
    gain : Curve
        In dB.
    limit_db : float
        No band boosts by more than this.
    """
    frequencies_hz = gain.frequencies_hz[(gain.frequencies_hz >= low_hz) & (gain.frequencies_hz <= high_hz)]
    wanted = gain.at(frequencies_hz)
    span = (np.log(frequencies_hz[0]), np.log(frequencies_hz[-1]))

    def bands_of(values: Values) -> tuple[Band, ...]:
        return tuple(
            Band(kind, float(np.exp(place)), float(level), float(np.exp(width)))
            for kind, (place, level, width) in zip(kinds, values.reshape(-1, 3), strict=True)
        )

    def left(values: Values) -> Values:
        return wanted - bands_db(bands_of(values), frequencies_hz, sample_rate)

    def bounded(values: Values) -> Values:
        rows = values.reshape(-1, 3).copy()
        rows[:, 0] = np.clip(rows[:, 0], *span)
        rows[:, 1] = np.clip(rows[:, 1], -24.0, limit_db)
        rows[:, 2] = np.clip(rows[:, 2], np.log(_LOWEST_Q), np.log(_HIGHEST_Q))
        for row, kind in enumerate(kinds):
            if kind != PEAK:
                rows[row, 2] = np.log(np.sqrt(0.5))
        return rows.reshape(-1)

    kinds: list[str] = [LOW_SHELF, HIGH_SHELF]
    ends = [np.log(120.0), np.mean(wanted[:12]), 0.0, np.log(6000.0), np.mean(wanted[-12:]), 0.0]
    values = _least_squares(left, bounded(np.array(ends)), bounded)
    while len(kinds) < most_bands and np.sqrt(np.mean(np.square(left(values)))) > _WORTH_DB:
        place, level, width = _largest(left(values), np.log(frequencies_hz))
        kinds.append(PEAK)
        values = _least_squares(left, bounded(np.append(values, (place, level, width))), bounded)
    bands = bands_of(values)
    # Bands that overlap add up: all of them give in until the sum keeps the limit.
    while (most_db := float(bands_db(bands, frequencies_hz, sample_rate).max())) > limit_db + 1e-3:
        bands = tuple(replace(band, gain_db=band.gain_db * limit_db / most_db) for band in bands)
    return tuple(sorted(bands, key=lambda band: band.frequency_hz))


def _largest(rest_db: Values, places: Values) -> tuple[float, float, float]:
    """Place, level and logarithm of Q of the lump with the most area."""
    signs = np.sign(rest_db)
    edges = np.flatnonzero(np.diff(signs)) + 1
    lumps = [lump for lump in np.split(np.arange(rest_db.size), edges) if lump.size]
    lump = max(lumps, key=lambda lump: float(np.sum(np.abs(rest_db[lump]))))
    top = int(lump[np.argmax(np.abs(rest_db[lump]))])
    octaves = max(lump.size * float(places[1] - places[0]) / np.log(2.0) / 2.0, 0.1)
    q = np.sqrt(2.0**octaves) / (2.0**octaves - 1.0)
    return float(places[top]), float(rest_db[top]), float(np.log(np.clip(q, _LOWEST_Q, _HIGHEST_Q)))


def _least_squares(left: _Function, values: Values, bounded: _Function) -> Values:
    """Values near these at which the sum of squares of `left` is least, kept within bounds."""
    damping = 1e-2
    rest = left(values)
    error = float(rest @ rest)
    for _ in range(_STEPS):
        slopes = np.stack([(left(values + _NUDGE * unit) - rest) / _NUDGE for unit in np.eye(values.size)], axis=1)
        square = slopes.T @ slopes
        step = np.linalg.solve(
            square + damping * (np.diag(np.diag(square)) + 1e-6 * np.eye(values.size)), -slopes.T @ rest
        )
        tried = bounded(values + step)
        tried_rest = left(tried)
        tried_error = float(tried_rest @ tried_rest)
        if tried_error < error:
            is_settled = error - tried_error < 1e-4 * error
            values, rest, error, damping = tried, tried_rest, tried_error, damping / 3.0
            if is_settled:
                break
        else:
            damping *= 4.0
            if damping > 1e6:
                break
    return values
