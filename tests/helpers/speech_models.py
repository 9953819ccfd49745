"""A speech model of a few hundred bytes, with the tokenizer of another kind: it writes a fixed sentence as sound comes in."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HEADS, SIZE, STRIDE = 2, 3, 4000
PIECES = ["<unk>", "<s>", "</s>", "▁Guten", "▁Morgen", ",", "▁Welt", "!", "<0xC3>", "<0xA4>"]
SENTENCE = [3, 4, 5, 6, 8, 9, 7]
"""Guten Morgen, Weltä! – one token for each quarter of a second."""


def speech_archive() -> bytes:
    """The three files as `models import` takes them."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("model/encoder_model.onnx", _encoder().SerializeToString())
        files.writestr("model/decoder_model_merged.onnx", _decoder().SerializeToString())
        files.writestr("model/tokenizer.json", _tokenizer())
    return archive.getvalue()


def _tokenizer() -> str:
    special = [{"id": index, "content": PIECES[index], "special": True} for index in range(3)]
    return json.dumps({"added_tokens": special, "model": {"vocab": {piece: i for i, piece in enumerate(PIECES)}}})


def _encoder() -> onnx.ModelProto:
    """A feature for every `STRIDE` samples."""
    nodes = [
        helper.make_node("Unsqueeze", ["input_values", "channel_axis"], ["wave"]),
        helper.make_node("Conv", ["wave", "weights"], ["features"], strides=[STRIDE]),
        helper.make_node("Transpose", ["features"], ["last_hidden_state"], perm=[0, 2, 1]),
    ]
    constants = [
        numpy_helper.from_array(np.array([1], np.int64), "channel_axis"),
        numpy_helper.from_array(np.ones((SIZE, 1, STRIDE), np.float32), "weights"),
    ]
    return _model(
        nodes,
        [helper.make_tensor_value_info("input_values", TensorProto.FLOAT, ["batch", "samples"])],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "features", SIZE])],
        constants,
    )


def _decoder() -> onnx.ModelProto:
    """Writes the token of each place in the sentence while there are features left, and the end after that.

    A place is the number of keys up to it, so that a caller which loses them writes the first word for ever.
    """
    past = [f"past_key_values.0.{side}.{kind}" for side in ("decoder", "encoder") for kind in ("key", "value")]
    inputs = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"]),
        helper.make_tensor_value_info("encoder_hidden_states", TensorProto.FLOAT, ["batch", "features", SIZE]),
        *(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", HEADS, f"{name}.n", SIZE]) for name in past),
        helper.make_tensor_value_info("use_cache_branch", TensorProto.BOOL, [1]),
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "tokens", len(PIECES)])]
    nodes = [
        helper.make_node("Shape", ["input_ids"], ["ids_shape"]),
        helper.make_node("Gather", ["ids_shape", "one"], ["token_count"]),
        helper.make_node("Concat", ["one", "heads", "token_count", "size"], ["fresh_shape"], axis=0),
        helper.make_node("ConstantOfShape", ["fresh_shape"], ["fresh"]),
    ]
    for name in past:
        present = name.replace("past_key_values", "present")
        outputs.append(
            helper.make_tensor_value_info(present, TensorProto.FLOAT, ["batch", HEADS, f"{present}.n", SIZE])
        )
        nodes.append(helper.make_node("Concat", [name, "fresh"], [present], axis=2))
    nodes += [
        helper.make_node("Shape", ["present.0.decoder.key"], ["keys_shape"]),
        helper.make_node("Gather", ["keys_shape", "second"], ["key_count"]),
        helper.make_node("Gather", ["ids_shape", "next"], ["fresh_count"]),
        helper.make_node("Sub", ["key_count", "fresh_count"], ["before"]),
        helper.make_node("Add", ["before", "next"], ["first_place"]),
        helper.make_node("Add", ["key_count", "next"], ["behind"]),
        helper.make_node("Range", ["first_place", "behind", "next"], ["places"]),
        helper.make_node("Shape", ["encoder_hidden_states"], ["features_shape"]),
        helper.make_node("Gather", ["features_shape", "one"], ["feature_count"]),
        helper.make_node("Min", ["places", "feature_count", "sentence_length"], ["limited"]),
        helper.make_node("Equal", ["limited", "places"], ["has_more"]),
        helper.make_node("Gather", ["sentence", "limited"], ["words"]),
        helper.make_node("Where", ["has_more", "words", "two"], ["tokens"]),
        helper.make_node("OneHot", ["tokens", "vocabulary", "off_and_on"], ["rows"]),
        helper.make_node("Unsqueeze", ["rows", "zero"], ["logits"]),
    ]
    whole = {
        "zero": [0],
        "one": [1],
        "two": [2],
        "heads": [HEADS],
        "size": [SIZE],
        "sentence": [0, *SENTENCE],
        "sentence_length": [len(SENTENCE)],
        "vocabulary": [len(PIECES)],
        "next": 1,
        "second": 2,
    }
    constants = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in whole.items()]
    constants.append(numpy_helper.from_array(np.array([0.0, 20.0], np.float32), "off_and_on"))
    return _model(nodes, inputs, outputs, constants)


def _model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: list[onnx.TensorProto],
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "small", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model
