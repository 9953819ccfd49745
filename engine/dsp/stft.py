"""Short-time Fourier transform for streams: hops of samples to spectra and back, half overlapped.

Both directions keep their own state and all buffers, so a hop allocates nothing. The window is its own inverse:
analysed and synthesised without change, a signal comes back exactly, one hop late.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
        compile_kernels(_window_hop)
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

    def reset(self) -> None:
        """Forget the last frame. Audio thread."""
        self._tail.fill(0.0)

    def copy_from(self, other: Synthesis) -> None:
        """Take over the history of `other`. Audio thread."""
        self._tail[:] = other._tail


class LineAnalysis:
    """Spectra of the last frames of a line of samples, half overlapped, all in one transform.

    Parameters
    ----------
    hop : int
        Samples per hop; the window is twice as long.
    frames : int
    """

    def __init__(self, hop: int, frames: int) -> None:
        compile_kernels(_window_line)
        self._window = vorbis_window(2 * hop)
        self._frames = np.zeros((frames, 2 * hop), np.float32)

    def process(self, line: NDArray[np.float32], spectra: NDArray[np.complex64]) -> None:
        """Write the spectra, the oldest frame's first. Audio thread.

        Parameters
        ----------
        line : NDArray[np.float32]
            At least (frames + 1) * hop samples; the newest are used.
        spectra : NDArray[np.complex64]
            Shape (frames, hop + 1), scaled as `Analysis` does.
        """
        _window_line(line, self._window, self._frames)
        np.fft.rfft(self._frames, norm="forward", out=spectra)  # type: ignore[arg-type]


class RevisedSynthesis:
    """Overlap-add in which each frame is put in twice: as well as it is known when it begins, and better a hop later.

    Parameters
    ----------
    hop : int
    lead_over_samples : int
        Over so many samples the first version goes over into the better one: they would not meet where hops meet.
    """

    def __init__(self, hop: int, lead_over_samples: int) -> None:
        compile_kernels(_revised_overlap_add)
        self._window = vorbis_window(2 * hop)
        self._tail = np.zeros(hop, np.float32)
        self._frames = np.zeros((2, 2 * hop), np.float32)
        phase = (np.arange(lead_over_samples) + 0.5) / lead_over_samples
        self._lead_over = (0.5 - 0.5 * np.cos(np.pi * phase)).astype(np.float32)

    def process(self, spectra: NDArray[np.complex64], hop: NDArray[np.float32]) -> None:
        """Write the samples that are now complete. Audio thread.

        Parameters
        ----------
        spectra : NDArray[np.complex64]
            Shape (2, hop + 1): the last frame once more, and the new one.
        hop : NDArray[np.float32]
            Shape (hop,), overwritten.
        """
        np.fft.irfft(spectra, self._frames.shape[1], norm="forward", out=self._frames)  # type: ignore[arg-type]
        _revised_overlap_add(self._frames, self._window, self._lead_over, self._tail, hop)

    def reset(self) -> None:
        """Forget the last frame. Audio thread."""
        self._tail.fill(0.0)

    def copy_from(self, other: RevisedSynthesis) -> None:
        """Take over the history of `other`. Audio thread."""
        self._tail[:] = other._tail


@kernel("void(float32[::1], float32[::1])")
def append_hop(hop: NDArray[np.float32], line: NDArray[np.float32]) -> None:
    """Move a line of samples on by a hop and put `hop` at its end, understood as `Analysis.process` says."""
    kept = line.size - hop.size
    for i in range(kept):
        line[i] = line[i + hop.size]
    for i in range(hop.size):
        line[kept + i] = _limited(hop[i])


@kernel("void(float32[::1], float32[::1], float32[:, ::1])")
def _window_line(line: NDArray[np.float32], window: NDArray[np.float32], frames: NDArray[np.float32]) -> None:
    hop = window.size // 2
    start = line.size - (frames.shape[0] + 1) * hop
    for frame in range(frames.shape[0]):
        for i in range(window.size):
            frames[frame, i] = line[start + frame * hop + i] * window[i]


@kernel("void(float32[:, ::1], float32[::1], float32[::1], float32[::1], float32[::1])")
def _revised_overlap_add(
    frames: NDArray[np.float32],
    window: NDArray[np.float32],
    lead_over: NDArray[np.float32],
    tail: NDArray[np.float32],
    hop: NDArray[np.float32],
) -> None:
    size = tail.size
    for i in range(size):
        better = frames[0, size + i] * window[size + i]
        if i < lead_over.size:
            better = tail[i] + lead_over[i] * (better - tail[i])
        hop[i] = frames[1, i] * window[i] + better
        tail[i] = frames[1, size + i] * window[size + i]


@inline
def _limited(sample: np.float32) -> np.float32:
    if abs(sample) <= LARGEST_SAMPLE:
        return sample
    return np.float32(LARGEST_SAMPLE) if sample > 0.0 else np.float32(-LARGEST_SAMPLE if sample < 0.0 else 0.0)


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
        sample = _limited(hop[i])
        previous[i] = sample
        frame[size + i] = sample * window[size + i]


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
