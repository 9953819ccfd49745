"""Silero VAD at 16 kHz: the branch for that rate out of the published graph, stepped 32 ms at a time, its shapes fixed.

The states of its recurrent layer come in as `state` and go out as `state_next`.

Source: Silero Team, "Silero VAD: pre-trained enterprise-grade Voice Activity Detector", 2024; version 6.
"""

from __future__ import annotations

import onnx

from models.build.surgery import float_value, prune, rename, replace_nodes, serialize

OPSET = 18
SAMPLES = 64 + 512
"""The last samples of the step before, and those of this one."""
STATE_SHAPE = (2, 1, 128)


def build(published: bytes) -> bytes:
    """The streaming model file from the published graph."""
    graph = onnx.load_model_from_string(published).graph
    # All that the outer graph does is to choose by the sample rate between two whole networks.
    by_rate = next(node for node in graph.node if node.op_type == "If")
    branch = next(attribute.g for attribute in by_rate.attribute if attribute.name == "then_branch")
    probability, state_next = (value.name for value in branch.output)
    replace_nodes(graph, branch.node)
    graph.initializer.extend(branch.initializer)
    names = {"input": "sound", "state": "state", probability: "speech_probability", state_next: "state_next"}
    rename(graph, "silero/", names)
    graph.name = "silero-vad"
    del graph.input[:], graph.output[:], graph.value_info[:]
    graph.input.append(float_value("sound", [1, SAMPLES]))
    graph.input.append(float_value("state", STATE_SHAPE))
    graph.output.append(float_value("speech_probability", [1, 1]))
    graph.output.append(float_value("state_next", STATE_SHAPE))
    prune(graph)
    return serialize(graph, OPSET)
