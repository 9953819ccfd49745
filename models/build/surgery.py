"""Small, exact operations on ONNX graphs, shared by every recipe.

A recipe turns a model made for whole recordings into one that is stepped frame by frame. What comes out must have the same
bytes on every machine and with every version of `onnx`, because the catalogue records its sha256: so nothing here lets the
library fill in a default, and nothing depends on the order of a dictionary that somebody else filled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

IR_VERSION = 8
"""Written into every built file; every onnxruntime that the program runs with reads it."""
CONTRIBUTED = "com.microsoft"
"""Domain of onnxruntime's own operators."""


def float_value(name: str, shape: Sequence[int]) -> onnx.ValueInfoProto:
    """A float32 input or output with a fixed shape."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def constant(name: str, values: NDArray[np.generic]) -> onnx.TensorProto:
    """An initializer with the values, shape and type of `values`."""
    return numpy_helper.from_array(np.ascontiguousarray(values), name)


def constants(graph: onnx.GraphProto) -> dict[str, NDArray[np.generic]]:
    """Values of all initializers and `Constant` nodes by name."""
    found: dict[str, NDArray[np.generic]] = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def replace_nodes(graph: onnx.GraphProto, nodes: Iterable[onnx.NodeProto]) -> None:
    """Make `nodes` the graph's only nodes."""
    kept = list(nodes)
    del graph.node[:]
    graph.node.extend(kept)


def rename(graph: onnx.GraphProto, prefix: str, names: Mapping[str, str]) -> None:
    """Rename every value: as `names` says, and by putting `prefix` before it otherwise; node names go."""

    def new_name(name: str) -> str:
        return names.get(name, prefix + name) if name else ""

    for node in graph.node:
        node.name = ""
        node.doc_string = ""
        node.input[:] = [new_name(name) for name in node.input]
        node.output[:] = [new_name(name) for name in node.output]
    for tensor in graph.initializer:
        tensor.name = new_name(tensor.name)
    for value in (*graph.input, *graph.output):
        value.name = new_name(value.name)


def drop_time_padding(graph: onnx.GraphProto) -> None:
    """Feed each convolution what went into the `Pad` before it: the caller now brings the past frames itself."""
    padded = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Pad"}
    for node in graph.node:
        if node.op_type == "Conv" and node.input[0] in padded:
            node.input[0] = padded[node.input[0]]
    replace_nodes(graph, [node for node in graph.node if node.op_type != "Pad"])


def expose_gru_states(graph: onnx.GraphProto, names: Sequence[str], frames: int = 1) -> None:
    """Give each `GRU`, in order, its hidden state from input `name`, and out as `name`_next what it is after the first frame.

    The frames after the first are a look into a future that is only guessed: the state must not learn from them.
    """
    recurrent = [node for node in graph.node if node.op_type == "GRU"]
    if len(recurrent) != len(names):
        raise ValueError(f"{len(recurrent)} GRUs in the graph, {len(names)} names")
    for node, name in zip(recurrent, names, strict=True):
        node.input[5] = name
        node.output[:] = [node.output[0], f"{name}_next" if frames == 1 else ""]
    if frames == 1:
        return
    nodes: list[onnx.NodeProto] = []
    for key, value in (("first/start", 0), ("first/stop", 1), ("first/axis", 0)):
        graph.initializer.append(constant(key, np.array([value], np.int64)))
    for node in graph.node:
        nodes.append(node)
        if node.op_type == "GRU":
            first, next_state = f"{node.output[0]}/first", f"{node.input[5]}_next"
            hidden = constants(graph)[node.input[2]].shape[2]
            graph.initializer.append(constant(f"{first}/shape", np.array([1, 1, hidden], np.int64)))
            nodes.append(
                helper.make_node("Slice", [node.output[0], "first/start", "first/stop", "first/axis"], [first])
            )
            nodes.append(helper.make_node("Reshape", [first, f"{first}/shape"], [next_state]))
    replace_nodes(graph, nodes)


