"""What a MIDI control can move: parameters, bypasses, presets, actions, layers, each as a travel from 0 to 1.

Everything goes through `Controls`, the one door; what stands there is read back from it, so a light tells the truth
whoever changed it. Control thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.control.controls import Controls
from engine.core.params import ParamKind, ParamSpec, Value
from engine.errors import ParameterError

NEXT_LAYER = "next"


class Target(Protocol):
    """Something that has a place between 0 and 1.

    Attributes
    ----------
    label : str
        What a person calls it.
    positions : int
        How many places it has; 0 for a continuous one.
    is_trigger : bool
        Whether it only happens, and has no place to go back to.
    is_momentary : bool
        Whether it belongs to the moment, as a cough does.
    """

    @property
    def label(self) -> str: ...

    @property
    def positions(self) -> int: ...

    @property
    def is_trigger(self) -> bool: ...

    @property
    def is_momentary(self) -> bool: ...

    def travel(self) -> float:
        """Where it is."""
        ...

    def move(self, travel: float) -> None:
        """Go there."""
        ...

    def travel_of(self, value: Value) -> float:
        """Where a value of its own unit lies.

        Raises
        ------
        ValueError
            If it cannot have that value.
        """
        ...


@dataclass(frozen=True)
class ParamTarget:
    """A parameter of a stage."""

    controls: Controls
    id: str
    spec: ParamSpec
    label: str
    is_trigger: bool = False

    @property
    def is_momentary(self) -> bool:
        """As the parameter's declaration says."""
        return self.spec.is_momentary

    @property
    def positions(self) -> int:
        """Two for a switch, one an option for a choice."""
        match self.spec.kind:
            case ParamKind.SWITCH:
                return 2
            case ParamKind.CHOICE:
                return len(self.spec.options)
            case ParamKind.NUMBER:
                return 0

    def travel(self) -> float:
        """Where the parameter is."""
        return self.spec.to_travel(self.controls.value(self.id))

    def move(self, travel: float) -> None:
        """Set the parameter, unless it is there already: nothing shall look like a change that is none."""
        value = self.spec.from_travel(travel)
        if value != self.controls.value(self.id):
            self.controls.set(self.id, value)

    def travel_of(self, value: Value) -> float:
        """Where a value lies."""
        return self.spec.to_travel(self.spec.clamp(value))


@dataclass(frozen=True)
class SwitchTarget:
    """Something that is on or off: a bypass, a layer, dry sound."""

    label: str
    is_on: Callable[[], bool]
    set_on: Callable[[bool], None]
    positions: int = 2
    is_trigger: bool = False
    is_momentary: bool = False

    def travel(self) -> float:
        """1 if it is on."""
        return 1.0 if self.is_on() else 0.0

    def move(self, travel: float) -> None:
        """On from the middle up."""
        is_on = travel >= 0.5
        if is_on != self.is_on():
            self.set_on(is_on)

    def travel_of(self, value: Value) -> float:
        """1 for what counts as on."""
        if not isinstance(value, bool):
            raise ValueError(f"{self.label} is true or false, not {value!r}")
        return 1.0 if value else 0.0


@dataclass(frozen=True)
class TriggerTarget:
    """Something that happens: a preset is loaded, a change is taken back. Its light says whether it was the last one."""

    label: str
    act: Callable[[], None]
    is_on: Callable[[], bool] = lambda: False
    positions: int = 2
    is_trigger: bool = True
    is_momentary: bool = False

    def travel(self) -> float:
        """1 while its light is to be on."""
        return 1.0 if self.is_on() else 0.0

    def move(self, travel: float) -> None:
        """Let it happen."""
        if travel >= 0.5:
            self.act()

    def travel_of(self, value: Value) -> float:
        """It has no values."""
        raise ValueError(f"{self.label} takes no value")


class Layers:
    """The pages of a device: which bindings hold now."""

    def __init__(self, count: int) -> None:
        self.count = max(1, count)
        self.current = 1

    def target(self, name: str) -> Target:
        """A layer as something to be switched; off leads back to the first.

        Raises
        ------
        ParameterError
            If there is no such layer.
        """
        if name == NEXT_LAYER:
            return TriggerTarget("next layer", self._go_on)
        if not name.isdecimal() or not 1 <= int(name) <= self.count:
            raise ParameterError(f"there is no layer {name!r}; say 1 to {self.count}, or {NEXT_LAYER}")
        number = int(name)
        return SwitchTarget(f"layer {number}", lambda: self.current == number, lambda is_on: self._go(number, is_on))

    def _go(self, number: int, is_on: bool) -> None:
        self.current = number if is_on else 1

    def _go_on(self) -> None:
        self.current = self.current % self.count + 1


class Targets:
    """Finds what the words of a map mean in this engine.

    Parameters
    ----------
    load_preset : callable
        Loads a preset by name.
    loaded_preset : callable
        Name of the preset that was loaded last, empty if none.
    """

    def __init__(
        self, controls: Controls, load_preset: Callable[[str], None], loaded_preset: Callable[[], str] = lambda: ""
    ) -> None:
        self._controls = controls
        self._load_preset = load_preset
        self._loaded_preset = loaded_preset

    @property
    def state(self) -> object:
        """Changes whenever something may have changed that a light shows."""
        return (self._controls.revision, self._loaded_preset())

    def find(self, text: str, layers: Layers, panic: Callable[[], None]) -> Target:
        """What `text` names.

        Raises
        ------
        ParameterError
            If there is nothing of that name.
        """
        kind, has_kind, name = text.partition(":")
        if not has_kind:
            return self._param(text)
        match kind:
            case "bypass":
                return SwitchTarget(
                    f"{self._controls.stage_label(name)} bypass",
                    lambda: self._controls.is_bypassed(name),
                    lambda is_on: self._controls.bypass(name, is_on),
                )
            case "preset":
                return TriggerTarget(
                    f"preset {name}", lambda: self._load_preset(name), lambda: self._loaded_preset() == name
                )
            case "layer":
                return layers.target(name)
            case "action":
                return self._action(name, panic)
            case _:
                raise ParameterError(
                    f"there is no target {text!r}; say stage.parameter, bypass:, preset:, action: or layer:"
                )

    def _param(self, param_id: str) -> Target:
        spec = self._controls.spec(param_id)
        label = f"{self._controls.stage_label(param_id.partition('.')[0])} {spec.label}"
        return ParamTarget(self._controls, param_id, spec, label)

    def _action(self, name: str, panic: Callable[[], None]) -> Target:
        controls = self._controls
        actions: dict[str, Target] = {
            "panic": TriggerTarget("MIDI panic", panic),
            "dry": SwitchTarget("all effects out", lambda: controls.is_dry, controls.set_dry),
            "undo": TriggerTarget("undo", lambda: _ignore(controls.undo())),
            "redo": TriggerTarget("redo", lambda: _ignore(controls.redo())),
        }
        if name not in actions:
            raise ParameterError(f"there is no action {name!r}; known: {', '.join(actions)}")
        return actions[name]


def _ignore(_: object) -> None:
    """A button does not read what was taken back; the event log does."""
