"""One MIDI device at work: its map, its layers, and its state. Knows no port. Control thread, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from engine.control.midi_feedback import EchoGuard, Indicator
from engine.control.midi_inputs import Input, heard_addresses, make_input
from engine.control.midi_link import Link
from engine.control.midi_map import EVERY_LAYER, MidiBinding, MidiControl, MidiMap
from engine.control.midi_message import Address, MidiMessage, describe_address
from engine.control.midi_targets import Layers, Targets
from engine.errors import ParameterError, SidetoneError


@dataclass
class _Strip:
    """A control with all that belongs to it."""

    control: MidiControl
    input: Input
    indicator: Indicator | None
    links: dict[int, list[Link]] = field(default_factory=dict)

    def active(self, layer: int) -> list[Link]:
        return self.links.get(layer) or self.links.get(EVERY_LAYER, [])

    def all_links(self) -> Iterator[Link]:
        return (link for links in self.links.values() for link in links)


class MidiSurface:
    """Turns a device's messages into changes, and changes into its messages.

    Parameters
    ----------
    midi_map : MidiMap
    targets : Targets
        Finds what the map's words mean.
    on_panic : callable
        What the map's panic button does; lets go of everything on all devices.

    Attributes
    ----------
    notes : tuple of str
        What of the map means nothing in this engine, a sentence each.
    bindings : dict of str to tuple of str
        For every target that is moved on some layer, the labels of the controls that move it.
    """

    def __init__(self, midi_map: MidiMap, targets: Targets, on_panic: Callable[[], None]) -> None:
        self._targets = targets
        self._on_panic = on_panic
        self.layers = Layers(max((binding.layer for binding in midi_map.bindings), default=1))
        self._echoes = EchoGuard()
        self._strips = [self._strip(control) for control in midi_map.single_controls()]
        self._by_address: dict[Address, _Strip] = {}
        for strip in self._strips:
            for address in heard_addresses(strip.control.address, strip.control.kind):
                self._by_address.setdefault(address, strip)
        self._shown: object = None
        self._shown_layer = self.layers.current
        self.notes = tuple(self._bind(midi_map.bindings))
        self.bindings = self._movers()

    @property
    def has_feedback(self) -> bool:
        """Whether there is anything to be told to the device."""
        return any(strip.indicator for strip in self._strips)

    def take(self, messages: Iterable[MidiMessage], now_s: float) -> tuple[str, ...]:
        """Do what some messages say, in their order; returns why what could not be done, as loading a preset that is gone."""
        touched: dict[str, _Strip] = {}
        refusals: list[str] = []
        for message in messages:
            strip = self._by_address.get(message.address)
            if strip is None or self._echoes.is_echo(message, now_s):
                continue
            touched[strip.control.id] = strip
            if strip.indicator is not None:
                strip.indicator.touched(message, now_s)
            with _collecting(refusals):
                strip.input.take(message, strip.active(self.layers.current))
            self._follow_layer()
        for strip in touched.values():
            with _collecting(refusals):
                strip.input.act(strip.active(self.layers.current))
        return tuple(refusals)

    def feedback(self, now_s: float) -> list[MidiMessage]:
        """What the device has to be told now."""
        state = (self._targets.state, self.layers.current)
        is_new = state != self._shown
        self._shown = state
        told: list[MidiMessage] = []
        for strip in self._strips:
            indicator = strip.indicator
            if indicator is None or not (is_new or indicator.is_due(now_s)):
                continue
            links = strip.active(self.layers.current)
            if not links and indicator.moves:
                continue
            for message in indicator.messages(links[0].position() if links else 0.0, now_s):
                self._echoes.sent(message, indicator.echo_until_s(now_s))
                told.append(message)
        return told

    def panic(self) -> None:
        """Let go of everything that is held, go back to the first layer, and tell the device everything anew."""
        for strip in self._strips:
            for link in strip.all_links():
                link.release()
                link.let_go()
            if strip.indicator is not None:
                strip.indicator.forget()
        self.layers.current = self._shown_layer = 1

    def label(self, message: MidiMessage) -> str:
        """A message as a person reads it: the control's name and its value."""
        strip = self._by_address.get(message.address)
        if strip is None:
            return f"{describe_address(message.address)}: {message.value}"
        labels = ", ".join(link.target.label for link in strip.active(self.layers.current))
        return f"{strip.control.label}: {message.value}{f' → {labels}' if labels else ''}"

    def _strip(self, control: MidiControl) -> _Strip:
        indicator = Indicator(control, control.feedback) if control.feedback is not None else None
        return _Strip(control, make_input(control.address, control.kind), indicator)

    def _bind(self, bindings: Iterable[MidiBinding]) -> Iterable[str]:
        strips = {strip.control.id: strip for strip in self._strips}
        for binding in bindings:
            strip = strips[binding.control]
            links = strip.links.setdefault(binding.layer, [])
            for wanted in binding.to:
                try:
                    target = self._targets.find(wanted.target, self.layers, self._on_panic)
                    links.append(Link(wanted, target, strip.indicator is not None and strip.indicator.moves))
                except (ParameterError, ValueError) as error:
                    yield f"{strip.control.label}: {error}"

    def _movers(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for strip in self._strips:
            for name in {link.name for link in strip.all_links()}:
                found[name] = (*found.get(name, ()), strip.control.label)
        return found

    def _follow_layer(self) -> None:
        if self.layers.current == self._shown_layer:
            return
        self._shown_layer = self.layers.current
        for strip in self._strips:
            for link in strip.all_links():
                link.let_go()


@contextmanager
def _collecting(refusals: list[str]) -> Iterator[None]:
    try:
        yield
    except (SidetoneError, ValueError) as error:
        refusals.append(str(error))