def grouped_linear_as_matmul(graph: onnx.GraphProto, frames: int = 1) -> None:
    """Rewrite each grouped linear layer `btgi,gih->btgh` of so many frames from `Einsum` as a batched `MatMul`.

    The same sums in the same order; onnxruntime spends about a tenth less on the whole network so.
    """
    values = constants(graph)
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "Einsum":
            nodes.append(node)
            continue
        groups, inputs, outputs = values[node.input[1]].shape
        result = node.output[0]
        split, product, joined = f"{result}/split", f"{result}/product", f"{result}/joined"
        # One product per group, with a row per frame.
        shape = [groups, 1, inputs] if frames == 1 else [frames, groups, inputs]
        graph.initializer.append(constant(f"{split}/shape", np.array(shape, np.int64)))
        graph.initializer.append(constant(f"{joined}/shape", np.array([1, frames, groups, outputs], np.int64)))
        nodes.append(helper.make_node("Reshape", [node.input[0], f"{split}/shape"], [split]))
        if frames > 1:
            nodes.append(helper.make_node("Transpose", [split], [f"{split}/rows"], perm=[1, 0, 2]))
            nodes.append(helper.make_node("MatMul", [f"{split}/rows", node.input[1]], [f"{product}/rows"]))
            nodes.append(helper.make_node("Transpose", [f"{product}/rows"], [product], perm=[1, 0, 2]))
        else:
            nodes.append(helper.make_node("MatMul", [split, node.input[1]], [product]))
        nodes.append(helper.make_node("Reshape", [product, f"{joined}/shape"], [result]))
    replace_nodes(graph, nodes)


def skip_reshapes(graph: onnx.GraphProto, frames: int) -> None:
    """Let each `Reshape` read what went into other reshapes just before it, and drop swaps of two axes of length one.

    Nothing is computed in these nodes, but each costs onnxruntime as much as a small sum does. No shape here has a 0, which
    would stand for a length of the input that is skipped.
    """
    stands_for: dict[str, str] = {}
    kept: list[onnx.NodeProto] = []
    for node in graph.node:
        node.input[:] = [stands_for.get(name, name) for name in node.input]
        # Batch and time: one each, when there is one frame.
        if frames == 1 and node.op_type == "Transpose" and list(node.attribute[0].ints) == [1, 0, 2]:
            stands_for[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    replace_nodes(graph, kept)
    sources = {node.output[0]: node.input[0] for node in kept if node.op_type in ("Reshape", "Squeeze", "Unsqueeze")}
    for node in graph.node:
        while node.op_type == "Reshape" and node.input[0] in sources:
            node.input[0] = sources[node.input[0]]


def as_rows(graph: onnx.GraphProto) -> None:
    """Drop all nodes that only change shapes, where every value is a vector and so may be a row, (1, size), throughout."""
    sources: dict[str, str] = {}
    kept: list[onnx.NodeProto] = []
    for node in graph.node:
        node.input[:] = [sources.get(name, name) for name in node.input]
        if node.op_type in ("Reshape", "Squeeze", "Transpose"):
            sources[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    # What only such a node gave out is given out by the one before it.
    given_out = {sources[value.name]: value.name for value in graph.output if value.name in sources}
    for node in kept:
        node.input[:] = [given_out.get(name, name) for name in node.input]
        node.output[:] = [given_out.get(name, name) for name in node.output]
    replace_nodes(graph, kept)


def prune(graph: onnx.GraphProto) -> None:
    """Take away nodes and initializers that no output depends on."""
    needed = {value.name for value in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(name for name in node.input if name)
    replace_nodes(graph, reversed(kept))
    used = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(used)


def serialize(graph: onnx.GraphProto, opset: int) -> bytes:
    """A checked model file: the same bytes for the same graph, whatever the version of `onnx`."""
    model = onnx.ModelProto()
    model.ir_version = IR_VERSION
    model.producer_name = "sidetone"
    model.opset_import.add().version = opset
    if any(node.domain == CONTRIBUTED for node in graph.node):
        contributed = model.opset_import.add()
        contributed.domain, contributed.version = CONTRIBUTED, 1
    model.graph.CopyFrom(graph)
    onnx.checker.check_model(model, full_check=True)
    file: bytes = model.SerializeToString(deterministic=True)
    return file
