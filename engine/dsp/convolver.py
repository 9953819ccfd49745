"""Convolution with a long filter, without a delay of its own: the newest samples directly, all older ones by transforms.

The filter is cut into partitions of 480 taps. The first is a plain sum over the newest samples, so the output is there with
the input; each of the others is a product of spectra, added up in the frequency domain and transformed back once for every
480 frames. Spectra of the past belong to the sound, not to the filter, so a new filter takes over as if it had always been
there; the two are cross-faded. Filters are made on the control thread and handed over by one reference.

Source: W. Gardner, "Efficient convolution without input-output delay", JAES 43 (1995); uniform partitions and frequency-domain
delay line as in F. Wefers, "Partitioned convolution algorithms for real-time auralization", RWTH Aachen 2014, section 5.2.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.core.crossfade import raised_cosine
from engine.core.kernel import compile_kernels
from engine.core.stage import Block
from engine.dsp.fft import FftTables, plan_fft
from engine.dsp.partitioned_convolution import (
    BINS,
    FADED,
    PARTITION_FRAMES,
    FilterTables,
    begin,
    convolve,
)

LONGEST_TAPS = 4 * 48_000
FADE_FRAMES = 960
"""20 ms: how long one filter takes to give way to another."""

_KEPT_FILTERS = 4


class PartitionedFilter:
    """A filter as `Convolver` takes it; never changed once made. Control thread.

    Parameters
    ----------
    taps : array of float
        Impulse response at the rate of the sound, shape (taps,), at most `LONGEST_TAPS`.

    Attributes
    ----------
    tables : FilterTables
        The first partition backwards, shape (at most `PARTITION_FRAMES`,); real and imaginary parts of the spectra of all
        others, shape (partitions, bins) each.

    Raises
    ------
    ValueError
        If there are no taps, too many, or some that are no numbers.
    """

    def __init__(self, taps: Iterable[float] | NDArray[np.floating]) -> None:
        taps = np.asarray(taps, np.float64)
        if taps.ndim != 1 or not 0 < taps.size <= LONGEST_TAPS or not np.isfinite(taps).all():
            raise ValueError(f"a filter has 1 to {LONGEST_TAPS} taps, all of them numbers")
        head, rest = taps[:PARTITION_FRAMES], taps[PARTITION_FRAMES:]
        parts = np.pad(rest, (0, -rest.size % PARTITION_FRAMES)).reshape(-1, PARTITION_FRAMES)
        spectra = np.fft.rfft(parts, 2 * PARTITION_FRAMES, axis=1)
        self.tables: FilterTables = (
            np.ascontiguousarray(head[::-1], np.float32),
            np.ascontiguousarray(spectra.real, np.float32),
            np.ascontiguousarray(spectra.imag, np.float32),
        )


class Convolver:
    """Runs a filter over a stream of blocks of any length.

    Parameters
    ----------
    channels : int
        All are filtered alike.
    """

    def __init__(self, channels: int) -> None:
        compile_kernels(convolve, begin)
        partitions = -(-LONGEST_TAPS // PARTITION_FRAMES)
        self._through = PartitionedFilter([1.0])
        self._wanted = self._heard = self._coming = self._through
        self._is_used = False
        # What was handed over lives on here for a while, so that none is freed on the audio thread.
        self._kept: deque[PartitionedFilter] = deque(maxlen=_KEPT_FILTERS)
        self._at = np.zeros(3, np.int64)
        self._line = np.zeros((channels, 2 * PARTITION_FRAMES), np.float32)
        self._past_real = np.zeros((channels, partitions, BINS), np.float32)
        self._past_imaginary = np.zeros((channels, partitions, BINS), np.float32)
        self._tails = np.zeros((2, channels, PARTITION_FRAMES), np.float32)
        self._fade = raised_cosine(FADE_FRAMES)[1:].astype(np.float32)
        self._plan = plan_fft(2 * PARTITION_FRAMES)
        self._samples = np.zeros(2 * PARTITION_FRAMES, np.float32)
        self._spectrum = np.zeros(BINS, np.complex64)
        self._sums = np.zeros((4, BINS), np.float32)
        self._heads = np.zeros((2, PARTITION_FRAMES), np.float32)
        self.reset()

    def hand_over(self, new: PartitionedFilter | None) -> None:
        """Let another filter take over with the next block; None lets the sound through as it is. Control thread."""
        self._is_used |= new is not None
        self._wanted = new or self._through
        self._kept.append(self._wanted)

    @property
    def is_settled(self) -> bool:
        """Whether the filter handed over last is the only one heard. Any thread."""
        return self._heard is self._wanted

    def process(self, block: Block) -> None:
        """Filter `block`, shape (channels, frames), in place. Audio thread."""
        if not self._is_used:
            # Most streams never have a filter; those need no past to be kept for one.
            return
        if self._coming is self._heard and self._wanted is not self._heard:
            self._coming = self._wanted
            self._at[FADED] = 0
            begin(self._at, self._past_real, self._past_imaginary, self._tails, self._coming.tables, *self._workspace())
        convolve(
            block,
            self._at,
            self._line,
            self._past_real,
            self._past_imaginary,
            self._tails,
            self._heard.tables,
            self._coming.tables,
            self._fade,
            self._heads,
            *self._workspace(),
        )
        if self._at[FADED] == FADE_FRAMES:
            self._heard = self._coming

    def reset(self) -> None:
        """Forget the past, and stand at the filter that is wanted. Audio thread, or before the stream."""
        self._heard = self._coming = self._wanted
        self._at[:] = (0, 0, FADE_FRAMES)
        for memory in (self._line, self._past_real, self._past_imaginary, self._tails):
            memory.fill(0.0)

    def _workspace(self) -> tuple[FftTables, NDArray[np.float32], NDArray[np.complex64], NDArray[np.float32]]:
        return self._plan, self._samples, self._spectrum, self._sums
