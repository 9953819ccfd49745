"""The MIDI devices that are plugged in, and the maps they are used with: found, opened, bound, and let go. Control thread.

Devices come and go under a lock, because messages are worked through meanwhile; to look for ports may wait, and holds none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import msgspec

from engine.control.midi_device import MidiDevice
from engine.control.midi_learn import Learnt
from engine.control.midi_map import EVERY_LAYER, MAP_VERSION, MidiTarget, Press, with_binding, without_target
from engine.control.midi_map_library import MapFile, MapLibrary, map_id_for
from engine.control.midi_message import describe_address
from engine.control.midi_ports import MidiSystem, identified
from engine.control.midi_targets import Targets
from engine.errors import ParameterError
from engine.midi import OFF, MidiConfig, MidiMapSnapshot


class MidiDevices:
    """Follows what is plugged in.

    Parameters
    ----------
    system : MidiSystem
        Where ports are.
    targets : Targets
        What can be moved.
    library : MapLibrary
    lock : context manager
        Held while devices or their maps are exchanged.
    on_arrival : callable
        Called on a thread of the system's when a device has sent something; must not wait.
    on_panic : callable
        What a device's panic button does.
    tell : callable
        Takes a sentence for the event log.

    Attributes
    ----------
    config : MidiConfig
        What is wanted; followed at the next look.
    problem : str
        Why there is no MIDI on this machine; empty if there is.
    """

    def __init__(
        self,
        system: MidiSystem,
        targets: Targets,
        library: MapLibrary,
        lock: AbstractContextManager[object],
        on_arrival: Callable[[], None],
        on_panic: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        self._system = system
        self._targets = targets
        self._library = library
        self._lock = lock
        self._on_arrival = on_arrival
        self._on_panic = on_panic
        self._tell = tell
        self._devices: dict[str, MidiDevice] = {}
        self._maps: tuple[MapFile, ...] = ()
        self.config = MidiConfig()
        self.problem = ""

    def __iter__(self) -> Iterator[MidiDevice]:
        """The devices, by identity."""
        return iter(sorted(self._devices.values(), key=lambda device: device.identity))

    def get(self, identity: str) -> MidiDevice | None:
        """The device of this identity, if it is plugged in."""
        return self._devices.get(identity)

    def maps(self) -> tuple[MidiMapSnapshot, ...]:
        """The maps there are."""
        return tuple(MidiMapSnapshot(file.id, file.map.name, file.is_own, file.notes) for file in self._maps)

    def bindings(self) -> dict[str, tuple[str, ...]]:
        """For every target that is moved, the controls that move it."""
        found: dict[str, tuple[str, ...]] = {}
        for device in self:
            for target, labels in device.surface.bindings.items():
                found[target] = (*found.get(target, ()), *(f"{label} · {device.identity}" for label in labels))
        return found

    def look(self, is_learning: bool) -> None:
        """Follow what is plugged in, which maps there are, and what is wanted of them.

        Parameters
        ----------
        is_learning : bool
            Whether devices without a map are to be heard too.
        """
        self._maps = self._library.read_all()
        self.problem = self._system.look() if self.config.is_on else ""
        inputs = identified(self._system.inputs()) if self.config.is_on and not self.problem else {}
        outputs = identified(self._system.outputs()) if inputs else {}
        for identity, device in tuple(self._devices.items()):
            names = (inputs.get(identity, ""), outputs.get(identity, ""))
            if device.names != names:
                self._drop(identity, is_gone=identity not in inputs)
        for identity, name in inputs.items():
            file = self._wanted_map(identity)
            device_now = self._devices.get(identity)
            if device_now is None:
                device_now = self._add(identity, name, outputs.get(identity, ""), file)
            elif file is not device_now.file:
                with self._lock:
                    device_now.use(file)
                self._tell_notes(device_now)
            self._open_or_close(device_now, is_wanted=file is not None or is_learning)

    def bind(self, device: MidiDevice, learnt: Learnt, target: str, is_added: bool) -> str:
        """Let a control of a device move a target, and keep that in the user's map; returns which control it is.

        Raises
        ------
        SidetoneError
            If there is no such target any more, or the map cannot be written.
        """
        file = device.file
        new = {"version": MAP_VERSION, "name": device.identity, "ports": [device.identity]}
        layers = device.surface.layers
        # What belongs to the moment, as a cough does, lasts as long as the button is down.
        is_momentary = self._targets.find(target, layers, self._on_panic).is_momentary
        wanted = MidiTarget(target=target, press=Press.HOLD if is_momentary else Press.TOGGLE)
        label = describe_address(learnt.address)
        layer = layers.current if layers.count > 1 else EVERY_LAYER
        document = with_binding(file.document if file else new, learnt, label, wanted, layer, is_added)
        self._keep(device, file.id if file else map_id_for(device.identity), document)
        if self.config.maps.get(device.identity) == OFF:
            maps = {port: map_id for port, map_id in self.config.maps.items() if port != device.identity}
            self.config = msgspec.structs.replace(self.config, maps=maps)
        return ", ".join(device.surface.bindings.get(target, (label,)))

    def forget(self, target: str) -> None:
        """Let no control of any of them move `target` any more.

        Raises
        ------
        ParameterError
            If none does.
        SidetoneError
            If a map cannot be written.
        """
        moving = [device for device in self if target in device.surface.bindings]
        if not moving:
            raise ParameterError(f"no MIDI control moves {target}")
        for device in moving:
            if device.file is not None:
                self._keep(device, device.file.id, without_target(device.file.document, target))

    def close(self) -> None:
        """Let go of them all, and of the system."""
        for identity in tuple(self._devices):
            self._drop(identity)
        self._system.close()

    def _keep(self, device: MidiDevice, map_id: str, document: dict[str, object]) -> None:
        file = self._library.write(map_id, document)
        self._maps = self._library.read_all()
        for other in self:
            if other is device or (other.file is not None and other.file.id == map_id):
                other.use(file)

    def _wanted_map(self, identity: str) -> MapFile | None:
        chosen = self.config.maps.get(identity, "")
        if chosen == OFF:
            return None
        if chosen:
            return next((file for file in self._maps if file.id == chosen), None)
        fitting = [file for file in self._maps if file.map.fit(identity)]
        # The user's own map of a device comes before the program's.
        return max(fitting, key=lambda file: (file.is_own, file.map.fit(identity)), default=None)

    def _add(self, identity: str, input_name: str, output_name: str, file: MapFile | None) -> MidiDevice:
        device = MidiDevice(identity, input_name, output_name, self._targets, self._on_panic)
        if file is not None:
            device.use(file)
        with self._lock:
            self._devices[identity] = device
        return device

    def _open_or_close(self, device: MidiDevice, is_wanted: bool) -> None:
        """Only what is of use is opened: on Windows a port belongs to one program at a time."""
        if is_wanted and not device.is_whole:
            before = device.is_open, device.problem
            device.open(self._system, self._on_arrival)
            if (device.is_open, device.problem) != before:
                named = f" ({device.file.map.name or device.file.id})" if device.file is not None else ""
                self._tell(f"MIDI: {device.problem or f'{device.identity}{named} is connected'}")
                self._tell_notes(device)
                self._on_arrival()
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
