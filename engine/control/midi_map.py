"""What a MIDI device has, and what its controls do: a map, read from TOML. Pure; any thread.

A map has *controls* (the hardware: which messages a fader sends, how its light is told) and *bindings* (what a control does
on which layer). What a file says that is not understood is kept, left out of work, and told; it never stops anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import msgspec

from engine.control.midi_learn import ControlKind, Learnt
from engine.control.midi_message import CHANNELS, LARGEST_7_BIT, LARGEST_14_BIT, Address, MessageKind
from engine.core.params import Value

MAP_VERSION = 1
EVERY_LAYER = 0
LAYERS = 8

Channel = Annotated[int, msgspec.Meta(ge=1, le=CHANNELS)]
SevenBits = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_7_BIT)]
Layer = Annotated[int, msgspec.Meta(ge=EVERY_LAYER, le=LAYERS)]

_MESSAGES = {
    ControlKind.NOTE: MessageKind.NOTE,
    ControlKind.NOTE_LATCH: MessageKind.NOTE,
    ControlKind.PITCH_BEND: MessageKind.PITCH_BEND,
    ControlKind.PROGRAM: MessageKind.PROGRAM,
}


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """How a control is told what it stands for: by the message it sends itself, unless said otherwise.

    Attributes
    ----------
    on, off : int
        Values for fully up (or lit) and fully down (or dark); between them for a ring or a motor. 14 bits where the
        message has so many.
    moves : bool
        The control itself goes there: a motor, or an encoder that takes over the value of its ring.
    """

    on: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_14_BIT)] | None = None
    off: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_14_BIT)] = 0
    message: MessageKind | None = None
    channel: Channel | None = None
    number: SevenBits | None = None
    moves: bool = False


class MidiControl(msgspec.Struct, frozen=True, kw_only=True):
    """One control, or `count` of them with consecutive numbers (pitch bends: channels), named ``id_1``, ``id_2`` and so on."""

    id: str
    kind: ControlKind
    channel: Channel = 1
    number: SevenBits = 0
    label: str = ""
    count: Annotated[int, msgspec.Meta(ge=1, le=128)] = 1
    feedback: Feedback | None = None

    @property
    def address(self) -> Address:
        """Of what it sends; of a 14-bit pair the more significant half."""
        return Address(_MESSAGES.get(self.kind, MessageKind.CONTROL), self.channel, self.number)

    @property
    def fitting_count(self) -> int:
        """How many of `count` there are numbers for."""
        room = CHANNELS - self.channel if self.kind is ControlKind.PITCH_BEND else LARGEST_7_BIT - self.number
        return min(self.count, room + 1)

    def each(self) -> Iterator[MidiControl]:
        """The single controls."""
        if self.count == 1:
            yield self if self.label else msgspec.structs.replace(self, label=self.id)
            return
        is_by_channel = self.kind is ControlKind.PITCH_BEND
        for index in range(self.fitting_count):
            yield msgspec.structs.replace(
                self,
                id=f"{self.id}_{index + 1}",
                label=f"{self.label or self.id} {index + 1}",
                channel=self.channel + (index if is_by_channel else 0),
                number=self.number + (0 if is_by_channel else index),
                count=1,
                feedback=self.feedback and _shifted(self.feedback, index),
            )


def _shifted(feedback: Feedback, index: int) -> Feedback:
    if feedback.number is None:
        return feedback
    return msgspec.structs.replace(feedback, number=min(feedback.number + index, LARGEST_7_BIT))


class Press(StrEnum):
    """What a button does with its target."""

    TOGGLE = "toggle"
    HOLD = "hold"


class MidiTarget(msgspec.Struct, frozen=True, kw_only=True, rename={"is_inverted": "inverted", "is_soft": "takeover"}):
    """What a control changes.

    Attributes
    ----------
    target : str
        `stage.parameter`, `bypass:STAGE`, `preset:NAME`, `action:panic`, `action:dry`, `action:undo`, `action:redo`,
        `layer:N` or `layer:next`.
    lowest, highest : value
        Ends of the control's way, in the parameter's own unit; the parameter's range by default.
    value : value
        A button sets this, instead of going to and fro.
    press : Press
        A button that toggles, or holds only while it is down. Latching ones follow their own state.
    speed : float
        Of an encoder: 1 goes through the range in 100 detents.
    is_soft : bool
        A control that cannot move by itself waits until it has come to where the value is (soft takeover).
    """

    target: str
    lowest: Value | None = None
    highest: Value | None = None
    value: Value | None = None
    is_inverted: bool = False
    press: Press = Press.TOGGLE
    speed: Annotated[float, msgspec.Meta(gt=0.0, le=100.0)] = 1.0
    is_soft: bool = True


class MidiBinding(msgspec.Struct, frozen=True, kw_only=True):
    """What one control does on one layer; 0 stands for every layer that says nothing else."""

    control: str
    to: tuple[MidiTarget, ...]
    layer: Layer = EVERY_LAYER


class MidiMap(msgspec.Struct, frozen=True, kw_only=True):
    """A whole device.

    Attributes
    ----------
    source : str
        The document its numbers are from.
    ports : tuple of str
        Parts of the names, in any case, by which its MIDI port is known.
    """

    version: int = MAP_VERSION
    name: str = ""
    source: str = ""
    ports: tuple[str, ...] = ()
    controls: tuple[MidiControl, ...] = ()
    bindings: tuple[MidiBinding, ...] = ()

    def fit(self, port: str) -> int:
        """How much of a port's name says that this is its device's map: 0 for nothing, more for a later model's longer name."""
        return max((len(part) for part in self.ports if part.casefold() in port.casefold()), default=0)

    def single_controls(self) -> tuple[MidiControl, ...]:
        """All controls, rows taken apart."""
        return tuple(single for control in self.controls for single in control.each())


