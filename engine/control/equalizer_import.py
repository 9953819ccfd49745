"""Equalizer filters that other programs wrote, as parameters: Equalizer APO, AutoEq's `ParametricEQ.txt`, REW's filter export.

All three are lines such as ``Filter 1: ON PK Fc 105 Hz Gain 1.2 dB Q 0.70``, with differences in spacing, decimal sign,
names of shapes, and how the width is said. What cannot be taken over is named, never dropped in silence. Control thread.

Source: Equalizer APO, configuration reference ("Filter", "Preamp"); Room EQ Wizard help, "Export filter settings as text".
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from engine.core.params import Value
from engine.dsp.responses import BANDS, HIGH_CUT, HIGH_SHELF, LOW_CUT, LOW_SHELF, NOTCH, PEAK
from engine.errors import PresetError
from engine.stages.equalizer import Equalizer, EqualizerParams

_KINDS = {
    "PK": PEAK,
    "PEQ": PEAK,
    "PEAK": PEAK,
    "MODAL": PEAK,
    "LS": LOW_SHELF,
    "LSC": LOW_SHELF,
    "LSQ": LOW_SHELF,
    "LOWSHELF": LOW_SHELF,
    "HS": HIGH_SHELF,
    "HSC": HIGH_SHELF,
    "HSQ": HIGH_SHELF,
    "HIGHSHELF": HIGH_SHELF,
    "HP": LOW_CUT,
    "HPQ": LOW_CUT,
    "LP": HIGH_CUT,
    "LPQ": HIGH_CUT,
    "NO": NOTCH,
}
_BUTTERWORTH_Q = math.sqrt(0.5)
_NOTCH_Q = 30.0
# Equalizer APO's shelves without a width have slope 0.9, in the cookbook's terms.
_SHELF_SLOPE = 0.9
_STEEPEST_DB_PER_OCTAVE = 12.0

_NUMBER = r"([-+−]?\d[\d.,]*)"
_FILTER = re.compile(r"^\s*filter\s*\d*\s*:\s*(on|off)\s+([a-z]+)\b(.*)$", re.IGNORECASE)
_PREAMP = re.compile(rf"^\s*preamp\s*:\s*{_NUMBER}\s*(?:db)?", re.IGNORECASE)
_PITCH = re.compile(rf"\bfc\s*{_NUMBER}\s*(k?)hz", re.IGNORECASE)
_GAIN = re.compile(rf"\bgain\s*{_NUMBER}\s*db", re.IGNORECASE)
_Q = re.compile(rf"\bq\s*{_NUMBER}", re.IGNORECASE)
_OCTAVES = re.compile(rf"\bbw\s*oct\s*{_NUMBER}", re.IGNORECASE)
_SLOPE = re.compile(rf"^\s*{_NUMBER}\s*db\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ImportedEqualizer:
    """What a text gave.

    Attributes
    ----------
    values : dict
        Every band, preamp included, by parameter id: to be applied in one go. Bands that the text does not fill are flat.
    filters : int
        Filters taken over.
    notes : tuple of str
        What was left out or changed, one sentence each.
    """

    values: dict[str, Value]
    filters: int
    notes: tuple[str, ...]


def import_equalizer(text: str) -> ImportedEqualizer:
    """Read filters from the text of a file.

    Raises
    ------
    PresetError
        If there is no filter in it.
    """
    specs = EqualizerParams.specs()
    values: dict[str, Value] = {name: spec.default for name, spec in specs.items() if name.startswith("band")}
    values["preamp_db"] = 0.0
    notes: list[str] = []
    filters = 0
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        found = _PREAMP.match(line)
        if found:
            values["preamp_db"] = _clamped("preamp_db", _number(found[1]), number, notes)
            continue
        found = _FILTER.match(line)
        if not found or found[1].lower() == "off" or found[2].lower() == "none":
            continue
        band = _band(found[2].upper(), found[3])
        if isinstance(band, str):
            notes.append(f"Line {number} was left out: {band}.")
        elif filters == BANDS:
            notes.append(f"Line {number} was left out: there are only {BANDS} bands.")
        else:
            filters += 1
            values[f"band{filters}_kind"] = band[0]
            for field, value in zip(("hz", "db", "q"), band[1:], strict=True):
                name = f"band{filters}_{field}"
                values[name] = _clamped(name, value, number, notes)
    if filters == 0:
        raise PresetError(
            "there is no filter in this text; export it from REW, AutoEq or Equalizer APO as lines like "
            "'Filter 1: ON PK Fc 105 Hz Gain 1.2 dB Q 0.70'"
        )
    return ImportedEqualizer({f"{Equalizer.id}.{name}": value for name, value in values.items()}, filters, tuple(notes))


def _band(shape: str, rest: str) -> tuple[str, float, float, float] | str:
    """Kind, pitch, gain and Q of one line, or why it cannot be taken over."""
    kind = _KINDS.get(shape)
    if kind is None:
        return f"a filter of shape {shape} is not known here"
    pitch = _PITCH.search(rest)
    if not pitch:
        return "it names no frequency"
    frequency_hz = _number(pitch[1]) * (1000.0 if pitch[2] else 1.0)
    if frequency_hz <= 0.0:
        return "its frequency is zero"
    gain = _GAIN.search(rest)
    has_gain = kind in (PEAK, LOW_SHELF, HIGH_SHELF)
    if has_gain and not gain:
        return "it names no gain"
    gain_db = _number(gain[1]) if gain and has_gain else 0.0
    return kind, frequency_hz, gain_db, _width(kind, rest, gain_db)


def _width(kind: str, rest: str, gain_db: float) -> float:
    q = _Q.search(rest)
    if q and _number(q[1]) > 0.0:
        return _number(q[1])
    octaves = _OCTAVES.search(rest)
    if octaves and _number(octaves[1]) > 0.0:
        ratio = 2.0 ** _number(octaves[1])
        return float(math.sqrt(ratio) / (ratio - 1.0))
    if kind in (LOW_SHELF, HIGH_SHELF):
        steepness = _SLOPE.match(rest)
        slope = _number(steepness[1]) / _STEEPEST_DB_PER_OCTAVE if steepness else _SHELF_SLOPE
        root = 10.0 ** (gain_db / 40.0)
        return 1.0 / math.sqrt((root + 1.0 / root) * (1.0 / max(slope, 0.01) - 1.0) + 2.0)
    return {PEAK: 1.0, NOTCH: _NOTCH_Q}.get(kind, _BUTTERWORTH_Q)


def _number(text: str) -> float:
    """A number as any of the programs writes it: 1234.5, 63,8 or 1,234.5."""
    text = text.replace("−", "-").rstrip(".,")
    if "," in text and "." in text:
        thousands = "," if text.rindex(",") < text.rindex(".") else "."
        text = text.replace(thousands, "")
    elif re.fullmatch(r"[-+]?[1-9]\d{0,2}(,\d{3})+", text):
        text = text.replace(",", "")
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return 0.0


def _clamped(name: str, value: float, line: int, notes: list[str]) -> Value:
    spec = EqualizerParams.specs()[name]
    clamped = spec.clamp(value)
    if clamped != value:
        notes.append(f"Line {line}: {spec.label} was {value:g} and is now {spec.format(clamped)}.")
    return clamped
