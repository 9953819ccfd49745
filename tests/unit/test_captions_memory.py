"""Captions run for hours: what they needed for a moment goes back, and nothing is piled up."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys

import numpy as np
import pytest

from engine.captions.pipeline import CaptionPipeline
from engine.captions.segmenter import Segmenter
from engine.captions.wording import Wording
from engine.inference.tokens import Tokenizer, Word
from tests.helpers.scripted_speech import LoudnessDetector, silence, voice

SENTENCES = 240
WARM_UP = 60

LARGE_BLOCKS = """
import ctypes, sys
from app.services.memory import give_back_large_memory
class Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]
library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]
library.mallinfo2.restype = Mallinfo
if sys.argv[1] == "asked":
    give_back_large_memory()
library.free(library.malloc(16 << 20))
before = library.mallinfo2().hblkhd
library.malloc(8 << 20)
print(library.mallinfo2().hblkhd - before)
"""


class TokensOfAllLengths:
    """A stream that reads more and more words, by the shipped way from tokens to words."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer([f"\u2581w{number}".encode() for number in range(30)])
        self._asked = 0

    def accept(self, sound: np.ndarray) -> None:
        pass

    def hypothesis(self) -> tuple[Word, ...]:
        self._asked += 1
        count = 1 + self._asked % 17
        return self._tokenizer.words(range(count), [0.99] * count)

    def reset(self) -> None:
        pass


def blocks_grown_by(sentences: int, pipeline: CaptionPipeline) -> int:
    """How many pieces of memory Python holds more after so many sentences, garbage not collected."""
    before = sys.getallocatedblocks()
    for _ in range(sentences):
        for sound in (voice(1.5), silence(0.8)):
            for at in range(0, sound.size, 2048):
                for _line in pipeline.accept(sound[at : at + 2048]):
                    pass
    return sys.getallocatedblocks() - before


def test_hypotheses_leave_nothing_behind() -> None:
    pipeline = CaptionPipeline(Segmenter(LoudnessDetector()), TokensOfAllLengths(), Wording(), now_s=lambda: 0.0)
    blocks_grown_by(WARM_UP, pipeline)
    gc.collect()
    gc.disable()
    try:
        blocks_grown_by(WARM_UP, pipeline)
        # A piece for each of two thousand hypotheses was what it came to once.
        assert blocks_grown_by(SENTENCES, pipeline) < SENTENCES / 2
    finally:
        gc.enable()


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="about the GNU C library since 2.33",
)
def test_a_large_piece_goes_back_even_after_a_larger_one_was_freed() -> None:
    def mapped_alone_bytes(how: str) -> int:
        run = subprocess.run([sys.executable, "-c", LARGE_BLOCKS, how], capture_output=True, text=True, check=True)
        return int(run.stdout)

    assert mapped_alone_bytes("asked") >= 8 << 20
    assert mapped_alone_bytes("not asked") == 0
