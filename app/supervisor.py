"""Keeps an engine at hand for a face.

Finds the one that runs, starts one if there is none, and brings a killed one back as it was.
"""

from __future__ import annotations

import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

import msgspec

from app.engine_process import await_engine, find_engine, launch_engine
from engine import (
    ChainConfig,
    Command,
    ConnectionLostError,
    Description,
    DeviceDescription,
    DeviceError,
    EngineApi,
    EngineConfig,
    Event,
    PresetDescription,
    SetBackups,
    SetBypass,
    SetMidi,
    SetParam,
    SetRoom,
    SetService,
    SidetoneError,
    Snapshot,
    Start,
    TapChunk,
    TapPoint,
)
from engine.remote import RemoteEngine
from engine.rendezvous import Rendezvous

_FAREWELL_S = 3.0
_MOST_SILENCES = 2


class EngineSupervisor:
    """Gives a face the engine of the moment. Worker thread; every call may wait.

    Parameters
    ----------
    meeting_point : Rendezvous
    config : EngineConfig
        With which the first engine starts; later ones start with what was heard last.
    """

    def __init__(self, meeting_point: Rendezvous, config: EngineConfig) -> None:
        self._meeting_point = meeting_point
        self.config = config
        self._engine: _RememberedEngine | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._face = secrets.token_hex(8)
        self._silences = 0
        self._is_closed = False
        # A worker that was waiting for an engine when the face was closed must not start another after that.
        self._launching = threading.Lock()

    @property
    def has_launched(self) -> bool:
        """Whether an engine was started here, rather than found."""
        return self._process is not None

    def prelaunch(self) -> None:
        """Start an engine, if none runs, without waiting for it: it can load while the face does."""
        if find_engine(self._meeting_point) is None:
            self._launch()

    def api(self) -> EngineApi:
        """The engine of this moment; starts one if need be.

        Raises
        ------
        ConnectionLostError
            If there is none and none can be started.
        """
        if self._engine is None or self._engine.is_lost:
            self._engine = None
            engine = self._find_or_launch()
            engine.attend(self._face)
            self._engine = _RememberedEngine(engine, self)
        return self._engine

    def close(self) -> None:
        """Leave the engine, and if it ends with its last face and this was it, wait a moment for it to go.

        None is started after this.
        """
        with self._launching:
            self._is_closed = True
        engine = find_engine(self._meeting_point)
        if engine is None:
            self._end_unanswering()
            return
        is_end = True  # One that does not answer may be ending.
        with suppress(SidetoneError):
            is_end = engine.leave(self._face)
        if not is_end:
            return
        give_up_at_s = monotonic() + _FAREWELL_S
        while monotonic() < give_up_at_s and self._meeting_point.find() is not None:
            sleep(0.02)
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_FAREWELL_S)

    def _end_unanswering(self) -> None:
        """End an engine launched here that does not answer: still loading, it would begin to listen with no face at all."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=_FAREWELL_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _find_or_launch(self) -> RemoteEngine:
        found = find_engine(self._meeting_point)
        if found is not None:
            self._silences = 0
            return found
        process = self._process
        if process is None or process.poll() is not None:
            engine = self._await(self._launch())
        else:
            engine = self._await_or_replace(process)
        self._silences = 0
        return engine

    def _await_or_replace(self, process: subprocess.Popen[bytes]) -> RemoteEngine:
        """Wait for an engine launched before. One that was just killed counts as running until its last thread is gone."""
        try:
            return self._await(process)
        except ConnectionLostError:
            if process.poll() is None:
                raise
            return self._await(self._launch())

    def _await(self, process: subprocess.Popen[bytes]) -> RemoteEngine:
        try:
            return await_engine(self._meeting_point, process)
        except ConnectionLostError:
            self._give_up_on(process)
            raise

    def _launch(self) -> subprocess.Popen[bytes]:
        with self._launching:
            if self._is_closed:
                raise ConnectionLostError("the engine ends with its window")
            self._process = launch_engine(msgspec.json.encode(self.config).decode())
            return self._process

    def _give_up_on(self, process: subprocess.Popen[bytes]) -> None:
        """An engine that lives and does not answer, time after time, makes room for another."""
        self._silences += 1
        if self._silences >= _MOST_SILENCES:
            process.kill()
            self._silences = 0


class _RememberedEngine:
    """Passes everything on, and keeps in mind what it would take to bring the engine back as it is."""

    def __init__(self, engine: RemoteEngine, supervisor: EngineSupervisor) -> None:
        self._engine = engine
        self._supervisor = supervisor
        self.is_lost = False

    def send(self, command: Command) -> None:
        with self._noticing():
            try:
                self._engine.send(command)
            except DeviceError:
                if isinstance(command, Start):
                    # The engine waits for these devices now; one in its place shall do the same.
                    self._supervisor.config = command.config
                raise
        config = self._supervisor.config
        match command:
            case Start():
                self._supervisor.config = command.config
            case SetBackups(backups=backups):
                devices = msgspec.structs.replace(config.devices, backups=backups)
                self._supervisor.config = msgspec.structs.replace(config, devices=devices)
            case SetParam(id=param_id, value=value):
                params = {**config.chain.params, param_id: value}
                self._remember(ChainConfig(params=params, bypass=config.chain.bypass))
            case SetService(config=part):
                services = config.services.with_part(part)
                self._supervisor.config = msgspec.structs.replace(config, services=services)
            case SetRoom(config=room):
                self._supervisor.config = msgspec.structs.replace(config, room=room)
            case SetMidi(config=midi):
                self._supervisor.config = msgspec.structs.replace(config, midi=midi)
            case SetBypass(stage=stage, is_bypassed=is_bypassed):
                bypass = {**config.chain.bypass, stage: is_bypassed}
                self._remember(ChainConfig(params=config.chain.params, bypass=bypass))
            case _:
                pass

    def snapshot(self, with_spectrum: bool = False, with_session: bool = False) -> Snapshot:
        with self._noticing():
            snapshot = self._engine.snapshot(with_spectrum, with_session)
        bypass = {stage.id: stage.is_bypassed for stage in snapshot.stages}
        self._remember(ChainConfig(params=snapshot.params, bypass=bypass))
        self._supervisor.config = msgspec.structs.replace(
            self._supervisor.config,
            services=snapshot.services.config,
            room=snapshot.room.config,
            presets=snapshot.presets.config,
            midi=snapshot.midi.config,
        )
        if snapshot.devices.input and not self._supervisor.has_launched:
            # An engine that was there before this face has devices of its own, to which a later one shall come back.
            devices = snapshot.devices.chosen
            self._supervisor.config = msgspec.structs.replace(self._supervisor.config, devices=devices)
        return snapshot

    def events(self, after: int = 0) -> tuple[Event, ...]:
        with self._noticing():
            return self._engine.events(after)

    def describe(self) -> Description:
        with self._noticing():
            return self._engine.describe()

    def devices(self) -> tuple[DeviceDescription, ...]:
        with self._noticing():
            return self._engine.devices()

    def tap(self, point: TapPoint, run: int = -1, after_frame: int = 0) -> TapChunk | None:
        with self._noticing():
            return self._engine.tap(point, run, after_frame)

    def preset(self, name: str) -> PresetDescription:
        with self._noticing():
            return self._engine.preset(name)

    def _remember(self, chain: ChainConfig) -> None:
        self._supervisor.config = msgspec.structs.replace(self._supervisor.config, chain=chain)

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except ConnectionLostError:
            self.is_lost = True
            raise
