"""How messages look on the local socket: msgpack of the typed unions in `engine.commands`, never pickle; and the handshake.

Both sides prove that they know the user's key (the HMAC challenge of `multiprocessing.connection`) before anything that
the other sends is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import AuthenticationError
from multiprocessing.connection import answer_challenge, deliver_challenge
from typing import Any, Protocol

import msgspec

from engine.requests import Reply, Request

MAX_REQUEST_BYTES = 256 * 1024
"""The largest is somebody's preset with all its effects, handed over as text."""

MAX_REPLY_BYTES = 4 * 1024 * 1024
_HANDSHAKE_S = 5.0

_encoder = msgspec.msgpack.Encoder()
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def encode(message: Request | Reply) -> bytes:
    """Bytes of a message."""
    return _encoder.encode(message)


def decode_request(content: bytes) -> Request:
    """Read a request.

    Raises
    ------
    msgspec.DecodeError
        If it is not one.
    """
    return _requests.decode(content)


def decode_reply(content: bytes) -> Reply:
    """Read a reply.

    Raises
    ------
    msgspec.DecodeError
        If it is not one.
    """
    return _replies.decode(content)


class Wire(Protocol):
    """What is used of a connection, be it a socket or a Windows pipe: bytes, never its objects, which are pickle."""

    def send_bytes(self, buf: bytes) -> None:
        """Send one message."""
        ...

    def recv_bytes(self, maxlength: int | None = None) -> bytes:
        """Wait for one message."""
        ...

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Wait until there is something to receive."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


class _Impatient:
    """A connection that does not wait for ever, for the length of a handshake."""

    def __init__(self, connection: Wire) -> None:
        self._connection = connection

    def send_bytes(self, content: bytes) -> None:
        self._connection.send_bytes(content)

    def recv_bytes(self, maxlength: int | None = None) -> bytes:
        if not self._connection.poll(_HANDSHAKE_S):
            raise EOFError("the other side keeps silent")
        return self._connection.recv_bytes(maxlength)


def greet_client(connection: Wire, authkey: bytes) -> None:
    """The engine's side of the handshake.

    Raises
    ------
    multiprocessing.AuthenticationError, EOFError, OSError
        If the client does not know the key, keeps silent or hangs up.
    """
    patient: Any = _Impatient(connection)
    with _assertions_refused():
        deliver_challenge(patient, authkey)
        answer_challenge(patient, authkey)


def greet_engine(connection: Wire, authkey: bytes) -> None:
    """The client's side of the handshake; raises as `greet_client` does."""
    patient: Any = _Impatient(connection)
    with _assertions_refused():
        answer_challenge(patient, authkey)
        deliver_challenge(patient, authkey)


@contextmanager
def _assertions_refused() -> Iterator[None]:
    # Python 3.11 asserts that a challenge looks like one; what does not is a stranger, and no fault of this program.
    try:
        yield
    except AssertionError:
        raise AuthenticationError("that is no challenge") from None
