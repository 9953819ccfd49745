"""The engine in this process: commands in, snapshots and events out.

`Engine` is built once, in `app/composition.py`, and lives as long as its process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import msgspec

from engine.commands import (
    Command,
    ComparisonCommand,
    HoldMeters,
    MidiCommand,
    ModelCommand,
    PresetCommand,
    ReportLatency,
    ResetMeters,
    RunCommand,
    ServiceCommand,
    SetBackups,
    SetRoom,
    Shutdown,
    SoundCommand,
    Start,
    Stop,
)
from engine.config import EngineConfig
from engine.control.comparisons import Comparisons
from engine.control.controls import Controls
from engine.control.midi_desk import MidiDesk
from engine.control.midi_map_library import MapLibrary
from engine.control.midi_ports import MidiSystem, NoMidiSystem
from engine.control.midi_targets import Targets
from engine.control.model_changes import ModelChanges
from engine.control.preset_library import PresetLibrary
from engine.control.presets import Presets
from engine.core.chain import Chain
from engine.core.stage import Stage
from engine.description import Description, DeviceDescription, PresetDescription, describe
from engine.device_setup import DeviceSetup, OpenVirtual, check_hop
from engine.errors import ConnectionLostError
from engine.event_log import EventLog
from engine.hop import TAPPED_STAGES
from engine.housekeeping import Housekeeping
from engine.inference.library import ModelLibrary
from engine.io.backend import AudioBackend
from engine.io.known_devices import ListAnew
from engine.lifecycle import Lifecycle
from engine.live import LiveRun
from engine.monitor import MonitorBus
from engine.observe import Observer
from engine.rooms import LoadRoom, Rooms, no_profiles
from engine.services.board import ServicesBoard
from engine.snapshot import Event, EventKind, Snapshot, TapChunk, TapPoint


class Engine:
    """Implements `EngineApi` in this process.

    Parameters
    ----------
    stages : iterable of Stage
        In chain order.
    backend : AudioBackend
        Opens devices, real or simulated.
    open_virtual : callable
        Provides the target of the air bus when the output is chosen automatically.
    is_paced : bool
        False on a simulated device that runs as fast as possible.
    load_room : callable
        Reads room profiles by name.
    library : PresetLibrary or None
        The presets; None for an engine without any.
    models : ModelLibrary or None
        The models that stages may be built from anew; None if there are none.
    midi_system : MidiSystem or None
        Where MIDI ports are; None for an engine without MIDI.
    midi_maps : MapLibrary or None
        Maps of MIDI devices; None for none.
    list_devices_anew : callable or None
        Lists devices in another process; None: those plugged in while a stream is open may not be seen.
    """

    def __init__(
        self,
        stages: Iterable[Stage[Any]],
        backend: AudioBackend,
        open_virtual: OpenVirtual,
        is_paced: bool = True,
        load_room: LoadRoom = no_profiles,
        library: PresetLibrary | None = None,
        models: ModelLibrary | None = None,
        midi_system: MidiSystem | None = None,
        midi_maps: MapLibrary | None = None,
        list_devices_anew: ListAnew | None = None,
    ) -> None:
        self._events = EventLog()
        self._chain = Chain(stages, TAPPED_STAGES)
        self.controls = Controls(self._chain)
        self.presets = Presets(self.controls, library or PresetLibrary(), self._notice)
        self._models = ModelChanges(self._chain, models, self._events)
        self._comparisons = Comparisons(self._chain, self.controls, self.presets, self._models, self._events)
        self._services = ServicesBoard(self._notice)
        self._monitor = MonitorBus()
        self._rooms = Rooms((slot.stage for slot in self._chain.slots), self._monitor, load_room)
        self._has_midi = midi_system is not None
        self.midi = MidiDesk(
            midi_system or NoMidiSystem(),
            Targets(self.controls, self.presets.load, lambda: self.presets.loaded),
            midi_maps or MapLibrary(),
            self._notice,
        )
        self._observer = Observer(self._chain, self._services, self._rooms)
        self._devices = DeviceSetup(backend, open_virtual, self._events, self.presets.follow, list_devices_anew)
        self._lifecycle = Lifecycle(
            self._devices,
            lambda stream, number: LiveRun(self._chain, stream, is_paced, number, self._monitor),
            self._observer,
            self._events,
            self._before_end,
        )
        # Devices are opened and looked for, runs begun and ended by one thread at a time.
        self._control = threading.RLock()
        self.shutdown_requested = threading.Event()
        self._housekeeping = Housekeeping(self._look_after, self._control, self.shutdown_requested)

    # --- EngineApi -----------------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Carry out a command. Control thread; `Start` and `Stop` wait for the devices.

        Raises
        ------
        SidetoneError
            With a sentence for the user; the engine is as it was, or FAILED with that reason after `Start`.
        """
        if isinstance(command, SoundCommand):
            if told := self.controls.carry_out(command):
                self._notice(told)
        elif isinstance(command, PresetCommand):
            self.presets.carry_out(command)
        elif isinstance(command, MidiCommand):
            self.midi.carry_out(command)
        elif isinstance(command, ServiceCommand):
            self._services.carry_out(command)
        elif isinstance(command, ComparisonCommand):
            with self._control:
                self._comparisons.carry_out(self._lifecycle.run, command)
        elif isinstance(command, ModelCommand):
            with self._control:
                self._models.carry_out(command, is_live=self._lifecycle.run is not None)
        else:
            self._steer(command)

    def snapshot(self, with_spectrum: bool = False, with_session: bool = False) -> Snapshot:
        """Everything there is to show, now. Control thread."""
        run = self._lifecycle.run
        state, reason = self._lifecycle.state()
        snapshot = self._observer.snapshot(run, state, reason, self._devices.shown, with_spectrum, with_session)
        return msgspec.structs.replace(
            snapshot,
            controls=self.controls.snapshot(),
            presets=self.presets.snapshot(),
            models=self._models.snapshot(),
            comparison=self._comparisons.snapshot(run),
            alarms=self._lifecycle.alarms,
            is_waiting=self._lifecycle.is_waiting,
            midi=self.midi.snapshot(),
        )

    def events(self, after: int = 0) -> tuple[Event, ...]:
        """What happened after the event numbered `after`. Control thread."""
        return self._events.after(after)

    def describe(self) -> Description:
        """Stages, parameters and meters. Control thread."""
        return describe(slot.stage for slot in self._chain.slots)

    def devices(self) -> tuple[DeviceDescription, ...]:
        """The devices that can be chosen now. Control thread, may wait."""
        # To look for devices may mean to start the sound system anew: never while another thread opens one.
        with self._control:
            return self._devices.describe()

    def tap(self, point: TapPoint, run: int = -1, after_frame: int = 0) -> TapChunk | None:
        """The sound at a point since a frame. Control thread."""
        live = self._lifecycle.run
        return live.tap(point, run, after_frame) if live is not None else None

    def preset(self, name: str) -> PresetDescription:
        """What a preset says, and what loading it would change now. Control thread."""
        return self.presets.describe(name)

    # --- this process only ---------------------------------------------------------------------------------------

    def wait_until_ended(self, timeout_s: float | None = None) -> bool:
        """Wait until the input has ended by itself. Control thread. True if it has."""
        run = self._lifecycle.run
        return run is None or run.worker.wait(timeout_s)

    @property
    def is_over(self) -> bool:
        """Whether the sound has ended and will not come back without a command. Any thread."""
        return self._lifecycle.is_over

    def close(self) -> None:
        """Stop and take away what was made. Control thread; safe to call twice.

        Raises
        ------
        SidetoneError
            If a recorded file cannot be completed; everything else is closed all the same.
        """
        self.shutdown_requested.set()
        self.controls.close()
        self.midi.close()
        try:
            self._steer(Stop())
        finally:
            self._devices.close()
            self._housekeeping.join(timeout_s=2.0)

    # --- commands ------------------------------------------------------------------------------------------------

    def _steer(self, command: RunCommand) -> None:
        match command:
            case Start(config=config):
                with self._control:
                    self._start(config)
            case Stop():
                with self._control:
                    self._lifecycle.stop()
            case Shutdown():
                self.shutdown_requested.set()
            case SetBackups(backups=backups):
                with self._control:
                    self._devices.set_backups(backups)
            case SetRoom(config=room):
                self._rooms.choose(room)
            case ResetMeters():
                self._observer.reset_latency()
                if (run := self._lifecycle.run) is not None:
                    run.processor.reset_meters()
            case HoldMeters(is_held=is_held):
                if (run := self._lifecycle.run) is not None:
                    run.processor.loudness.is_held = is_held
            case ReportLatency(latency_ms=None, reason=reason):
                self._notice(f"the delay from device to device is not measured: {reason}")
            case ReportLatency(latency_ms=float(latency_ms)):
                self._observer.add_latency(latency_ms)

    def _start(self, config: EngineConfig) -> None:
        if self.shutdown_requested.is_set():
            raise ConnectionLostError("the engine is shutting down")
        check_hop(config.devices.hop_frames)
        # First what may be refused, so that an unknown name leaves everything as it was.
        self.controls.load(config.chain)
        self.presets.config = config.presets
        self._services.config = config.services
        self.midi.configure(config.midi)
        if self._has_midi:
            self.midi.start()
        if problem := self._rooms.restore(config.room):
            self._notice(problem)
        self._lifecycle.start(config.devices)

    def _before_end(self, run: LiveRun | None) -> None:
        self._comparisons.end(run)
        if run is not None:
            self.controls.keep_learnt()

    def _notice(self, text: str) -> None:
        self._events.add(EventKind.NOTICE, text)

    # --- housekeeping --------------------------------------------------------------------------------------------

    def _look_after(self) -> None:
        if (run := self._lifecycle.run) is not None:
            self._look_after_sound(run)
        self._lifecycle.look_after()

    def _look_after_sound(self, run: LiveRun) -> None:
        self._chain.tend()
        self.controls.keep_learnt()
        self._rooms.tend()
        self._comparisons.look_after(run)
        if self._chain.renew():
            self._events.add(EventKind.STAGE, "a stage with another delay takes over")
