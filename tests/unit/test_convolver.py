"""The convolver against scipy's, whatever the blocks; changes of the filter without a click; what it costs."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from engine.dsp.convolver import FADE_FRAMES, LONGEST_TAPS, Convolver, PartitionedFilter
from engine.dsp.partitioned_convolution import PARTITION_FRAMES
from tests.helpers.stages import blocks_of, clicks, tone

_EXACT = 10 ** (-120 / 20)
_LENGTHS = (1, 7, PARTITION_FRAMES, PARTITION_FRAMES + 1, 4096, 48_000, LONGEST_TAPS)


def decaying(taps: int, seed: int = 1) -> NDArray[np.float64]:
    """A room's response in the main: noise that decays by 60 dB over its length."""
    noise = np.random.default_rng(seed).standard_normal(taps)
    return noise * 10 ** (-3 * np.arange(taps) / taps)


def sound(frames: int, channels: int = 1) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(5).standard_normal((channels, frames))).astype(np.float32)


def convolved(convolver: Convolver, samples: NDArray[np.float32], lengths: list[int]) -> NDArray[np.float32]:
    out = samples.copy()
    for cut in blocks_of(samples.shape[1], lengths):
        convolver.process(out[:, cut])
    return out


@pytest.mark.parametrize("taps", _LENGTHS)
@pytest.mark.parametrize("lengths", [[480], [1, 479, 37, 960, 481]], ids=str)
def test_equals_scipy_to_minus_120_db(taps: int, lengths: list[int]) -> None:
    impulse = decaying(taps)
    samples = sound(min(taps, 100_000) + 30_000, channels=2)
    convolver = Convolver(2)
    convolver.hand_over(PartitionedFilter(impulse))
    convolver.reset()
    out = convolved(convolver, samples, lengths)
    expected = oaconvolve(samples.astype(np.float64), impulse[None], axes=1)[:, : samples.shape[1]]
    assert np.abs(out - expected).max() < _EXACT * np.abs(expected).max()


def test_a_filter_that_does_not_decay_is_as_exact() -> None:
    impulse = np.random.default_rng(2).standard_normal(LONGEST_TAPS)
    samples = sound(LONGEST_TAPS + 20_000)
    convolver = Convolver(1)
    convolver.hand_over(PartitionedFilter(impulse))
    convolver.reset()
    expected = oaconvolve(samples[0].astype(np.float64), impulse)[: samples.shape[1]]
    assert np.abs(convolved(convolver, samples, [480])[0] - expected).max() < _EXACT * np.abs(expected).max()


@settings(max_examples=25)
@given(lengths=st.lists(st.integers(1, 1200), min_size=1, max_size=8), taps=st.integers(1, 3000))
def test_output_does_not_depend_on_block_lengths(lengths: list[int], taps: int) -> None:
    samples = sound(5000)
    outputs = []
    for cuts in ([480], lengths):
        convolver = Convolver(1)
        convolver.hand_over(PartitionedFilter(decaying(taps)))
        convolver.reset()
        outputs.append(convolved(convolver, samples, cuts))
    assert np.abs(outputs[0] - outputs[1]).max() <= 1e-6 * np.abs(outputs[0]).max()


def test_a_new_filter_takes_over_as_if_it_had_always_been_there() -> None:
    samples = sound(40_000)
    first, second = decaying(9000, 1), decaying(20_000, 2)
    convolver = Convolver(1)
    convolver.hand_over(PartitionedFilter(first))
    convolver.reset()
    # In the middle of a partition.
    at = 25_100
    out = convolved(convolver, samples[:, :at], [480])
    convolver.hand_over(PartitionedFilter(second))
    out = np.concatenate([out, convolved(convolver, samples[:, at:], [480])], axis=1)[0]
    before, after = (oaconvolve(samples[0].astype(np.float64), taps)[: samples.shape[1]] for taps in (first, second))
    allowed = _EXACT * max(np.abs(before).max(), np.abs(after).max())
    assert np.abs(out[:at] - before[:at]).max() < allowed
    assert np.abs(out[at + FADE_FRAMES :] - after[at + FADE_FRAMES :]).max() < allowed
    fade = out[at : at + FADE_FRAMES]
    ends = before[at : at + FADE_FRAMES], after[at : at + FADE_FRAMES]
    assert (fade <= np.maximum(*ends) + allowed).all()
    assert (fade >= np.minimum(*ends) - allowed).all()
    assert convolver.is_settled


def test_changes_of_the_filter_do_not_click() -> None:
    samples = tone(4.0, -3.0)
    convolver = Convolver(1)
    out = samples.copy()
    for index, cut in enumerate(blocks_of(samples.shape[1], [480])):
        # Also while the last change is still going on.
        if index >= 40 and index % 3 == 0 and index < 300:
            louder = 10 ** ((index % 7 - 3) / 20)
            convolver.hand_over(PartitionedFilter(louder * np.eye(1, 3000)[0]) if index % 2 else None)
        convolver.process(out[:, cut])
    assert clicks(out[0])[10 * 480 : -2 * 480].max() < 10 ** (-60 / 20)


def test_without_a_filter_the_sound_passes_unchanged() -> None:
    samples = sound(3000)
    np.testing.assert_array_equal(convolved(Convolver(1), samples, [480]), samples)


@pytest.mark.parametrize("taps", [[], [np.nan], np.zeros(LONGEST_TAPS + 1), np.zeros((2, 2))], ids=str)
def test_what_is_no_filter_is_refused(taps: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="a filter has 1 to"):
        PartitionedFilter(taps)


def test_a_second_of_filter_is_cheap() -> None:
    convolver = Convolver(1)
    convolver.hand_over(PartitionedFilter(decaying(48_000)))
    convolver.reset()
    block = sound(480)
    costs = []
    for _ in range(2000):
        started = time.perf_counter()
        convolver.process(block)
        costs.append(time.perf_counter() - started)
        block *= 0.1
    # The mark is a p99 of 0.1 ms, measured alone (docs/benchmarks/room.md); a busy machine is given twice that at the median.
    assert np.median(costs) < 0.2e-3
