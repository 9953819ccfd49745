"""Parameters, declared once as typed fields of the stage that uses them.

Slider, MIDI, preset, command line, help page and tests all read the `ParamSpec` that `param`, `switch` or `choice` leaves
on the field, so there is no second list to keep in step. `Params` objects are frozen: a change makes a new one and swaps
one reference, so a block sees all of a change or none. Nothing here waits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Self

Value = float | bool | str


class ParamKind(StrEnum):
    """What a control for this parameter looks like."""

    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """Everything any part of the program may want to know about one parameter.

    `is_momentary` marks what belongs to the moment, as a cough does: presets do not hold it, and undo leaves it alone.
    """

    name: str
    label: str
    kind: ParamKind
    default: Value
    minimum: float
    maximum: float
    unit: str
    is_logarithmic: bool
    step: float
    options: tuple[str, ...]
    help: str
    is_main: bool
    is_momentary: bool = False

    def clamp(self, value: Value) -> Value:
        """Return `value` as this parameter's type, inside its range.

        Raises
        ------
        ValueError
            If `value` cannot be read as this parameter at all (NaN, an unknown option, text for a number).
        """
        match self.kind:
            case ParamKind.CHOICE:
                if str(value) not in self.options:
                    raise ValueError(f"{self.label} must be one of {', '.join(self.options)}, not {value!r}")
                return str(value)
            case ParamKind.SWITCH:
                return _as_bool(value, self.label)
            case ParamKind.NUMBER:
                number = _as_number(value, self.label)
                return min(max(number, self.minimum), self.maximum)

    def fits(self, value: Value) -> bool:
        """Whether `clamp` can read `value`."""
        try:
            self.clamp(value)
        except ValueError:
            return False
        return True

    def clamp_note(self, value: Value) -> str:
        """What `clamp` makes of a number that is out of range, as a person reads it; empty if it fits.

        Raises
        ------
        ValueError
            As `clamp`.
        """
        taken = self.clamp(value)
        if self.kind is not ParamKind.NUMBER or float(value) == taken:
            return ""
        allowed = f"{self.format(self.minimum)} to {self.format(self.maximum)}"
        return f"{value} is out of range ({allowed}), so {self.format(taken)} is taken"

    def to_travel(self, value: Value) -> float:
        """Position of `value` on a control's travel, 0…1."""
        match self.kind:
            case ParamKind.CHOICE:
                return self.options.index(str(value)) / max(1, len(self.options) - 1)
            case ParamKind.SWITCH:
                return 1.0 if value else 0.0
            case ParamKind.NUMBER:
                if self.is_logarithmic:
                    return math.log(float(value) / self.minimum) / math.log(self.maximum / self.minimum)
                return (float(value) - self.minimum) / (self.maximum - self.minimum)

    def from_travel(self, travel: float) -> Value:
        """Value at position `travel` (0…1, clamped) of a control; the inverse of `to_travel`."""
        travel = min(max(travel, 0.0), 1.0)
        match self.kind:
            case ParamKind.CHOICE:
                return self.options[round(travel * (len(self.options) - 1))]
            case ParamKind.SWITCH:
                return travel >= 0.5
            case ParamKind.NUMBER:
                if self.is_logarithmic:
                    return self.clamp(self.minimum * (self.maximum / self.minimum) ** travel)
                return self.clamp(self.minimum + travel * (self.maximum - self.minimum))

    def format(self, value: Value) -> str:
        """`value` as a person reads it, with its unit."""
        match self.kind:
            case ParamKind.CHOICE:
                return str(value)
            case ParamKind.SWITCH:
                return "on" if value else "off"
            case ParamKind.NUMBER:
                digits = max(0, -math.floor(math.log10(self.step)))
                return f"{float(value):.{digits}f} {self.unit}".rstrip()


def _as_bool(value: Value, label: str) -> bool:
    if isinstance(value, str):
        if value.lower() in ("on", "true", "yes", "1"):
            return True
        if value.lower() in ("off", "false", "no", "0"):
            return False
        raise ValueError(f"{label} is on or off, not {value!r}")
    return bool(value)


def _as_number(value: Value, label: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"{label} is a number, not {value!r}") from None
    if math.isnan(number):
        raise ValueError(f"{label} must be a number, not NaN")
    return number


_SPEC = "sidetone_spec"


def param(
    default: float,
    *,
    lo: float,
    hi: float,
    label: str,
    unit: str = "",
    log: bool = False,
    step: float = 0.1,
    help: str = "",
    main: bool = False,
) -> Any:
    """Declare a number: a dataclass field that carries its range, unit and label.

    `main` marks the one or two controls that stand on the stage's card; `log` gives the control logarithmic travel.
    """
    # Declared as 20 or as 20.0, it is a float everywhere: in snapshots, in JSON, in what clamping returns.
    default, lo, hi = float(default), float(lo), float(hi)
    spec = ParamSpec("", label, ParamKind.NUMBER, default, lo, hi, unit, log, float(step), (), help, main)
    return field(default=default, metadata={_SPEC: spec})


def switch(default: bool, *, label: str, help: str = "", main: bool = False, momentary: bool = False) -> Any:
    """Declare an on/off parameter; `momentary` for one that belongs to the moment and is in no preset."""
    spec = ParamSpec("", label, ParamKind.SWITCH, default, 0.0, 1.0, "", False, 1.0, (), help, main, momentary)
    return field(default=default, metadata={_SPEC: spec})


def choice(default: str, options: tuple[str, ...], *, label: str, help: str = "", main: bool = False) -> Any:
    """Declare a parameter that takes one of a few named options."""
    spec = ParamSpec("", label, ParamKind.CHOICE, default, 0.0, len(options) - 1.0, "", False, 1.0, options, help, main)
    return field(default=default, metadata={_SPEC: spec})


@dataclass(frozen=True)
class Params:
    """Base of every stage's parameters: a frozen dataclass whose fields were made by `param`, `switch` or `choice`."""

    @classmethod
    @cache
    def specs(cls) -> Mapping[str, ParamSpec]:
        """Specs of all fields by field name, in declaration order."""
        return MappingProxyType({f.name: replace(f.metadata[_SPEC], name=f.name) for f in fields(cls)})

    def with_values(self, values: Mapping[str, Value]) -> Self:
        """Return a copy with some fields changed and clamped to their ranges.

        Control thread.

        Raises
        ------
        ValueError
            If a field is unknown or a value cannot be read as its type.
        """
        specs = self.specs()
        unknown = next((name for name in values if name not in specs), None)
        if unknown is not None:
            raise ValueError(f"there is no parameter named {unknown!r} here; known: {', '.join(specs)}")
        return replace(self, **{name: specs[name].clamp(value) for name, value in values.items()})
