"""What a waveform will most likely do next, from what it did: linear prediction from a weighted past.

A model that wants to hear ahead may be shown a prediction instead of being waited for. Voices and hums are predictable over
some tens of milliseconds; noise is not, and its prediction fades away, which is the best guess for noise.

Source: Makhoul, "Linear Prediction: A Tutorial Review", Proc. IEEE 1975, autocorrelation method and Levinson-Durbin recursion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels, inline, kernel
from engine.dsp.fft import FFT_TYPE, FftTables, inverse_real_fft, plan_fft, real_fft

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
    predicted_samples : int
    """

    def __init__(self, order: int, history_samples: int, predicted_samples: int) -> None:
        compile_kernels(_extend)
        self._window = rising_window(history_samples)
        # Long enough that the end of the past does not meet its beginning in the circular correlation.
        fft_size = 1 << (history_samples + order - 1).bit_length()
        self._weighted = np.zeros(fft_size, np.float32)
        self._spectrum = np.zeros(fft_size // 2 + 1, np.complex64)
        self._plan = plan_fft(fft_size)
        self._correlation = np.zeros(fft_size, np.float32)
        self._coefficients = np.zeros(order)
        self._previous = np.zeros(order)
        self._recent = np.zeros(order + predicted_samples)

    def extend(self, line: NDArray[np.float32]) -> None:
        """Fill the end of `line` with the prediction from what is before it. Audio thread.

        Parameters
        ----------
        line : NDArray[np.float32]
            Shape (history_samples + predicted_samples,), contiguous.
        """
        _extend(
            line,
            self._window,
            self._weighted,
            self._plan,
            self._spectrum,
            self._correlation,
            self._coefficients,
            self._previous,
            self._recent,
        )


@kernel(
    f"void(float32[::1], float32[::1], float32[::1], {FFT_TYPE}, complex64[::1], float32[::1], float64[::1], float64[::1], "
    "float64[::1])",
    may_reorder=True,
)
def _extend(
    line: NDArray[np.float32],
    window: NDArray[np.float32],
    weighted: NDArray[np.float32],
    plan: FftTables,
    spectrum: NDArray[np.complex64],
    correlation: NDArray[np.float32],
    coefficients: NDArray[np.float64],
    previous: NDArray[np.float64],
    recent: NDArray[np.float64],
) -> None:
    for i in range(window.size):
        weighted[i] = line[i] * window[i]
    # Wiener-Khinchin; summing up 128 lags one by one would take longer.
    real_fft(plan, weighted, 1.0, spectrum)
    for i in range(spectrum.size):
        spectrum[i] = complex(spectrum[i].real ** 2 + spectrum[i].imag ** 2, np.float32(0.0))
    inverse_real_fft(plan, spectrum, 1.0 / weighted.size, correlation)
    _solve(correlation, coefficients, previous)
    _extrapolate(line, coefficients, recent)


@inline
def _solve(correlation: NDArray[np.float32], coefficients: NDArray[np.float64], previous: NDArray[np.float64]) -> None:
    """Levinson-Durbin (Makhoul 1975, eq. 38); the first coefficient is the weight of the oldest sample."""
    order = coefficients.size
    error = correlation[0] * (1.0 + WHITE_NOISE) + SILENCE
    # `coefficients` ends with the newest sample's weight at every order, `previous` begins with it: both loops run forwards.
    for i in range(order):
        known = coefficients[order - i :]
        reflection = np.float64(correlation[i + 1])
        for j in range(i):
            reflection -= known[j] * correlation[j + 1]
        reflection /= error
        for j in range(i):
            previous[j] = known[i - 1 - j]
        for j in range(i):
            known[j] -= reflection * previous[j]
        coefficients[order - 1 - i] = reflection
        error *= 1.0 - reflection * reflection


@inline
def _extrapolate(line: NDArray[np.float32], coefficients: NDArray[np.float64], recent: NDArray[np.float64]) -> None:
    order = coefficients.size
    start = line.size - recent.size
    for i in range(order):
        recent[i] = line[start + i]
    for i in range(order, recent.size):
        total = 0.0
        past = recent[i - order : i]
        for j in range(order):
            total += coefficients[j] * past[j]
        recent[i] = total
        line[start + i] = total
