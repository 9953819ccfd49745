"""Keeps a loopback server as settings and token say, for the services that are one. One event loop on a control thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Protocol

import msgspec

from engine import EngineApi, OverlayConfig, RemoteConfig, ServicesConfig, ServiceStatus, SetService, Snapshot
from engine.commands import ReportService
from engine.integrations.loopback_server import Limits, LoopbackClient, LoopbackServer, Page
from engine.integrations.token_file import TokenFile

_LIVELY_S = 1 / 15
_IDLE_S = 0.5
_REPORT_INTERVAL_S = 1.0
_BUSY_PATIENCE_S = 5.0
_SPARE_PORTS = 9


class NewestSnapshot:
    """The engine's newest snapshot, for any number of tasks of one event loop."""

    def __init__(self, first: Snapshot) -> None:
        self.snapshot = first
        self._arrived = asyncio.Event()

    def put(self, snapshot: Snapshot) -> None:
        """Replace it and wake who waits."""
        self.snapshot = snapshot
        arrived, self._arrived = self._arrived, asyncio.Event()
        arrived.set()

    async def next(self) -> Snapshot:
        """Wait for one that is newer than now's."""
        await self._arrived.wait()
        return self.snapshot


class LoopbackSite(Protocol):
    """What is served."""

    token_file: TokenFile
    limits: Limits
    pages: Mapping[str, Page]

    def config(self, services: ServicesConfig) -> OverlayConfig | RemoteConfig:
        """Its part of the settings."""
        ...

    def status(self, text: str, server: LoopbackServer | None) -> ServiceStatus:
        """What to report."""
        ...

    async def talk(self, client: LoopbackClient, engine: EngineApi, newest: NewestSnapshot) -> None:
        """Talk to a client for as long as it is there."""
        ...


async def keep_serving(site: LoopbackSite, engine: EngineApi, is_over: threading.Event) -> None:
    """Serve while it is switched on; follow settings and token.

    Raises
    ------
    ConnectionLostError
        If the engine is gone.
    """
    newest = NewestSnapshot(await asyncio.to_thread(engine.snapshot))
    keeper = _Keeper(site, engine, newest)
    try:
        while not is_over.is_set():
            newest.put(await asyncio.to_thread(engine.snapshot))
            await keeper.look()
            await asyncio.sleep(_LIVELY_S if keeper.has_clients else _IDLE_S)
    finally:
        await keeper.close()


class _Keeper:
    """The server of the moment, if there is to be one."""

    def __init__(self, site: LoopbackSite, engine: EngineApi, newest: NewestSnapshot) -> None:
        self._site = site
        self._engine = engine
        self._newest = newest
        self._server: LoopbackServer | None = None
        self._token = ""
        self._text = ""
        self._busy_since_s: float | None = None
        self._look_at_s = 0.0
        self._reported: ServiceStatus | None = None

    @property
    def has_clients(self) -> bool:
        """Whether anybody is connected."""
        return self._server is not None and bool(self._server.clients)

    async def look(self) -> None:
        """Open, close or move the server if need be, and report."""
        config = self._site.config(self._newest.snapshot.services.config)
        now_s = asyncio.get_running_loop().time()
        is_due = now_s >= self._look_at_s
        token = self._site.token_file.token() if is_due or not self._token else self._token
        if self._server is not None and (not config.is_on or (config.port, token) != (self._server.port, self._token)):
            await self.close()
        if config.is_on and self._server is None:
            self._token = token
            await self._open(config, now_s)
        if not config.is_on:
            self._text, self._busy_since_s = "", None
        status = self._site.status(self._text, self._server)
        if is_due or status != self._reported:
            self._look_at_s = now_s + _REPORT_INTERVAL_S
            self._reported = status
            await asyncio.to_thread(self._engine.send, ReportService(status))

    async def close(self) -> None:
        """Stop serving."""
        server, self._server = self._server, None
        if server is not None:
            await server.close()

    async def _open(self, config: OverlayConfig | RemoteConfig, now_s: float) -> None:
        if await self._opens(config.port):
            if self._busy_since_s is not None:
                self._text, self._busy_since_s = "", None
            return
        # A services process that is just ending may still have it: other programs keep the address, so it moves only
        # when it must.
        self._busy_since_s = now_s if self._busy_since_s is None else self._busy_since_s
        self._text = f"Port {config.port} is in use by another program; waiting for it."
        if now_s - self._busy_since_s < _BUSY_PATIENCE_S:
            return
        for port in range(config.port + 1, min(config.port + _SPARE_PORTS, 65_535) + 1):
            if await self._opens(port):
                self._busy_since_s = None
                self._text = f"Port {config.port} is in use by another program: the address has changed, copy it anew."
                await asyncio.to_thread(self._engine.send, SetService(msgspec.structs.replace(config, port=port)))
                return
        self._text = f"Port {config.port} and those after it are in use by other programs; choose another."

    async def _opens(self, port: int) -> bool:
        server = LoopbackServer(
            self._token,
            self._site.limits,
            lambda client: self._site.talk(client, self._engine, self._newest),
            self._site.pages,
        )
        try:
            self._server = await server.open(port)
        except OSError:
            return False
        return True
