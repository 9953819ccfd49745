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

from engine.core.stage import StreamFormat
from engine.dsp.k_weighting import k_weighting
from engine.dsp.kernel import inline

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
_TINY = 1e-25

# Places in the state.
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
) = range(13)
_STATE_SIZE = 13
# Places in the settings.
RATE, OPENS_LU, HOLD_STEPS, LOOK_FRAMES = range(4)
# Places in what is known of the usual voice.
VOICE_LUFS, VOICED_STEPS = range(2)
# A room that has just become louder is known for one before it has taught this much.
_FIRST_STEPS = 40
_VOICE_RISES = 0.1
_VOICE_FORGETS = 0.003
_VOICE_FORGETS_LU = 0.02
_FARTHEST_BELOW_LU = 20.0


class VoiceListener:
    """What a stage remembers of the voice. Built on the control thread; its arrays belong to the audio thread.

    Parameters
    ----------
    fmt : StreamFormat
    opens_lu : float
        The voice begins this far above the room.
    hold_ms : float
        It ends this long after it was last heard.
    """

    def __init__(self, fmt: StreamFormat, opens_lu: float = 6.0, hold_ms: float = 200.0) -> None:
        self.coefficients = k_weighting(fmt.sample_rate)
        # Heard from two sides a sound counts twice, whether it comes as two channels or as one that will be doubled.
        self.weight = 2.0 if fmt.is_mono_doubled and fmt.channels == 1 else 1.0
        self.filters = np.zeros((fmt.channels, 4))
        self.state = np.zeros(_STATE_SIZE)
        self.recent = np.zeros(_STEADY_STEPS)
        self.settings = np.array(
            [
                fmt.sample_rate,
                opens_lu,
                max(1.0, round(hold_ms * STEPS_PER_S / 1000)),
                fmt.sample_rate // _LOOKS_PER_S,
            ]
        )
        self.reset()

    def reset(self) -> None:
        """Forget the voice and the room. Audio thread."""
        self.filters.fill(0.0)
        self.state.fill(0.0)
        self.recent.fill(_QUIETEST_LUFS)
        self.state[FRAMES_LEFT] = self.settings[RATE] // STEPS_PER_S
        self.state[LOOK_LEFT] = self.settings[LOOK_FRAMES]
        self.state[REMAINDER] = self.settings[RATE] % STEPS_PER_S
        self.state[STEP_LUFS] = self.state[SMOOTH_LUFS] = _QUIETEST_LUFS
        # Until the room is known, only what is clearly a voice counts as one.
        self.state[ROOM_LUFS] = -56.0
        self.state[OPENS_AT] = 10.0 ** ((-50.0 - _OFFSET_LU) / 10.0)


def new_usual_voice() -> NDArray[np.float64]:
    """How loud the voice usually is, NaN while that is not known, and the steps that told of it until then."""
    return np.array([np.nan, 0.0])


@inline
def frames_to_look(state: NDArray[np.float64]) -> int:
    """Frames that may be heard before anything can change: at most a look, 1 ms."""
    return int(min(state[LOOK_LEFT], state[FRAMES_LEFT]))


@inline
def hear(
    block: NDArray[np.float32],
    start: int,
    stop: int,
    weight: float,
    coefficients: NDArray[np.float64],
    filters: NDArray[np.float64],
    state: NDArray[np.float64],
    recent: NDArray[np.float64],
    settings: NDArray[np.float64],
    speech_probability: float,
    voice_lufs: float,
) -> bool:
    """Take in frames `start` to `stop` of `block`, no more than `frames_to_look`; return whether a step ended with them.

    Parameters
    ----------
    weight, coefficients, filters, state, recent, settings, speech_probability
        Of `VoiceListener`.
    voice_lufs : float
        How loud the voice usually is; inf if that is not known.
    """
    b0, b1, b2, a1, a2 = coefficients[0]
    c0, c1, c2, d1, d2 = coefficients[1]
    energy = 0.0
    for channel in range(block.shape[0]):
        s0, s1, s2, s3 = filters[channel]
        for frame in range(start, stop):
            x = np.float64(block[channel, frame])
            y = b0 * x + s0
            s0 = b1 * x - a1 * y + s1
            s1 = b2 * x - a2 * y
            z = c0 * y + s2
            s2 = c1 * y - d1 * z + s3
            s3 = c2 * y - d2 * z
            energy += z * z
        # What decays forever would end in denormal numbers, which are slow.
        if abs(s0) + abs(s1) + abs(s2) + abs(s3) < _TINY:
            s0 = s1 = s2 = s3 = 0.0
        filters[channel, 0] = s0
        filters[channel, 1] = s1
        filters[channel, 2] = s2
        filters[channel, 3] = s3
    frames = stop - start
    state[STEP_ENERGY] += weight * energy
    state[LOOK_ENERGY] += weight * energy
    state[LOOK_LEFT] -= frames
    state[FRAMES_LEFT] -= frames
    if state[LOOK_LEFT] <= 0.0 or state[FRAMES_LEFT] <= 0.0:
        if state[LOOK_ENERGY] > state[OPENS_AT] * settings[LOOK_FRAMES]:
            state[HOLD_LEFT] = settings[HOLD_STEPS]
        state[LOOK_ENERGY] = 0.0
        state[LOOK_LEFT] = settings[LOOK_FRAMES]
    if state[FRAMES_LEFT] > 0.0:
        return False
    _end_step(state, recent, settings, speech_probability, voice_lufs)
    return True


