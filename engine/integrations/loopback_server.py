"""A small server that only programs of this machine can reach: pages by HTTP, one WebSocket, and a token in the address.

The address is `http://127.0.0.1:PORT/TOKEN/`, the WebSocket's is the same with `ws`. Refused are requests

- under another name than 127.0.0.1 or localhost (a page on the web whose name was made to lead here: DNS rebinding),
- from pages of another origin,
- without the token, which is compared in constant time.

Bounded are connections, clients, the time of a handshake, the size and rate of what clients say, and how slowly they may
read. Everything runs in the event loop of one control thread.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers, MultipleValuesError
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

LOOPBACK = "127.0.0.1"
MOST_CONNECTIONS = 64
"""Connections at once, whatever they are; one more is hung up on before a byte of it is read."""

_BACKLOG = 128
_HANDSHAKE_S = 3.0
_FAREWELL_S = 0.5
_SLOW_READER_S = 2.0
_SEND_BUFFER_BYTES = 64 * 1024
_TRY_AGAIN_LATER = 1013
_POLICY_VIOLATION = 1008

# Strangers cause most of what websockets would log, and could fill the log with it.
_log = logging.getLogger("sidetone.loopback.websockets")
_log.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Page:
    """Something to be had by HTTP."""

    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may do, and how many there may be."""

    clients: int
    message_bytes: int
    messages_per_s: float
    burst: int


class LoopbackServer:
    """Listens from `open` to `close`.

    Parameters
    ----------
    token : str
    limits : Limits
    talk : callable
        Called for each client of the WebSocket; when it returns, the client is hung up on.
    pages : mapping
        By name; the empty name is what the address itself shows.
    """

    def __init__(
        self,
        token: str,
        limits: Limits,
        talk: Callable[[LoopbackClient], Awaitable[None]],
        pages: Mapping[str, Page] | None = None,
    ) -> None:
        self._token = token.encode()
        self._limits = limits
        self._talk = talk
        self._pages = pages or {}
        self._server: Server | None = None
        self._hosts: frozenset[str] = frozenset()
        self.clients: list[LoopbackClient] = []
        self.port = 0

    async def open(self, port: int) -> Self:
        """Begin to listen at `port`.

        Raises
        ------
        OSError
            If the port cannot be had.
        """
        listener = _listener(port)
        self.port = listener.getsockname()[1]
        self._hosts = frozenset(f"{name}:{self.port}" for name in (LOOPBACK, "localhost"))
        self._server = await serve(
            self._serve,
            sock=listener,
            backlog=_BACKLOG,
            process_request=self._check,
            create_connection=partial(_CountedConnection, _Places(MOST_CONNECTIONS)),  # type: ignore[arg-type]
            compression=None,
            max_size=self._limits.message_bytes,
            max_queue=8,
            open_timeout=_HANDSHAKE_S,
            close_timeout=_FAREWELL_S,
            server_header=None,
            logger=_log,
        )
        return self

    async def close(self) -> None:
        """Hang up on everybody and stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse, serve a page, or (None) go on with the WebSocket's handshake."""
        try:
            host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
            upgrade = request.headers.get("Upgrade", "")
        except MultipleValuesError:
            return _refusal(HTTPStatus.BAD_REQUEST, "A header stands there twice.")
        if host.lower() not in self._hosts:
            return _refusal(HTTPStatus.FORBIDDEN, "Sidetone answers to 127.0.0.1 and localhost only.")
        if origin is not None and origin.lower() != f"http://{host.lower()}":
            return _refusal(HTTPStatus.FORBIDDEN, "Pages from elsewhere are not let in.")
        token, _, name = request.path.removeprefix("/").partition("?")[0].partition("/")
        if not hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._token):
            return _refusal(HTTPStatus.FORBIDDEN, "This address is not (or no longer) valid; copy it from Sidetone.")
        if upgrade and not name:
            return None
        page = self._pages.get(name)
        return _refusal(HTTPStatus.NOT_FOUND, "There is no such page.") if page is None else _answer(page, host)

    async def _serve(self, connection: ServerConnection) -> None:
        client = LoopbackClient(connection, self._limits)
        if len(self.clients) >= self._limits.clients:
            await connection.close(_TRY_AGAIN_LATER, "too many clients")
            return
        self.clients.append(client)
        try:
            with suppress(ConnectionClosed, TimeoutError):
                await self._talk(client)
        finally:
            self.clients.remove(client)


class LoopbackClient:
    """Somebody who talks through the WebSocket.

    Iterate over it to hear what is said; one that says too much too fast is hung up on. Text that is no text, and what is
    longer than allowed, ends the connection too (websockets sees to it).
    """

    def __init__(self, connection: ServerConnection, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._since_s = asyncio.get_running_loop().time()
        self._allowance = float(limits.burst)
        self._counted_s = self._since_s
        self.heard = 0

    @property
    def name(self) -> str:
        """What it calls itself, in few characters, and where it is connected from."""
        request = self._connection.request
        says = request.headers.get("User-Agent", "") if request is not None else ""
        calls = "".join(letter for letter in says[:40] if letter.isprintable()).strip() or "a program"
        return f"{calls} (port {self._connection.remote_address[1]})"

    @property
    def age_s(self) -> float:
        """How long it has been connected."""
        return asyncio.get_running_loop().time() - self._since_s

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """What it says, until it hangs up or breaks the rules."""
        async for message in self._connection:
            if not self._may_speak():
                await self._connection.close(_POLICY_VIOLATION, "too many messages a second")
                return
            self.heard += 1
            yield message

    async def send(self, content: bytes) -> None:
        """Send text in UTF-8.

        Raises
        ------
        TimeoutError
            If it does not read what it is sent; it has then been hung up on.
        websockets.exceptions.ConnectionClosed
            If it is gone.
        """
        try:
            async with asyncio.timeout(_SLOW_READER_S):
                await self._connection.send(content, text=True)
        except TimeoutError:
            self._connection.transport.abort()
            raise

    def _may_speak(self) -> bool:
        now_s = asyncio.get_running_loop().time()
        gained = (now_s - self._counted_s) * self._limits.messages_per_s
        self._allowance = min(self._limits.burst, self._allowance + gained) - 1.0
        self._counted_s = now_s
        return self._allowance >= 0.0


class _Places:
    """How many more connections there may be."""

    def __init__(self, count: int) -> None:
        self.free = count


class _CountedConnection(ServerConnection):
    """A connection that begins only if there is a place for it: without one, nothing is read and no task is made."""

    def __init__(self, places: _Places, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._places = places
        self._has_place = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or hang up at once."""
        if self._places.free > 0:
            self._places.free -= 1
            self._has_place = True
            super().connection_made(transport)
        elif isinstance(transport, asyncio.WriteTransport):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        if self._has_place:
            self._places.free += 1
            super().connection_lost(exc)


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # There, "reuse" would let another program take the port away while it is in use.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it: what waits for a slow reader is little.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        listener.bind((LOOPBACK, port))
    except OSError:
        listener.close()
        raise
    return listener


def _answer(page: Page, host: str) -> Response:
    headers = Headers(
        {
            "Content-Type": page.content_type,
            "Content-Length": str(len(page.content)),
            "Connection": "close",
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; "
            f"connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
    )
    return Response(HTTPStatus.OK, "OK", headers, page.content)


def _refusal(status: HTTPStatus, text: str) -> Response:
    content = f"{text}\n".encode()
    headers = Headers(
        {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(content)), "Connection": "close"}
    )
    return Response(status, status.phrase, headers, content)
