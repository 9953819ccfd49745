"""Weights as whole numbers of eight bits: a quarter of the memory to read with every step.

onnxruntime's own quantiser passes over `GRU`, which holds nearly all weights of these networks. So a `GRU` of a few frames is
first written out as products and gates; then every product with a constant matrix is computed in whole numbers, its input
rounded anew with each step. Rounding is plain arithmetic here, and so gives the same bytes everywhere.

Source: ONNX operators GRU-7 (linear_before_reset = 1), DynamicQuantizeLinear-11, MatMulInteger-10.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from models.build.surgery import constant, constants, replace_nodes

LARGEST = 64
"""Of a weight in whole numbers. Processors without VNNI add pairs of products in 16 bits, which a full 127 would overflow."""


def gru_as_products(graph: onnx.GraphProto, opset: int, frames: int = 1) -> None:
    """Rewrite each `GRU` of one direction, batch 1 and so many frames as products and gates, frame after frame."""
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "GRU":
            nodes.extend(_written_out(graph, node, opset, frames))
        else:
            nodes.append(node)
    replace_nodes(graph, nodes)


def _written_out(graph: onnx.GraphProto, gru: onnx.NodeProto, opset: int, frames: int) -> list[onnx.NodeProto]:
    values = constants(graph)
    weights, recurrent, bias = (np.asarray(values[name][0], np.float32) for name in gru.input[1:4])
    hidden = recurrent.shape[1]
    name = gru.output[0]
    nodes: list[onnx.NodeProto] = []

    def given(key: str, array: NDArray[np.generic]) -> str:
        graph.initializer.append(constant(f"{name}/{key}", array))
        return f"{name}/{key}"

    def node(op: str, inputs: list[str], *outputs: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(op, inputs, [f"{name}/{key}" for key in outputs], **attributes))
        return f"{name}/{outputs[0]}"

    # Gates z, r, n: the first two are computed as one. A bias that follows its product at once costs nothing.
    parts = given("parts", np.array([2 * hidden, hidden], np.int64))
    flat = given("flat", np.array([frames, weights.shape[1]], np.int64))

    def gates_and_new(source: str, gates: str, new: str) -> None:
        # Parts of different sizes are told by an attribute up to opset 12, by an input from then on.
        if opset < 13:
            node("Split", [source], gates, new, axis=1, split=[2 * hidden, hidden])
        else:
            node("Split", [source, parts], gates, new, axis=1)

    product = node("MatMul", [node("Reshape", [gru.input[0], flat], "x"), given("w", weights.T)], "w x")
    gates_and_new(node("Add", [product, given("wb", bias[: 3 * hidden])], "w x + b"), "zr", "n")
    if frames > 1:
        node("Split", [f"{name}/zr"], *(f"{frame}/zr" for frame in range(frames)), axis=0)
        node("Split", [f"{name}/n"], *(f"{frame}/n" for frame in range(frames)), axis=0)
    r_weights, r_bias = given("r", recurrent.T), given("rb", bias[3 * hidden :])
    state = node("Reshape", [gru.input[5], given("row", np.array([1, hidden], np.int64))], "h")
    states = []
    for frame in range(frames):
        at = f"{frame}/" if frames > 1 else ""
        product = node("MatMul", [state, r_weights], f"{frame}/r h")
        gates_and_new(node("Add", [product, r_bias], f"{frame}/r h + b"), f"{frame}/hzr", f"{frame}/hn")
        gates = node(
            "Sigmoid", [node("Add", [f"{name}/{at}zr", f"{name}/{frame}/hzr"], f"{frame}/sum")], f"{frame}/gates"
        )
        node("Split", [gates], f"{frame}/update", f"{frame}/reset", axis=1)
        inner = node("Mul", [f"{name}/{frame}/reset", f"{name}/{frame}/hn"], f"{frame}/inner")
        new = node("Tanh", [node("Add", [f"{name}/{at}n", inner], f"{frame}/outer")], f"{frame}/new")
        away = node("Sub", [state, new], f"{frame}/away")
        state = node("Add", [new, node("Mul", [f"{name}/{frame}/update", away], f"{frame}/kept")], f"{frame}/h")
        states.append(state)
    joined = node("Concat", states, "all", axis=0) if frames > 1 else state
    shape = given("shape", np.array([frames, 1, 1, hidden], np.int64))
    nodes.append(helper.make_node("Reshape", [joined, shape], [name]))
    if len(gru.output) > 1 and gru.output[1]:
        last = given("last", np.array([1, 1, hidden], np.int64))
        nodes.append(helper.make_node("Reshape", [state, last], [gru.output[1]]))
    return nodes


def quantize_products(graph: onnx.GraphProto) -> None:
    """Compute each `MatMul` with a constant matrix (two axes) in whole numbers, one scale per column of the matrix."""
    values = constants(graph)
    nodes: list[onnx.NodeProto] = []
    rounded: dict[str, tuple[str, str, str]] = {}
    matrices: set[str] = set()
    for node in graph.node:
        matrix = values.get(node.input[1]) if node.op_type == "MatMul" else None
        if matrix is None or matrix.ndim != 2 or min(matrix.shape) == 1:
            nodes.append(node)
            continue
        source, weights, result = node.input[0], node.input[1], node.output[0]
        if source not in rounded:
            rounded[source] = (f"{source}/int8", f"{source}/scale", f"{source}/zero")
            nodes.append(helper.make_node("DynamicQuantizeLinear", [source], rounded[source]))
        if weights not in matrices:
            matrices.add(weights)
            whole, scale = _rounded(np.asarray(matrix, np.float32))
            graph.initializer.append(constant(f"{weights}/int8", whole))
            graph.initializer.append(constant(f"{weights}/scale", scale))
            graph.initializer.append(constant(f"{weights}/zero", np.zeros(scale.shape, np.int8)))
        values_in, scale_in, zero_in = rounded[source]
        product, scales, real = f"{result}/int32", f"{result}/scales", f"{result}/float"
        integer_inputs = [values_in, f"{weights}/int8", zero_in, f"{weights}/zero"]
        nodes.append(helper.make_node("MatMulInteger", integer_inputs, [product]))
        nodes.append(helper.make_node("Cast", [product], [real], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [scale_in, f"{weights}/scale"], [scales]))
        nodes.append(helper.make_node("Mul", [real, scales], [result]))
    replace_nodes(graph, nodes)


def _rounded(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole numbers and the scale of each column, so that their product is the matrix to half a step."""
    scale = np.maximum(np.abs(matrix).max(axis=0), np.float32(1e-12)) / np.float32(LARGEST)
    return np.rint(matrix / scale).astype(np.int8), scale.astype(np.float32)
