"""A MIDI system without MIDI: ports that a test plugs in and plays on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from engine.control.midi_message import MidiMessage, encode, parse
from engine.errors import DeviceError


class FakePort:
    """Both directions of one made-up device; `heard` is what the program told it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heard: list[MidiMessage] = []
        self.on_tell: Callable[[MidiMessage], None] = lambda message: None
        self._waiting: deque[bytes] = deque()
        self._on_arrival: Callable[[], None] = lambda: None
        self.is_asked = False
        self.openings = 0
        self.is_open = False

    def play(self, *messages: MidiMessage) -> None:
        """Let a hand move something."""
        if self.is_open:
            self._waiting.extend(encode(message) for message in messages)
            self._on_arrival()

    def open(self, on_arrival: Callable[[], None]) -> FakePort:
        self._on_arrival = on_arrival
        self.openings += 1
        self.is_open = True
        return self

    def drain(self) -> list[bytes]:
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    def send(self, content: bytes) -> None:
        message = parse(content)
        assert message is not None
        self.heard.append(message)
        self.on_tell(message)

    def close(self) -> None:
        self.is_open = False


class FakeMidiSystem:
    """Implements `MidiSystem`."""

    def __init__(self, *ports: FakePort, problem: str = "") -> None:
        self.ports = {port.name: port for port in ports}
        self.problem = problem
        self.refused: set[str] = set()
        self.refused_outputs: set[str] = set()
        self.closings = 0

    def plug(self, port: FakePort) -> None:
        self.ports[port.name] = port

    def unplug(self, port: FakePort) -> None:
        self.ports.pop(port.name).is_open = False

    def look(self) -> str:
        return self.problem

    def inputs(self) -> tuple[str, ...]:
        return tuple(self.ports)

    def outputs(self) -> tuple[str, ...]:
        return tuple(self.ports)

    def open_input(self, name: str, on_arrival: Callable[[], None]) -> FakePort:
        if name in self.refused:
            raise DeviceError(f"the MIDI port {name} cannot be opened; is another program using it?")
        return self.ports[name].open(on_arrival)

    def open_output(self, name: str) -> FakePort:
        if name in self.refused_outputs:
            raise DeviceError(f"the MIDI port {name} cannot be opened; is another program using it?")
        return self.ports[name]

    def close(self) -> None:
        self.closings += 1


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def values(messages: Iterable[MidiMessage]) -> list[int]:
    return [message.value for message in messages]
