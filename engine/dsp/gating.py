"""The gate's loop: pauses are turned down softly, words are let through from their first millisecond.

It opens within a millisecond of the voice rising above the room, and fades in over a few more; nothing is delayed, and what
a word loses at its start is too short and too quiet to be missed (tested). Audio thread; never waits.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.dsp.decibel import kernel_db_to_gain
from engine.dsp.kernel import kernel
from engine.dsp.listening import OPENS_LU, VOICE_LUFS, frames_to_look, hear, is_teaching, is_voice_there, learn_voice
from engine.dsp.smoothing import glide


@kernel(
    "float64(float32[:, :], float64[::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], float64, float64[::1], "
    "float64[::1], float64[::1], float64, float64, float64, float64)"
)
def gate(
    block: NDArray[np.float32],
    state: NDArray[np.float64],
    glides: NDArray[np.float64],
    filters: NDArray[np.float64],
    coefficients: NDArray[np.float64],
    weight: float,
    listening: NDArray[np.float64],
    recent: NDArray[np.float64],
    listener_settings: NDArray[np.float64],
    speech_probability: float,
    depth_db: float,
    opening: float,
    closing: float,
) -> float:
    """Gate `block` (channels, frames) in place and return the attenuation at its end, in dB (>= 0).

    Parameters
    ----------
    state : NDArray[np.float64]
        Of `new_usual_voice`.
    glides : NDArray[np.float64]
        One gliding value: the attenuation in dB.
    filters, coefficients, weight, listening, recent, listener_settings, speech_probability
        Of `VoiceListener`.
    depth_db : float
        Attenuation of pauses.
    opening, closing : float
        Of `glide_coefficient`.
    """
    channels, frames = block.shape
    if math.isnan(glides[0, 0]):
        glides[0, 0] = 0.0
        glides[0, 1] = 0.0
    gain = kernel_db_to_gain(-glides[0, 1])
    start = 0
    while start < frames:
        stop = min(frames, start + frames_to_look(listening))
        target_db = 0.0 if is_voice_there(listening) else depth_db
        voice_lufs = state[VOICE_LUFS]
        has_step_ended = hear(
            block,
            start,
            stop,
            weight,
            coefficients,
            filters,
            listening,
            recent,
            listener_settings,
            speech_probability,
            math.inf if math.isnan(voice_lufs) else voice_lufs,
        )
        for frame in range(start, stop):
            if glides[0, 0] != target_db or glides[0, 1] != target_db:
                attenuation_db = glide(glides, 0, target_db, opening if target_db < glides[0, 1] else closing)
                gain = kernel_db_to_gain(-attenuation_db)
            if gain != 1.0:
                for channel in range(channels):
                    block[channel, frame] = np.float32(block[channel, frame] * gain)
        if has_step_ended and is_teaching(listening):
            learn_voice(state, listening, listener_settings[OPENS_LU])
        start = stop
    return float(glides[0, 1])
