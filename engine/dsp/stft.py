"""Short-time Fourier transform for streams: hops of samples to spectra and back, half overlapped.

Both directions keep their own state and all buffers, so a hop allocates nothing. The window is its own inverse:
analysed and synthesised without change, a signal comes back exactly, one hop late.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.dsp.fft import FFT_TYPE, FftTables, inverse_real_fft, plan_fft, real_fft
from engine.dsp.kernel import compile_kernels, inline, kernel

LARGEST_SAMPLE = 100.0
"""40 dB above full scale. Beyond it is no sound, and squares of it would upset the running means of a model for
minutes."""


def vorbis_window(size: int) -> NDArray[np.float32]:
    """Power-complementary window of `size` samples: sin(π/2 sin²(π (n + ½) / size)).

    Source: Vorbis I specification, section 1.3.2 and 4.3.1.
    """
    phase = np.pi * (np.arange(size) + 0.5) / size
    return np.sin(np.pi / 2 * np.sin(phase) ** 2).astype(np.float32)


def sine_window(size: int) -> NDArray[np.float32]:
    """Power-complementary window of `size` samples: the square root of a periodic Hann window."""
    return np.sin(np.pi * np.arange(size) / size).astype(np.float32)


class Analysis:
    """Turns each hop and the one before it into one spectrum.

    Parameters
    ----------
    hop : int
        Samples per hop; the window is twice as long.
    window : NDArray[np.float32], optional
        Shape (2 * hop,), power-complementary; the Vorbis window without it.
    fft_size : int, optional
        If it is longer than the window, the frame is filled up with zeros.
    """

    def __init__(self, hop: int, window: NDArray[np.float32] | None = None, fft_size: int = 0) -> None:
        compile_kernels(_analyse_hop)
        self._window = vorbis_window(2 * hop) if window is None else window
        self._previous = np.zeros(hop, np.float32)
        self._frame = np.zeros(max(2 * hop, fft_size), np.float32)
        self._plan = plan_fft(self._frame.size)

    def process(self, hop: NDArray[np.float32], spectrum: NDArray[np.complex64]) -> None:
        """Write the spectrum of the last two hops. Audio thread.

        Parameters
        ----------
        hop : NDArray[np.float32]
            Shape (hop,). What is no number counts as silence, what is no sound is limited to `LARGEST_SAMPLE`.
        spectrum : NDArray[np.complex64]
            Shape (fft_size // 2 + 1,), divided by `fft_size`, without one the window's length.
        """
        _analyse_hop(hop, self._previous, self._window, self._frame, self._plan, spectrum)

    def reset(self) -> None:
        """Forget the last hop. Audio thread."""
        self._previous.fill(0.0)

    def copy_from(self, other: Analysis) -> None:
        """Take over the history of `other`. Audio thread."""
        self._previous[:] = other._previous


class Synthesis:
    """Turns each spectrum into one hop by overlap-add; the inverse of `Analysis` of the same parameters, one hop late."""

    def __init__(self, hop: int, window: NDArray[np.float32] | None = None, fft_size: int = 0) -> None:
        compile_kernels(_overlap_add)
        self._window = vorbis_window(2 * hop) if window is None else window
        self._tail = np.zeros(hop, np.float32)
        self._frame = np.zeros(max(2 * hop, fft_size), np.float32)
        self._plan = plan_fft(self._frame.size)

    def process(self, spectrum: NDArray[np.complex64], hop: NDArray[np.float32]) -> None:
        """Write the samples that are now complete. Audio thread.

        Parameters
        ----------
        spectrum : NDArray[np.complex64]
            Shape (fft_size // 2 + 1,), scaled as `Analysis` does; its first and last bin count as real.
        hop : NDArray[np.float32]
            Shape (hop,), overwritten.
        """
        _overlap_add(spectrum, self._plan, self._frame, self._window, self._tail, hop)

    def reset(self) -> None:
        """Forget the last frame. Audio thread."""
        self._tail.fill(0.0)

    def copy_from(self, other: Synthesis) -> None:
        """Take over the history of `other`. Audio thread."""
        self._tail[:] = other._tail


@inline
def append_hop(hop: NDArray[np.float32], line: NDArray[np.float32]) -> None:
    """Move a line of samples on by a hop and put `hop` at its end, understood as `Analysis.process` says. In kernels."""
    kept = line.size - hop.size
    for i in range(kept):
        line[i] = line[i + hop.size]
    for i in range(hop.size):
        line[kept + i] = _limited(hop[i])


@inline
def _limited(sample: np.float32) -> np.float32:
    if abs(sample) <= LARGEST_SAMPLE:
        return sample
    return np.float32(LARGEST_SAMPLE) if sample > 0.0 else np.float32(-LARGEST_SAMPLE if sample < 0.0 else 0.0)


@kernel(f"void(float32[::1], float32[::1], float32[::1], float32[::1], {FFT_TYPE}, complex64[::1])")
def _analyse_hop(
    hop: NDArray[np.float32],
    previous: NDArray[np.float32],
    window: NDArray[np.float32],
    frame: NDArray[np.float32],
    plan: FftTables,
    spectrum: NDArray[np.complex64],
) -> None:
    size = previous.size
    for i in range(size):
        frame[i] = previous[i] * window[i]
        sample = _limited(hop[i])
        previous[i] = sample
        frame[size + i] = sample * window[size + i]
    real_fft(plan, frame, 1.0 / frame.size, spectrum)


@kernel(f"void(complex64[::1], {FFT_TYPE}, float32[::1], float32[::1], float32[::1], float32[::1])")
def _overlap_add(
    spectrum: NDArray[np.complex64],
    plan: FftTables,
    frame: NDArray[np.float32],
    window: NDArray[np.float32],
    tail: NDArray[np.float32],
    hop: NDArray[np.float32],
) -> None:
    inverse_real_fft(plan, spectrum, 1.0, frame)
    size = tail.size
    for i in range(size):
        hop[i] = frame[i] * window[i] + tail[i]
        tail[i] = frame[size + i] * window[size + i]
