"""The sums of `Convolver`: kernels over what it keeps of the past, of the filter that is heard and of the one that comes.

Audio thread.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import inline, kernel
from engine.dsp.direct_convolution import convolve_directly
from engine.dsp.fft import FFT_TYPE, FftTables, inverse_real_fft, real_fft

PARTITION_FRAMES = 480
BINS = PARTITION_FRAMES + 1
FILLED, NEWEST, FADED = range(3)
"""Places in `at`: frames of the partition that is being filled, row of the newest spectrum, frames faded so far."""

_FEW = 20

FilterTables = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
_FILTER_TYPE = "Tuple((float32[::1], float32[:, ::1], float32[:, ::1]))"
_PAST_TYPE = "float32[:, :, ::1], float32[:, :, ::1]"
_WORKSPACE_TYPE = f"{FFT_TYPE}, float32[::1], complex64[::1], float32[:, ::1]"


@kernel(
    f"void(float32[:, :], int64[::1], float32[:, ::1], {_PAST_TYPE}, float32[:, :, ::1], {_FILTER_TYPE}, {_FILTER_TYPE}, "
    f"float32[::1], float32[:, ::1], {_WORKSPACE_TYPE})",
    may_reorder=True,
)
def convolve(
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
    """Filter `block`, shape (channels, frames), in place; `at`, what is kept of the past and the tails go on with it."""
    channels, frames = block.shape
    done = 0
    while done < frames:
        filled = at[FILLED]
        faded = at[FADED]
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
        at[FILLED] = filled + count
        at[FADED] = min(faded + count, fade.size)
        is_over = is_fading and at[FADED] == fade.size
        if is_over:
            tails[0] = tails[1]
            heard = coming
        if at[FILLED] == PARTITION_FRAMES:
            at[FILLED] = 0
            at[NEWEST] = (at[NEWEST] + 1) % past_real.shape[1]
            for channel in range(channels):
                real_fft(plan, line[channel], 1.0, spectrum)
                for k in range(BINS):
                    past_real[channel, at[NEWEST], k] = spectrum[k].real
                    past_imaginary[channel, at[NEWEST], k] = spectrum[k].imag
                line[channel, :PARTITION_FRAMES] = line[channel, PARTITION_FRAMES:]
                _tail(at[NEWEST], past_real[channel], past_imaginary[channel], heard, plan, samples, spectrum, sums)
                tails[0, channel] = samples[PARTITION_FRAMES:]
                if at[FADED] < fade.size:
                    _tail(
                        at[NEWEST], past_real[channel], past_imaginary[channel], coming, plan, samples, spectrum, sums
                    )
                    tails[1, channel] = samples[PARTITION_FRAMES:]


@kernel(
    f"void(int64[::1], {_PAST_TYPE}, float32[:, :, ::1], {_FILTER_TYPE}, {_WORKSPACE_TYPE})",
    may_reorder=True,
)
def begin(
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
    """Make the tails of the filter that comes, as if it had always been there."""
    for channel in range(past_real.shape[0]):
        _tail(at[NEWEST], past_real[channel], past_imaginary[channel], coming, plan, samples, spectrum, sums)
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
        for k in range(BINS):
            few_real[k] += a[k] * c[k] - b[k] * d[k]
            few_imaginary[k] += a[k] * d[k] + b[k] * c[k]
        # Sums of sums: one long sum in single precision would lose what -120 dB needs.
        if partition % _FEW == _FEW - 1 or partition == partitions - 1:
            for k in range(BINS):
                total_real[k] += few_real[k]
                total_imaginary[k] += few_imaginary[k]
            sums[2:] = 0.0
    for k in range(BINS):
        spectrum[k] = complex(total_real[k], total_imaginary[k])
    inverse_real_fft(plan, spectrum, 1.0 / (2 * PARTITION_FRAMES), samples)
