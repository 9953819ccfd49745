"""NSNet2 at 48 kHz: the published graph for whole recordings becomes one that is stepped a frame at a time.

The network looks at nothing but the frame and its own two hidden states, so these are all there is to make explicit.
State `name` comes in, `name_next` goes out.

Source: Braun, Tashev, "Data augmentation and loss normalization for deep noise suppression", SPECOM 2020; the baseline of the
Deep Noise Suppression Challenge, 48 kHz.
"""

from __future__ import annotations

import onnx

from models.build.int8 import gru_as_products, quantize_products
from models.build.surgery import as_rows, expose_gru_states, float_value, prune, rename, serialize

OPSET = 13
BINS = 513
HIDDEN = 600
STATES = ("h0", "h1")


def build(published: bytes) -> bytes:
    """The streaming model file from the published graph, its weights rounded to whole numbers."""
    graph = onnx.load_model_from_string(published).graph
    expose_gru_states(graph, STATES)
    gru_as_products(graph, OPSET)
    quantize_products(graph)
    nexts = [f"{name}_next" for name in STATES]
    rename(graph, "nsnet2/", {"input": "log_power", "output": "gain"} | {name: name for name in (*STATES, *nexts)})
    graph.name = "nsnet2"
    del graph.input[:], graph.output[:], graph.value_info[:]
    graph.input.append(float_value("log_power", [1, BINS]))
    graph.input.extend(float_value(name, [1, HIDDEN]) for name in STATES)
    graph.output.append(float_value("gain", [1, BINS]))
    graph.output.extend(float_value(name, [1, HIDDEN]) for name in nexts)
    as_rows(graph)
    prune(graph)
    return serialize(graph, OPSET)
