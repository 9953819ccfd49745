"""Whatever comes over the socket, the answer is a reply or a hang-up, and the engine goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from multiprocessing.connection import Client
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine import EngineState, ParameterError, SidetoneError
from engine.commands import Start
from engine.config import ChainConfig, DeviceConfig, EngineConfig
from engine.host import EngineHost
from engine.protocol import Wire, decode_reply, decode_request, encode, greet_engine
from engine.remote import connect
from engine.rendezvous import Rendezvous
from engine.requests import Failed, Reply, Request
from engine.snapshot import EngineState as SnapshotState
from tests.helpers.engines import Studio, config, studio

REPLIES: tuple[type, ...] = get_args(Reply)

values = st.floats() | st.booleans() | st.text(max_size=20)
devices = st.builds(
    DeviceConfig,
    input=st.sampled_from(["auto", "simulated:in", "", "no such device", "simulated:/no/such/file.wav", "\0", "."]),
    output=st.sampled_from(["auto", "simulated:out", "", "simulated:/no/such/folder/out.wav", "simulated:\0.wav"]),
    monitor=st.none() | st.sampled_from(["simulated:out", "", "\ud7ff"]),
    hop_frames=st.integers(-(2**40), 2**40) | st.sampled_from([64, 480]),
    is_exclusive=st.booleans(),
)
names = st.sampled_from(
    ["factor.factor", "factor.is_inverted", "late.color", "late", "factor.", ".", "high_pass.cutoff_hz"]
)
chains = st.builds(
    ChainConfig,
    params=st.dictionaries(names | st.text(max_size=5), values, max_size=4),
    bypass=st.dictionaries(st.sampled_from(["late", "factor", "nosuch", ""]), st.booleans(), max_size=3),
)
configs = st.builds(EngineConfig, devices=devices, chain=chains)


KNOWN = {
    "id": names | st.text(max_size=30),
    "stage": st.sampled_from(["late", "factor", "x"]) | st.text(max_size=9),
    "value": values,
    "latency_ms": st.none() | st.floats(),
}
"""By the field's name, even if its type says more: names that exist half of the time, and numbers that are none."""

BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(),
    str: st.text(max_size=40),
    bytes: st.binary(max_size=40),
    type(None): st.none(),
    EngineConfig: configs,
    ChainConfig: chains,
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Anything that a field of this type may hold; structs are filled field by field."""
    if kind in BY_TYPE:
        return BY_TYPE[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return st.builds(kind, **{field.name: any_in(field) for field in msgspec.structs.fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    inner = get_args(kind)
    match get_origin(kind):
        case origin if origin is Annotated:
            return bounded(inner[0], inner[1:])
        case origin if origin is Literal:
            return st.sampled_from(inner)
        case origin if origin is dict:
            return st.dictionaries(any_of(inner[0]), any_of(inner[1]), max_size=3)
        case origin if origin is tuple:
            each = st.lists(any_of(inner[0]), max_size=3).map(tuple)
            return each if inner[-1] is Ellipsis else st.tuples(*map(any_of, inner))
        case _:
            return st.one_of([any_of(part) for part in inner])


def any_in(field: msgspec.structs.FieldInfo) -> st.SearchStrategy[Any]:
    """Anything that this field may hold."""
    # Lines of captions are numbered; everything else that has an id has a name.
    is_known = field.name in KNOWN and field.type is not int
    return KNOWN[field.name] if is_known else any_of(field.type)


def bounded(kind: Any, notes: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """A number or a text within what its `msgspec.Meta` allows."""
    meta = next(note for note in notes if isinstance(note, msgspec.Meta))
    if kind is float:
        return st.floats(meta.ge, meta.le)
    if kind is int:
        return st.integers(
            -(2**63) if meta.ge is None else int(meta.ge), 2**63 - 1 if meta.le is None else int(meta.le)
        )
    if kind is str:
        return st.text(min_size=meta.min_length or 0, max_size=min(meta.max_length or 40, 40))
    return any_of(kind)


kinds = [kind for kind in get_args(Request) if kind.__name__ != "Shutdown"]
requests = st.one_of([any_of(kind) for kind in kinds])

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=9)
    | st.binary(max_size=9)
)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
)
tags = st.sampled_from([kind.__name__ for kind in kinds] + ["Done", "Failed", "SnapshotReply", "object"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Rendezvous, EngineHost]]:
    meeting_point = Rendezvous(tmp_path_factory.mktemp("fuzz"))
    with studio() as made:
        host = EngineHost(made.engine, meeting_point)
        host.start()
        try:
            yield made, meeting_point, host
        finally:
            host.close()


@contextmanager
def conversation(meeting_point: Rendezvous, host: EngineHost) -> Iterator[Wire]:
    with Client(host.address) as wire:
        greet_engine(wire, meeting_point.authkey())
        yield wire


def ask(wire: Wire, content: bytes) -> Reply:
    wire.send_bytes(content)
    assert wire.poll(20.0), "no answer"
    reply: Reply = decode_reply(wire.recv_bytes())
    assert isinstance(reply, REPLIES)
    return reply


steady = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
Place = tuple[Studio, Rendezvous, EngineHost]


@steady
@given(contents=st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_bytes(place: Place, contents: list[bytes]) -> None:
    _, meeting_point, host = place
    with conversation(meeting_point, host) as wire:
        for content in contents:
            try:
                decode_request(content)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
                assert isinstance(ask(wire, content), Failed)


@steady
@given(tag=tags, tree=st.dictionaries(st.text(max_size=9), trees, max_size=5) | trees)
def test_valid_msgpack_of_odd_shapes(place: Place, tag: str, tree: Any) -> None:
    _, meeting_point, host = place
    message = {**tree, "type": tag} if isinstance(tree, dict) else [tag, tree]
    with conversation(meeting_point, host) as wire:
        ask(wire, msgspec.msgpack.encode(message))


@steady
@given(asked=st.lists(requests, min_size=1, max_size=6))
def test_valid_requests_of_odd_content(place: Place, asked: list[Request]) -> None:
    made, meeting_point, host = place
    with conversation(meeting_point, host) as wire:
        for request in asked:
            try:
                content = encode(request)
            except UnicodeEncodeError:
                assume(False)
            reply = ask(wire, content)
            if isinstance(reply, Failed) and not isinstance(request, Start):
                assert "Error" in reply.error
    assert made.engine.snapshot().state in SnapshotState


@steady
@given(raw=st.binary(min_size=1, max_size=200))
def test_strangers_who_do_not_know_the_handshake(place: Place, raw: bytes) -> None:
    _, meeting_point, host = place
    with Client(host.address) as wire:
        wire.recv_bytes()
        try:
            wire.send_bytes(raw)
            while wire.poll(5.0):
                # The one word said to a stranger.
                assert wire.recv_bytes() == b"#FAILURE#"
            pytest.fail("it did not hang up")
        except (EOFError, OSError):
            pass
    with conversation(meeting_point, host):
        pass


@given(content=st.binary(max_size=400))
def test_a_client_that_gets_garbage_has_lost_its_engine(content: bytes) -> None:
    with suppress(msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        assert isinstance(decode_reply(content), REPLIES)


@given(request=requests)
def test_requests_come_over_as_they_are(request: Request) -> None:
    try:
        content = encode(request)
    except UnicodeEncodeError:
        assume(False)
    assert encode(decode_request(content)) == content


def test_after_all_that_the_engine_works(place: Place, tmp_path: Path) -> None:
    made, meeting_point, _ = place
    remote = connect(meeting_point)
    remote.send(Start(config(factor__factor=0.5)))
    made.wait_for(lambda snapshot: snapshot.state is EngineState.RUNNING and snapshot.hops > 10)
    with pytest.raises(ParameterError):
        remote.send(Start(config(nosuch__factor=0.5)))
    with pytest.raises(SidetoneError):
        remote.send(Start(config(input=f"simulated:{tmp_path}/none.wav")))
    remote.close()
