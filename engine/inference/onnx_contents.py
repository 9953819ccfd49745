"""What an ONNX file asks for, read from its bytes alone: operators that are not ONNX's own, and data outside the file.

A file from a stranger is looked through before any runtime sees it, and without the `onnx` package, which an installed program
does not bring along. Only the few fields that matter are decoded; whatever is not well formed is refused.

Source: onnx.proto3 of the ONNX project (field numbers); Protocol Buffers encoding (wire types).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import ModelError

_DEEPEST = 32
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Fields that lead to nodes and tensors: message name -> field number -> message name.
_CHILDREN = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_OPERATOR_NAME, _OPERATOR_DOMAIN = 4, 7
_OWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14


@dataclass(slots=True)
class OnnxContents:
    """What was found.

    Attributes
    ----------
    strangers : set[str]
        Operators that are not ONNX's own, as `domain.Name`.
    has_external_data : bool
        Whether a tensor's data lie in another file.
    nodes : int
        Operators, in all graphs.
    """

    strangers: set[str]
    has_external_data: bool = False
    nodes: int = 0


def read_onnx_contents(content: bytes) -> OnnxContents:
    """Look through an ONNX file. Control thread.

    Raises
    ------
    ModelError
        If it is not well formed, or holds no operator.
    """
    found = OnnxContents(set())
    try:
        _walk(memoryview(content), "model", found, 0)
    except (ValueError, IndexError) as error:
        raise ModelError(f"this is no ONNX model ({error}); choose another file") from None
    if not found.nodes:
        raise ModelError("this is no ONNX model (it has no operators); choose another file")
    return found


def _walk(message: memoryview, kind: str, found: OnnxContents, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("graphs within graphs without end")
    found.nodes += kind == "node"
    children = _CHILDREN[kind]
    operator = {_OPERATOR_NAME: "", _OPERATOR_DOMAIN: ""}
    for number, value in _fields(message):
        if isinstance(value, int):
            # EXTERNAL is 1; anything but DEFAULT is refused.
            found.has_external_data |= kind == "tensor" and number == _DATA_LOCATION and value != 0
        elif number in children:
            _walk(value, children[number], found, depth + 1)
        elif kind == "node" and number in (_OPERATOR_NAME, _OPERATOR_DOMAIN):
            operator[number] = str(value, "utf-8")
        elif kind == "tensor" and number == _EXTERNAL_DATA:
            found.has_external_data = True
    if operator[_OPERATOR_DOMAIN] not in _OWN_DOMAINS:
        found.strangers.add(f"{operator[_OPERATOR_DOMAIN]}.{operator[_OPERATOR_NAME]}")


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field; numbers of fixed width are passed over."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, position = _varint(message, position)
            yield number, value
        elif wire == _BYTES:
            length, position = _varint(message, position)
            if length > len(message) - position:
                raise ValueError("it is cut off")
            yield number, message[position : position + length]
            position += length
        elif wire in (_FIXED32, _FIXED64):
            position += 4 if wire == _FIXED32 else 8
            if position > len(message):
                raise ValueError("it is cut off")
        else:
            raise ValueError(f"wire type {wire}")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number without end")
