"""Runs services beside each other: a thread and a connection to the engine each, and a new start for one that fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol

from engine import ConnectionLostError, SidetoneError
from engine.commands import ReportFault
from engine.remote import RemoteEngine

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_FAREWELL_S = 3.0
_log = logging.getLogger("sidetone.services")


class Service(Protocol):
    """Something that works beside the engine. It reads its settings from `snapshot().services.config`."""

    name: str

    def run(self, engine: RemoteEngine, is_over: threading.Event) -> None:
        """Work until `is_over` is set; return within two seconds then.

        May wait. A `ConnectionLostError` means that the engine is gone; whatever else it raises is told to the user, and
        it is started again.
        """
        ...


class ServiceRunner:
    """Runs services from `start` to `close`. Control thread.

    Parameters
    ----------
    services : iterable of Service
    connect : callable
        Makes a connection to the engine; each service has its own.
    is_over : threading.Event
        Set by whoever wants all to end, and by the runner when the engine is gone.
    """

    def __init__(
        self, services: Iterable[Service], connect: Callable[[], RemoteEngine], is_over: threading.Event
    ) -> None:
        self._connect = connect
        self._is_over = is_over
        self._threads = [
            threading.Thread(target=self._keep, args=(service,), name=f"sidetone-{service.name}", daemon=True)
            for service in services
        ]

    def start(self) -> None:
        """Start all."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End all and wait for them, but not for ever."""
        self._is_over.set()
        for thread in self._threads:
            thread.join(_FAREWELL_S)

    def _keep(self, service: Service) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._is_over.is_set():
            try:
                self._run_once(service)
                return
            except ConnectionLostError:
                self._is_over.set()
            except Exception as error:  # noqa: BLE001 - one service's failure must not end the others
                _log.exception("%s failed", service.name)
                self._tell(service, error)
            # One that keeps failing is given more and more time between two tries.
            self._is_over.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _run_once(self, service: Service) -> None:
        engine = self._connect()
        try:
            service.run(engine, self._is_over)
        finally:
            engine.close()

    def _tell(self, service: Service, error: Exception) -> None:
        reason = str(error) if isinstance(error, SidetoneError) else f"{type(error).__name__}: {error}"
        with suppress(SidetoneError):
            engine = self._connect()
            engine.send(ReportFault(service.name, reason))
            engine.close()
