"""Services of the loopback network on an engine of the tests, and clients that know no manners."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from engine import EngineApi, ServicesSnapshot
from engine.integrations.loopback_server import LOOPBACK
from tests.helpers.engines import wait_until


class LoopbackService(Protocol):
    """What `running` runs."""

    def run(self, engine: EngineApi, is_over: threading.Event) -> None:
        """Serve until it is over."""
        ...


@contextmanager
def running(service: LoopbackService, engine: EngineApi) -> Iterator[threading.Event]:
    """The service on a thread of its own; it must end within a few seconds after it was told to."""
    is_over = threading.Event()
    thread = threading.Thread(target=service.run, args=(engine, is_over), daemon=True)
    thread.start()
    try:
        yield is_over
    finally:
        is_over.set()
        thread.join(30.0)
    assert not thread.is_alive()


def port_of(engine: EngineApi, which: Callable[[ServicesSnapshot], object]) -> int:
    """Where a service listens, as soon as it does."""
    status = wait_until(lambda: which(engine.snapshot().services), lambda status: getattr(status, "port", None))
    port = getattr(status, "port", None)
    assert isinstance(port, int)
    return port


def free_port() -> int:
    """A port nobody uses now."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


def http_get(
    port: int, path: str, host: str | None = None, origin: str | None = None, more: str = ""
) -> tuple[int, str]:
    """Status and body of a plain request, said as any program may say it; 0 for one that was hung up on unanswered."""
    with socket.create_connection((LOOPBACK, port), timeout=10.0) as wire:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host or f'{LOOPBACK}:{port}'}"]
        lines += [f"Origin: {origin}"] if origin else []
        wire.sendall(("\r\n".join(lines) + f"\r\n{more}\r\n").encode())
        content = b""
        while part := wire.recv(65536):
            content += part
    if not content:
        return 0, ""
    head, _, body = content.decode().partition("\r\n\r\n")
    return int(head.split()[1]), body


UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
