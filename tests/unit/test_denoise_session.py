"""A step carries its state by itself, and each stream has its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from engine.core.stage import Context, StreamFormat
from engine.errors import ModelError
from engine.inference.catalog import ModelStore
from engine.inference.deepfilternet3 import DeepFilterNet3
from engine.inference.providers import CPU
from engine.inference.session import ModelSession, StatefulStep, open_model, open_session
from engine.stages.denoise import Denoise, DenoiseParams


def write_running_sum(path: Path, size: int | str = 3) -> Path:
    """A model whose output is the sum of all its inputs so far."""
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [size]) for name in ("x", "s", "y", "s_next")
    }
    nodes = [helper.make_node("Add", ["x", "s"], ["y"]), helper.make_node("Identity", ["y"], ["s_next"])]
    graph = helper.make_graph(nodes, "sum", [values["x"], values["s"]], [values["y"], values["s_next"]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
    onnx.save(model, path)
    return path


def test_state_is_carried_from_step_to_step(tmp_path: Path) -> None:
    step = StatefulStep(open_model(write_running_sum(tmp_path / "sum.onnx")))
    assert set(step.inputs) == {"x"}
    assert set(step.outputs) == {"y"}
    for turn in range(1, 6):
        step.inputs["x"][:] = [1.0, 2.0, 3.0]
        step.run()
        np.testing.assert_array_equal(step.outputs["y"], np.array([1.0, 2.0, 3.0]) * turn)


@pytest.mark.parametrize("steps_before", [1, 2])
def test_streams_of_one_session_are_apart_until_one_is_copied(tmp_path: Path, steps_before: int) -> None:
    session = open_model(write_running_sum(tmp_path / "sum.onnx"))
    first, second = StatefulStep(session), StatefulStep(session)
    first.inputs["x"][:] = 1.0
    for _ in range(steps_before):
        first.run()
    second.run()
    assert second.outputs["y"].tolist() == [0.0] * 3
    second.copy_from(first)
    first.run()
    second.run()
    assert second.outputs["y"].tolist() == first.outputs["y"].tolist() == [steps_before + 1.0] * 3


@pytest.mark.parametrize("steps_before", [1, 2])
def test_reset_is_as_good_as_new(tmp_path: Path, steps_before: int) -> None:
    step = StatefulStep(open_model(write_running_sum(tmp_path / "sum.onnx")))
    step.inputs["x"][:] = 1.0
    for _ in range(steps_before):
        step.run()
    step.reset()
    step.run()
    assert step.outputs["y"].tolist() == [0.0] * 3


def test_shapes_that_are_not_fixed_are_refused(tmp_path: Path) -> None:
    session = open_model(write_running_sum(tmp_path / "sum.onnx", "any"))
    with pytest.raises(ModelError, match="no fixed shape"):
        StatefulStep(session)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08" * 100])
def test_a_file_that_is_no_model_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx cannot be loaded .* models build") as caught:
        open_model(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_model(tmp_path / "gone.onnx")


def test_another_model_is_no_deepfilternet(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no streaming DeepFilterNet3"):
        DeepFilterNet3(write_running_sum(tmp_path / "sum.onnx")).stream()


class Vanishing:
    """A runtime whose provider is gone after some steps."""

    def __init__(self, runtime: Any, steps: int) -> None:
        self._runtime = runtime
        self._steps_left = steps

    def run_with_iobinding(self, binding: Any) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise RuntimeError("the device was removed\nat line 7")
        self._runtime.run_with_iobinding(binding)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)


def vanishing(path: Path, steps: int) -> ModelSession:
    runtimes = (Vanishing(open_session(path), steps), open_session(path))
    return ModelSession(runtimes, ("DmlExecutionProvider", CPU))


def test_a_provider_that_vanishes_is_followed_by_the_cpu_within_the_same_step(tmp_path: Path) -> None:
    session = vanishing(write_running_sum(tmp_path / "sum.onnx"), 7)
    first, second = StatefulStep(session), StatefulStep(session)
    for turn in range(1, 11):
        for step in (first, second):
            step.inputs["x"][:] = [1.0, 2.0, 3.0]
            step.run()
            np.testing.assert_array_equal(step.outputs["y"], np.array([1.0, 2.0, 3.0]) * turn)
    assert session.provider == CPU
    assert session.take_fault() == "DirectML failed (the device was removed); it runs on CPU now"
    assert session.take_fault() == ""


def test_a_vanishing_provider_leaves_no_trace_in_the_sound(
    model_store: ModelStore, noisy_speech: NDArray[np.float32]
) -> None:
    heard = []
    for steps in (10**9, 150):
        path = model_store.model_path("deepfilternet3-20ms")
        denoiser = DeepFilterNet3(path, 1)
        denoiser.session = vanishing(path, steps)
        stage = Denoise({"balanced": denoiser}, sessions={"deepfilternet3-20ms": denoiser.session})
        stage.prepare(StreamFormat(48_000, 1, 480))
        out = noisy_speech[None, : 300 * 480].copy()
        ctx: Context[DenoiseParams] = Context(DenoiseParams(), len(Denoise.meters))
        for start in range(0, out.shape[1], 480):
            stage.process(out[:, start : start + 480], ctx)
        heard.append(out)
    np.testing.assert_array_equal(heard[0], heard[1])
    assert stage.providers == {"deepfilternet3-20ms": CPU}
    assert stage.take_notices() == (
        "deepfilternet3-20ms: DirectML failed (the device was removed); it runs on CPU now",
    )


def test_a_provider_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    path = write_running_sum(tmp_path / "sum.onnx")
    assert open_model(path, "DmlExecutionProvider").provider == CPU
    with pytest.raises(ModelError, match="DirectML is not there"):
        open_session(path, "DmlExecutionProvider")
