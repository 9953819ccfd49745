"""What a room profile looks like and means: curves to draw, and its figures in plain words. Knows no window; nothing waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.config import SAMPLE_RATE_HZ
from engine.core.params import Value
from engine.dsp.correction import FLAT, Limits, Room, correction, shortfall, target_curve
from engine.dsp.curve import GRID_HZ, THIRD_OCTAVES_HZ
from engine.dsp.speech_spectrum import speech_weights
from engine.measure.profile import RoomProfile, Way
from engine.measure.response import Decay, Waterfall, waterfall

__all__ = ["Line", "RoomPicture", "Waterfall", "aim", "comparison_in_words", "decay_in_words", "draw", "limit_in_words"]

_STAGE = "room_correction"
_DRY_S, _FURNISHED_S = 0.3, 0.6
_CLEAR_DB, _FAIR_DB = 3.0, 0.0
_LEAST_SHORTFALL_DB = 1.5

Line = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RoomPicture:
    """A profile as it is shown.

    Attributes
    ----------
    frequencies_hz : tuple
        Of all lines.
    measured_db, target_db : tuple
        What was learnt and where it is led to, at the same loudness; empty where no response was learnt.
    correction_db : tuple
        What the filter does.
    words : tuple of str
        What the figures mean, a sentence each.
    waterfall : Waterfall or None
        How the tone dies away, where an impulse response was learnt.
    """

    frequencies_hz: Line
    measured_db: Line
    target_db: Line
    correction_db: Line
    words: tuple[str, ...]
    waterfall: Waterfall | None = None


def draw(profile: RoomProfile, params: Mapping[str, Value], notes: tuple[str, ...] = ()) -> RoomPicture:
    """Draw `profile` as the stage with these parameters of the chain corrects it.

    Parameters
    ----------
    notes : tuple of str
        What else is worth telling.
    """
    room = profile.room()
    target, limits = aim(params)
    inside = (max(room.low_hz, GRID_HZ[0]) <= GRID_HZ) & (min(room.high_hz, GRID_HZ[-1]) >= GRID_HZ)
    measured_db: Line = ()
    target_db: Line = ()
    if _is_tonal(profile):
        led_to = target_curve(target, room.own_target).at(GRID_HZ)
        response = room.curve.at(GRID_HZ)
        response = response - np.average(response - led_to, weights=speech_weights(GRID_HZ) * inside)
        measured_db, target_db = tuple(response[inside].tolist()), tuple(led_to[inside].tolist())
    gain_db = correction(room, target, limits).at(GRID_HZ)
    return RoomPicture(
        tuple(GRID_HZ[inside].tolist()),
        measured_db,
        target_db,
        tuple(gain_db[inside].tolist()),
        (*decay_in_words(profile.decay, profile.way), *limit_in_words(room, target, limits), *notes),
        waterfall(profile.impulse_samples(), SAMPLE_RATE_HZ) if profile.impulse else None,
    )


def limit_in_words(room: Room, target: str, limits: Limits) -> tuple[str, ...]:
    """Where the limit of the boost stands in the way of a full correction, in a sentence; none where it does not."""
    # Third octaves count; what is narrower is hardly heard.
    missing_db = np.convolve(shortfall(room, target, limits).gain_db, np.full(8, 1 / 8), mode="same")
    worst = int(np.argmax(missing_db))
    if missing_db[worst] < _LEAST_SHORTFALL_DB:
        return ()
    elsewhere = np.flatnonzero(missing_db < _LEAST_SHORTFALL_DB / 2)
    low = GRID_HZ[max(elsewhere[elsewhere < worst], default=-1) + 1]
    high = GRID_HZ[min(elsewhere[elsewhere > worst], default=GRID_HZ.size) - 1]
    return (
        f"From {low:.0f} to {high:.0f} Hz the room takes more than a boost of {limits.boost_db:.0f} dB gives back: "
        f"{missing_db[worst]:.0f} dB stay missing. Another place of the microphone helps more than a higher limit.",
    )


def comparison_in_words(shown: RoomProfile, other: RoomProfile) -> str:
    """What two rooms have in common and what not: their figures side by side, and how far their tone differs."""
    parts = []
    for name, unit, label in (("t30_s", "s", "T30"), ("edt_s", "s", "EDT"), ("c50_db", "dB", "C50")):
        figures = [_figure(profile, name) for profile in (shown, other)]
        if None not in figures:
            parts.append(f"{label} {figures[0]:.2f} {unit} against {figures[1]:.2f} {unit}")
    if _is_tonal(shown) and _is_tonal(other):
        difference_db = shown.response.curve().at(THIRD_OCTAVES_HZ) - other.response.curve().at(THIRD_OCTAVES_HZ)
        parts.append(f"the tone differs by {np.std(difference_db):.1f} dB (standard deviation)")
    if not parts:
        return f"Nothing was learnt of both this room and “{other.name}”."
    differences = "; ".join(parts).replace("-", "−")
    return f"Beside “{other.name}”: {differences}."


def _figure(profile: RoomProfile, name: str) -> float | None:
    # Talking tells no more of the decay than about how long it is.
    if profile.decay is None or (profile.way is Way.TALK and name != "edt_s"):
        return None
    figure: float | None = getattr(profile.decay, name)
    return figure


def _is_tonal(profile: RoomProfile) -> bool:
    return not profile.is_correction and profile.way is not Way.CLAP


def aim(params: Mapping[str, Value]) -> tuple[str, Limits]:
    """Target and limits that the parameters of the chain ask for; what they lack is as ever."""
    usual = Limits()

    def figure(name: str, otherwise: float) -> float:
        return float(params.get(f"{_STAGE}.{name}", otherwise))

    limits = Limits(
        boost_db=figure("boost_db", usual.boost_db),
        low_hz=figure("low_hz", usual.low_hz),
        high_hz=figure("high_hz", usual.high_hz),
        strength=figure("strength", 100.0 * usual.strength) / 100.0,
    )
    return str(params.get(f"{_STAGE}.target", FLAT)), limits


def decay_in_words(decay: Decay | None, way: Way) -> tuple[str, ...]:
    """How long it rings and how clear speech is, with T30 (or T20), EDT and C50, as far as they were learnt."""
    if decay is None:
        return ("How long the room rings was not learnt.",)
    words = []
    time_s = decay.t30_s or decay.t20_s
    if time_s is not None:
        name = "T30" if decay.t30_s else "T20"
        words.append(f"The room rings for {time_s:.2f} s ({name}): {_ringing(time_s)}.")
    if decay.edt_s is not None:
        estimated = "about " if way is Way.TALK else ""
        reading = f": {_ringing(decay.edt_s)}" if time_s is None else ""
        words.append(f"While you speak, {estimated}{decay.edt_s:.2f} s of it are heard (EDT){reading}.")
    if way is not Way.TALK:
        words.append(f"Clarity C50 is {decay.c50_db:+.1f} dB: {_clarity(decay.c50_db)}.".replace("-", "−"))
    return tuple(words)


def _ringing(time_s: float) -> str:
    if time_s < _DRY_S:
        return "dry, like a studio"
    if time_s < _FURNISHED_S:
        return "like a furnished room"
    return "long; curtains, carpet and a closer microphone help more than any filter"


def _clarity(c50_db: float) -> str:
    if c50_db >= _CLEAR_DB:
        return "speech is clear"
    return "speech is fairly clear" if c50_db >= _FAIR_DB else "speech is blurred"
