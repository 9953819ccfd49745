"""A step carries its state by itself, and each stream has its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engine.errors import ModelError
from engine.inference.deepfilternet3 import DeepFilterNet3
from engine.inference.session import StatefulStep, open_session


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
    step = StatefulStep(open_session(write_running_sum(tmp_path / "sum.onnx")))
    assert set(step.inputs) == {"x"}
    assert set(step.outputs) == {"y"}
    for turn in range(1, 6):
        step.inputs["x"][:] = [1.0, 2.0, 3.0]
        step.run()
        np.testing.assert_array_equal(step.outputs["y"], np.array([1.0, 2.0, 3.0]) * turn)


@pytest.mark.parametrize("steps_before", [1, 2])
def test_streams_of_one_session_are_apart_until_one_is_copied(tmp_path: Path, steps_before: int) -> None:
    session = open_session(write_running_sum(tmp_path / "sum.onnx"))
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
    step = StatefulStep(open_session(write_running_sum(tmp_path / "sum.onnx")))
    step.inputs["x"][:] = 1.0
    for _ in range(steps_before):
        step.run()
    step.reset()
    step.run()
    assert step.outputs["y"].tolist() == [0.0] * 3


def test_shapes_that_are_not_fixed_are_refused(tmp_path: Path) -> None:
    session = open_session(write_running_sum(tmp_path / "sum.onnx", "any"))
    with pytest.raises(ModelError, match="no fixed shape"):
        StatefulStep(session)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08" * 100])
def test_a_file_that_is_no_model_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx cannot be loaded .* models build") as caught:
        open_session(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_session(tmp_path / "gone.onnx")


def test_another_model_is_no_deepfilternet(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no streaming DeepFilterNet3"):
        DeepFilterNet3(write_running_sum(tmp_path / "sum.onnx")).stream()
