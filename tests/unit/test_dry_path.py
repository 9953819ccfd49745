"""The compiled loops of the dry path do what numpy would."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.kernel import compile_kernels
from engine.dsp.dry_path import delay, is_finite, keep_distance


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    compile_kernels(delay, is_finite, keep_distance)


@pytest.mark.parametrize("samples", [0, 1, 7, 480, 1440])
@pytest.mark.parametrize("is_in_place", [False, True])
def test_what_comes_out_is_what_came_in_so_many_samples_before(samples: int, is_in_place: bool) -> None:
    x = np.random.default_rng(1).standard_normal((2, 4800)).astype(np.float32)
    line, position, y = np.zeros((2, samples), np.float32), 0, x.copy()
    start = 0
    for frames in (480, 1, 479, 960, 64, 2816):
        block = y[:, start : start + frames]
        out = block if is_in_place else np.zeros_like(block)
        position = delay(block, line, position, out)
        block[:] = out
        start += frames
    expected = np.pad(x, ((0, 0), (samples, 0)))[:, :4800]
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("worst", [np.nan, np.inf, -np.inf])
def test_one_sample_that_is_no_number_is_found(worst: float) -> None:
    block = np.full((2, 480), 3e38, np.float32)
    assert is_finite(block)
    assert is_finite(block[:, ::2])
    block[1, 479] = worst
    assert not is_finite(block)


@pytest.mark.parametrize("frames", [1, 30, 97, 480])
def test_the_distance_from_dry_is_that_of_the_last_samples(frames: int) -> None:
    wet, dry = np.random.default_rng(2).standard_normal((2, 1, 4800)).astype(np.float32)
    distance = np.zeros((1, 97), np.float32)
    for start in range(0, 4800 - frames + 1, frames):
        keep_distance(wet[:, start : start + frames], dry[:, start : start + frames], distance)
        end = start + frames
    np.testing.assert_array_equal(distance, np.pad((wet - dry)[:, :end], ((0, 0), (97, 0)))[:, -97:])
