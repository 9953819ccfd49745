"""Networks of a few nodes that bring their own transforms along, as a stranger's might."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOOR_POWER = 5e-5
MAKE_UP = 1.15
"""For what the gate takes of the voice."""


def small_waveform_model(
    sample_rate: int, hop: int, delay: int, metadata: dict[str, str] | None = None, state_rows: int = 1
) -> bytes:
    """A gate with two states: sound `delay` samples late, turned down where it has been fainter than about -40 dBFS.

    Parameters
    ----------
    metadata : dict, optional
        Instead of what is true.
    state_rows : int
        Of the state as it comes out: with more than one it is no state any more.
    """
    nodes = [
        helper.make_node("Concat", ["past", "sound"], ["line"], axis=1),
        helper.make_node("Slice", ["line", "start", "hop", "axis"], ["late"]),
        helper.make_node("Slice", ["line", "hop", "end", "axis"], ["past_out"]),
        helper.make_node("Mul", ["sound", "sound"], ["squares"]),
        helper.make_node("ReduceMean", ["squares"], ["power"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["level", "decay"], ["kept"]),
        helper.make_node("Mul", ["power", "growth"], ["new"]),
        helper.make_node("Add", ["kept", "new"], ["level_out"]),
        helper.make_node("Add", ["level_out", "floor"], ["more"]),
        helper.make_node("Div", ["level_out", "more"], ["share"]),
        helper.make_node("Mul", ["share", "share"], ["square"]),
        helper.make_node("Mul", ["square", "square"], ["gain"]),
        helper.make_node("Mul", ["late", "gain"], ["quieter"]),
        helper.make_node("Mul", ["quieter", "make_up"], ["clean"]),
    ]
    numbers = {"start": [0], "hop": [hop], "end": [hop + delay], "axis": [1]}
    factors = {"decay": 0.7, "growth": 0.3, "floor": FLOOR_POWER, "make_up": MAKE_UP}
    constants = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in numbers.items()]
    constants += [numpy_helper.from_array(np.array([[value]], np.float32), name) for name, value in factors.items()]
    sizes_in = {"sound": [1, hop], "past": [1, delay], "level": [1, 1]}
    sizes_out = {"clean": [1, hop], "past_out": [1, delay], "level_out": [1, 1]}
    if state_rows > 1:
        nodes.append(helper.make_node("Concat", ["level_out"] * state_rows, ["levels"], axis=0))
        sizes_out = {"clean": [1, hop], "past_out": [1, delay], "levels": [state_rows, 1]}
    graph = helper.make_graph(
        nodes,
        "gate",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in sizes_in.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in sizes_out.items()],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
    true = {"sample_rate": str(sample_rate), "delay_samples": str(delay)}
    onnx.helper.set_model_props(model, true if metadata is None else metadata)
    content: bytes = model.SerializeToString()
    return content
