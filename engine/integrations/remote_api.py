"""What a program may say through the remote interface, and what it hears: typed structs, as JSON, one a message.

The requests that change something are the engine's own commands; those that could open files or devices, or end the engine,
are not among them. Every request has exactly one answer, in order; what was subscribed to comes between. The schema that
`remote_schema` makes of these structs is the documentation.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from engine.commands import ApplyChain, LoadPreset, Redo, ResetMeters, SetBypass, SetDry, SetParam, Undo
from engine.core.params import Value
from engine.requests import (
    DescriptionReply,
    Done,
    EventsReply,
    Failed,
    GetDescription,
    GetEvents,
    GetSnapshot,
    SnapshotReply,
)
from engine.snapshot import EngineState


class Topic(StrEnum):
    """What can be subscribed to."""

    SETTINGS = "settings"
    METERS = "meters"
    EVENTS = "events"


class GetSettings(msgspec.Struct, frozen=True, tag=True):
    """Ask for parameters by id (`stage.name`) and bypasses by stage id; for all of them if none is named."""

    ids: tuple[str, ...] = ()


class Toggle(msgspec.Struct, frozen=True, tag=True):
    """Turn a switch around: a parameter that is on or off (`stage.name`), or the bypass of a stage (`stage`)."""

    id: str


class Subscribe(msgspec.Struct, frozen=True, tag=True):
    """Ask to be told what changes, now and from now on. It takes the place of an earlier subscription; no topic ends it.

    Topics are `settings` (`Settings` with what changed), `meters` (a `SnapshotReply` each interval) and `events`
    (`EventsReply` with what happened since).
    """

    topics: tuple[Topic, ...]
    interval_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 100


class Settings(msgspec.Struct, frozen=True, tag=True):
    """Settings as they are: answer to `GetSettings` and `Toggle`, and what a subscription tells of a change."""

    params: dict[str, Value] = {}
    bypass: dict[str, bool] = {}
    state: EngineState | None = None


RemoteRequest = (
    SetParam
    | SetBypass
    | ApplyChain
    | LoadPreset
    | Undo
    | Redo
    | SetDry
    | ResetMeters
    | Toggle
    | GetSettings
    | GetSnapshot
    | GetDescription
    | GetEvents
    | Subscribe
)

RemoteMessage = Done | Failed | Settings | SnapshotReply | DescriptionReply | EventsReply

_requests: msgspec.json.Decoder[RemoteRequest] = msgspec.json.Decoder(RemoteRequest)
_encoder = msgspec.json.Encoder()


def decode_request(content: str | bytes) -> RemoteRequest:
    """Read a request.

    Raises
    ------
    msgspec.DecodeError, RecursionError, UnicodeDecodeError
        If it is not one.
    """
    return _requests.decode(content)


def encode_message(message: RemoteMessage) -> bytes:
    """Text of an answer, in UTF-8."""
    return _encoder.encode(message)


def remote_schema() -> dict[str, Any]:
    """JSON Schema of all that may be said: `Request` to Sidetone, `Message` from it."""
    (request, message), parts = msgspec.json.schema_components(
        (RemoteRequest, RemoteMessage), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sidetone remote interface",
        "description": "One JSON object a WebSocket text message. A client sends `Request`s and hears `Message`s.",
        "$ref": "#/$defs/Request",
        "$defs": {"Request": request, "Message": message, **parts},
    }
