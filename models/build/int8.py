"""Weights as whole numbers of eight bits: a quarter of the memory to read with every step.

onnxruntime's own quantiser passes over `GRU`, which holds nearly all weights of these networks. So a `GRU` of a few frames is
first written out as products and gates; then every product with a constant matrix is computed in whole numbers, with a scale
for each block of a column, its input rounded anew with each step. Rounding is plain arithmetic here, and so gives the same
bytes everywhere.

Source: ONNX operator GRU-7 (linear_before_reset = 1); onnxruntime's contributed operator MatMulNBits, which keeps sums of
sixteen bits from overflowing on processors that add products in pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from models.build.surgery import CONTRIBUTED, constant, constants, replace_nodes

LARGEST, ZERO = 127, 128
BLOCK = 128
"""Weights that share a scale. With 32, products take a fifth longer and are no better."""
IN_WHOLE_NUMBERS = 4
"""For MatMulNBits: inputs are rounded too; else it would make floats of all weights with every step."""


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
    """Compute each `MatMul` with a constant matrix (two axes) in whole numbers, and what is added to it in the same node."""
    values = constants(graph)
    # Only a product that goes nowhere else may be given out with its bias.
    uses = Counter(name for node in graph.node for name in node.input)
    sums = {name: node for node in graph.node if node.op_type == "Add" for name in node.input if uses[name] == 1}
    nodes: list[onnx.NodeProto] = []
    merged: set[str] = set()
    for node in graph.node:
        matrix = values.get(node.input[1]) if node.op_type == "MatMul" else None
        if matrix is None or matrix.ndim != 2 or min(matrix.shape) == 1:
            nodes.append(node)
            continue
        bias, result = _bias(sums.get(node.output[0]), node.output[0], values)
        merged.add(result)
        nodes.append(_product(graph, node, np.asarray(matrix, np.float32), bias, result))
    replace_nodes(graph, [node for node in nodes if node.op_type != "Add" or node.output[0] not in merged])


def _bias(add: onnx.NodeProto | None, product: str, values: Mapping[str, NDArray[np.generic]]) -> tuple[str, str]:
    """Name of the vector that is added to a product, empty if there is none, and of what comes out."""
    if add is not None:
        (other,) = (name for name in add.input if name != product)
        if other in values and values[other].ndim == 1:
            return other, add.output[0]
    return "", product


def _product(
    graph: onnx.GraphProto, matmul: onnx.NodeProto, matrix: NDArray[np.float32], bias: str, result: str
) -> onnx.NodeProto:
    name = matmul.input[1]
    whole, scales = _rounded(matrix)
    known = {tensor.name for tensor in graph.initializer}
    for key, array in ((f"{name}/int8", whole), (f"{name}/scales", scales)):
        if key not in known:
            graph.initializer.append(constant(key, array))
    inputs = [matmul.input[0], f"{name}/int8", f"{name}/scales"]
    return helper.make_node(
        "MatMulNBits",
        inputs + (["", "", bias] if bias else []),
        [result],
        domain=CONTRIBUTED,
        K=matrix.shape[0],
        N=matrix.shape[1],
        bits=8,
        block_size=BLOCK,
        accuracy_level=IN_WHOLE_NUMBERS,
    )


def _rounded(matrix: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Whole numbers around 128, shape (columns, blocks, `BLOCK`), and the scale of each block of a column."""
    rows, columns = matrix.shape
    blocks = -(-rows // BLOCK)
    padded = np.zeros((columns, blocks * BLOCK), np.float32)
    padded[:, :rows] = matrix.T
    values = padded.reshape(columns, blocks, BLOCK)
    scales = np.maximum(np.abs(values).max(axis=2), np.float32(1e-12)) / np.float32(LARGEST)
    whole = np.rint(values / scales[:, :, None]) + np.float32(ZERO)
    return whole.astype(np.uint8), scales.astype(np.float32).reshape(-1)
