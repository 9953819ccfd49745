"""A resampler whose ratio may change with every block and whose delay is known and short.

The edge needs one to hold two clocks together and to serve devices of any rate. The delay is half the filter, 24
frames, where soxr's variable-rate mode holds back 240; see docs/adr/0002-device-edge.md for the comparison. Nothing
here waits or allocates once it is built.

Source: J. O. Smith, "Digital Audio Resampling", bandlimited interpolation with a windowed-sinc table and linear
interpolation between its phases.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels, kernel
from engine.core.stage import Block

_PHASES = 512
_HALF_TAPS = 24
_KAISER_BETA = 9.0


ROUNDING_FRAMES = 4
"""It rounds: a block may bring so many frames less than its share."""


class VariableResampler:
    """Band-limited interpolation at a ratio that glides.

    Parameters
    ----------
    channels : int
        Rows of every block.
    nominal_step : float
        Input frames per output frame around which the ratio moves; above 1 the filter narrows so that nothing aliases.
    max_frames : int
        No input block is longer than this.
    """

    def __init__(self, channels: int, nominal_step: float, max_frames: int) -> None:
        if not 1 / 16 <= nominal_step <= 16:
            raise ValueError(f"a step of {nominal_step} input frames per output frame is beyond this resampler")
        self._half = math.ceil(_HALF_TAPS * max(1.0, nominal_step))
        self._table = _sinc_table(self._half, min(1.0, 1.0 / nominal_step))
        self._line: Block = np.zeros((channels, 2 * self._half + 2 * max_frames + 2), np.float32)
        self._cursor = np.array([self._half - 1, 2 * self._half - 1], np.float64)
        self._step = nominal_step
        self._taps = np.zeros(2 * self._half, np.float32)
        self._scratch: Block = np.zeros((channels, self.most_frames(max_frames)), np.float32)
        compile_kernels(_interpolate)

    @property
    def latency_frames(self) -> int:
        """Constant delay in input frames, apart from rounding to whole output frames."""
        return self._half

    @property
    def pending_frames(self) -> float:
        """Input frames that went in and did not come out yet, the filter's delay included; exact to a fraction."""
        return float(self._cursor[1] - self._cursor[0])

    def most_frames(self, input_frames: int) -> int:
        """Most output frames that a block of `input_frames` can bring, at up to 1 % below the nominal step."""
        return math.ceil(input_frames / (self._step * 0.99)) + 2

    def process(self, block: Block, step: float) -> Block:
        """Take a block in and return what comes out, gliding from the last ratio to `step`. DSP thread.

        Parameters
        ----------
        block : Block
            Shape (channels, frames <= max_frames).
        step : float
            Input frames per output frame that shall be reached at the end of the block.

        Returns
        -------
        Block
            Shape (channels, n), a view that is valid until the next call.
        """
        frames = int(block.shape[1])
        filled = int(self._cursor[1])
        self._line[:, filled : filled + frames] = block
        self._cursor[1] = filled + frames
        change = (step - self._step) * step / max(1, frames)
        count = _interpolate(self._line, self._cursor, self._step, change, self._table, self._taps, self._scratch)
        self._step = step
        return self._scratch[:, :count]


def _sinc_table(half: int, cutoff: float) -> NDArray[np.float32]:
    """Kaiser-windowed sinc, shape (phases + 1, 2 * half): row p holds the taps for a fraction of p / phases."""
    fractions = np.arange(_PHASES + 1)[:, None] / _PHASES
    distance = np.arange(-half + 1, half + 1)[None, :] - fractions
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1.0 - (distance / half) ** 2, 0.0, None))) / np.i0(_KAISER_BETA)
    taps = cutoff * np.sinc(cutoff * distance) * window
    table: NDArray[np.float32] = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    return table


@kernel(
    "int64(float32[:, :], float64[::1], float64, float64, float32[:, ::1], float32[::1], float32[:, :])",
    may_reorder=True,
)
def _interpolate(
    line: Block,
    cursor: NDArray[np.float64],
    step: float,
    change: float,
    table: NDArray[np.float32],
    taps: NDArray[np.float32],
    out: Block,
) -> int:
    """Fill `out` as far as `line` reaches and move the rest of `line` to its front; `cursor` is (position, filled)."""
    position = cursor[0]
    filled = int(cursor[1])
    channels = line.shape[0]
    width = taps.shape[0]
    half = width // 2
    phases = table.shape[0] - 1
    count = 0
    while count < out.shape[1]:
        whole = int(position)
        if whole + half >= filled:
            break
        phase = (position - whole) * phases
        row = int(phase)
        weight = np.float32(phase - row)
        for k in range(width):
            taps[k] = table[row, k] + weight * (table[row + 1, k] - table[row, k])
        first = whole - half + 1
        for c in range(channels):
            total = np.float32(0.0)
            for k in range(width):
                total += line[c, first + k] * taps[k]
            out[c, count] = total
        count += 1
        position += step
        step += change
    drop = max(0, int(position) - half + 1)
    for c in range(channels):
        for k in range(drop, filled):
            line[c, k - drop] = line[c, k]
    cursor[0] = position - drop
    cursor[1] = filled - drop
    return count
