"""The engine in this process: commands in, snapshots and events out.

`Engine` is built once, in `app/composition.py`, and lives as long as its process. A housekeeping thread of its own watches
the live run, tells what happened, and opens the devices anew when one was lost.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import msgspec

from engine.alarms import MicrophoneAlarms
from engine.commands import (
    AnswerBlind,
    ApplyChain,
    CancelMidiLearn,
    Command,
    Compare,
    ConcludeCanary,
    EndComparison,
    ForgetMidi,
    HoldMeters,
    ImportPreset,
    LearnMidi,
    Listen,
    LoadPreset,
    PanicMidi,
    Redo,
    RemovePreset,
    ReportEvent,
    ReportFault,
    ReportLatency,
    ReportService,
    ResetMeters,
    RollBackModel,
    SavePreset,
    SetBackups,
    SetBypass,
    SetDry,
    SetMidi,
    SetParam,
    SetPresets,
    SetRoom,
    SetService,
    Shutdown,
    Start,
    Stop,
    Undo,
    UseModel,
)
from engine.config import AUTOMATIC, BackupConfig, DeviceConfig, EngineConfig
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
from engine.describe import describe
from engine.device_order import DeviceOrder, device_name, identity
from engine.errors import ConnectionLostError, DeviceError, SidetoneError
from engine.event_log import EventLog
from engine.hop import TAPPED_STAGES
from engine.inference.library import ModelLibrary
from engine.io.backend import AudioBackend, DeviceInfo
from engine.io.devices import Direction
from engine.io.simulated import PREFIX, is_simulated
from engine.io.virtual_device import VirtualMicrophone
from engine.live import LiveRun
from engine.monitor import MonitorBus
from engine.observe import Observer
from engine.rooms import LoadRoom, Rooms, no_profiles
from engine.services_board import ServicesBoard
from engine.snapshot import (
    Description,
    DeviceDescription,
    DeviceSnapshot,
    EngineState,
    Event,
    EventKind,
    PresetDescription,
    Snapshot,
    TapChunk,
    TapPoint,
)
from engine.watch import INPUT_ENDED, RunWatch

_WATCH_INTERVAL_S = 0.05
_REOPEN_AFTER_S = 1.0
_LEAST_HOP_FRAMES, _MOST_HOP_FRAMES = 16, 4800
_SIMULATED_ADVICE = "A recording plays in the place of a microphone; plug one in and choose it as the input."


OpenVirtual = Callable[[Sequence[DeviceInfo]], VirtualMicrophone]
"""Makes or finds the virtual microphone among the devices; raises `DeviceError` with advice if there is none."""

_log = logging.getLogger("sidetone.engine")


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
    ) -> None:
        self._chain = Chain(stages, TAPPED_STAGES)
        self.controls = Controls(self._chain)
        self._events = EventLog()
        self.presets = Presets(
            self.controls, library or PresetLibrary(), lambda text: self._events.add(EventKind.NOTICE, text)
        )
        self._models = ModelChanges(self._chain, models, self._events)
        self._comparisons = Comparisons(self._chain, self.controls, self.presets, self._models, self._events)
        self._backend = backend
        self._order = DeviceOrder(backend, lambda text: self._events.add(EventKind.DEVICE, text))
        self._alarms = MicrophoneAlarms(lambda text: self._events.add(EventKind.ALARM, text))
        self._open_virtual = open_virtual
        self._virtual: VirtualMicrophone | None = None
        self._is_paced = is_paced
        self._services = ServicesBoard()
        self._monitor = MonitorBus()
        self._rooms = Rooms((slot.stage for slot in self._chain.slots), self._monitor, load_room)
        self._has_midi = midi_system is not None
        self.midi = MidiDesk(
            midi_system or NoMidiSystem(),
            Targets(self.controls, self.presets.load, lambda: self.presets.loaded),
            midi_maps or MapLibrary(),
            lambda text: self._events.add(EventKind.NOTICE, text),
        )
        self._observer = Observer(self._chain, self._services, self._rooms)
        self._run_count = 0
        self._control = threading.RLock()
        self._run: LiveRun | None = None
        self._watch: RunWatch | None = None
        self._config = EngineConfig()
        self._state, self._reason = EngineState.STOPPED, ""
        self._devices = DeviceSnapshot("", "", "", "", "")
        self._reopen_at_s: float | None = None
        self.shutdown_requested = threading.Event()
        self._housekeeping = threading.Thread(target=self._keep_house, name="sidetone-housekeeping", daemon=True)
        self._housekeeping.start()

    # --- EngineApi -----------------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Carry out a command. Control thread; `Start` and `Stop` wait for the devices.

        Raises
        ------
        SidetoneError
            With a sentence for the user; the engine is as it was, or FAILED with that reason after `Start`.
        """
        match command:
            case SetParam(id=param_id, value=value):
                self.controls.set(param_id, value)
            case SetBypass(stage=stage, is_bypassed=is_bypassed):
                self.controls.bypass(stage, is_bypassed)
            case ApplyChain(chain=chain):
                self.controls.apply(chain)
            case SetDry(is_dry=is_dry):
                self.controls.set_dry(is_dry)
                self._events.add(EventKind.NOTICE, "all effects are out" if is_dry else "the effects are back")
            case Undo():
                self._tell_retraced("taken back", self.controls.undo())
            case Redo():
                self._tell_retraced("done again", self.controls.redo())
            case LoadPreset(name=name, morph_ms=morph_ms, text=text):
                self.presets.load(name, morph_ms, text)
            case SavePreset(name=name, description=description):
                self.presets.save(name, description)
            case RemovePreset(name=name):
                self.presets.remove(name)
            case ImportPreset(name=name, text=text):
                self.presets.take_in(name, text)
            case SetBackups(backups=backups):
                self._set_backups(backups)
            case SetPresets(config=config):
                self.presets.config = config
            case Start(config=config):
                self._start(config)
            case Stop():
                self._stop("")
            case ResetMeters():
                self._reset_meters()
            case HoldMeters(is_held=is_held):
                if (run := self._run) is not None:
                    run.processor.loudness.is_held = is_held
            case ReportLatency(latency_ms=None, reason=reason):
                self._events.add(EventKind.NOTICE, f"the delay from device to device is not measured: {reason}")
            case ReportLatency(latency_ms=float(latency_ms)):
                self._observer.add_latency(latency_ms)
            case SetService(config=part):
                self._services.config = self._services.config.with_part(part)
            case ReportService(status=status):
                self._services.report(status)
            case ReportFault(service=service, reason=reason):
                self._events.add(EventKind.NOTICE, f"{service}: {reason}; it is started again")
            case SetRoom(config=room):
                self._rooms.choose(room)
            case Compare() | Listen() | AnswerBlind() | EndComparison():
                with self._control:
                    self._comparisons.carry_out(self._run, command)
            case UseModel() | RollBackModel() | ConcludeCanary():
                with self._control:
                    self._models.carry_out(command, is_live=self._run is not None)
            case SetMidi() | LearnMidi() | CancelMidiLearn() | ForgetMidi() | PanicMidi():
                self.midi.carry_out(command)
            case ReportEvent(service=service, text=text):
                self._events.add(EventKind.NOTICE, f"{service}: {text}")
            case Shutdown():
                self.shutdown_requested.set()

    def snapshot(self, with_spectrum: bool = False, with_session: bool = False) -> Snapshot:
        """Everything there is to show, now. Control thread."""
        run, watch, state, reason = self._run, self._watch, self._state, self._reason
        if state is EngineState.RUNNING and run is not None and watch is not None:
            state, reason = watch.state()
        snapshot = self._observer.snapshot(run, state, reason, self._devices, with_spectrum, with_session)
        return msgspec.structs.replace(
            snapshot,
            controls=self.controls.snapshot(),
            presets=self.presets.snapshot(),
            models=self._models.snapshot(),
            comparison=self._comparisons.snapshot(run),
            alarms=self._alarms.active,
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
        return tuple(
            DeviceDescription(
                device.id,
                device.name,
                device.host_api,
                device.max_input_channels,
                device.max_output_channels,
                device.default_sample_rate,
                device.is_default_input,
                device.is_default_output,
                device.is_monitor,
            )
            for device in self._found_devices()
        )

    def tap(self, point: TapPoint, run: int = -1, after_frame: int = 0) -> TapChunk | None:
        """The sound at a point since a frame. Control thread."""
        live = self._run
        if live is None:
            return None
        tap = live.processor.taps[point]
        if run != live.number:
            return TapChunk(live.number, tap.end_frame, b"")
        first_frame, samples = tap.read(after_frame)
        return TapChunk(live.number, first_frame, samples.astype("<f4").tobytes())

    def preset(self, name: str) -> PresetDescription:
        """What a preset says, and what loading it would change now. Control thread."""
        return self.presets.describe(name)

    # --- this process only ---------------------------------------------------------------------------------------

    def wait_until_ended(self, timeout_s: float | None = None) -> bool:
        """Wait until the input has ended by itself. Control thread. True if it has."""
        run = self._run
        return run is None or run.worker.wait(timeout_s)

    @property
    def is_over(self) -> bool:
        """Whether the sound has ended and will not come back without a command. Any thread."""
        return self._reopen_at_s is None and self._state in (EngineState.STOPPED, EngineState.FAILED)

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
            self._stop("")
        finally:
            if self._virtual is not None:
                self._virtual.close()
            if self._housekeeping is not threading.current_thread():
                self._housekeeping.join(timeout=2.0)

    def _start(self, config: EngineConfig) -> None:
        with self._control:
            if self.shutdown_requested.is_set():
                raise ConnectionLostError("the engine is shutting down")
            _check_hop(config.devices.hop_frames)
            # First what may be refused, so that an unknown name leaves everything as it was.
            self.controls.load(config.chain)
            self.presets.config = config.presets
            self._config = config
            self._services.config = config.services
            self.midi.configure(config.midi)
            if self._has_midi:
                self.midi.start()
            if problem := self._rooms.restore(config.room):
                self._events.add(EventKind.NOTICE, problem)
            self._set_state(EngineState.STARTING, "")
            self._reopen_at_s = None
            try:
                self._close_run()
                self._open_run()
            except Exception as error:
                reason = str(error) if isinstance(error, SidetoneError) else f"{type(error).__name__}: {error}"
                self._set_state(EngineState.FAILED, reason)
                raise
            self._set_state(EngineState.RUNNING, "")

    def _open_run(self) -> None:
        found = self._found_devices()
        wanted = self._order.choose(self._config.devices, found)
        request = self._order.request(self._output(wanted))
        self._run_count += 1
        stream = self._backend.open(request)
        try:
            run = LiveRun(self._chain, stream, self._is_paced, self._run_count, self._monitor)
            run.start()
        except BaseException:
            stream.close()
            raise
        self._show_devices(found)
        # Last, so that whoever sees the run sees its devices too.
        self._run, self._watch = run, RunWatch(run, self._events)

    def _set_backups(self, backups: BackupConfig) -> None:
        with self._control:
            self._order.set_backups(backups)
            devices = msgspec.structs.replace(self._config.devices, backups=backups)
            self._config = msgspec.structs.replace(self._config, devices=devices)
            self._devices = msgspec.structs.replace(self._devices, chosen=devices)

    def _show_devices(self, found: Sequence[DeviceInfo]) -> None:
        used = self._order.used
        virtual = self._virtual if used.output == AUTOMATIC else None
        self._devices = DeviceSnapshot(
            input=device_name(used.input, found),
            output=device_name(self._order.output, found),
            monitor=device_name(used.monitor, found),
            music=device_name(used.music, found),
            virtual_microphone=virtual.microphone_name if virtual else "",
            advice=_SIMULATED_ADVICE if is_simulated(used.input) else "",
            chosen=self._config.devices,
            used=used,
        )
        self.presets.follow(identity(used.input, found))

    def _output(self, wanted: DeviceConfig) -> str:
        if wanted.output != AUTOMATIC:
            return wanted.output
        if is_simulated(wanted.input):
            # Nobody wants to hear a made-up microphone in a call.
            return f"{PREFIX}out"
        # Asked for each time: whatever was made may be gone with a sound server that was started anew.
        self._virtual = self._open_virtual(self._found_devices())
        return self._virtual.output_device

    def _found_devices(self) -> tuple[DeviceInfo, ...]:
        # To look for devices may mean to start the sound system anew: never while another thread opens one.
        with self._control:
            return self._backend.devices()

    def _stop(self, reason: str) -> None:
        with self._control:
            self._reopen_at_s = None
            try:
                self._close_run()
            finally:
                self._set_state(EngineState.STOPPED, reason)

    def _close_run(self) -> None:
        self._comparisons.end(self._run)
        run, self._run, self._watch = self._run, None, None
        self._observer.reset_latency()
        self._alarms.rest()
        if run is not None:
            self.controls.keep_learnt()
            run.close()

    def _tell_retraced(self, what: str, change: str) -> None:
        self._events.add(EventKind.NOTICE, f"{what}: {change}" if change else "there is nothing to go back to")

    def _reset_meters(self) -> None:
        self._observer.reset_latency()
        run = self._run
        if run is not None:
            run.processor.reset_meters()

    def _set_state(self, state: EngineState, reason: str) -> None:
        if (state, reason) != (self._state, self._reason):
            self._state, self._reason = state, reason
            self._events.add(EventKind.STATE, f"{state}: {reason}" if reason else str(state))

    # --- housekeeping --------------------------------------------------------------------------------------------

    def _keep_house(self) -> None:
        while not self.shutdown_requested.wait(_WATCH_INTERVAL_S):
            # A start or stop in progress holds the lock for as long as the devices take: look again later.
            if self._control.acquire(blocking=False):
                try:
                    self._look_after_run()
                except Exception:  # noqa: BLE001 - a look that failed must not be the last
                    _log.exception("housekeeping goes on")
                finally:
                    self._control.release()

    def _look_after_run(self) -> None:
        run, watch = self._run, self._watch
        if run is not None and watch is not None:
            watch.report()
            self._chain.tend()
            self.controls.keep_learnt()
            self._rooms.tend()
            self._comparisons.look_after(run)
            if self._chain.renew():
                self._events.add(EventKind.STAGE, "a stage with another delay takes over")
            self._look_for_alarms(run)
            if not run.worker.is_running or not self._keep_devices(run):
                self._run_ended(run)
        elif self._reopen_at_s is not None and monotonic() >= self._reopen_at_s:
            self._reopen()

    def _look_for_alarms(self, run: LiveRun) -> None:
        level = run.processor.input_level
        is_unplugged = self._order.used.input != self._config.devices.input
        self._alarms.look(level.peak_dbfs, level.is_clipping, is_unplugged)

    def _keep_devices(self, run: LiveRun) -> bool:
        """Let another device take over where one is gone, or take a better one back. False if nothing can be done."""
        if run.stream.lost is not None:
            if not self._order.mend(run.stream):
                return False
        elif not self._order.take_back(run.stream):
            return True
        # The way of the sound has changed: its delay is measured anew.
        self._observer.reset_latency()
        self._show_devices(self._backend.devices())
        return True

    def _run_ended(self, run: LiveRun) -> None:
        reason = run.end_reason
        if not reason:
            self._set_state(EngineState.STOPPED, INPUT_ENDED)
            return
        if not run.worker.is_beyond_help:
            self._reopen_at_s = monotonic() + _REOPEN_AFTER_S
        self._set_state(EngineState.FAILED, reason)
        is_unplugged = Direction.INPUT in run.stream.lost_directions
        try:
            self._close_run()
        except SidetoneError as error:
            self._events.add(EventKind.NOTICE, str(error))
        self._alarms.look((), is_clipping=False, is_unplugged=is_unplugged)

    def _reopen(self) -> None:
        self._reopen_at_s = monotonic() + _REOPEN_AFTER_S
        with suppress(SidetoneError):
            self._open_run()
            self._set_state(EngineState.RUNNING, "")
            self._reopen_at_s = None
            self._events.add(EventKind.DEVICE, "the device is back")


def _check_hop(frames: int) -> None:
    if not _LEAST_HOP_FRAMES <= frames <= _MOST_HOP_FRAMES:
        raise DeviceError(
            f"a hop of {frames} frames is not possible; choose {_LEAST_HOP_FRAMES} to {_MOST_HOP_FRAMES}, best 480"
        )
