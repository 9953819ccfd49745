"""Short-time Fourier transform for streams: hops of samples to spectra and back, half overlapped.

Both directions keep their own state and all buffers, so a hop allocates nothing. The window is its own inverse:
analysed and synthesised without change, a signal comes back exactly, one hop late.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.dsp.kernel import compile_kernels, kernel

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
        compile_kernels(_window_hop, _window_frame)
        self._window = vorbis_window(2 * hop) if window is None else window
        self._previous = np.zeros(hop, np.float32)
        self._frame = np.zeros(max(2 * hop, fft_size), np.float32)

    def process(self, hop: NDArray[np.float32], spectrum: NDArray[np.complex64]) -> None:
        """Write the spectrum of the last two hops. Audio thread.

        Parameters
        ----------
        hop : NDArray[np.float32]
            Shape (hop,). What is no number counts as silence, what is no sound is limited to `LARGEST_SAMPLE`.
        spectrum : NDArray[np.complex64]
            Shape (fft_size // 2 + 1,), divided by `fft_size`, without one the window's length.
        """
        _window_hop(hop, self._previous, self._window, self._frame)
        np.fft.rfft(self._frame, norm="forward", out=spectrum)  # type: ignore[arg-type]  # stubs know only double

    @property
    def last_hop(self) -> NDArray[np.float32]:
        """The hop last analysed, as it was understood, shape (hop,). A view; changes with the next one."""
        return self._previous

    def peek(self, frame: NDArray[np.float32], spectrum: NDArray[np.complex64]) -> None:
        """Write the spectrum of any two hops in a row, shape (2 * hop,), and remember nothing. Audio thread."""
        _window_frame(frame, self._window, self._frame)
        np.fft.rfft(self._frame, norm="forward", out=spectrum)  # type: ignore[arg-type]

    def reset(self) -> None:
        """Forget the last hop. Audio thread."""
        self._previous.fill(0.0)

    def copy_from(self, other: Analysis) -> None:
        """Take over the history of `other`. Audio thread."""
        self._previous[:] = other._previous


class Synthesis:
    """Turns each spectrum into one hop by overlap-add; the inverse of `Analysis` of the same parameters, one hop late."""

    def __init__(self, hop: int, window: NDArray[np.float32] | None = None, fft_size: int = 0) -> None:
        compile_kernels(_overlap_add, _revise_tail)
        self._window = vorbis_window(2 * hop) if window is None else window
        self._tail = np.zeros(hop, np.float32)
        self._frame = np.zeros(max(2 * hop, fft_size), np.float32)

    def process(self, spectrum: NDArray[np.complex64], hop: NDArray[np.float32]) -> None:
        """Write the samples that are now complete. Audio thread.

        Parameters
        ----------
        spectrum : NDArray[np.complex64]
            Shape (fft_size // 2 + 1,), scaled as `Analysis` does.
        hop : NDArray[np.float32]
            Shape (hop,), overwritten.
        """
        np.fft.irfft(spectrum, self._frame.size, norm="forward", out=self._frame)  # type: ignore[arg-type]
        _overlap_add(self._frame, self._window, self._tail, hop)

    def revise(self, spectrum: NDArray[np.complex64], lead_over_samples: int) -> None:
        """Put a better spectrum in the place of the last one, of which half has been heard already. Audio thread.

        Parameters
        ----------
        lead_over_samples : int
            Over so many samples the old one goes over into the new one: they would not meet where the hops meet.
        """
        np.fft.irfft(spectrum, self._frame.size, norm="forward", out=self._frame)  # type: ignore[arg-type]
        _revise_tail(self._frame, self._window, lead_over_samples, self._tail)

    def reset(self) -> None:
        """Forget the last frame. Audio thread."""
        self._tail.fill(0.0)

    def copy_from(self, other: Synthesis) -> None:
        """Take over the history of `other`. Audio thread."""
        self._tail[:] = other._tail


@kernel("void(float32[::1], float32[::1], float32[::1], float32[::1])")
def _window_hop(
    hop: NDArray[np.float32],
    previous: NDArray[np.float32],
    window: NDArray[np.float32],
    frame: NDArray[np.float32],
) -> None:
    size = previous.size
    for i in range(size):
        frame[i] = previous[i] * window[i]
        sample = hop[i]
        if not abs(sample) <= LARGEST_SAMPLE:
            sample = (
                np.float32(LARGEST_SAMPLE) if sample > 0.0 else np.float32(-LARGEST_SAMPLE if sample < 0.0 else 0.0)
            )
        previous[i] = sample
        frame[size + i] = sample * window[size + i]


@kernel("void(float32[::1], float32[::1], float32[::1])")
def _window_frame(samples: NDArray[np.float32], window: NDArray[np.float32], frame: NDArray[np.float32]) -> None:
    for i in range(window.size):
        frame[i] = samples[i] * window[i]


@kernel("void(float32[::1], float32[::1], float32[::1], float32[::1])")
def _overlap_add(
    frame: NDArray[np.float32],
    window: NDArray[np.float32],
    tail: NDArray[np.float32],
    hop: NDArray[np.float32],
) -> None:
    size = tail.size
    for i in range(size):
        hop[i] = frame[i] * window[i] + tail[i]
        tail[i] = frame[size + i] * window[size + i]


@kernel("void(float32[::1], float32[::1], int64, float32[::1])")
def _revise_tail(
    frame: NDArray[np.float32], window: NDArray[np.float32], lead_over_samples: int, tail: NDArray[np.float32]
) -> None:
    size = tail.size
    for i in range(size):
        better = frame[size + i] * window[size + i]
        if i < lead_over_samples:
            share = np.float32(0.5 - 0.5 * np.cos(np.pi * (i + 0.5) / lead_over_samples))
            better = tail[i] + share * (better - tail[i])
        tail[i] = better
