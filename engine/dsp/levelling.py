"""The leveller's loop: one slow gain that brings a voice to its target, moved only by the voice itself.

The voice's loudness is the energy of the steps in which it spoke, gated as the standard gates a programme; pauses do not
count, however long. Two windows look at it: the slow one steers, and when the fast one finds the voice somewhere else
altogether (a whisper after a shout) it takes the slow one along. In pauses the gain is frozen, and any boost is laid down
until the voice returns, so that the room is never raised. Audio thread; never waits.

Source: ITU-R BS.1770-4, Annex 1 (weighting; gate 10 LU below the mean).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import inline, kernel
from engine.dsp.decibel import kernel_db_to_gain, kernel_gain_to_db
from engine.dsp.gated_loudness import energy_to_lufs
from engine.dsp.listening import (
    STEP_LUFS,
    STEPS_PER_S,
    frames_to_look,
    hear,
    is_teaching,
    is_voice_there,
)
from engine.dsp.smoothing import glide

FAST_STEPS = 60
MOMENTARY_STEPS = 40
_FIRST_STEPS = 40
_GATE = 0.1
# Steps of 10 ms go lower between two syllables than blocks of 400 ms do.
_STEP_GATE = 0.03
_JUMP_LU = 5.0
_ARRIVED_LU = 1.0
_JUMP_SHARE = 0.12
_REST_SHARE = 0.12
_ENERGY_OF_0_LUFS = 10.0**0.0691
_TRIM_S = 10.0
_MOST_TRIM_DB = 3.0
_CEILING_DBFS = -1.0
_LIMITER_HOLDS = 0.88

# Places in the state.
(
    GAIN_DB,
    APPLIED_DB,
    VOICE_ENERGY,
    OUT_ENERGY,
    TRIM_DB,
    RING_PLACE,
    RING_FILLED,
    IS_JUMPING,
    LEAVING_PLACE,
    STEP_PEAK,
    LIMITED_DB,
) = range(11)
LEVELLER_STATE_SIZE = 11

_to_lufs = inline(energy_to_lufs)


@inline
def _gated_mean(ring: NDArray[np.float64], filled: int) -> float:
    """Mean energy of the steps no more than 15 LU below the mean of all."""
    mean = 0.0
    for step in range(filled):
        mean += ring[step]
    gate = _STEP_GATE * mean / filled
    kept = 0.0
    count = 0
    for step in range(filled):
        if ring[step] >= gate:
            kept += ring[step]
            count += 1
    return float(kept / count)


@inline
def _hear_voice(state: NDArray[np.float64], ring: NDArray[np.float64], energy: float, reaction_s: float) -> None:
    """Learn from one step of voice how loud it is."""
    ring[int(state[RING_PLACE])] = energy
    state[RING_PLACE] = (state[RING_PLACE] + 1.0) % len(ring)
    state[RING_FILLED] = min(state[RING_FILLED] + 1.0, len(ring))
    fast = _gated_mean(ring, int(state[RING_FILLED]))
    slow = state[VOICE_ENERGY]
    if slow == 0.0:
        if state[RING_FILLED] >= _FIRST_STEPS:
            state[VOICE_ENERGY] = fast
        return
    distance_lu = abs(10.0 * math.log10(fast / slow))
    if distance_lu > (_ARRIVED_LU if state[IS_JUMPING] else _JUMP_LU):
        state[IS_JUMPING] = 1.0
        # In decibels, so that a fall is followed as fast as a rise.
        state[VOICE_ENERGY] = slow * (fast / slow) ** _JUMP_SHARE
        return
    state[IS_JUMPING] = 0.0
    if energy >= _GATE * fast:
        state[VOICE_ENERGY] = slow + (fast - slow) / (reaction_s * STEPS_PER_S)


@inline
def _trim(
    state: NDArray[np.float64], leaving: NDArray[np.float64], energy: float, target_lufs: float, is_free: bool
) -> None:
    """Compare what leaves with the target, as the standard measures a programme, and learn what is missing.

    Gain and level are not independent, so the loudness after the gain is not quite the gain after the loudness.

    Parameters
    ----------
    is_free : bool
        False while the gain stands at one of its bounds: what is missing then is not to be learned.
    """
    # The limiter will take the peaks down; at its usual ceiling and release that is foreseen well enough.
    over_db = max(0.0, kernel_gain_to_db(state[STEP_PEAK]) - _CEILING_DBFS)
    state[LIMITED_DB] = max(over_db, _LIMITER_HOLDS * state[LIMITED_DB])
    state[STEP_PEAK] = 0.0
    leaving[int(state[LEAVING_PLACE])] = energy * 10.0 ** ((state[APPLIED_DB] - state[LIMITED_DB]) / 10.0)
    state[LEAVING_PLACE] = (state[LEAVING_PLACE] + 1.0) % len(leaving)
    momentary = leaving.mean()
    target = _ENERGY_OF_0_LUFS * 10.0 ** (target_lufs / 10.0)
    if state[OUT_ENERGY] == 0.0:
        state[OUT_ENERGY] = target
    # A shout that has just begun is the limiter's business, not a reason to be quieter from now on.
    if momentary < _GATE * state[OUT_ENERGY] or (state[IS_JUMPING] and momentary > target):
        return
    state[OUT_ENERGY] += (momentary - state[OUT_ENERGY]) / (_TRIM_S * STEPS_PER_S)
    if not is_free:
        return
    error_db = target_lufs - _to_lufs(state[OUT_ENERGY])
    trim_db = state[TRIM_DB] + error_db / (_TRIM_S * STEPS_PER_S)
    state[TRIM_DB] = min(max(trim_db, -_MOST_TRIM_DB), _MOST_TRIM_DB)


@kernel(
    "float64(float32[:, :], float64[::1], float64[::1], float64[::1], float64[:, ::1], float64, float64[::1], float64[::1], "
    "float64[::1])"
)
def level(
    block: NDArray[np.float32],
    state: NDArray[np.float64],
    ring: NDArray[np.float64],
    leaving: NDArray[np.float64],
    glides: NDArray[np.float64],
    speech_probability: float,
    settings: NDArray[np.float64],
    glide_coefficients: NDArray[np.float64],
    listener: NDArray[np.float64],
) -> float:
    """Level `block` (channels, frames) in place and return the gain at its end, in dB.

    Parameters
    ----------
    state, ring, leaving : NDArray[np.float64]
        Shapes (LEVELLER_STATE_SIZE,), (FAST_STEPS,) and (MOMENTARY_STEPS,).
    glides : NDArray[np.float64]
        One gliding value: the gain in dB.
    speech_probability : float
        As another stage has it, 0 … 1.
    settings : NDArray[np.float64]
        Target (LUFS), most boost (dB), most cut (dB), reaction (s), fastest change (dB/s), start (dB).
    glide_coefficients : NDArray[np.float64]
        For waking up and for everything else.
    listener : NDArray[np.float64]
        Of `new_listener`.
    """
    channels, frames = block.shape
    target_lufs, most_boost_db, most_cut_db, reaction_s, rate_db_per_s, start_db = settings
    if math.isnan(state[GAIN_DB]):
        state[GAIN_DB] = min(max(start_db, -most_cut_db), most_boost_db)
        state[APPLIED_DB] = min(state[GAIN_DB], 0.0)
        glides[0, 0] = state[APPLIED_DB]
        glides[0, 1] = state[APPLIED_DB]
    gain = kernel_db_to_gain(glides[0, 1])
    start = 0
    while start < frames:
        stop = min(frames, start + frames_to_look(listener))
        if is_voice_there(listener):
            state[APPLIED_DB] = state[GAIN_DB]
        target_db = state[APPLIED_DB]
        voice_lufs = math.inf if state[VOICE_ENERGY] == 0.0 else _to_lufs(state[VOICE_ENERGY])
        has_step_ended = hear(block, start, stop, speech_probability, voice_lufs, listener)
        peak = state[STEP_PEAK]
        for frame in range(start, stop):
            if glides[0, 0] != target_db or glides[0, 1] != target_db:
                is_waking = target_db > glides[0, 1] + 0.5
                gain = kernel_db_to_gain(glide(glides, 0, target_db, glide_coefficients[0 if is_waking else 1]))
            for channel in range(channels):
                leaving_now = block[channel, frame] * gain
                peak = max(peak, abs(leaving_now))
                block[channel, frame] = np.float32(leaving_now)
        state[STEP_PEAK] = peak
        if has_step_ended:
            step_energy = 10.0 ** (listener[STEP_LUFS] / 10.0) * _ENERGY_OF_0_LUFS
            is_free = -most_cut_db < state[GAIN_DB] < most_boost_db
            _trim(state, leaving, step_energy, target_lufs, is_free)
            if is_teaching(listener):
                _hear_voice(state, ring, step_energy, reaction_s)
                if state[VOICE_ENERGY] > 0.0:
                    wanted_db = target_lufs + state[TRIM_DB] - _to_lufs(state[VOICE_ENERGY])
                    wanted_db = min(max(wanted_db, -most_cut_db), most_boost_db)
                    largest_db = rate_db_per_s / STEPS_PER_S
                    change_db = 0.2 * (wanted_db - state[GAIN_DB])
                    state[GAIN_DB] += min(max(change_db, -largest_db), largest_db)
            state[GAIN_DB] = min(max(state[GAIN_DB], -most_cut_db), most_boost_db)
            if not is_voice_there(listener):
                rest_db = min(state[GAIN_DB], 0.0)
                state[APPLIED_DB] += _REST_SHARE * (rest_db - state[APPLIED_DB])
        start = stop
    return float(glides[0, 1])
