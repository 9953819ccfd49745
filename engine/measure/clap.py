"""A room's decay from a clap or a bursting balloon, which is picked out of a recording by itself.

A clap has a colour of its own, so it teaches how the room rings and not how it colours. Pure mathematics; nothing waits.

Source: ISO 3382-2:2008, 5.2.2 and annex A.3, impulse sources.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.config import SAMPLE_RATE_HZ
from engine.dsp.curve import Values
from engine.errors import RoomError
from engine.measure.response import decay_of
from engine.measure.sweep import expect_no_clipping

_FRAME = 240
_BEFORE_S, _AFTER_S = 0.005, 3.0
_LEAST_RISE_DB, _LEAST_ABOVE_NOISE_DB = 20.0, 30.0
_APART_S = 0.4
_FAINTEST_DB = -10.0


@dataclass(frozen=True, slots=True)
class ClapResult:
    """What the claps gave: the clearest of them, from 5 ms before its peak on, and how many there were."""

    impulse: Values
    claps: int


def evaluate_claps(recording: NDArray[np.floating]) -> ClapResult:
    """Find the clearest clap in a recording, shape (frames,), 48 kHz.

    Raises
    ------
    RoomError
        If there is none that can be used; the sentence says what to do.
    """
    heard = np.asarray(recording, np.float64)
    expect_no_clipping(heard)
    energy = np.square(heard[: heard.size // _FRAME * _FRAME]).reshape(-1, _FRAME).mean(axis=1)
    level_db = 10.0 * np.log10(energy + 1e-16)
    noise_db = float(np.percentile(level_db, 10)) if level_db.size else 0.0
    starts = _rises(level_db, noise_db)
    if not starts:
        raise RoomError("no clap was heard; clap once, hard, and keep still until it has died away")
    pieces = [piece for start, end in zip(starts, [*starts[1:], level_db.size], strict=True)
              if (piece := _piece(heard, start * _FRAME, end * _FRAME)) is not None]  # fmt: skip
    # A clap is the loudest of what jumps up; a dog that barks further away is none.
    loudest = max((float(np.abs(piece).max()) for piece in pieces), default=0.0)
    claps = [piece for piece in pieces if np.abs(piece).max() >= 10 ** (_FAINTEST_DB / 20) * loudest]
    usable = [piece for piece in claps if decay_of(piece, SAMPLE_RATE_HZ).t20_s is not None]
    if not usable:
        raise RoomError(
            "no clap stood clear of the noise for long enough; clap harder, in a quieter moment, and keep still after it"
        )
    return ClapResult(max(usable, key=_clearness_db), len(starts))


def _rises(level_db: Values, noise_db: float) -> list[int]:
    """Frames at which the level jumps up out of quiet."""
    apart = round(_APART_S * SAMPLE_RATE_HZ / _FRAME)
    starts: list[int] = []
    for frame in range(2, level_db.size):
        is_jump = level_db[frame] - level_db[max(0, frame - 4) : frame - 1].max(initial=-200.0) > _LEAST_RISE_DB
        is_loud = level_db[frame] > noise_db + _LEAST_ABOVE_NOISE_DB
        if is_jump and is_loud and (not starts or frame - starts[-1] > apart):
            starts.append(frame)
    return starts


def _piece(heard: Values, start: int, end: int) -> Values | None:
    """One clap up to the next, from just before its peak on; None if it is cut off at once."""
    peak = start + int(np.argmax(np.abs(heard[start : start + 4 * _FRAME])))
    first, last = (
        peak - round(_BEFORE_S * SAMPLE_RATE_HZ),
        min(end - 2 * _FRAME, peak + round(_AFTER_S * SAMPLE_RATE_HZ)),
    )
    return heard[max(0, first) : last] if last - peak > round(_APART_S * SAMPLE_RATE_HZ / 2) else None


def _clearness_db(piece: Values) -> float:
    tail = piece[-piece.size // 10 :]
    return float(20.0 * np.log10(np.abs(piece).max() / (np.sqrt(np.mean(np.square(tail))) + 1e-12)))