Document = dict[str, Any]
"""A map as its file says it, with whatever else stands there."""

_S = TypeVar("_S", bound=msgspec.Struct)


def read_map(document: Mapping[str, Any]) -> tuple[MidiMap, tuple[str, ...]]:
    """The map in a document, and a note for everything in it that is not understood."""
    notes: list[str] = []
    heads = {key: value for key, value in document.items() if key not in {"controls", "bindings"}}
    head = _convert(heads, MidiMap, "the head", notes) or MidiMap()
    if head.version > MAP_VERSION:
        notes.append(
            f"it is of version {head.version}, this program knows {MAP_VERSION}; what is new in it is left out"
        )
    controls = _convert_all(document, "controls", MidiControl, notes)
    notes.extend(
        f"control {control.id}: there are numbers for {control.fitting_count} of {control.count} only"
        for control in controls
        if control.fitting_count < control.count
    )
    whole = msgspec.structs.replace(head, controls=controls)
    single_ids = {control.id for control in whole.single_controls()}
    bindings = tuple(
        binding
        for binding in _convert_all(document, "bindings", MidiBinding, notes)
        if _is_known(binding, single_ids, notes)
    )
    return msgspec.structs.replace(whole, bindings=bindings), tuple(notes)


def _is_known(binding: MidiBinding, single_ids: set[str], notes: list[str]) -> bool:
    if binding.control in single_ids:
        return True
    notes.append(f"a binding names control {binding.control!r}, which the map has not")
    return False


def _convert_all(document: Mapping[str, Any], key: str, kind: type[_S], notes: list[str]) -> tuple[_S, ...]:
    tables = document.get(key, [])
    if not isinstance(tables, list):
        notes.append(f"{key} is no list")
        return ()
    converted = (_convert(table, kind, f"{key} {index + 1}", notes) for index, table in enumerate(tables))
    return tuple(entry for entry in converted if entry is not None)


def _convert(table: Any, kind: type[_S], where: str, notes: list[str]) -> _S | None:
    try:
        entry = msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        notes.append(f"{where}: {error}; it is left out")
        return None
    notes.extend(f"{where}: {key!r} means nothing here; it is kept" for key in _unknown_keys(table, entry))
    return entry


def _unknown_keys(table: Mapping[str, Any], entry: msgspec.Struct) -> Iterator[str]:
    fields = {field.encode_name: getattr(entry, field.name) for field in msgspec.structs.fields(entry)}
    for key, value in table.items():
        if key not in fields:
            yield key
        elif isinstance(fields[key], msgspec.Struct):
            yield from _unknown_keys(value, fields[key])
        elif key == "to":
            for part, target in zip(value, fields[key], strict=True):
                yield from _unknown_keys(part, target)


def with_binding(
    document: Document, learnt: Learnt, label: str, target: MidiTarget, layer: int, is_added: bool = False
) -> Document:
    """The document, in which a learnt control now moves `target`.

    Parameters
    ----------
    is_added : bool
        Whether the control goes on doing what else it does on that layer.
    """
    document, control_id = _with_control(document, learnt, label)
    document = without_target(document, target.target, layer)
    kept: list[Any] = []
    rest: list[Any] = []
    for binding in _list(document, "bindings"):
        if _is_well_formed(binding) and (binding.get("control"), binding.get("layer", EVERY_LAYER)) == (
            control_id,
            layer,
        ):
            kept += binding["to"] if is_added else []
        else:
            rest.append(binding)
    wanted = {key: value for key, value in msgspec.to_builtins(target).items() if value is not None}
    return {**document, "bindings": [*rest, {"control": control_id, "layer": layer, "to": [*kept, wanted]}]}


def without_target(document: Document, target: str, layer: int | None = None) -> Document:
    """The document, in which nothing moves `target` any more (on `layer`; None: on none)."""
    bindings = []
    for binding in _list(document, "bindings"):
        if not _is_well_formed(binding) or (layer is not None and binding.get("layer", EVERY_LAYER) != layer):
            bindings.append(binding)
        elif left := [part for part in binding["to"] if not (isinstance(part, dict) and part.get("target") == target)]:
            bindings.append({**binding, "to": left})
    return {**document, "bindings": bindings}


def _list(document: Document, key: str) -> list[Any]:
    tables = document.get(key)
    return tables if isinstance(tables, list) else []


def _is_well_formed(binding: Any) -> bool:
    return isinstance(binding, dict) and isinstance(binding.get("to"), list)


def _with_control(document: Document, learnt: Learnt, label: str) -> tuple[Document, str]:
    known = read_map(document)[0].single_controls()
    for control in known:
        if control.address == learnt.address:
            return document, control.id
    taken = {control.id for control in known}
    control_id = next(f"learnt_{number}" for number in range(1, len(taken) + 2) if f"learnt_{number}" not in taken)
    channel, number = learnt.address.channel, learnt.address.number
    entry = {"id": control_id, "label": label, "kind": str(learnt.kind), "channel": channel, "number": number}
    return {**document, "controls": [*_list(document, "controls"), entry]}, control_id
