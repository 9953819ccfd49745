"""From stopped to running and back: opens runs, ends them, and opens them when a device comes that was lost or not there.

Control thread, one at a time: the caller sees to that.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from engine.alarms import Alarm, MicrophoneAlarms
from engine.config import DeviceConfig
from engine.device_setup import DeviceSetup
from engine.errors import DeviceChoiceError, DeviceError, SidetoneError
from engine.event_log import EventLog
from engine.io.backend import AudioStream
from engine.io.devices import Direction
from engine.live import LiveRun
from engine.observe import Observer
from engine.snapshot import EngineState, EventKind
from engine.watch import INPUT_ENDED, RunWatch

_REOPEN_AFTER_S = 1.0
_WAITING = "The device is taken into use as soon as it is there."

BuildRun = Callable[[AudioStream, int], LiveRun]
"""Makes a run on an open stream ready to start; the number tells it from others."""


class Lifecycle:
    """The state of an engine, and the run that belongs to it.

    Parameters
    ----------
    devices : DeviceSetup
        Opens and exchanges devices.
    build_run : callable
    observer : Observer
        Is told when a measured latency is worth nothing any more.
    before_end : callable
        Called before a run ends, with the run; with None when there was none.
    """

    def __init__(
        self,
        devices: DeviceSetup,
        build_run: BuildRun,
        observer: Observer,
        events: EventLog,
        before_end: Callable[[LiveRun | None], None],
    ) -> None:
        self._devices = devices
        self._build_run = build_run
        self._observer = observer
        self._events = events
        self._before_end = before_end
        self._alarms = MicrophoneAlarms(lambda text: events.add(EventKind.ALARM, text))
        self._run_count = 0
        self._run: LiveRun | None = None
        self._watch: RunWatch | None = None
        self._hanging: LiveRun | None = None
        self._state, self._reason = EngineState.STOPPED, ""
        self._reopen_at_s: float | None = None
        self._was_there = False

    @property
    def run(self) -> LiveRun | None:
        """The run that is on. Any thread."""
        return self._run

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """What is wrong with the microphone. Any thread."""
        return self._alarms.active

    @property
    def is_over(self) -> bool:
        """Whether the sound has ended and will not come back without a command. Any thread."""
        return self._reopen_at_s is None and self._state in (EngineState.STOPPED, EngineState.FAILED)

    @property
    def is_waiting(self) -> bool:
        """Whether a device that is not there is waited for. Any thread."""
        return self._reopen_at_s is not None

    def state(self) -> tuple[EngineState, str]:
        """The state now, and its reason. Any thread."""
        watch, state, reason = self._watch, self._state, self._reason
        return watch.state() if state is EngineState.RUNNING and watch is not None else (state, reason)

    def start(self, devices: DeviceConfig) -> None:
        """Open these devices and run; whatever ran before ends first.

        Raises
        ------
        DeviceError
            If one of them is not there, or is another's just now. The state is FAILED with that reason, and they are tried
            again until they are there; but not after a `DeviceChoiceError`.
        SidetoneError
            If it cannot be for another reason; the state is FAILED then, with the reason.
        """
        self._enter(EngineState.STARTING)
        self._reopen_at_s = None
        try:
            self._end_run()
            self._begin_run(devices)
        except Exception as error:
            reason = str(error) if isinstance(error, SidetoneError) else f"{type(error).__name__}: {error}"
            if isinstance(error, DeviceError) and not isinstance(error, DeviceChoiceError):
                self._was_there = False
                self._reopen_at_s = monotonic() + _REOPEN_AFTER_S
                reason = f"{reason} {_WAITING}"
            self._enter(EngineState.FAILED, reason)
            raise
        self._enter(EngineState.RUNNING)

    def stop(self) -> None:
        """End the run, if there is one.

        Raises
        ------
        SidetoneError
            If a recorded file cannot be completed.
        """
        self._reopen_at_s = None
        try:
            self._end_run()
        finally:
            self._enter(EngineState.STOPPED)

    def look_after(self) -> None:
        """Tell what has happened, and mend what can be mended. Now and then."""
        run, watch = self._run, self._watch
        if run is not None and watch is not None:
            watch.report()
            level = run.processor.input_level
            self._alarms.look(level.peak_dbfs, level.is_clipping, self._devices.is_input_replaced)
            if not run.worker.is_running or not self._keep_devices(run, watch):
                self._run_ended(run)
        elif self._reopen_at_s is not None and monotonic() >= self._reopen_at_s:
            self._reopen()

    def _begin_run(self, devices: DeviceConfig) -> None:
        self._expect_no_hanging_run()
        stream = self._devices.open(devices)
        self._run_count += 1
        try:
            run = self._build_run(stream, self._run_count)
            run.start()
        except BaseException:
            stream.close()
            raise
        self._devices.show()
        # Last, so that whoever sees the run sees its devices too.
        self._run, self._watch = run, RunWatch(run, self._events)

    def _end_run(self) -> None:
        self._before_end(self._run)
        run, self._run, self._watch = self._run, None, None
        self._observer.reset_latency()
        self._alarms.rest()
        if run is None:
            return
        try:
            run.close()
        finally:
            if run.worker.is_running:
                self._hanging = run
                self._events.add(
                    EventKind.NOTICE, "the audio thread hangs in a stage; nothing starts before it has ended"
                )

    def _expect_no_hanging_run(self) -> None:
        # Two threads in one chain would write over each other's buffers, some of which native code works on.
        if self._hanging is not None and self._hanging.worker.is_running:
            raise SidetoneError(
                "the audio thread hangs in a stage; try again in a moment, or end Sidetone and start anew"
            )
        self._hanging = None

    def _keep_devices(self, run: LiveRun, watch: RunWatch) -> bool:
        """Let another device take over where one is gone, or take a better one back. False if nothing can be done."""
        if run.stream.lost is not None:
            if not self._devices.mend(run.stream):
                return False
        elif not self._devices.take_back(run.stream):
            return True
        # The way of the sound has changed: its delay is measured anew.
        self._observer.reset_latency()
        # Seen to be there before it may be gone again, or that would not be told.
        watch.report()
        return True

    def _run_ended(self, run: LiveRun) -> None:
        reason = run.end_reason
        if not reason:
            self._enter(EngineState.STOPPED, INPUT_ENDED)
            return
        if not run.worker.is_beyond_help:
            self._was_there = True
            self._reopen_at_s = monotonic() + _REOPEN_AFTER_S
        self._enter(EngineState.FAILED, reason)
        is_unplugged = Direction.INPUT in run.stream.lost_directions
        try:
            self._end_run()
        except SidetoneError as error:
            self._events.add(EventKind.NOTICE, str(error))
        self._alarms.look((), is_clipping=False, is_unplugged=is_unplugged)

    def _reopen(self) -> None:
        self._reopen_at_s = monotonic() + _REOPEN_AFTER_S
        with suppress(SidetoneError):
            self._begin_run(self._devices.chosen)
            self._enter(EngineState.RUNNING)
            self._reopen_at_s = None
            self._events.add(EventKind.DEVICE, f"the device is {'back' if self._was_there else 'there'}")

    def _enter(self, state: EngineState, reason: str = "") -> None:
        if (state, reason) != (self._state, self._reason):
            self._state, self._reason = state, reason
            self._events.add(EventKind.STATE, f"{state}: {reason}" if reason else str(state))
