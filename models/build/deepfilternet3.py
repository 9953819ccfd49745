"""DeepFilterNet3: three graphs for whole recordings become one graph that is stepped a frame at a time.

The encoder and the two decoders come as separate graphs that start every recording from nothing. Here their past becomes
explicit: convolutions over time lose their padding and read past frames from their input, the five GRUs take and give their
hidden state, and the three are joined, because one call of onnxruntime costs less than three.

A graph of several frames makes one step on the newest real frame and then goes on over frames that the caller predicted; its
states come out as they are after the real one. That too is one call.

State `name` comes in, `name_next` goes out; the caller carries one to the other. Nothing else is kept between steps.

Source: Schröter, Rosenkranz, Escalante-B., Maier, "DeepFilterNet: Perceptually Motivated Real-Time Speech Enhancement",
Interspeech 2023; order 5, 96 bins, two frames of look-ahead as in the published config.ini.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper

from models.build.int8 import gru_as_products, quantize_products
from models.build.surgery import (
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
BANDS = 32
BINS = 96
TAPS = 5
CHANNELS = 64
HIDDEN = 256
CONTEXT = 3
"""Frames of features that one step looks at."""
ENCODER_STATES = ("enc_h",)
MASK_STATES = ("mask_h0", "mask_h1")
FILTER_STATES = ("filter_h0", "filter_h1")


def build(members: Mapping[str, bytes], frames: int = 1, is_int8: bool = False) -> bytes:
    """The streaming model file from the published graphs.

    Parameters
    ----------
    members : Mapping[str, bytes]
        The files `enc.onnx`, `erb_dec.onnx` and `df_dec.onnx` by name.
    frames : int
        One real frame, and the predicted ones after it.
    is_int8 : bool
        Whether the weights of the recurrent layers are rounded to whole numbers.
    """
    encoder = _stateful(members["enc.onnx"], ENCODER_STATES, frames, is_int8)
    mask_decoder = _stateful(members["erb_dec.onnx"], MASK_STATES, frames, is_int8)
    filter_decoder = _stateful(members["df_dec.onnx"], FILTER_STATES, frames, is_int8)
    embedding = {name: f"enc/{name}" for name in ("emb", "e0", "e1", "e2", "e3")}
    rename(encoder, "enc/", {name: name for name in ("feat_erb", "feat_spec", "lsnr", *_both(ENCODER_STATES))})
    rename(mask_decoder, "mask/", embedding | {"m": "mask"} | {name: name for name in _both(MASK_STATES)})
    rename(filter_decoder, "filter/", embedding | {name: name for name in ("coefs", *_both(FILTER_STATES))})
    return serialize(_joined(encoder, mask_decoder, filter_decoder, frames), OPSET)


def _both(states: tuple[str, ...]) -> tuple[str, ...]:
    return (*states, *(f"{name}_next" for name in states))


def _stateful(file: bytes, states: tuple[str, ...], frames: int, is_int8: bool) -> onnx.GraphProto:
    graph = onnx.load_model_from_string(file).graph
    drop_time_padding(graph)
    expose_gru_states(graph, states, frames)
    grouped_linear_as_matmul(graph, frames)
    if is_int8:
        gru_as_products(graph, OPSET, frames)
        quantize_products(graph)
    skip_reshapes(graph, frames)
    return graph


def _joined(
    encoder: onnx.GraphProto, mask_decoder: onnx.GraphProto, filter_decoder: onnx.GraphProto, frames: int
) -> onnx.GraphProto:
    graph = onnx.GraphProto(name="deepfilternet3")
    states = ENCODER_STATES + MASK_STATES + FILTER_STATES
    history = [1, CHANNELS, TAPS - 1, BINS]
    graph.input.append(float_value("feat_erb", [1, 1, CONTEXT - 1 + frames, BANDS]))
    graph.input.append(float_value("feat_spec", [1, 2, CONTEXT - 1 + frames, BINS]))
    graph.input.append(float_value("c0", history))
    graph.input.extend(float_value(name, [1, 1, HIDDEN]) for name in states)
    graph.output.append(float_value("mask", [1, 1, frames, BANDS]))
    graph.output.append(float_value("coefs", [1, frames, BINS, 2 * TAPS]))
    graph.output.append(float_value("lsnr", [1, frames, 1]))
    graph.output.append(float_value("c0_next", history))
    graph.output.extend(float_value(f"{name}_next", [1, 1, HIDDEN]) for name in states)
    for part in (encoder, mask_decoder, filter_decoder):
        graph.initializer.extend(part.initializer)
    for name, value in (("c0/start", 1), ("c0/stop", TAPS), ("c0/axis", 2)):
        graph.initializer.append(constant(name, np.array([value], np.int64)))
    graph.node.extend([*encoder.node, *mask_decoder.node])
    graph.node.append(helper.make_node("Concat", ["c0", "enc/c0"], ["filter/c0"], axis=2))
    graph.node.append(helper.make_node("Slice", ["filter/c0", "c0/start", "c0/stop", "c0/axis"], ["c0_next"]))
    graph.node.extend(filter_decoder.node)
    prune(graph)
    return graph
