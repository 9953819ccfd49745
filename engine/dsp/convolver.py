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

from engine.core.stage import Block
from engine.dsp.direct_convolution import convolve_directly
from engine.dsp.fft import FFT_TYPE, FftTables, inverse_real_fft, plan_fft, real_fft
from engine.dsp.kernel import compile_kernels, inline, kernel

PARTITION_FRAMES = 480
LONGEST_TAPS = 4 * 48_000
FADE_FRAMES = 960
"""20 ms: how long one filter takes to give way to another."""

_BINS = PARTITION_FRAMES + 1
_KEPT_FILTERS = 4
_FEW = 20
_FILLED, _NEWEST, _FADED = range(3)

FilterTables = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
_FILTER_TYPE = "Tuple((float32[::1], float32[:, ::1], float32[:, ::1]))"
_PAST_TYPE = "float32[:, :, ::1], float32[:, :, ::1]"


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
        self.taps_count = taps.size
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
        compile_kernels(_convolve, _begin)
        partitions = -(-LONGEST_TAPS // PARTITION_FRAMES)
        self._through = PartitionedFilter([1.0])
        self._wanted = self._heard = self._coming = self._through
        self._is_used = False
        # What was handed over lives on here for a while, so that none is freed on the audio thread.
        self._kept: deque[PartitionedFilter] = deque(maxlen=_KEPT_FILTERS)
        self._at = np.zeros(3, np.int64)
        self._line = np.zeros((channels, 2 * PARTITION_FRAMES), np.float32)
        self._past_real = np.zeros((channels, partitions, _BINS), np.float32)
        self._past_imaginary = np.zeros((channels, partitions, _BINS), np.float32)
        self._tails = np.zeros((2, channels, PARTITION_FRAMES), np.float32)
        self._fade = (0.5 - 0.5 * np.cos(np.pi * np.arange(1, FADE_FRAMES + 1) / FADE_FRAMES)).astype(np.float32)
        self._plan = plan_fft(2 * PARTITION_FRAMES)
        self._samples = np.zeros(2 * PARTITION_FRAMES, np.float32)
        self._spectrum = np.zeros(_BINS, np.complex64)
        self._sums = np.zeros((4, _BINS), np.float32)
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
            self._at[_FADED] = 0
            _begin(
                self._at, self._past_real, self._past_imaginary, self._tails, self._coming.tables, *self._workspace()
            )
        _convolve(
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
        if self._at[_FADED] == FADE_FRAMES:
            self._heard = self._coming

    def reset(self) -> None:
        """Forget the past, and stand at the filter that is wanted. Audio thread, or before the stream."""
        self._heard = self._coming = self._wanted
        self._at[:] = (0, 0, FADE_FRAMES)
        for memory in (self._line, self._past_real, self._past_imaginary, self._tails):
            memory.fill(0.0)

    def _workspace(self) -> tuple[FftTables, NDArray[np.float32], NDArray[np.complex64], NDArray[np.float32]]:
        return self._plan, self._samples, self._spectrum, self._sums


_WORKSPACE_TYPE = f"{FFT_TYPE}, float32[::1], complex64[::1], float32[:, ::1]"


@kernel(
    f"void(float32[:, :], int64[::1], float32[:, ::1], {_PAST_TYPE}, float32[:, :, ::1], {_FILTER_TYPE}, {_FILTER_TYPE}, "
    f"float32[::1], float32[:, ::1], {_WORKSPACE_TYPE})",
    may_reorder=True,
)
def _convolve(
    block: NDArray[np.float32],
    at: NDArray[np.int64],
    line: NDArray[np.float32],
    past_real: NDArray[np.float32],
    past_imaginary: NDArray[np.float32],
    tails: NDArray[np.float32],
    heard: FilterTables,
    coming: FilterTables,
    fade: NDArray[np.float32],
    heads: NDArray[np.float32],
    plan: FftTables,
    samples: NDArray[np.float32],
    spectrum: NDArray[np.complex64],
    sums: NDArray[np.float32],
) -> None:
    channels, frames = block.shape
    done = 0
    while done < frames:
        filled = at[_FILLED]
        faded = at[_FADED]
        is_fading = faded < fade.size
        count = min(frames - done, PARTITION_FRAMES - filled)
        for channel in range(channels):
            newest = line[channel]
            for frame in range(count):
                newest[PARTITION_FRAMES + filled + frame] = block[channel, done + frame]
            out = _output(newest, heard[0], tails[0, channel], filled, count, heads[0])
            if is_fading:
                other = _output(newest, coming[0], tails[1, channel], filled, count, heads[1])
                for frame in range(count):
                    out[frame] += fade[min(faded + frame, fade.size - 1)] * (other[frame] - out[frame])
            for frame in range(count):
                block[channel, done + frame] = out[frame]
        done += count
        at[_FILLED] = filled + count
        at[_FADED] = min(faded + count, fade.size)
        is_over = is_fading and at[_FADED] == fade.size
        if is_over:
            tails[0] = tails[1]
            heard = coming
        if at[_FILLED] == PARTITION_FRAMES:
            at[_FILLED] = 0
            at[_NEWEST] = (at[_NEWEST] + 1) % past_real.shape[1]
            for channel in range(channels):
                real_fft(plan, line[channel], 1.0, spectrum)
                for k in range(_BINS):
                    past_real[channel, at[_NEWEST], k] = spectrum[k].real
                    past_imaginary[channel, at[_NEWEST], k] = spectrum[k].imag
                line[channel, :PARTITION_FRAMES] = line[channel, PARTITION_FRAMES:]
                _tail(at[_NEWEST], past_real[channel], past_imaginary[channel], heard, plan, samples, spectrum, sums)
                tails[0, channel] = samples[PARTITION_FRAMES:]
                if at[_FADED] < fade.size:
                    _tail(
                        at[_NEWEST], past_real[channel], past_imaginary[channel], coming, plan, samples, spectrum, sums
                    )
                    tails[1, channel] = samples[PARTITION_FRAMES:]


@kernel(
    f"void(int64[::1], {_PAST_TYPE}, float32[:, :, ::1], {_FILTER_TYPE}, {_WORKSPACE_TYPE})",
    may_reorder=True,
)
def _begin(
    at: NDArray[np.int64],
    past_real: NDArray[np.float32],
    past_imaginary: NDArray[np.float32],
    tails: NDArray[np.float32],
    coming: FilterTables,
    plan: FftTables,
    samples: NDArray[np.float32],
    spectrum: NDArray[np.complex64],
    sums: NDArray[np.float32],
) -> None:
    for channel in range(past_real.shape[0]):
        _tail(at[_NEWEST], past_real[channel], past_imaginary[channel], coming, plan, samples, spectrum, sums)
        tails[1, channel] = samples[PARTITION_FRAMES:]


@inline
def _output(
    newest: NDArray[np.float32],
    backwards: NDArray[np.float32],
    tail: NDArray[np.float32],
    filled: int,
    count: int,
    out: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Sum of the first partition's share, taken directly, and that of all others, for `count` frames."""
    convolve_directly(newest, PARTITION_FRAMES + filled + 1 - backwards.size, backwards, count, out)
    for n in range(count):
        out[n] += tail[filled + n]
    return out


@inline
def _tail(
    newest: int,
    past_real: NDArray[np.float32],
    past_imaginary: NDArray[np.float32],
    tables: FilterTables,
    plan: FftTables,
    samples: NDArray[np.float32],
    spectrum: NDArray[np.complex64],
    sums: NDArray[np.float32],
) -> None:
    """Share of all other partitions in the next 480 frames: the second half of `samples`."""
    _, filter_real, filter_imaginary = tables
    partitions = filter_real.shape[0]
    if partitions == 0:
        samples[:] = 0.0
        return
    sums[:] = 0.0
    total_real, total_imaginary, few_real, few_imaginary = sums[0], sums[1], sums[2], sums[3]
    for partition in range(partitions):
        row = newest - partition
        if row < 0:
            row += past_real.shape[0]
        a, b = past_real[row], past_imaginary[row]
        c, d = filter_real[partition], filter_imaginary[partition]
        for k in range(_BINS):
            few_real[k] += a[k] * c[k] - b[k] * d[k]
            few_imaginary[k] += a[k] * d[k] + b[k] * c[k]
        # Sums of sums: one long sum in single precision would lose what -120 dB needs.
        if partition % _FEW == _FEW - 1 or partition == partitions - 1:
            for k in range(_BINS):
                total_real[k] += few_real[k]
                total_imaginary[k] += few_imaginary[k]
            sums[2:] = 0.0
    for k in range(_BINS):
        spectrum[k] = complex(total_real[k], total_imaginary[k])
    inverse_real_fft(plan, spectrum, 1.0 / (2 * PARTITION_FRAMES), samples)
