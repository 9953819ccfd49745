"""The remote interface under messages made from its own schema, right and wrong: always one answer, never an end."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import ParameterError, StageDescription
from engine.integrations.remote_api import decode_request, encode_message, remote_schema
from engine.integrations.remote_session import RemoteSession
from engine.requests import Done, Failed
from tests.helpers.fake_engine import FakeEngine

SCHEMA = remote_schema()
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def from_schema(part: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a part of the schema allows; knows what msgspec writes and nothing else."""
    match part:
        case {"$ref": ref}:
            return from_schema(SCHEMA["$defs"][ref.removeprefix("#/$defs/")])
        case {"anyOf": choices}:
            return st.one_of([from_schema(choice) for choice in choices])
        case {"enum": values}:
            return st.sampled_from(values)
        case {"type": "object", "properties": properties, "required": required}:
            parts = {name: from_schema(of) for name, of in properties.items()}
            optional = {name: parts.pop(name) for name in list(parts) if name not in required}
            return st.fixed_dictionaries(parts, optional=optional)
        case {"type": "object", "additionalProperties": dict(value)}:
            return st.dictionaries(names(), from_schema(value), max_size=5)
        case {"type": "array", "items": dict(item)}:
            return st.lists(from_schema(item), max_size=5)
        case {"type": "string"}:
            return names()
        case {"type": "integer"}:
            return st.integers(part.get("minimum"), part.get("maximum"))
        case {"type": "number"}:
            return st.floats(allow_nan=False, allow_infinity=False)
        case {"type": "boolean"}:
            return st.booleans()
    raise NotImplementedError(part)


def names() -> st.SearchStrategy[str]:
    """Ids that there are, and some that there are not."""
    stages: tuple[StageDescription, ...] = FakeEngine().description.stages
    ids = [stage.id for stage in stages] + [f"{stage.id}.{spec.name}" for stage in stages for spec in stage.params]
    return st.sampled_from(ids) | st.text(max_size=30)


REQUESTS = from_schema(SCHEMA["$defs"]["Request"])


@pytest.fixture(scope="module")
def session() -> RemoteSession:
    """Goes on through all examples, as a client's would."""
    return RemoteSession(FakeEngine())


def answer(session: RemoteSession, content: bytes | str) -> Any:
    """What a client reads."""
    return msgspec.json.decode(encode_message(session.answer(content)))


@given(request=REQUESTS)
@settings(max_examples=300)
def test_what_the_schema_allows_is_understood(session: RemoteSession, request: dict[str, Any]) -> None:
    content = msgspec.json.encode(request)
    # The numbers that JSON can say are more than those a parameter can be.
    with contextlib.suppress(msgspec.ValidationError):
        decode_request(content)
        heard = answer(session, content)
        assert heard["type"] != "Failed" or heard["error"] == ParameterError.__name__, heard


@given(request=REQUESTS, name=st.text(max_size=10), value=ANY_JSON, data=st.data())
@settings(max_examples=300)
def test_a_request_with_something_changed_has_one_answer(
    session: RemoteSession, request: dict[str, Any], name: str, value: Any, data: st.DataObject
) -> None:
    changed = {**request, data.draw(st.sampled_from([*request, name])): value}
    if data.draw(st.booleans()):
        changed.pop(data.draw(st.sampled_from(list(changed))))
    assert "type" in answer(session, msgspec.json.encode(changed))


@given(content=st.binary(max_size=200) | st.text(max_size=200) | ANY_JSON.map(msgspec.json.encode))
@settings(max_examples=300)
def test_what_is_no_request_has_one_answer(session: RemoteSession, content: bytes | str) -> None:
    assert answer(session, content)["type"] == "Failed"


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"type":' * 5_000, b'{"type":"SetParam","id":"x","value":1e999}']
)
def test_depth_and_size_are_no_way_in(session: RemoteSession, content: bytes) -> None:
    assert answer(session, content)["type"] == "Failed"


def test_every_message_is_in_the_schema() -> None:
    documented = {
        tag["properties"]["type"]["enum"][0] for tag in SCHEMA["$defs"].values() if "type" in tag.get("properties", {})
    }
    assert {Done.__name__, Failed.__name__, "Settings", "Subscribe", "SetParam", "SnapshotReply"} <= documented
    # Nothing that opens, ends or overhears is.
    assert not documented & {"Start", "Stop", "Shutdown", "SetService", "GetTap", "TapReply", "ReportService"}
