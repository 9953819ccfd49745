"""What a waveform will most likely do next, from what it did: linear prediction from a weighted past.

A model that wants to hear ahead may be shown a prediction instead of being waited for. Voices and hums are predictable over
some tens of milliseconds; noise is not, and its prediction fades away, which is the best guess for noise.

Source: Makhoul, "Linear Prediction: A Tutorial Review", Proc. IEEE 1975, autocorrelation method and Levinson-Durbin recursion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.dsp.kernel import compile_kernels, kernel

WHITE_NOISE = 1e-5
"""Share of white noise mixed into the autocorrelation: keeps it well conditioned where a voice has no highs."""
SILENCE = 1e-9
FALL_SAMPLES = 64


def rising_window(size: int) -> NDArray[np.float32]:
    """Weights of a past of `size` samples: more the newer they are, but for a short fall at the very end.

    A quarter of a sine wave upwards; the last `FALL_SAMPLES` fall to zero as the square root of a cosine, or the jump from
    the newest sample to nothing would look like noise.
    """
    window = np.sin(np.pi * (np.arange(size) + 0.5) / (2 * size))
    window[-FALL_SAMPLES:] *= np.sqrt(np.cos(np.linspace(0.0, np.pi / 2, FALL_SAMPLES)))
    return window.astype(np.float32)


class LinearPredictor:
    """Goes on with a waveform. Holds no past, only buffers.

    Parameters
    ----------
    order : int
        Past samples that each predicted one is a weighted sum of.
    history_samples : int
        Past samples from which the weights are found.
    """

    def __init__(self, order: int, history_samples: int) -> None:
        compile_kernels(_autocorrelate, _solve, _extrapolate)
        self._window = rising_window(history_samples)
        self._weighted = np.zeros(history_samples)
        self._correlation = np.zeros(order + 1)
        self._coefficients = np.zeros(order)
        self._previous = np.zeros(order)

    def extend(self, line: NDArray[np.float32], known_samples: int) -> None:
        """Fill the rest of `line` with the prediction from its first part. Audio thread.

        Parameters
        ----------
        line : NDArray[np.float32]
            Shape (known_samples + predicted,), contiguous.
        known_samples : int
            At least `history_samples`; the newest of them are used.
        """
        history = line[known_samples - self._window.size : known_samples]
        _autocorrelate(history, self._window, self._weighted, self._correlation)
        _solve(self._correlation, self._coefficients, self._previous)
        _extrapolate(line, known_samples, self._coefficients)


@kernel("void(float32[::1], float32[::1], float64[::1], float64[::1])", may_reorder=True)
def _autocorrelate(
    samples: NDArray[np.float32],
    window: NDArray[np.float32],
    weighted: NDArray[np.float64],
    correlation: NDArray[np.float64],
) -> None:
    for i in range(samples.size):
        weighted[i] = samples[i] * window[i]
    for lag in range(correlation.size):
        total = 0.0
        for i in range(lag, weighted.size):
            total += weighted[i] * weighted[i - lag]
        correlation[lag] = total
    correlation[0] = correlation[0] * (1.0 + WHITE_NOISE) + SILENCE


@kernel("void(float64[::1], float64[::1], float64[::1])")
def _solve(correlation: NDArray[np.float64], coefficients: NDArray[np.float64], previous: NDArray[np.float64]) -> None:
    """Levinson-Durbin (Makhoul 1975, eq. 38); coefficients[0] is the oldest sample's weight."""
    order = coefficients.size
    # `current` runs from the newest sample's weight on, at the end it is turned round.
    current = coefficients
    current[:] = 0.0
    error = correlation[0]
    for i in range(order):
        reflection = correlation[i + 1]
        for j in range(i):
            reflection -= current[j] * correlation[i - j]
        reflection /= error
        previous[:i] = current[:i]
        for j in range(i):
            current[j] = previous[j] - reflection * previous[i - 1 - j]
        current[i] = reflection
        error *= 1.0 - reflection * reflection
    previous[:] = current
    for j in range(order):
        coefficients[j] = previous[order - 1 - j]


@kernel("void(float32[::1], int64, float64[::1])", may_reorder=True)
def _extrapolate(line: NDArray[np.float32], known_samples: int, coefficients: NDArray[np.float64]) -> None:
    order = coefficients.size
    for i in range(known_samples, line.size):
        total = 0.0
        for j in range(order):
            total += coefficients[j] * line[i - order + j]
        line[i] = total
