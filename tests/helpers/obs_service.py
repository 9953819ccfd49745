"""An OBS service that runs on an engine of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from app.services.obs import ObsService
from engine import (
    CaptionLine,
    CaptionsStatus,
    Command,
    ConnectionLostError,
    LoadPreset,
    ObsConfig,
    ObsLink,
    ObsStatus,
    PresetError,
    ServicesSnapshot,
    Snapshot,
)
from engine.commands import ReportEvent, ReportService
from engine.integrations.obs_ledger import ObsLedger
from tests.helpers.engines import wait_until
from tests.helpers.fake_engine import FakeEngine


class ObsEngine:
    """Says what the test wants and notes what it is told."""

    def __init__(self, config: ObsConfig) -> None:
        snapshot = FakeEngine().snapshot()
        devices = msgspec.structs.replace(snapshot.devices, virtual_microphone="CABLE Output")
        self._snapshot = msgspec.structs.replace(snapshot, devices=devices)
        self.config = config
        self.latency_ms: float | None = 44.0
        self.status = ObsStatus()
        self.events: list[str] = []
        self.commands: list[Command] = []
        self.lines: tuple[CaptionLine, ...] = ()
        self.is_gone = False

    def snapshot(self) -> Snapshot:
        if self.is_gone:
            raise ConnectionLostError("gone")
        latency = msgspec.structs.replace(self._snapshot.latency, recent_ms=self.latency_ms)
        services = msgspec.structs.replace(ServicesSnapshot().config, obs=self.config)
        return msgspec.structs.replace(
            self._snapshot,
            latency=latency,
            services=ServicesSnapshot(config=services, captions=CaptionsStatus(lines=self.lines)),
        )

    def send(self, command: Command) -> None:
        if self.is_gone:
            raise ConnectionLostError("gone")
        match command:
            case ReportService(status=ObsStatus() as status):
                self.status = status
            case ReportEvent(text=text):
                self.events.append(text)
            case LoadPreset(name="gone"):
                raise PresetError("there is no preset 'gone'")
            case _:
                self.commands.append(command)


class Password:
    """In place of the keyring."""

    def __init__(self, password: str | None = None) -> None:
        self.password = password
        self.reads = 0

    def read(self) -> str | None:
        self.reads += 1
        return self.password

    def unavailable_reason(self) -> str:
        return ""


@dataclass
class Place:
    """A service that runs."""

    engine: ObsEngine
    service: ObsService
    is_over: threading.Event
    errors: list[BaseException] = field(default_factory=list)

    def wait_for(self, link: ObsLink, text: str = "") -> ObsStatus:
        return wait_until(lambda: self.engine.status, lambda status: status.link is link and text in status.text)


@contextmanager
def running(folder: Path, config: ObsConfig, password: Password | None = None) -> Iterator[Place]:
    engine = ObsEngine(config)
    service = ObsService(ObsLedger(folder / "before.json"), password or Password())  # type: ignore[arg-type]
    place = Place(engine, service, threading.Event())

    def work() -> None:
        try:
            service.run(engine, place.is_over)  # type: ignore[arg-type]
        except ConnectionLostError as error:
            place.errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield place
    finally:
        place.is_over.set()
        thread.join(30.0)
        assert not thread.is_alive()
