"""The duck's loop: a second input is added to the voice, and turned down while it is there. Audio thread; never waits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import kernel
from engine.dsp.decibel import kernel_db_to_gain
from engine.dsp.listening import frames_to_look, hear, is_voice_there, learn_voice, usual_voice_lufs
from engine.dsp.smoothing import glide, glide_is_over

ATTENUATION, LEVEL = range(2)


@kernel(
    "float64(float32[:, :], float32[:, :], float64[::1], float64[:, ::1], float64, float64[::1], float64[::1], float64[::1])"
)
def duck(
    block: NDArray[np.float32],
    music: NDArray[np.float32],
    voice: NDArray[np.float64],
    glides: NDArray[np.float64],
    speech_probability: float,
    settings: NDArray[np.float64],
    glide_coefficients: NDArray[np.float64],
    listener: NDArray[np.float64],
) -> float:
    """Add `music` to the voice in `block` (channels, frames) in place; return how far it is turned down at the end, in dB.

    Parameters
    ----------
    music : NDArray[np.float32]
        As many frames; of two channels a mono block takes the mean, one channel goes to both of a stereo block.
    voice : NDArray[np.float64]
        Of `new_usual_voice`.
    glides : NDArray[np.float64]
        Two gliding values: attenuation under speech and level, both in dB.
    speech_probability : float
        As another stage has it, 0 … 1.
    settings : NDArray[np.float64]
        Attenuation under speech and level, in dB.
    glide_coefficients : NDArray[np.float64]
        Of `glide_coefficient`: on the way down, on the way up, for changes of the level.
    listener : NDArray[np.float64]
        Of `new_listener`.
    """
    channels, frames = block.shape
    if math.isnan(glides[ATTENUATION, 0]):
        glides[ATTENUATION] = 0.0
    level_db = settings[LEVEL]
    is_level_reached = glide_is_over(glides, LEVEL, level_db)
    gain = kernel_db_to_gain(glides[LEVEL, 1] - glides[ATTENUATION, 1])
    start = 0
    while start < frames:
        stop = min(frames, start + frames_to_look(listener))
        target_db = settings[ATTENUATION] if is_voice_there(listener) else 0.0
        has_step_ended = hear(block, start, stop, speech_probability, usual_voice_lufs(voice), listener)
        for frame in range(start, stop):
            is_still = glides[ATTENUATION, 0] == target_db and glides[ATTENUATION, 1] == target_db
            if not is_still:
                way = glide_coefficients[0 if target_db > glides[ATTENUATION, 1] else 1]
                glide(glides, ATTENUATION, target_db, way)
            if not is_level_reached:
                glide(glides, LEVEL, level_db, glide_coefficients[2])
            if not is_still or not is_level_reached:
                gain = kernel_db_to_gain(glides[LEVEL, 1] - glides[ATTENUATION, 1])
                is_level_reached = glides[LEVEL, 0] == level_db and glides[LEVEL, 1] == level_db
            for channel in range(channels):
                added = np.float64(music[min(channel, len(music) - 1), frame])
                if channels < len(music):
                    added = 0.5 * (added + music[1, frame])
                block[channel, frame] = np.float32(block[channel, frame] + gain * added)
        if has_step_ended:
            learn_voice(voice, listener)
        start = stop
    return float(glides[ATTENUATION, 1])