@inline
def _end_step(
    state: NDArray[np.float64],
    recent: NDArray[np.float64],
    settings: NDArray[np.float64],
    speech_probability: float,
    voice_lufs: float,
) -> None:
    rate = int(settings[RATE])
    # At rates that are no multiple of 100 some steps are a sample longer.
    frames = rate // STEPS_PER_S
    state[REMAINDER] += rate % STEPS_PER_S
    if state[REMAINDER] >= STEPS_PER_S:
        state[REMAINDER] -= STEPS_PER_S
        frames += 1
    state[FRAMES_LEFT] = frames
    mean = state[STEP_ENERGY] * STEPS_PER_S / rate
    state[STEP_ENERGY] = 0.0
    level = _QUIETEST_LUFS
    if mean > 0.0:
        level = max(_QUIETEST_LUFS, _OFFSET_LU + 10.0 * math.log10(mean))
    state[STEP_LUFS] = level
    if state[FILLED] == 0.0:
        state[SMOOTH_LUFS] = level
    state[SMOOTH_LUFS] += _SMOOTH * (level - state[SMOOTH_LUFS])
    _learn_room(state, recent, settings[HOLD_STEPS], voice_lufs)
    opens = state[ROOM_LUFS] + settings[OPENS_LU] + _PROBABILITY_LU * (0.5 - speech_probability)
    opens = max(opens, _QUIETEST_VOICE_LUFS)
    state[OPENS_AT] = 10.0 ** ((opens - _OFFSET_LU) / 10.0)
    if level < opens - _CLOSES_LU:
        state[HOLD_LEFT] = max(0.0, state[HOLD_LEFT] - 1.0)


@inline
def _learn_room(state: NDArray[np.float64], recent: NDArray[np.float64], hold_steps: float, voice_lufs: float) -> None:
    smooth = state[SMOOTH_LUFS]
    recent[int(state[PLACE])] = smooth
    state[PLACE] = (state[PLACE] + 1.0) % len(recent)
    state[FILLED] = min(state[FILLED] + 1.0, len(recent))
    lowest = smooth
    highest = smooth
    for value in recent:
        lowest = min(lowest, value)
        highest = max(highest, value)
    room = state[ROOM_LUFS]
    spread = highest - lowest
    is_steady = spread < _STEADY_LU and state[FILLED] == len(recent)
    state[IS_STEADY] = is_steady
    # A held note moves more than a fan, and is not far below the voice; the steadier, the nearer it may be.
    below_voice = _STEADY_BELOW_VOICE_LU + _LESS_STEADY_FURTHER_BELOW * max(0.0, spread - _VERY_STEADY_LU)
    if smooth < room:
        room += _ROOM_FALLS * (smooth - room)
    elif is_steady and smooth < voice_lufs - below_voice:
        room = smooth
        # It was not the voice that has just been heard; a hold that runs after a voice goes on.
        if state[HOLD_LEFT] >= hold_steps:
            state[HOLD_LEFT] = 0.0
    else:
        room += min(_ROOM_RISES_LU, smooth - room)
    state[ROOM_LUFS] = room


@inline
def is_voice_there(state: NDArray[np.float64]) -> bool:
    """Whether the voice is heard, or was until `hold_ms` ago."""
    return bool(state[HOLD_LEFT] > 0.0)


@inline
def is_step_voiced(state: NDArray[np.float64]) -> bool:
    """Whether the step that has just ended carried voice itself."""
    return bool(state[HOLD_LEFT] > 0.0 and state[STEP_LUFS] > -_CLOSES_LU + _opening_lufs(state))


@inline
def is_teaching(state: NDArray[np.float64]) -> bool:
    """Whether the step that has just ended tells how loud the voice is: what holds still may be the room."""
    is_known = state[FILLED] >= _STEADY_STEPS
    return bool(is_known and not state[IS_STEADY] and is_step_voiced(state))


@inline
def _opening_lufs(state: NDArray[np.float64]) -> float:
    return float(_OFFSET_LU + 10.0 * math.log10(state[OPENS_AT]))


@inline
def learn_voice(state: NDArray[np.float64], listening: NDArray[np.float64], opens_lu: float) -> None:
    """Learn from a step that is teaching how loud the voice usually is."""
    voice_lufs = state[VOICE_LUFS]
    smooth = listening[SMOOTH_LUFS]
    if math.isnan(voice_lufs):
        state[VOICED_STEPS] += 1.0
        if state[VOICED_STEPS] > _FIRST_STEPS and smooth > listening[ROOM_LUFS] + opens_lu:
            state[VOICE_LUFS] = smooth
    elif smooth > voice_lufs - _FARTHEST_BELOW_LU:
        # Rises with the voice, and forgets it slowly.
        share = _VOICE_RISES if smooth > voice_lufs else _VOICE_FORGETS
        state[VOICE_LUFS] = voice_lufs + share * (smooth - voice_lufs)
    else:
        state[VOICE_LUFS] = voice_lufs - _VOICE_FORGETS_LU
