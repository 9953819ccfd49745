"""When each word of a recording ends, and how much later it was seen.

The transcript is known, so a recogniser of another kind need only find its words in the sound: PocketSphinx's forced
alignment, in steps of 10 ms. What it cannot place (a word it has no pronunciation for) is left out, with its recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder

_RATE_HZ = 16_000
_FRAMES_PER_S = 100

Timed = tuple[str, float]
"""A word and a time in seconds."""


def word_ends(sound: NDArray[np.float32], transcript: str) -> list[Timed]:
    """The words of a recording of clean speech at 16 kHz and when each ends; empty if they cannot be placed."""
    decoder = Decoder(samprate=_RATE_HZ, loglevel="FATAL")
    try:
        decoder.set_align_text(transcript.lower())
        decoder.start_utt()
        decoder.process_raw((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        segments = list(decoder.seg() or ())
    except RuntimeError:
        return []
    spoken = [segment for segment in segments if segment.word[0] not in "<[("]
    return [(segment.word.partition("(")[0], (segment.end_frame + 1) / _FRAMES_PER_S) for segment in spoken]


def delays_s(seen: Sequence[Timed], ends: Sequence[Timed]) -> list[float]:
    """By how much later than its end each word was seen that both have, in their order."""
    matcher = SequenceMatcher(None, [word for word, _ in seen], [word for word, _ in ends], autojunk=False)
    return [
        seen[block.a + index][1] - ends[block.b + index][1]
        for block in matcher.get_matching_blocks()
        for index in range(block.size)
    ]
