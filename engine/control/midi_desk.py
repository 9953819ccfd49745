"""All MIDI devices together: they come and go, are listened to and told, and learn.

Two threads: one works through messages and tells devices what has changed, the other looks which ports there are, because
that may wait. Neither holds the audio up: a flood is taken in bunches with rests between, and of each control only what
counts is done.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from time import monotonic

from engine.commands import CancelMidiLearn, ForgetMidi, LearnMidi, MidiCommand, PanicMidi, SetMidi
from engine.control.midi_device import MidiDevice
from engine.control.midi_devices import MidiDevices
from engine.control.midi_lesson import INSTRUCTION, Lesson, Outcome
from engine.control.midi_map_library import MapLibrary
from engine.control.midi_message import MidiMessage
from engine.control.midi_monitor import MidiMonitor
from engine.control.midi_ports import MidiSystem
from engine.control.midi_targets import Layers, Targets
from engine.errors import SidetoneError
from engine.midi import MidiConfig, MidiLearnSnapshot, MidiSnapshot

_LOOK_INTERVAL_S = 1.0
_ASK_INTERVAL_S, _ASK_SOON_S = 0.001, 0.000_25
_LIVELY_S = 1.0
"""So long after a message the next is expected, and asked for more often."""

_REST_S = 0.002
"""After a bunch of messages: at most so often is anything done, however many there are."""

_TELL_INTERVAL_S = 1.0 / 60.0
_IDLE_S = 0.5
_log = logging.getLogger("sidetone.midi")


class MidiDesk:
    """Keeps MIDI going from `start` to `close`. Control thread.

    Parameters
    ----------
    system : MidiSystem
        Where ports are.
    targets : Targets
        What can be moved.
    library : MapLibrary
    tell : callable
        Takes a sentence for the event log.
    """

    def __init__(
        self,
        system: MidiSystem,
        targets: Targets,
        library: MapLibrary,
        tell: Callable[[str], None],
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        self._targets = targets
        self._tell = tell
        self._now_s = now_s
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._arrived = threading.Event()
        self._look_soon = threading.Event()
        self._devices = MidiDevices(system, targets, library, self._lock, self._arrived.set, self.panic, tell)
        self._monitor = MidiMonitor(now_s())
        self._lesson: Lesson | None = None
        self._learn = MidiLearnSnapshot()
        self._tell_at_s = 0.0
        self._lively_until_s = 0.0
        self._threads = [
            threading.Thread(target=self._work, name="sidetone-midi", daemon=True),
            threading.Thread(target=self._watch, name="sidetone-midi-ports", daemon=True),
        ]

    def start(self) -> None:
        """Begin to look for devices, unless that has begun."""
        if not self._threads[0].ident and not self._closing.is_set():
            for thread in self._threads:
                thread.start()

    def close(self) -> None:
        """Let go of everything; safe to call twice, and without `start`."""
        self._closing.set()
        self._arrived.set()
        self._look_soon.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(2.0)
        self._devices.close()

    # --- commands ------------------------------------------------------------------------------------------------

    def carry_out(self, command: MidiCommand) -> None:
        """Do what a face asks for.

        Raises
        ------
        SidetoneError
            As the methods below.
        """
        match command:
            case SetMidi(config=config):
                self.configure(config)
            case LearnMidi(target=target, is_added=is_added):
                self.learn(target, is_added)
            case CancelMidiLearn():
                self.cancel()
            case ForgetMidi(target=target):
                self.forget(target)
            case PanicMidi():
                self.panic()

    def configure(self, config: MidiConfig) -> None:
        """Take other settings."""
        with self._lock:
            self._devices.config = config
        self._look_soon.set()

    def learn(self, target: str, is_added: bool = False) -> None:
        """Let the next control that is touched move `target`.

        Raises
        ------
        ParameterError
            If there is no such target.
        SidetoneError
            If there is no MIDI on this machine, or it is switched off.
        """
        label = self._targets.find(target, Layers(8), self.panic).label
        if not self._devices.config.is_on:
            raise SidetoneError("MIDI is switched off; switch it on first")
        if self._devices.problem:
            raise SidetoneError(self._devices.problem)
        with self._lock:
            self._lesson = Lesson(target, is_added, self._now_s())
            self._learn = MidiLearnSnapshot(target, True, f"For {label}, {INSTRUCTION}.")
        self._look_soon.set()

    def cancel(self) -> None:
        """End the lesson."""
        with self._lock:
            if self._lesson is not None:
                self._end_lesson("nothing is changed")

    def forget(self, target: str) -> None:
        """Let no control of any connected device move `target` any more.

        Raises
        ------
        ParameterError
            If none does.
        SidetoneError
            If a map cannot be written.
        """
        with self._lock:
            self._devices.forget(target)

    def panic(self) -> None:
        """Let go of whatever is held on any device, and tell all devices everything anew."""
        with self._lock:
            for device in self._devices:
                device.surface.panic()
        self._tell("MIDI panic: everything that was held is let go")

    def snapshot(self) -> MidiSnapshot:
        """Everything there is to show."""
        with self._lock:
            devices = self._devices
            return MidiSnapshot(
                config=devices.config,
                problem=devices.problem,
                ports=tuple(device.snapshot() for device in devices),
                maps=devices.maps(),
                bindings=devices.bindings(),
                messages=self._monitor.snapshot(),
                learn=self._learn,
            )

    # --- messages ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closing.is_set():
            self._arrived.wait(self._pause_s())
            self._arrived.clear()
            try:
                if self.work_once():
                    self._closing.wait(_REST_S)
            except Exception:  # noqa: BLE001 - one bad turn must not be the last
                _log.exception("MIDI goes on")
                self._closing.wait(_IDLE_S)

    def _pause_s(self) -> float:
        devices = tuple(self._devices)
        if any(device.is_asked for device in devices):
            return _ASK_SOON_S if self._now_s() < self._lively_until_s else _ASK_INTERVAL_S
        is_lively = self._lesson is not None or any(device.has_feedback for device in devices)
        return _TELL_INTERVAL_S if is_lively else _IDLE_S

    def work_once(self) -> bool:
        """Do what has arrived, and tell what is due; returns whether there was a message."""
        has_any = False
        with self._lock:
            now_s = self._now_s()
            for device in self._devices:
                if messages := device.drain():
                    has_any = True
                    self._lively_until_s = now_s + _LIVELY_S
                    self._take(device, messages, now_s)
            if now_s >= self._tell_at_s:
                self._tell_at_s = now_s + _TELL_INTERVAL_S
                for device in self._devices:
                    device.tell(now_s)
                self._look_at_lesson(now_s)
        return has_any

    def _take(self, device: MidiDevice, messages: Sequence[MidiMessage], now_s: float) -> None:
        self._monitor.note(device, messages, now_s)
        if self._lesson is not None:
            self._lesson.take(device.identity, messages, now_s)
            return
        for refusal in device.surface.take(messages, now_s):
            self._tell(f"MIDI, {device.identity}: {refusal}")

    # --- lessons -------------------------------------------------------------------------------------------------

    def _look_at_lesson(self, now_s: float) -> None:
        lesson = self._lesson
        outcome = lesson.outcome(now_s) if lesson is not None else None
        if lesson is None or outcome is None:
            return
        try:
            self._end_lesson(self._bind(lesson, outcome))
        except SidetoneError as error:
            self._end_lesson(str(error))

    def _bind(self, lesson: Lesson, outcome: Outcome) -> str:
        """Bring in what a lesson has brought; returns that in words."""
        device, learnt = self._devices.get(outcome.device), outcome.learnt
        if device is None or learnt is None:
            return outcome.reason or "the device is gone; nothing is changed"
        mover = self._devices.bind(device, learnt, lesson.target, lesson.is_added)
        doubt = "" if learnt.is_sure else "; if it moves wrongly, learn it again and move it more"
        return f"{mover} of {device.identity} ({learnt.kind}) now moves {lesson.target}{doubt}"

    def _end_lesson(self, text: str) -> None:
        target = self._lesson.target if self._lesson is not None else ""
        self._lesson = None
        self._learn = MidiLearnSnapshot(target, False, f"{text[:1].upper()}{text[1:]}.")
        self._tell(f"MIDI learn: {text}")
        self._look_soon.set()

    # --- ports ---------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._closing.is_set():
            try:
                self.look_once()
            except Exception:  # noqa: BLE001 - whatever a MIDI system does, the next look may find it well
                _log.exception("MIDI ports are looked for again")
            self._look_soon.wait(_LOOK_INTERVAL_S)
            self._look_soon.clear()

    def look_once(self) -> None:
        """Follow what is plugged in, which maps there are, and what is wanted of them."""
        self._devices.look(is_learning=self._lesson is not None)
