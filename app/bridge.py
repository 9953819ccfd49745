"""The bridge between the face and the engine: the only file that knows both Qt and the calls of an engine.

The worker in `app.poller` makes every call that may wait; here its mail becomes signals on the GUI thread, and what the user
does becomes commands. No call waits.
"""

from __future__ import annotations

import time
from collections.abc import Hashable

import msgspec
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.outbox import Outbox, subject_of
from app.poller import ASLEEP_S, LIVELY_S, EngineLink, LinkState, Poller
from engine import (
    BackupConfig,
    ChainConfig,
    Command,
    Description,
    DeviceConfig,
    EngineConfig,
    ResetMeters,
    SetBackups,
    SetBypass,
    SetParam,
    Snapshot,
    Start,
    Stop,
    Value,
)

__all__ = ["EngineBridge", "EngineLink", "LinkState"]

SILENT_AFTER_S = 1.5
"""After so long without a snapshot the engine is said not to answer."""


class EngineBridge(QObject):
    """The engine as the window sees it: signals up, plain calls down. GUI thread; no call waits.

    Parameters
    ----------
    link : EngineLink
        Gives the engine of the moment.
    config : EngineConfig
        What was chosen when the window opens; devices that the user chooses later are announced by `devices_chosen`.
    """

    snapshot_arrived = Signal(object)
    description_arrived = Signal(object)
    devices_arrived = Signal(object)
    events_arrived = Signal(object)
    link_changed = Signal(object, str)
    refused = Signal(str)
    devices_chosen = Signal(object)
    preset_arrived = Signal(object)
    _mail_announced = Signal()

    def __init__(self, link: EngineLink, config: EngineConfig | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._outbox = Outbox()
        self._poller = Poller(link, self._outbox, self._mail_announced.emit)
        self._mail_announced.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        config = config if config is not None else EngineConfig()
        self._device_config, self._opened_with = config.devices, config
        self._description: Description | None = None
        self._snapshot: Snapshot | None = None
        self._requested: dict[Hashable, tuple[int, SetParam | SetBypass]] = {}
        self._link_state, self._link_text = LinkState.CONNECTING, ""
        self._last_arrival_s = time.monotonic()
        self._silence_timer = QTimer(self)
        self._silence_timer.setInterval(500)
        self._silence_timer.timeout.connect(self._notice_silence)

    def open(self) -> None:
        """Begin to ask the engine."""
        self._silence_timer.start()
        self._poller.start()

    def close(self, timeout_s: float = 1.0) -> None:
        """Stop asking; the engine goes on."""
        self._silence_timer.stop()
        self._poller.close(timeout_s)

    @property
    def device_config(self) -> DeviceConfig:
        """The devices the user chose; which ones are in use stands in the snapshot."""
        return self._device_config

    @property
    def link_state(self) -> LinkState:
        """How things stand with the engine process."""
        return self._link_state

    def set_param(self, param_id: str, value: Value) -> None:
        """Ask for a parameter's new value."""
        self._request(SetParam(id=param_id, value=value))

    def set_bypass(self, stage_id: str, is_bypassed: bool) -> None:
        """Take a stage out of the sound, or put it back."""
        self._request(SetBypass(stage=stage_id, is_bypassed=is_bypassed))

    def choose_devices(self, devices: DeviceConfig) -> None:
        """Change over to other devices; the chain keeps its settings."""
        self._device_config = devices
        self.devices_chosen.emit(devices)
        self.start_engine()

    def choose_backups(self, backups: BackupConfig) -> None:
        """Choose which devices take over when one is gone; the sound goes on as it is."""
        self._device_config = msgspec.structs.replace(self._device_config, backups=backups)
        self.devices_chosen.emit(self._device_config)
        self._outbox.put(SetBackups(backups))

    def want_preset(self, name: str) -> None:
        """Ask again and again what a preset would change, or stop (empty): nobody compares what nobody sees."""
        self._poller.want_preset(name)

    def start_engine(self) -> None:
        """Run on the chosen devices."""
        seen = self._snapshot
        config = EngineConfig(
            devices=self._device_config,
            chain=self._chain_config(),
            services=seen.services.config if seen is not None else self._opened_with.services,
            room=seen.room.config if seen is not None else self._opened_with.room,
            presets=seen.presets.config if seen is not None else self._opened_with.presets,
            midi=seen.midi.config if seen is not None else self._opened_with.midi,
        )
        self._outbox.put(Start(config=config))

    def send(self, command: Command) -> None:
        """Ask for anything else; a refusal comes back by `refused`."""
        match command:
            case SetParam() | SetBypass():
                self._request(command)
            case _:
                self._outbox.put(command)

    def stop_engine(self) -> None:
        """Close the devices."""
        self._outbox.put(Stop())

    def reset_meters(self) -> None:
        """Begin integrated loudness, true peak and latency figures anew."""
        self._outbox.put(ResetMeters())

    def refresh_devices(self) -> None:
        """Read the list of devices again."""
        self._poller.want_devices()

    def want_spectrum(self, is_wanted: bool) -> None:
        """Ask for spectra, or stop: nobody computes one that nobody sees."""
        self._poller.is_spectrum_wanted = is_wanted

    def want_session(self, is_wanted: bool) -> None:
        """Ask for the loudness of the session twice a second, or stop."""
        self._poller.is_session_wanted = is_wanted

    def set_watched(self, is_watched: bool) -> None:
        """Tell whether anybody can see the window; if not, the engine is asked once a second."""
        self._poller.period_s = LIVELY_S if is_watched else ASLEEP_S
        self._outbox.nudge()

    def _request(self, command: SetParam | SetBypass) -> None:
        self._requested[subject_of(command)] = (self._outbox.put(command), command)

    def _chain_config(self) -> ChainConfig:
        if self._snapshot is None or self._description is None:
            # A start resets what it is not told: before the engine has said how it is, that is how it was left.
            return self._opened_with.chain
        defaults = {
            f"{stage.id}.{spec.name}": spec.default for stage in self._description.stages for spec in stage.params
        }
        return ChainConfig(
            params={key: value for key, value in self._snapshot.params.items() if value != defaults.get(key)},
            bypass={stage.id: stage.is_bypassed for stage in self._snapshot.stages},
        )

    def _deliver(self) -> None:
        mail = self._poller.take_mail()
        if mail.link is not None:
            self._set_link(*mail.link)
        if mail.description is not None:
            self._description = mail.description
            self.description_arrived.emit(mail.description)
        if mail.devices is not None:
            self.devices_arrived.emit(mail.devices)
        if mail.snapshot is not None:
            self._last_arrival_s = time.monotonic()
            if self._link_state is LinkState.SILENT:
                self._set_link(LinkState.CONNECTED, "")
            self._snapshot = self._with_requests(mail.snapshot, mail.last_ticket)
            self.snapshot_arrived.emit(self._snapshot)
        if mail.preset is not None:
            self.preset_arrived.emit(mail.preset)
        if mail.events:
            self.events_arrived.emit(tuple(mail.events))
        for text in mail.refusals:
            self.refused.emit(text)

    def _with_requests(self, snapshot: Snapshot, last_ticket: int) -> Snapshot:
        """Lay what is still on its way down over what came up, so that no control jumps back for a moment."""
        self._requested = {key: entry for key, entry in self._requested.items() if entry[0] > last_ticket}
        if not self._requested:
            return snapshot
        params = dict(snapshot.params)
        bypassed: dict[str, bool] = {}
        for _, command in self._requested.values():
            match command:
                case SetParam():
                    params[command.id] = command.value
                case SetBypass():
                    bypassed[command.stage] = command.is_bypassed
        stages = tuple(
            msgspec.structs.replace(stage, is_bypassed=bypassed.get(stage.id, stage.is_bypassed))
            for stage in snapshot.stages
        )
        return msgspec.structs.replace(snapshot, params=params, stages=stages)

    def _notice_silence(self) -> None:
        silent_s = time.monotonic() - self._last_arrival_s
        if self._link_state is LinkState.CONNECTED and silent_s > max(SILENT_AFTER_S, 3 * self._poller.period_s):
            self._set_link(LinkState.SILENT, "The engine does not answer; it may be busy.")

    def _set_link(self, state: LinkState, text: str) -> None:
        if state is LinkState.CONNECTED:
            self._last_arrival_s = time.monotonic()
        if (state, text) != (self._link_state, self._link_text):
            self._link_state, self._link_text = state, text
            self.link_changed.emit(state, text)
