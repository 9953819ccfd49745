"""What dynamics stages know of the voice: is it there, how loud is it, and how loud is the room between the words.

By energy alone, in steps of 10 ms after the ear's weighting. The room is what stays when nobody speaks: the lowest level
heard, and anything that holds still well below the voice. The voice is what rises above the room; it is noticed within a
millisecond, so that the start of a word is not lost. Audio thread; never waits.

Source: tracking of minima after R. Martin, "Noise Power Spectral Density Estimation Based on Optimal Smoothing and Minimum
Statistics", IEEE Trans. Speech Audio Process. 9(5), 2001.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import inline
from engine.core.stage import StreamFormat
from engine.dsp.k_weighting import k_weighting, weighted_energy

STEPS_PER_S = 100

_OFFSET_LU = -0.691
_QUIETEST_LUFS = -100.0
_LOOKS_PER_S = 1000
# White noise stays within 1.5 dB over this time; speech hardly ever does.
_STEADY_STEPS = 25
_STEADY_LU = 4.0
_VERY_STEADY_LU = 2.0
_STEADY_BELOW_VOICE_LU = 6.0
_LESS_STEADY_FURTHER_BELOW = 4.5
_SMOOTH = 0.3
_ROOM_FALLS = 0.2
_ROOM_RISES_LU = 0.03
_CLOSES_LU = 3.0
_QUIETEST_VOICE_LUFS = -68.0
_PROBABILITY_LU = 12.0
# However sure the network is: nearer to the room than this, the room itself would count as voice and never end.
_LEAST_MARGIN_LU = 5.0

# Places in a listener.
(
    FRAMES_LEFT,
    LOOK_LEFT,
    STEP_ENERGY,
    LOOK_ENERGY,
    STEP_LUFS,
    ROOM_LUFS,
    SMOOTH_LUFS,
    HOLD_LEFT,
    PLACE,
    FILLED,
    OPENS_AT,
    REMAINDER,
    IS_STEADY,
    RATE,
    OPENS_LU,
    HOLD_STEPS,
    LOOK_FRAMES,
    WEIGHT,
    _WEIGHTING,
) = range(19)
_RECENT = _WEIGHTING + 10
_FILTERS = _RECENT + _STEADY_STEPS
"""Behind the two sections of the weighting filter and the last levels: four numbers for each channel."""

# Places in what is known of the usual voice.
VOICE_LUFS, VOICED_STEPS = range(2)
# A room that has just become louder is known for one before it has taught this much.
_FIRST_STEPS = 40
_VOICE_RISES = 0.1
_VOICE_FORGETS = 0.003
_VOICE_FORGETS_LU = 0.02
_FARTHEST_BELOW_LU = 20.0


def new_listener(fmt: StreamFormat, opens_lu: float = 6.0, hold_ms: float = 200.0) -> NDArray[np.float64]:
    """Make what a stage remembers of the voice: one array, which belongs to the audio thread. Control thread.

    Parameters
    ----------
    fmt : StreamFormat
    opens_lu : float
        The voice begins this far above the room.
    hold_ms : float
        It ends this long after it was last heard.
    """
    listener = np.zeros(_FILTERS + 4 * fmt.channels)
    listener[RATE] = fmt.sample_rate
    listener[OPENS_LU] = opens_lu
    listener[HOLD_STEPS] = hold_steps(hold_ms)
    listener[LOOK_FRAMES] = fmt.sample_rate // _LOOKS_PER_S
    # Heard from two sides a sound counts twice, whether it comes as two channels or as one that will be doubled.
    listener[WEIGHT] = 2.0 if fmt.is_mono_doubled and fmt.channels == 1 else 1.0
    listener[_WEIGHTING:_RECENT] = k_weighting(fmt.sample_rate).ravel()
    forget_voice(listener)
    return listener


def forget_voice(listener: NDArray[np.float64]) -> None:
    """Forget the voice and the room; settings stay. Audio thread."""
    listener[:RATE] = 0.0
    listener[_FILTERS:] = 0.0
    listener[_RECENT:_FILTERS] = _QUIETEST_LUFS
    listener[FRAMES_LEFT] = listener[RATE] // STEPS_PER_S
    listener[LOOK_LEFT] = listener[LOOK_FRAMES]
    listener[REMAINDER] = listener[RATE] % STEPS_PER_S
    listener[STEP_LUFS] = listener[SMOOTH_LUFS] = _QUIETEST_LUFS
    # Until the room is known, only what is clearly a voice counts as one.
    listener[ROOM_LUFS] = -56.0
    listener[OPENS_AT] = 10.0 ** ((-50.0 - _OFFSET_LU) / 10.0)


def hold_steps(hold_ms: float) -> float:
    """The steps that a voice is held for, as they stand in a listener."""
    return max(1.0, round(hold_ms * STEPS_PER_S / 1000))


def new_usual_voice() -> NDArray[np.float64]:
    """How loud the voice usually is, NaN while that is not known, and the steps that told of it until then."""
    return np.array([np.nan, 0.0])


@inline
def frames_to_look(listener: NDArray[np.float64]) -> int:
    """Frames that may be heard before anything can change: at most a look, 1 ms."""
    return int(min(listener[LOOK_LEFT], listener[FRAMES_LEFT]))


@inline
def hear(
    block: NDArray[np.float32],
    start: int,
    stop: int,
    speech_probability: float,
    voice_lufs: float,
    listener: NDArray[np.float64],
) -> bool:
    """Take in frames `start` to `stop` of `block`, no more than `frames_to_look`; return whether a step ended with them.

    Parameters
    ----------
    speech_probability : float
        As another stage has it, 0 … 1.
    voice_lufs : float
        How loud the voice usually is; inf if that is not known.
    """
    energy = 0.0
    for channel in range(block.shape[0]):
        filters = listener[_FILTERS + 4 * channel : _FILTERS + 4 * channel + 4]
        energy += weighted_energy(block[channel, start:stop], listener[_WEIGHTING:_RECENT], filters)
    energy *= listener[WEIGHT]
    frames = stop - start
    listener[STEP_ENERGY] += energy
    listener[LOOK_ENERGY] += energy
    listener[LOOK_LEFT] -= frames
    listener[FRAMES_LEFT] -= frames
    if listener[LOOK_LEFT] <= 0.0 or listener[FRAMES_LEFT] <= 0.0:
        if listener[LOOK_ENERGY] > listener[OPENS_AT] * listener[LOOK_FRAMES]:
            listener[HOLD_LEFT] = listener[HOLD_STEPS]
        listener[LOOK_ENERGY] = 0.0
        listener[LOOK_LEFT] = listener[LOOK_FRAMES]
    if listener[FRAMES_LEFT] > 0.0:
        return False
    _end_step(listener, speech_probability, voice_lufs)
    return True


@inline
def _end_step(listener: NDArray[np.float64], speech_probability: float, voice_lufs: float) -> None:
    rate = int(listener[RATE])
    # At rates that are no multiple of 100 some steps are a sample longer.
    frames = rate // STEPS_PER_S
    listener[REMAINDER] += rate % STEPS_PER_S
    if listener[REMAINDER] >= STEPS_PER_S:
        listener[REMAINDER] -= STEPS_PER_S
        frames += 1
    listener[FRAMES_LEFT] = frames
    mean = listener[STEP_ENERGY] * STEPS_PER_S / rate
    listener[STEP_ENERGY] = 0.0
    level = _QUIETEST_LUFS
    if mean > 0.0:
        level = max(_QUIETEST_LUFS, _OFFSET_LU + 10.0 * math.log10(mean))
    listener[STEP_LUFS] = level
    if listener[FILLED] == 0.0:
        listener[SMOOTH_LUFS] = level
    listener[SMOOTH_LUFS] += _SMOOTH * (level - listener[SMOOTH_LUFS])
    _learn_room(listener, voice_lufs)
    margin_lu = max(listener[OPENS_LU] + _PROBABILITY_LU * (0.5 - speech_probability), _LEAST_MARGIN_LU)
    opens = max(listener[ROOM_LUFS] + margin_lu, _QUIETEST_VOICE_LUFS)
    listener[OPENS_AT] = 10.0 ** ((opens - _OFFSET_LU) / 10.0)
    if level < opens - _CLOSES_LU:
        listener[HOLD_LEFT] = max(0.0, listener[HOLD_LEFT] - 1.0)


@inline
def _learn_room(listener: NDArray[np.float64], voice_lufs: float) -> None:
    recent = listener[_RECENT:_FILTERS]
    smooth = listener[SMOOTH_LUFS]
    recent[int(listener[PLACE])] = smooth
    listener[PLACE] = (listener[PLACE] + 1.0) % len(recent)
    listener[FILLED] = min(listener[FILLED] + 1.0, len(recent))
    lowest = smooth
    highest = smooth
    for value in recent:
        lowest = min(lowest, value)
        highest = max(highest, value)
    room = listener[ROOM_LUFS]
    spread = highest - lowest
    is_steady = spread < _STEADY_LU and listener[FILLED] == len(recent)
    listener[IS_STEADY] = is_steady
    # A held note moves more than a fan, and is not far below the voice; the steadier, the nearer it may be.
    below_voice = _STEADY_BELOW_VOICE_LU + _LESS_STEADY_FURTHER_BELOW * max(0.0, spread - _VERY_STEADY_LU)
    if smooth < room:
        room += _ROOM_FALLS * (smooth - room)
    elif is_steady and smooth < voice_lufs - below_voice:
        room = smooth
        # It was not the voice that has just been heard; a hold that runs after a voice goes on.
        if listener[HOLD_LEFT] >= listener[HOLD_STEPS]:
            listener[HOLD_LEFT] = 0.0
    else:
        room += min(_ROOM_RISES_LU, smooth - room)
    listener[ROOM_LUFS] = room


@inline
def is_voice_there(listener: NDArray[np.float64]) -> bool:
    """Whether the voice is heard, or was until `hold_ms` ago."""
    return bool(listener[HOLD_LEFT] > 0.0)


@inline
def is_step_voiced(listener: NDArray[np.float64]) -> bool:
    """Whether the step that has just ended carried voice itself."""
    return bool(listener[HOLD_LEFT] > 0.0 and listener[STEP_LUFS] > -_CLOSES_LU + _opening_lufs(listener))


@inline
def is_teaching(listener: NDArray[np.float64]) -> bool:
    """Whether the step that has just ended tells how loud the voice is: what holds still may be the room."""
    is_known = listener[FILLED] >= _STEADY_STEPS
    return bool(is_known and not listener[IS_STEADY] and is_step_voiced(listener))


@inline
def _opening_lufs(listener: NDArray[np.float64]) -> float:
    return float(_OFFSET_LU + 10.0 * math.log10(listener[OPENS_AT]))


@inline
def usual_voice_lufs(voice: NDArray[np.float64]) -> float:
    """How loud the voice usually is; inf if that is not known."""
    return math.inf if math.isnan(voice[VOICE_LUFS]) else float(voice[VOICE_LUFS])


@inline
def learn_voice(voice: NDArray[np.float64], listener: NDArray[np.float64]) -> None:
    """Learn from the step that has just ended, if it is teaching, how loud the voice usually is."""
    if not is_teaching(listener):
        return
    voice_lufs = voice[VOICE_LUFS]
    smooth = listener[SMOOTH_LUFS]
    if math.isnan(voice_lufs):
        voice[VOICED_STEPS] += 1.0
        is_above_room = smooth > listener[ROOM_LUFS] + listener[OPENS_LU]
        if voice[VOICED_STEPS] > _FIRST_STEPS and is_above_room:
            voice[VOICE_LUFS] = smooth
    elif smooth > voice_lufs - _FARTHEST_BELOW_LU:
        # Rises with the voice, and forgets it slowly.
        share = _VOICE_RISES if smooth > voice_lufs else _VOICE_FORGETS
        voice[VOICE_LUFS] = voice_lufs + share * (smooth - voice_lufs)
    else:
        voice[VOICE_LUFS] = voice_lufs - _VOICE_FORGETS_LU
