"""The worker behind the window: the one thread that asks and tells the engine, and may wait for it.

An engine may hang, die and come back, and the window must neither wait for it nor care. Commands go to the worker through
a coalescing queue (the last value of a parameter wins); what the engine says comes back through a mailbox that holds the
newest snapshot only, so a slow window never piles up old ones. Knows no Qt.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import msgspec

from app.outbox import Outbox
from engine import (
    ConnectionLostError,
    Description,
    DeviceDescription,
    EngineApi,
    Event,
    EventKind,
    PresetDescription,
    PresetError,
    SidetoneError,
    Snapshot,
)

LIVELY_S = 1 / 30
"""Time between snapshots while somebody can see the window."""

ASLEEP_S = 1.0
"""Time between snapshots while nobody can."""

RETRY_S = 0.2
SNAPSHOTS_PER_SPECTRUM = 2
SNAPSHOTS_PER_SESSION = 15
SNAPSHOTS_PER_EVENT_CALL = 6
MAX_EVENTS_HELD = 500

_log = logging.getLogger(__name__)


class EngineLink(Protocol):
    """Where the engine is to be had. Behind it stands whoever starts it again when it dies."""

    def api(self) -> EngineApi:
        """The engine of this moment. Worker thread; may wait.

        Raises
        ------
        ConnectionLostError
            While there is none; the message is shown to the user.
        """
        ...


class LinkState(StrEnum):
    """How the face stands to its engine."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    SILENT = "silent"
    LOST = "lost"


@dataclass(slots=True)
class Mail:
    """What came up since the window last looked."""

    snapshot: Snapshot | None = None
    last_ticket: int = 0
    description: Description | None = None
    devices: tuple[DeviceDescription, ...] | None = None
    preset: PresetDescription | None = None
    events: list[Event] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    link: tuple[LinkState, str] | None = None


class Poller:
    """The worker: asks and tells the engine, in a thread of its own. Knows no Qt."""

    def __init__(self, link: EngineLink, outbox: Outbox, announce: Callable[[], None]) -> None:
        self._link = link
        self._outbox = outbox
        self._announce = announce
        self._lock = threading.Lock()
        self._mail = Mail()
        self._is_announced = False
        self._is_closing = threading.Event()
        self._is_connected = False
        self._are_devices_wanted = True
        self._round = 0
        self._last_event = 0
        self._last_ticket = 0
        self.period_s = LIVELY_S
        self.is_spectrum_wanted = False
        self.wanted_preset = ""
        self._is_preset_due = False
        self.is_session_wanted = False
        self._thread = threading.Thread(target=self._run, name="engine-poller", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Stop asking; returns after `timeout_s` at the latest, even if the engine hangs."""
        self._is_closing.set()
        self._outbox.nudge()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def take_mail(self) -> Mail:
        """What came since the last call. Any thread, never waits for the engine."""
        with self._lock:
            mail, self._mail = self._mail, Mail()
            self._is_announced = False
            return mail

    def want_devices(self) -> None:
        """Read the list of devices again soon."""
        self._are_devices_wanted = True

    def want_preset(self, name: str) -> None:
        """Read a preset now and then; an empty name ends it."""
        self.wanted_preset = name
        self._is_preset_due = True
        self._outbox.nudge()

    def _run(self) -> None:
        while not self._is_closing.is_set():
            due_s = time.monotonic() + self.period_s
            try:
                self._exchange()
            except ConnectionLostError as error:
                self._lose(str(error))
            except SidetoneError as error:
                self._refuse(str(error))
                self._outbox.rest(RETRY_S)
            except Exception as error:  # noqa: BLE001 - the window must outlive whatever the engine does
                _log.exception("the engine answered something unforeseen")
                self._lose(f"The engine answered something unforeseen ({type(error).__name__}).")
            else:
                self._outbox.wait(max(0.0, due_s - time.monotonic()))

    def _refuse(self, text: str) -> None:
        self._post(lambda mail: mail.refusals.append(text))

    def _lose(self, text: str) -> None:
        self._is_connected = False

        def tell(mail: Mail) -> None:
            # What an engine said that is gone by now would be shown as if it were still there.
            mail.snapshot = None
            mail.link = (LinkState.LOST, text)

        self._post(tell)
        self._outbox.rest(RETRY_S)

    def _exchange(self) -> None:
        api = self._link.api()
        if not self._is_connected:
            self._greet(api)
        self._send_commands(api)
        with_spectrum = self.is_spectrum_wanted and self._round % SNAPSHOTS_PER_SPECTRUM == 0
        with_session = self.is_session_wanted and self._round % SNAPSHOTS_PER_SESSION == 0
        snapshot = api.snapshot(with_spectrum=with_spectrum, with_session=with_session)
        self._post(lambda mail: _replace_snapshot(mail, snapshot, self._last_ticket))
        if self._round % SNAPSHOTS_PER_EVENT_CALL == 0 or self.period_s >= ASLEEP_S:
            self._read_events(api)
        if self.wanted_preset and (self._is_preset_due or self._round % SNAPSHOTS_PER_EVENT_CALL == 0):
            self._is_preset_due = False
            self._read_preset(api, self.wanted_preset)
        if self._are_devices_wanted:
            self._are_devices_wanted = False
            devices = api.devices()
            self._post(lambda mail: setattr(mail, "devices", devices))
        self._round += 1

    def _greet(self, api: EngineApi) -> None:
        description = api.describe()
        self._is_connected = True
        self._are_devices_wanted = True
        self._last_event = 0
        self._round = 0

        def tell(mail: Mail) -> None:
            mail.description = description
            mail.link = (LinkState.CONNECTED, "")

        self._post(tell)

    def _send_commands(self, api: EngineApi) -> None:
        waiting = self._outbox.take()
        for index, (ticket, command) in enumerate(waiting):
            try:
                api.send(command)
            except ConnectionLostError:
                self._outbox.put_back(waiting[index:])
                raise
            except SidetoneError as error:
                self._refuse(str(error))
            self._last_ticket = ticket

    def _read_events(self, api: EngineApi) -> None:
        events = api.events(after=self._last_event)
        if not events:
            return
        self._last_event = events[-1].sequence
        self._are_devices_wanted |= any(event.kind is EventKind.DEVICE for event in events)
        self._post(lambda mail: mail.events.extend(events[-MAX_EVENTS_HELD:]))

    def _read_preset(self, api: EngineApi, name: str) -> None:
        try:
            preset = api.preset(name)
        except PresetError as error:
            preset = PresetDescription(name, str(error), is_own=False, text="", differences=(), notes=())
        self._post(lambda mail: setattr(mail, "preset", preset))

    def _post(self, change: Callable[[Mail], None]) -> None:
        with self._lock:
            change(self._mail)
            del self._mail.events[:-MAX_EVENTS_HELD]
            is_news, self._is_announced = not self._is_announced, True
        if is_news and not self._is_closing.is_set():
            self._announce()


def _replace_snapshot(mail: Mail, snapshot: Snapshot, last_ticket: int) -> None:
    if snapshot.spectrum is None and mail.snapshot is not None and mail.snapshot.spectrum is not None:
        snapshot = msgspec.structs.replace(snapshot, spectrum=mail.snapshot.spectrum)
    if snapshot.session is None and mail.snapshot is not None and mail.snapshot.session is not None:
        snapshot = msgspec.structs.replace(snapshot, session=mail.snapshot.session)
    mail.snapshot = snapshot
    mail.last_ticket = last_ticket
