"""The service that lets other programs of this machine turn knobs: Stream Deck, Companion, scripts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping

from app.services.loopback import NewestSnapshot, keep_serving
from engine import EngineApi, RemoteClient, RemoteConfig, RemoteStatus, ServicesConfig
from engine.integrations.loopback_server import Limits, LoopbackClient, LoopbackServer, Page
from engine.integrations.remote_api import encode_message
from engine.integrations.remote_session import RemoteSession
from engine.integrations.token_file import TokenFile

LIMITS = Limits(clients=16, message_bytes=16 * 1024, messages_per_s=100.0, burst=200)


class RemoteService:
    """Serves the remote interface while it is switched on.

    Parameters
    ----------
    token_file : TokenFile
        Whoever can read it may turn knobs.
    """

    name = "remote"

    def __init__(self, token_file: TokenFile) -> None:
        self.token_file = token_file
        self.limits = LIMITS
        self.pages: Mapping[str, Page] = {}

    def run(self, engine: EngineApi, is_over: threading.Event) -> None:
        """Serve until it is over."""
        asyncio.run(keep_serving(self, engine, is_over))

    def config(self, services: ServicesConfig) -> RemoteConfig:
        """Its part of the settings."""
        return services.remote

    def status(self, text: str, server: LoopbackServer | None) -> RemoteStatus:
        """What to report."""
        if server is None:
            return RemoteStatus(text)
        clients = (RemoteClient(client.name, round(client.age_s), client.heard) for client in server.clients)
        return RemoteStatus(text, server.port, tuple(clients))

    async def talk(self, client: LoopbackClient, engine: EngineApi, newest: NewestSnapshot) -> None:
        """Answer what is asked, and tell what was subscribed to."""
        session = RemoteSession(engine)
        telling = asyncio.create_task(_tell(session, client, newest))
        try:
            async for message in client:
                await client.send(encode_message(await asyncio.to_thread(session.answer, message)))
        finally:
            telling.cancel()
            # Why it ended, if it did, is that the client or the engine is gone: both are noticed elsewhere.
            await asyncio.gather(telling, return_exceptions=True)


async def _tell(session: RemoteSession, client: LoopbackClient, newest: NewestSnapshot) -> None:
    while True:
        if session.subscription.topics:
            for message in await asyncio.to_thread(session.news, await newest.next()):
                await client.send(encode_message(message))
        await asyncio.sleep(session.subscription.interval_ms / 1000)
