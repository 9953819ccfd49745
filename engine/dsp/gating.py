"""The gate's loop: pauses are turned down softly, words are let through from their first millisecond.

It opens within the sample in which the voice rises above the room, and fades in over a fraction of a millisecond to a few;
nothing is delayed, so nothing has to be looked back at. Audio thread; never waits.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.dsp.decibel import kernel_db_to_gain
from engine.dsp.kernel import kernel
from engine.dsp.listening import ROOM_LUFS, SMOOTH_LUFS, is_voice_there, listen, weighted_energy
from engine.dsp.smoothing import glide

VOICE_LUFS = 0
GATE_STATE_SIZE = 1
_FORGET = 0.003
_FARTHEST_BELOW_LU = 20.0


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
        Shape (GATE_STATE_SIZE,): how loud the voice usually is; NaN while that is not known.
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
    for frame in range(frames):
        energy = weighted_energy(block, frame, weight, coefficients, filters)
        voice_lufs = state[VOICE_LUFS]
        if listen(
            energy,
            listening,
            recent,
            listener_settings,
            speech_probability,
            math.inf if math.isnan(voice_lufs) else voice_lufs,
        ) and is_voice_there(listening):
            smooth = listening[SMOOTH_LUFS]
            if math.isnan(voice_lufs):
                if smooth > listening[ROOM_LUFS] + listener_settings[1]:
                    state[VOICE_LUFS] = smooth
            elif smooth > voice_lufs - _FARTHEST_BELOW_LU:
                # Rises with the voice, and forgets it slowly.
                share = 0.1 if smooth > voice_lufs else _FORGET
                state[VOICE_LUFS] = voice_lufs + share * (smooth - voice_lufs)
            else:
                state[VOICE_LUFS] = voice_lufs - 0.02
        target_db = 0.0 if is_voice_there(listening) else depth_db
        if glides[0, 0] != target_db or glides[0, 1] != target_db:
            attenuation_db = glide(glides, 0, target_db, opening if target_db < glides[0, 1] else closing)
            gain = kernel_db_to_gain(-attenuation_db)
        if gain != 1.0:
            for channel in range(channels):
                block[channel, frame] = np.float32(block[channel, frame] * gain)
    return float(glides[0, 1])
