"""The engine of another process, with the same methods. Control thread; every call waits for its answer, but not for ever."""

from __future__ import annotations

import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from typing import TypeVar

import msgspec

from engine import errors
from engine.commands import Command, ComparisonCommand, ModelCommand, SetBackups, Start, Stop
from engine.description import Description, DeviceDescription, PresetDescription
from engine.errors import ConnectionLostError, SidetoneError
from engine.protocol import MAX_REPLY_BYTES, Wire, decode_reply, encode, greet_engine
from engine.rendezvous import EngineAddress, Rendezvous
from engine.requests import (
    Attend,
    DescriptionReply,
    DevicesReply,
    Done,
    EventsReply,
    Failed,
    Farewell,
    GetDescription,
    GetDevices,
    GetEvents,
    GetPreset,
    GetSnapshot,
    GetTap,
    Leave,
    PresetReply,
    Reply,
    Request,
    SnapshotReply,
    TapReply,
)
from engine.snapshot import Event, Snapshot, TapChunk, TapPoint

_ANSWER_S = 3.0
_DEVICES_ANSWER_S = 60.0
_LONG_COMMANDS = Start | Stop | SetBackups | ComparisonCommand | ModelCommand
"""They wait for devices, load models, or wait for whoever does just now."""

_R = TypeVar("_R", bound=Reply)


class RemoteEngine:
    """Implements `EngineApi` over a connection that is already made; see `connect`.

    Attributes
    ----------
    found : EngineAddress
        Where it was found.
    """

    def __init__(self, found: EngineAddress, authkey: bytes) -> None:
        self.found = found
        self._lock = threading.Lock()
        try:
            self._connection: Wire = Client(found.address)
        except (OSError, ValueError) as error:  # ValueError: an address of another kind of system
            reason = (isinstance(error, OSError) and error.strerror) or error
            raise ConnectionLostError(f"the engine cannot be reached ({reason})") from None
        try:
            greet_engine(self._connection, authkey)
        except (OSError, EOFError, AuthenticationError) as error:
            self._connection.close()
            raise ConnectionLostError(f"the engine cannot be reached ({error or 'it hung up'})") from None

    def send(self, command: Command) -> None:
        """Carry out a command."""
        self._ask(command, Done, _DEVICES_ANSWER_S if isinstance(command, _LONG_COMMANDS) else _ANSWER_S)

    def snapshot(self, with_spectrum: bool = False, with_session: bool = False) -> Snapshot:
        """Everything there is to show, now."""
        return self._ask(GetSnapshot(with_spectrum, with_session), SnapshotReply).snapshot

    def events(self, after: int = 0) -> tuple[Event, ...]:
        """What happened after the event numbered `after`."""
        return self._ask(GetEvents(after), EventsReply).events

    def describe(self) -> Description:
        """Stages, parameters and meters."""
        return self._ask(GetDescription(), DescriptionReply).description

    def devices(self) -> tuple[DeviceDescription, ...]:
        """The devices that can be chosen now."""
        return self._ask(GetDevices(), DevicesReply, _DEVICES_ANSWER_S).devices

    def tap(self, point: TapPoint, run: int = -1, after_frame: int = 0) -> TapChunk | None:
        """The sound at a point since a frame."""
        return self._ask(GetTap(point, run, after_frame), TapReply).chunk

    def preset(self, name: str) -> PresetDescription:
        """What a preset says, and what loading it would change now."""
        return self._ask(GetPreset(name), PresetReply).preset

    def attend(self, face: str) -> None:
        """Say that the window `face` has this engine in use until it leaves or hangs up."""
        self._ask(Attend(face), Done)

    def leave(self, face: str) -> bool:
        """Say that the window `face` is closed; whether the engine ends now."""
        return self._ask(Leave(face), Farewell).is_end

    def close(self) -> None:
        """Hang up; the engine goes on."""
        self._connection.close()

    def _ask(self, request: Request, expected: type[_R], timeout_s: float = _ANSWER_S) -> _R:
        reply = self._exchange(request, timeout_s)
        if isinstance(reply, Failed):
            raise _error(reply)
        if not isinstance(reply, expected):
            raise ConnectionLostError(f"the engine answered {type(reply).__name__}; is it another version? Restart it.")
        return reply

    def _exchange(self, request: Request, timeout_s: float) -> Reply:
        with self._lock:
            try:
                self._connection.send_bytes(encode(request))
                if not self._connection.poll(timeout_s):
                    # An answer that comes later would be taken for the next one: this connection is of no more use.
                    self._connection.close()
                    raise ConnectionLostError(f"the engine has not answered for {timeout_s:.0f} s")
                return decode_reply(self._connection.recv_bytes(MAX_REPLY_BYTES))
            except (OSError, EOFError, ValueError, msgspec.DecodeError) as error:
                self._connection.close()
                raise ConnectionLostError(f"the connection to the engine is lost ({error or 'it hung up'})") from None


def _error(reply: Failed) -> SidetoneError:
    kind = getattr(errors, reply.error, SidetoneError)
    return (
        kind(reply.message)
        if isinstance(kind, type) and issubclass(kind, SidetoneError)
        else SidetoneError(reply.message)
    )


def connect(rendezvous: Rendezvous) -> RemoteEngine:
    """Connect to the engine that runs now.

    Raises
    ------
    ConnectionLostError
        If none runs, or it does not answer.
    """
    found = rendezvous.find()
    if found is None:
        raise ConnectionLostError("no engine is running; start one with `sidetone` or `sidetone headless`")
    try:
        authkey = rendezvous.authkey()
    except OSError as error:
        raise ConnectionLostError(f"the key of the engine cannot be read ({error})") from None
    try:
        return RemoteEngine(found, authkey)
    except ConnectionLostError as error:
        raise ConnectionLostError(f"{error}; start one with `sidetone` or `sidetone headless`") from None
