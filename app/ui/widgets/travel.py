"""From a parameter's value to the whole-number position of a control, and back. No Qt, nothing waits."""

from __future__ import annotations

from dataclasses import dataclass

from engine import ParamKind, ParamSpec, Value

COARSE_POSITIONS = 1000
MAX_POSITIONS = 4000


@dataclass(frozen=True, slots=True)
class Travel:
    """The travel of a number: linear ones stop at each of the parameter's steps, logarithmic ones at a thousandth."""

    spec: ParamSpec

    @property
    def positions(self) -> int:
        """The last position; the first is 0."""
        if self.spec.is_logarithmic or not self.spec.step > 0:
            return COARSE_POSITIONS
        steps = round((self.spec.maximum - self.spec.minimum) / self.spec.step)
        return steps if 1 <= steps <= MAX_POSITIONS else COARSE_POSITIONS

    def position(self, value: Value) -> int:
        """Where `value` stands."""
        return round(self.spec.to_travel(self.spec.clamp(value)) * self.positions)

    def value(self, position: int) -> float:
        """The value at a position, rounded to the parameter's step."""
        value = float(self.spec.from_travel(position / self.positions))
        if self.spec.step > 0 and 0 < position < self.positions:
            value = round(round(value / self.spec.step) * self.spec.step, 9)
        return float(self.spec.clamp(value))


def readable(spec: ParamSpec, value: Value | None) -> str:
    """`value` with its unit and a true minus sign; a dash where there is none."""
    if value is None:
        return "–"
    try:
        return spec.format(spec.clamp(value)).replace("-", "−").replace(" :", ":")
    except (ValueError, OverflowError):
        return "–"


def parse_number(spec: ParamSpec, text: str) -> float:
    """Read what a person typed: `-12`, `−12 dB`, `1.5k`, `1,5 kHz`.

    Raises
    ------
    ValueError
        If that is no number.
    """
    assert spec.kind is ParamKind.NUMBER
    bare = text.strip().lower().replace("−", "-").replace(",", ".")
    unit = spec.unit.lower()
    if unit and bare.endswith(unit):
        bare = bare[: -len(unit)].strip()
    factor = 1.0
    if bare.endswith("k"):
        bare, factor = bare[:-1].strip(), 1000.0
    return float(spec.clamp(float(bare) * factor))
