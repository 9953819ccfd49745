"""The port that other programs of this machine find Sidetone at: for this machine alone, and for nobody else to take."""

from __future__ import annotations

import socket
import sys

import pytest

from engine.integrations.loopback_server import LOOPBACK, _listener


@pytest.mark.skipif(sys.platform == "win32", reason="about POSIX, where a port is not free at once after its program")
def test_a_port_can_be_had_again_at_once() -> None:
    with _listener(0) as listener:
        assert listener.getsockname()[0] == LOOPBACK
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for Windows")
def test_on_windows_nobody_else_takes_it_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    # In its place an option that is off as long as nobody asks for it.
    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_KEEPALIVE, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    with _listener(0) as listener:
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert not listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)


def test_a_port_that_is_taken_is_refused() -> None:
    with _listener(0) as listener:
        listener.listen()
        with pytest.raises(OSError, match=r"."):
            _listener(listener.getsockname()[1])
