"""All MIDI devices together: they come and go, are listened to and told, and learn.

Two threads: one works through messages and tells devices what has changed, the other looks which ports there are, because
that may wait. Neither holds the audio up: a flood is taken in bunches with rests between, and of each control only what
counts is done.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

import msgspec

from engine.commands import CancelMidiLearn, ForgetMidi, LearnMidi, PanicMidi, SetMidi
from engine.control.midi_device import MidiDevice
from engine.control.midi_learn import Learnt
from engine.control.midi_lesson import INSTRUCTION, Lesson
from engine.control.midi_map import EVERY_LAYER, MAP_VERSION, MidiTarget, Press, with_binding, without_target
from engine.control.midi_map_library import MapFile, MapLibrary, map_id_for
from engine.control.midi_message import MidiMessage, describe_address
from engine.control.midi_ports import MidiSystem, identified
from engine.control.midi_targets import Layers, Targets
from engine.errors import ParameterError, SidetoneError
from engine.midi import (
    OFF,
    MidiConfig,
    MidiLearnSnapshot,
    MidiMapSnapshot,
    MidiMessageSnapshot,
    MidiSnapshot,
)

_LOOK_INTERVAL_S = 1.0
_ASK_INTERVAL_S = 0.001
_REST_S = 0.002
"""After a bunch of messages: at most so often is anything done, however many there are."""

_TELL_INTERVAL_S = 1.0 / 60.0
_IDLE_S = 0.5
_KEPT_MESSAGES = 24
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
        self._system = system
        self._targets = targets
        self._library = library
        self._tell = tell
        self._now_s = now_s
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._arrived = threading.Event()
        self._look_soon = threading.Event()
        self._devices: dict[str, MidiDevice] = {}
        self._config = MidiConfig()
        self._problem = ""
        self._maps: tuple[MapFile, ...] = ()
        self._lesson: Lesson | None = None
        self._learn = MidiLearnSnapshot()
        self._messages: deque[tuple[int, float, MidiDevice, MidiMessage]] = deque(maxlen=_KEPT_MESSAGES)
        self._message_count = 0
        self._began_s = now_s()
        self._tell_at_s = 0.0
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
        with self._lock:
            for identity in tuple(self._devices):
                self._drop(identity)
        self._system.close()

    # --- commands ------------------------------------------------------------------------------------------------

    def carry_out(self, command: SetMidi | LearnMidi | CancelMidiLearn | ForgetMidi | PanicMidi) -> None:
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
            self._config = config
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
        if not self._config.is_on:
            raise SidetoneError("MIDI is switched off; switch it on first")
        if self._problem:
            raise SidetoneError(self._problem)
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
            moving = [device for device in self._devices.values() if target in device.surface.bindings]
            if not moving:
                raise ParameterError(f"no MIDI control moves {target}")
            for device in moving:
                if device.file is not None:
                    self._put(device, device.file.id, without_target(device.file.document, target))

    def panic(self) -> None:
        """Let go of whatever is held on any device, and tell all devices everything anew."""
        with self._lock:
            for device in self._devices.values():
                device.surface.panic()
        self._tell("MIDI panic: everything that was held is let go")

    def snapshot(self) -> MidiSnapshot:
        """Everything there is to show."""
        with self._lock:
            devices = tuple(self._devices[identity] for identity in sorted(self._devices))
            bindings: dict[str, tuple[str, ...]] = {}
            for device in devices:
                for target, labels in device.surface.bindings.items():
                    named = tuple(f"{label} · {device.identity}" for label in labels)
                    bindings[target] = (*bindings.get(target, ()), *named)
            return MidiSnapshot(
                config=self._config,
                problem=self._problem,
                ports=tuple(device.snapshot() for device in devices),
                maps=tuple(MidiMapSnapshot(file.id, file.map.name, file.is_own, file.notes) for file in self._maps),
                bindings=bindings,
                messages=tuple(
                    MidiMessageSnapshot(number, time_s, device.identity, device.surface.label(message))
                    for number, time_s, device, message in self._messages
                ),
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
        devices = tuple(self._devices.values())
        if any(device.is_asked for device in devices):
            return _ASK_INTERVAL_S
        is_lively = self._lesson is not None or any(device.has_feedback for device in devices)
        return _TELL_INTERVAL_S if is_lively else _IDLE_S

    def work_once(self) -> bool:
        """Do what has arrived, and tell what is due; returns whether there was a message."""
        has_any = False
        with self._lock:
            now_s = self._now_s()
            for device in self._devices.values():
                if messages := device.drain():
                    has_any = True
                    self._take(device, messages, now_s)
            if now_s >= self._tell_at_s:
                self._tell_at_s = now_s + _TELL_INTERVAL_S
                for device in self._devices.values():
                    device.tell(now_s)
                self._look_at_lesson(now_s)
        return has_any

    def _take(self, device: MidiDevice, messages: Sequence[MidiMessage], now_s: float) -> None:
        first = self._message_count + max(0, len(messages) - _KEPT_MESSAGES) + 1
        time_s = round(now_s - self._began_s, 3)
        for number, message in enumerate(messages[-_KEPT_MESSAGES:], first):
            self._messages.append((number, time_s, device, message))
        self._message_count += len(messages)
        if self._lesson is not None:
            self._lesson.take(device.identity, messages, now_s)
            return
        for refusal in device.surface.take(messages, now_s):
            self._tell(f"MIDI, {device.identity}: {refusal}")

    def _look_at_lesson(self, now_s: float) -> None:
        lesson = self._lesson
        outcome = lesson.outcome(now_s) if lesson is not None else None
        if lesson is None or outcome is None:
            return
        device = self._devices.get(outcome.device)
        if outcome.learnt is None or device is None:
            self._end_lesson(outcome.reason or "the device is gone; nothing is changed")
            return
        try:
            self._end_lesson(self._bind(lesson, device, outcome.learnt))
        except SidetoneError as error:
            self._end_lesson(str(error))

    def _bind(self, lesson: Lesson, device: MidiDevice, learnt: Learnt) -> str:
        file = device.file
        new = {"version": MAP_VERSION, "name": device.identity, "ports": [device.identity]}
        layers = device.surface.layers
        # What belongs to the moment, as a cough does, lasts as long as the button is down.
        is_momentary = self._targets.find(lesson.target, layers, self.panic).is_momentary
        wanted = MidiTarget(target=lesson.target, press=Press.HOLD if is_momentary else Press.TOGGLE)
        label = describe_address(learnt.address)
        layer = layers.current if layers.count > 1 else EVERY_LAYER
        document = with_binding(file.document if file else new, learnt, label, wanted, layer, lesson.is_added)
        self._put(device, file.id if file else map_id_for(device.identity), document)
        if self._config.maps.get(device.identity) == OFF:
            maps = {port: map_id for port, map_id in self._config.maps.items() if port != device.identity}
            self._config = msgspec.structs.replace(self._config, maps=maps)
        mover = ", ".join(device.surface.bindings.get(lesson.target, (label,)))
        doubt = "" if learnt.is_sure else "; if it moves wrongly, learn it again and move it more"
        return f"{mover} of {device.identity} ({learnt.kind}) now moves {lesson.target}{doubt}"

    def _end_lesson(self, text: str) -> None:
        target = self._lesson.target if self._lesson is not None else ""
        self._lesson = None
        self._learn = MidiLearnSnapshot(target, False, f"{text[:1].upper()}{text[1:]}.")
        self._tell(f"MIDI learn: {text}")
        self._look_soon.set()

    def _put(self, device: MidiDevice, map_id: str, document: dict[str, object]) -> None:
        file = self._library.write(map_id, document)
        self._maps = self._library.read_all()
        for other in self._devices.values():
            if other is device or (other.file is not None and other.file.id == map_id):
                other.use(file)

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
        self._maps = self._library.read_all()
        self._problem = self._system.look() if self._config.is_on else ""
        inputs = identified(self._system.inputs()) if self._config.is_on and not self._problem else {}
        outputs = identified(self._system.outputs()) if inputs else {}
        for identity, device in tuple(self._devices.items()):
            names = (inputs.get(identity, ""), outputs.get(identity, ""))
            if device.names != names:
                self._drop(identity, is_gone=identity not in inputs)
        for identity, name in inputs.items():
            file = self._wanted_map(identity)
            device_now = self._devices.get(identity)
            if device_now is None:
                self._add(identity, name, outputs.get(identity, ""), file)
            elif file is not device_now.file:
                with self._lock:
                    device_now.use(file)
                self._tell_notes(device_now)
            self._open_or_close(identity, file)

    def _wanted_map(self, identity: str) -> MapFile | None:
        chosen = self._config.maps.get(identity, "")
        if chosen == OFF:
            return None
        if chosen:
            return next((file for file in self._maps if file.id == chosen), None)
        fitting = [file for file in self._maps if file.map.fit(identity)]
        # The user's own map of a device comes before the program's.
        return max(fitting, key=lambda file: (file.is_own, file.map.fit(identity)), default=None)

    def _add(self, identity: str, input_name: str, output_name: str, file: MapFile | None) -> None:
        device = MidiDevice(identity, input_name, output_name, self._targets, self.panic)
        if file is not None:
            device.use(file)
        with self._lock:
            self._devices[identity] = device

    def _open_or_close(self, identity: str, file: MapFile | None) -> None:
        """Only what is of use is opened: on Windows a port belongs to one program at a time."""
        device = self._devices[identity]
        is_wanted = file is not None or self._lesson is not None
        if is_wanted and not device.is_open:
            before = device.problem
            device.open(self._system, self._arrived.set)
            if device.problem != before or device.is_open:
                named = f" ({file.map.name or file.id})" if file is not None else ""
                self._tell(f"MIDI: {device.problem or f'{identity}{named} is connected'}")
                self._tell_notes(device)
                self._arrived.set()
        elif not is_wanted and device.is_open:
            with self._lock:
                device.close()

    def _drop(self, identity: str, is_gone: bool = False) -> None:
        with self._lock:
            device = self._devices.pop(identity)
            was_open = device.is_open
            device.close()
        if is_gone and was_open:
            self._tell(f"MIDI: {identity} is gone; it is taken up again when it is back")

    def _tell_notes(self, device: MidiDevice) -> None:
        for note in (*(device.file.notes if device.file else ()), *device.surface.notes):
            self._tell(f"MIDI map {device.file.id if device.file else ''}: {note}")
