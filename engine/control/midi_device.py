"""One MIDI device that is plugged in: its ports, its map at work, and how it stands. One control thread at a time."""

from __future__ import annotations

from collections.abc import Callable

from engine.control.midi_map import MidiMap
from engine.control.midi_map_library import MapFile
from engine.control.midi_message import MidiMessage, encode, parse
from engine.control.midi_ports import MidiInput, MidiOutput, MidiSystem
from engine.control.midi_surface import MidiSurface
from engine.control.midi_targets import Targets
from engine.errors import DeviceError
from engine.midi import MidiPortSnapshot


class MidiDevice:
    """Joins an input, an output and a surface.

    Parameters
    ----------
    identity : str
        By what the device is known again.
    input_name, output_name : str
        Its ports' names now; it need not have an output.
    """

    def __init__(
        self,
        identity: str,
        input_name: str,
        output_name: str,
        targets: Targets,
        on_panic: Callable[[], None],
    ) -> None:
        self.identity = identity
        self.names = (input_name, output_name)
        self._targets = targets
        self._on_panic = on_panic
        self._input: MidiInput | None = None
        self._output: MidiOutput | None = None
        self.file: MapFile | None = None
        self.surface = MidiSurface(MidiMap(), targets, on_panic)
        self.problem = ""

    @property
    def is_open(self) -> bool:
        """Whether it is listened to."""
        return self._input is not None

    @property
    def is_whole(self) -> bool:
        """Whether it is listened to, and told things if it has a port for that."""
        return self.is_open and (self._output is not None or not self.names[1])

    @property
    def is_asked(self) -> bool:
        """Whether it has to be asked for its messages."""
        return self._input is not None and self._input.is_asked

    @property
    def has_feedback(self) -> bool:
        """Whether it is told anything."""
        return self._output is not None and self.surface.has_feedback

    def use(self, file: MapFile | None) -> None:
        """Take another map; the layer stays if it has as many."""
        layer = self.surface.layers.current
        self.file = file
        self.surface.panic()
        self.surface = MidiSurface(file.map if file else MidiMap(), self._targets, self._on_panic)
        if layer <= self.surface.layers.count:
            self.surface.layers.current = layer

    def open(self, system: MidiSystem, on_arrival: Callable[[], None]) -> None:
        """Open those ports that are not open; why that fails is kept as the problem."""
        input_name, output_name = self.names
        try:
            if self._input is None:
                self._input = system.open_input(input_name, on_arrival)
            if self._output is None and output_name:
                self._output = system.open_output(output_name)
            self.problem = ""
        except DeviceError as error:
            self.problem = str(error)

    def close(self) -> None:
        """Let go of what is held, and of the ports."""
        self.surface.panic()
        for port in (self._input, self._output):
            if port is not None:
                port.close()
        self._input = self._output = None

    def drain(self) -> list[MidiMessage]:
        """What has arrived."""
        if self._input is None:
            return []
        parsed = (parse(content) for content in self._input.drain())
        return [message for message in parsed if message is not None]

    def tell(self, now_s: float) -> None:
        """Tell the device what it does not know yet."""
        if self._output is not None:
            for message in self.surface.feedback(now_s):
                self._output.send(encode(message))

    def snapshot(self) -> MidiPortSnapshot:
        """How it stands."""
        return MidiPortSnapshot(
            port=self.identity,
            map=self.file.id if self.file else "",
            map_name=self.file.map.name if self.file else "",
            layer=self.surface.layers.current,
            layers=self.surface.layers.count,
            is_open=self.is_open,
            has_feedback=self.has_feedback,
            problem=self.problem,
        )
