"""The service that shows captions on a page, for OBS's browser source."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path

from app.services.loopback import NewestSnapshot, keep_serving
from engine import EngineApi, OverlayConfig, OverlayStatus, ServicesConfig
from engine.integrations.loopback_server import Limits, LoopbackClient, LoopbackServer, Page
from engine.integrations.overlay import OverlayContent, overlay_pages
from engine.integrations.token_file import TokenFile

LIMITS = Limits(clients=16, message_bytes=1024, messages_per_s=1.0, burst=4)


class OverlayService:
    """Serves the overlay page while it is switched on.

    Parameters
    ----------
    token_file : TokenFile
        Whoever can read it may see the captions.
    folder : Path
        Where the page's files lie.
    """

    name = "overlay"

    def __init__(self, token_file: TokenFile, folder: Path) -> None:
        self.token_file = token_file
        self.limits = LIMITS
        self.pages: Mapping[str, Page] = {}
        self._folder = folder
        self._content = OverlayContent()

    def run(self, engine: EngineApi, is_over: threading.Event) -> None:
        """Serve until it is over."""
        self.pages = overlay_pages(self._folder)
        asyncio.run(keep_serving(self, engine, is_over))

    def config(self, services: ServicesConfig) -> OverlayConfig:
        """Its part of the settings."""
        return services.overlay

    def status(self, text: str, server: LoopbackServer | None) -> OverlayStatus:
        """What to report."""
        return OverlayStatus(text) if server is None else OverlayStatus(text, server.port, len(server.clients))

    async def talk(self, client: LoopbackClient, engine: EngineApi, newest: NewestSnapshot) -> None:
        """Send what is new; a page has nothing to say."""
        telling = asyncio.create_task(self._tell(client, newest))
        try:
            async for _ in client:
                pass
        finally:
            telling.cancel()
            # Why it ended, if it did, is that the page is gone: that is noticed elsewhere.
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, client: LoopbackClient, newest: NewestSnapshot) -> None:
        sent, snapshot = b"", newest.snapshot
        while True:
            message = self._content.message(snapshot.services, asyncio.get_running_loop().time())
            if message != sent:
                await client.send(message)
                sent = message
            snapshot = await newest.next()
