"""The gate's loop: pauses are turned down softly, words are let through from their first millisecond.

It opens within a millisecond of the voice rising above the room, and fades in over a few more; nothing is delayed, and what
a word loses at its start is too short and too quiet to be missed (tested). Audio thread; never waits.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import kernel
from engine.dsp.decibel import kernel_db_to_gain
from engine.dsp.listening import frames_to_look, hear, is_voice_there, learn_voice, usual_voice_lufs
from engine.dsp.smoothing import glide


@kernel("float64(float32[:, :], float64[::1], float64[:, ::1], float64, float64, float64, float64, float64[::1])")
def gate(
    block: NDArray[np.float32],
    voice: NDArray[np.float64],
    glides: NDArray[np.float64],
    speech_probability: float,
    depth_db: float,
    opening: float,
    closing: float,
    listener: NDArray[np.float64],
) -> float:
    """Gate `block` (channels, frames) in place and return the attenuation at its end, in dB (>= 0).

    Parameters
    ----------
    voice : NDArray[np.float64]
        Of `new_usual_voice`.
    glides : NDArray[np.float64]
        One gliding value: the attenuation in dB.
    speech_probability : float
        As another stage has it, 0 … 1.
    depth_db : float
        Attenuation of pauses.
    opening, closing : float
        Of `glide_coefficient`.
    listener : NDArray[np.float64]
        Of `new_listener`.
    """
    channels, frames = block.shape
    if math.isnan(glides[0, 0]):
        glides[0, 0] = 0.0
        glides[0, 1] = 0.0
    gain = kernel_db_to_gain(-glides[0, 1])
    start = 0
    while start < frames:
        stop = min(frames, start + frames_to_look(listener))
        target_db = 0.0 if is_voice_there(listener) else depth_db
        has_step_ended = hear(block, start, stop, speech_probability, usual_voice_lufs(voice), listener)
        for frame in range(start, stop):
            if glides[0, 0] != target_db or glides[0, 1] != target_db:
                attenuation_db = glide(glides, 0, target_db, opening if target_db < glides[0, 1] else closing)
                gain = kernel_db_to_gain(-attenuation_db)
            if gain != 1.0:
                for channel in range(channels):
                    block[channel, frame] = np.float32(block[channel, frame] * gain)
        if has_step_ended:
            learn_voice(voice, listener)
        start = stop
    return float(glides[0, 1])
