"""Loudness over a whole programme in bounded memory: histograms of window loudness, from which the gated figures follow.

The gates depend on everything heard so far, so a meter would have to keep each window for ever. Counting them in bins of
0.01 LU, with the exact energy of each bin beside its count, keeps the mean exact and moves a gate by at most 0.01 LU.

Source: ITU-R BS.1770-4, Annex 1, equations (3) to (7); EBU Tech 3342-2016, section 2.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import inline

_OFFSET_LU = -0.691
ABSOLUTE_GATE_LUFS = -70.0
_BINS_PER_LU = 100
BINS = 100 * _BINS_PER_LU
"""Bins from the absolute gate up to +30 LUFS; the last one takes all above."""


def energy_to_lufs(energy: float) -> float:
    """Loudness of a K-weighted mean square summed over channels; -inf for silence."""
    return _OFFSET_LU + 10.0 * math.log10(energy) if energy > 0.0 else -math.inf


def lufs_to_energy(lufs: float) -> float:
    """The inverse of `energy_to_lufs`."""
    return float(10.0 ** ((lufs - _OFFSET_LU) / 10.0))


_kernel_energy_to_lufs = inline(energy_to_lufs)


@inline
def count_window(counts: NDArray[np.int64], energies: NDArray[np.float64], energy: float) -> None:
    """Add one window's energy to a histogram of BINS bins, unless it lies below the absolute gate."""
    lufs = _kernel_energy_to_lufs(energy)
    if lufs > ABSOLUTE_GATE_LUFS:
        place = min(int((lufs - ABSOLUTE_GATE_LUFS) * _BINS_PER_LU), BINS - 1)
        counts[place] += 1
        energies[place] += energy


def _first_bin_above(gate_lufs: float) -> int:
    return max(0, math.ceil((gate_lufs - ABSOLUTE_GATE_LUFS) * _BINS_PER_LU))


def integrated_lufs(counts: NDArray[np.int64], energies: NDArray[np.float64]) -> float:
    """Programme loudness: mean energy of the windows no more than 10 LU below the mean of all; -inf if there are none."""
    total = int(counts.sum())
    if total == 0:
        return -math.inf
    start = _first_bin_above(energy_to_lufs(float(energies.sum()) / total) - 10.0)
    kept = int(counts[start:].sum())
    return energy_to_lufs(float(energies[start:].sum()) / kept) if kept else -math.inf


def gated_lufs(windows: NDArray[np.float64]) -> float:
    """Programme loudness of windows that are kept one by one, shape (windows,), energies; -inf if none passes the gates."""
    heard = windows[windows > lufs_to_energy(ABSOLUTE_GATE_LUFS)]
    if not heard.size:
        return -math.inf
    return energy_to_lufs(float(heard[heard > 0.1 * heard.mean()].mean()))


def range_lu(counts: NDArray[np.int64], energies: NDArray[np.float64]) -> float:
    """Loudness range: from the 10th to the 95th percentile of the windows no more than 20 LU below the mean; 0 if none."""
    total = int(counts.sum())
    if total == 0:
        return 0.0
    start = _first_bin_above(energy_to_lufs(float(energies.sum()) / total) - 20.0)
    cumulative = np.cumsum(counts[start:])
    kept = int(cumulative[-1]) if len(cumulative) else 0
    if kept == 0:
        return 0.0
    # Nearest rank, as in the reference code of the source.
    ranks = np.array([round((kept - 1) * share) + 1 for share in (0.10, 0.95)])
    low, high = np.searchsorted(cumulative, ranks)
    return float(high - low) / _BINS_PER_LU
