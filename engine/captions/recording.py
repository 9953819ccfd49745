"""Captions of a recording: the live path without a clock. Control thread; waits for the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.captions.pipeline import CaptionPipeline
from engine.captions.segmenter import Segmenter
from engine.captions.wording import Wording
from engine.dsp.sanity import make_sane
from engine.errors import AudioFileError
from engine.inference.recognizer import SPEECH_RATE_HZ, SpeechModel
from engine.inference.vad import SileroVad
from engine.services.captions import CaptionLine

_READ_S = 10


def recording_captions(source: Path, recognizer: SpeechModel, detector: SileroVad) -> tuple[CaptionLine, ...]:
    """The lines of a recording of any rate and number of channels, on its own clock.

    Raises
    ------
    AudioFileError
        If it cannot be read.
    ModelError
        If a model fails.
    """
    if not source.is_file():
        raise AudioFileError(f"{source} does not exist or is no file; check the path")
    pipeline = CaptionPipeline(Segmenter(detector.stream()), recognizer.stream(), Wording(), has_partials=False)
    lines: list[CaptionLine] = []
    try:
        with soundfile.SoundFile(source) as reader:
            resampler = soxr.ResampleStream(reader.samplerate, SPEECH_RATE_HZ, 1, dtype="float32", quality="MQ")
            for block in reader.blocks(_READ_S * reader.samplerate, dtype="float32", always_2d=True):
                make_sane(block)
                lines += pipeline.accept(resampler.resample_chunk(block.mean(axis=1, dtype=np.float32)))
            lines += pipeline.accept(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    except (soundfile.LibsndfileError, TypeError, ValueError):
        raise AudioFileError(f"{source} cannot be read as audio; give a WAV, FLAC, OGG, MP3 or AIFF file") from None
    lines += pipeline.end()
    return tuple(line for line in lines if line.committed)
