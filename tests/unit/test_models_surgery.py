"""Each cut into a graph leaves what it computes unchanged: frame by frame gives what the whole recording gave."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper

from models.build.int8 import gru_as_products, quantize_products
from models.build.surgery import (
    as_rows,
    constant,
    drop_time_padding,
    expose_gru_states,
    float_value,
    grouped_linear_as_matmul,
    prune,
    rename,
    serialize,
    skip_reshapes,
)

OPSET = 12
FRAMES, SIZE = 7, 4


def run(graph: onnx.GraphProto, opset: int = OPSET, **inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(serialize(graph, opset), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, inputs))


def noise(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def a_gru(frames: int) -> onnx.GraphProto:
    weights = [
        constant("w", noise(1, 3 * SIZE, SIZE)),
        constant("r", noise(1, 3 * SIZE, SIZE)),
        constant("b", noise(1, 6 * SIZE)),
        constant("h", np.zeros((1, 1, SIZE), np.float32)),
        constant("unused", noise(3)),
    ]
    node = helper.make_node("GRU", ["x", "w", "r", "b", "", "h"], ["y", ""], hidden_size=SIZE, linear_before_reset=1)
    dead = helper.make_node("Relu", ["unused"], ["nowhere"])
    x, y = float_value("x", [frames, 1, SIZE]), float_value("y", [frames, 1, 1, SIZE])
    return helper.make_graph([node, dead], "gru", [x], [y], weights)


def test_a_gru_stepped_by_frames_gives_what_the_whole_sequence_gives() -> None:
    x = noise(FRAMES, 1, SIZE)
    (whole,) = run(a_gru(FRAMES), x=x)
    stepped = a_gru(1)
    expose_gru_states(stepped, ["state"])
    stepped.input.append(float_value("state", [1, 1, SIZE]))
    stepped.output.append(float_value("state_next", [1, 1, SIZE]))
    prune(stepped)
    state = np.zeros((1, 1, SIZE), np.float32)
    for frame in range(FRAMES):
        y, state = run(stepped, x=x[frame : frame + 1], state=state)
        np.testing.assert_allclose(y[0], whole[frame], atol=1e-6)


def test_a_convolution_given_its_past_needs_no_padding() -> None:
    def graph(frames: int) -> onnx.GraphProto:
        pad = helper.make_node("Pad", ["x", "pads"], ["padded"])
        convolution = helper.make_node("Conv", ["padded", "w"], ["y"], kernel_shape=[3, 1])
        weights = [constant("pads", np.array([0, 0, 2, 0, 0, 0, 0, 0], np.int64)), constant("w", noise(1, 1, 3, 1))]
        x, y = float_value("x", [1, 1, frames, SIZE]), float_value("y", [1, 1, frames, SIZE])
        return helper.make_graph([pad, convolution], "convolution", [x], [y], weights)

    x = noise(1, 1, FRAMES, SIZE)
    (whole,) = run(graph(FRAMES), x=x)
    stepped = graph(3)
    drop_time_padding(stepped)
    prune(stepped)
    stepped.output[0].CopyFrom(float_value("y", [1, 1, 1, SIZE]))
    for frame in range(2, FRAMES):
        (y,) = run(stepped, x=x[:, :, frame - 2 : frame + 1])
        np.testing.assert_allclose(y[:, :, 0], whole[:, :, frame], atol=1e-6)


def test_a_grouped_linear_layer_is_the_same_as_a_product() -> None:
    node = helper.make_node("Einsum", ["x", "w"], ["y"], equation="btgi,gih->btgh")
    x, y = float_value("x", [1, 1, 5, SIZE]), float_value("y", [1, 1, 5, 3])
    graph = helper.make_graph([node], "linear", [x], [y], [constant("w", noise(5, SIZE, 3))])
    (before,) = run(graph, x=noise(1, 1, 5, SIZE))
    grouped_linear_as_matmul(graph)
    assert [node.op_type for node in graph.node] == ["Reshape", "MatMul", "Reshape"]
    (after,) = run(graph, x=noise(1, 1, 5, SIZE))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_gru_of_several_frames_keeps_the_state_after_the_first() -> None:
    x, start = noise(3, 1, SIZE), 0.3 * np.ones((1, 1, SIZE), np.float32)
    results = []
    for frames in (1, 3):
        graph = a_gru(frames)
        graph.output[0].CopyFrom(float_value("y", [frames, 1, 1, SIZE]))
        expose_gru_states(graph, ["state"], frames)
        graph.input.append(float_value("state", [1, 1, SIZE]))
        graph.output.append(float_value("state_next", [1, 1, SIZE]))
        prune(graph)
        results.append(run(graph, x=x[:frames], state=start))
    (first, first_state), (whole, state) = results
    np.testing.assert_allclose(whole[:1], first, atol=1e-6)
    np.testing.assert_allclose(state, first_state, atol=1e-6)
    assert np.abs(whole[2] - whole[0]).max() > 0.01


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("opset", [12, 13])
def test_a_gru_written_out_is_the_same_and_close_to_it_in_whole_numbers(frames: int, opset: int) -> None:
    graph = a_gru(frames)
    expose_gru_states(graph, ["state"], frames)
    graph.input.append(float_value("state", [1, 1, SIZE]))
    graph.output.append(float_value("state_next", [1, 1, SIZE]))
    prune(graph)
    inputs: dict[str, Any] = {"x": noise(frames, 1, SIZE), "state": 0.3 * np.ones((1, 1, SIZE), np.float32)}
    whole, state = run(graph, **inputs)
    gru_as_products(graph, opset, frames)
    assert "GRU" not in {node.op_type for node in graph.node}
    for got, expected in zip(run(graph, opset, **inputs), (whole, state), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)
    quantize_products(graph)
    assert "MatMul" not in {node.op_type for node in graph.node}
    for got, expected in zip(run(graph, opset, **inputs), (whole, state), strict=True):
        np.testing.assert_allclose(got, expected, atol=0.05)


def test_where_all_values_are_vectors_nodes_that_only_change_shapes_are_not_needed() -> None:
    def stepped(*shape: int) -> onnx.GraphProto:
        graph = a_gru(1)
        expose_gru_states(graph, ["state"])
        gru_as_products(graph, 13)
        del graph.input[:], graph.output[:]
        graph.input.extend([float_value("x", shape), float_value("state", shape)])
        graph.output.append(float_value("state_next", shape))
        return graph

    x, state = noise(1, SIZE), 0.3 * np.ones((1, SIZE), np.float32)
    before, rows = stepped(1, 1, SIZE), stepped(1, SIZE)
    prune(before)
    (expected,) = run(before, 13, x=x[None], state=state[None])
    as_rows(rows)
    prune(rows)
    assert not {"Reshape", "Squeeze", "Transpose"} & {node.op_type for node in rows.node}
    (got,) = run(rows, 13, x=x, state=state)
    np.testing.assert_array_equal(got, expected[0])


@pytest.mark.parametrize("is_alone", [True, False])
def test_a_bias_is_added_where_the_product_is_made_if_nobody_else_asks_for_it(is_alone: bool) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["product"]), helper.make_node("Add", ["b", "product"], ["y"])]
    outputs = [float_value("y", [2, 300])] + ([] if is_alone else [float_value("product", [2, 300])])
    nodes += [] if is_alone else [helper.make_node("Relu", ["product"], ["rest"])]
    weights = [constant("w", noise(200, 300)), constant("b", noise(300))]
    graph = helper.make_graph(nodes, "product", [float_value("x", [2, 200])], outputs, weights)
    expected = run(graph, x=noise(2, 200))
    quantize_products(graph)
    assert ("Add" in {node.op_type for node in graph.node}) is not is_alone
    for got, wanted in zip(run(graph, x=noise(2, 200)), expected, strict=True):
        assert 20 * np.log10(np.linalg.norm(got - wanted) / np.linalg.norm(wanted)) < -38.0


@pytest.mark.parametrize("frames", [1, 3])
def test_a_grouped_linear_layer_of_several_frames(frames: int) -> None:
    node = helper.make_node("Einsum", ["x", "w"], ["y"], equation="btgi,gih->btgh")
    x, y = float_value("x", [1, frames, 5, SIZE]), float_value("y", [1, frames, 5, 3])
    graph = helper.make_graph([node], "linear", [x], [y], [constant("w", noise(5, SIZE, 3))])
    (before,) = run(graph, x=noise(1, frames, 5, SIZE))
    grouped_linear_as_matmul(graph, frames)
    (after,) = run(graph, x=noise(1, frames, 5, SIZE))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_reshapes_in_a_row_become_one() -> None:
    shapes = [constant("a", np.array([2, 6], np.int64)), constant("b", np.array([3, -1], np.int64))]
    nodes = [
        helper.make_node("Reshape", ["x", "a"], ["one"]),
        helper.make_node("Reshape", ["one", "b"], ["two"]),
        helper.make_node("Relu", ["two"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "shapes", [float_value("x", [12])], [float_value("y", [3, 4])], shapes)
    (before,) = run(graph, x=noise(12))
    skip_reshapes(graph, 1)
    prune(graph)
    assert [node.op_type for node in graph.node] == ["Reshape", "Relu"]
    np.testing.assert_array_equal(run(graph, x=noise(12))[0], before)


def test_prune_takes_away_what_nothing_depends_on() -> None:
    graph = a_gru(1)
    prune(graph)
    assert [node.op_type for node in graph.node] == ["GRU"]
    assert "unused" not in {tensor.name for tensor in graph.initializer}


def test_renaming_keeps_the_names_that_are_told() -> None:
    graph = a_gru(1)
    rename(graph, "part/", {"x": "features", "y": "y"})
    assert graph.input[0].name == "features"
    assert graph.output[0].name == "y"
    assert list(graph.node[0].input) == ["features", "part/w", "part/r", "part/b", "", "part/h"]


def test_the_same_graph_has_the_same_bytes() -> None:
    assert serialize(a_gru(1), OPSET) == serialize(a_gru(1), OPSET)
    other = onnx.load_model_from_string(serialize(a_gru(1), OPSET))
    assert other.producer_name == "sidetone"
    assert other.ir_version == 8
