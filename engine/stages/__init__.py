"""All effects, in the order in which they are heard. A new effect is one file here and one line in `STAGES`."""

from __future__ import annotations

from typing import Any

from engine.core.stage import Stage
from engine.stages.compressor import Compressor
from engine.stages.de_esser import DeEsser
from engine.stages.denoise import Denoise
from engine.stages.dereverb import Dereverb
from engine.stages.duck import Duck
from engine.stages.equalizer import Equalizer
from engine.stages.gate import Gate
from engine.stages.high_pass import HighPass
from engine.stages.input_gain import InputGain
from engine.stages.leveller import Leveller
from engine.stages.limiter import Limiter
from engine.stages.output_gain import OutputGain
from engine.stages.room_correction import RoomCorrection

STAGES: tuple[type[Stage[Any]], ...] = (
    InputGain,
    HighPass,
    Denoise,
    # Behind the denoiser: steady noise would look like a room that never falls silent.
    Dereverb,
    # After the denoiser, which knows rooms from its training and should hear the microphone as it is.
    RoomCorrection,
    Gate,
    DeEsser,
    Equalizer,
    Compressor,
    # Last of what moves the level on purpose: so it is the target that is heard, whatever stands before.
    Leveller,
    OutputGain,
    # Behind all that the voice alone shall steer, before what holds the ceiling for both.
    Duck,
    Limiter,
)
