"""A real Chromium without a screen, driven over its DevTools protocol."""

from __future__ import annotations

import base64
import itertools
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from websockets.sync.client import ClientConnection, connect

from tests.rig.processes import end, wait_until

_PATIENCE_S = 30.0
_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0",
    "--window-size=1280,720",
)  # fmt: skip


class Chromium:
    """One page of a browser.

    Parameters
    ----------
    wire : ClientConnection
        To the page's DevTools.
    """

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._numbers = itertools.count(1)

    def open(self, url: str) -> None:
        """Go to a page and wait until it is there, or could not be had."""
        self._ask("Page.navigate", url=url)
        wait_until(lambda: self.run("document.readyState") == "complete", f"{url} to load", _PATIENCE_S)

    def run(self, script: str) -> Any:
        """What an expression comes to on the page; promises are waited for."""
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return answer["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """The first value of an expression that is true."""
        found: list[Any] = []

        def look() -> bool:
            found.append(self.run(script))
            return bool(found[-1])

        wait_until(look, script, _PATIENCE_S)
        return found[-1]

    def picture(self, ground: str = "") -> bytes:
        """PNG of what is seen, over a CSS background in the place of OBS's picture."""
        if ground:
            self.run(f"document.documentElement.style.background = {msgspec.json.encode(ground).decode()}")
        return base64.b64decode(self._ask("Page.captureScreenshot", format="png")["data"])

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._wire.send(msgspec.json.encode({"id": number, "method": method, "params": params}).decode())
        while True:
            message: dict[str, Any] = msgspec.json.decode(self._wire.recv(timeout=_PATIENCE_S))
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result


@contextmanager
def chromium(profile: Path) -> Iterator[Chromium]:
    """A browser with an empty page; what it keeps is in `profile`."""
    port_file = profile / "DevToolsActivePort"
    port_file.unlink(missing_ok=True)
    process = subprocess.Popen(
        ["chromium", *_ARGUMENTS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(profile)},
    )
    try:
        wait_until(lambda: _pages(port_file) != [], "Chromium to open its page", 60.0)
        with connect(_pages(port_file)[0], max_size=None, ping_interval=None) as wire:
            browser = Chromium(wire)
            yield browser
            # Told to end by itself, it writes down what it keeps.
            with suppress(Exception):
                browser._ask("Browser.close")
    finally:
        with suppress(subprocess.TimeoutExpired):
            process.wait(5.0)
        end(process)


def _pages(port_file: Path) -> list[str]:
    try:
        port = port_file.read_text(encoding="ascii").split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=5.0) as answer:
            return [
                page["webSocketDebuggerUrl"] for page in msgspec.json.decode(answer.read()) if page["type"] == "page"
            ]
    except (OSError, IndexError):
        return []
