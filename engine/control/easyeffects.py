"""EasyEffects' presets (JSON) as presets of this program: the parts that exist here are taken over, the rest is listed.

Both chains hold much the same effects under other names, but not always the same idea: EasyEffects' gate opens at a fixed
level, ours so much above the room; its de-esser works on a fixed level, ours beside the voice. What cannot be said in
this program's terms is named, never guessed. Pure computation; control thread.

Source: EasyEffects' presets of version 7 and 8, as `src/*_preset.cpp` of wwmm/easyeffects writes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from engine.config import ChainConfig
from engine.control.preset import Preset
from engine.core.params import Value
from engine.dsp.responses import BANDS, HIGH_CUT, HIGH_SHELF, LOW_CUT, LOW_SHELF, NOTCH, PEAK
from engine.errors import PresetError

Table = Mapping[str, Any]
Taken = tuple[str, Callable[[Any], Value]]


def _double(value: Any) -> Value:
    # EasyEffects tells the knee from the threshold down, as a negative number; here it is the width of the whole.
    return 2.0 * abs(float(value))


def _slope(value: Any) -> Value:
    return "12 dB/oct" if str(value) in {"x0", "x1"} else "24 dB/oct"


def _positive(value: Any) -> Value:
    return abs(float(value))


_PLUGINS: Mapping[str, tuple[str, Mapping[str, Taken]]] = {
    "filter": ("high_pass", {"frequency": ("cutoff_hz", float), "slope": ("slope", _slope)}),
    "rnnoise": ("denoise", {}),
    "speex": ("denoise", {}),
    "deepfilternet": ("denoise", {"attenuation-limit": ("strength_db", float)}),
    "gate": ("gate", {"reduction": ("depth_db", _positive), "release": ("release_ms", float)}),
    "deesser": ("de_esser", {"f1-freq": ("split_hz", float)}),
    "compressor": (
        "compressor",
        {
            "threshold": ("threshold_db", float),
            "ratio": ("ratio", float),
            "knee": ("knee_db", _double),
            "attack": ("attack_ms", float),
            "release": ("release_ms", float),
            "makeup": ("makeup_db", float),
        },
    ),
    "equalizer": ("equalizer", {}),
    "autogain": ("leveller", {"target": ("target_lufs", float)}),
    "limiter": ("limiter", {"threshold": ("ceiling_dbtp", float), "release": ("release_ms", float)}),
    "maximizer": ("limiter", {"ceiling": ("ceiling_dbtp", float), "release": ("release_ms", float)}),
}
_KINDS = {
    "Bell": PEAK,
    "Lo-shelf": LOW_SHELF,
    "Hi-shelf": HIGH_SHELF,
    "Hi-pass": LOW_CUT,
    "Lo-pass": HIGH_CUT,
    "Notch": NOTCH,
}
_OTHER_IDEA = {
    "gate": "its threshold is a fixed level, here the gate opens above the noise of the room",
    "deesser": "its threshold is a fixed level, here it is beside the voice",
    "rnnoise": "another denoiser does its work here",
    "speex": "another denoiser does its work here",
}
_ALWAYS_ON = frozenset({"input_gain", "output_gain", "limiter"})


def import_easyeffects(text: str) -> tuple[Preset, tuple[str, ...]]:
    """Read the microphone's part of a preset (`input`), or the other one if that is all there is.

    Returns
    -------
    preset : Preset
    notes : tuple of str
        What was left out or changed, a sentence each.

    Raises
    ------
    PresetError
        If it is no EasyEffects preset.
    """
    try:
        document = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise PresetError(f"this is neither a Sidetone preset nor one of EasyEffects ({error})") from None
    part = document.get("input") or document.get("output")
    order = part.get("plugins_order") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(order, list):
        raise PresetError("there is no list of plugins in this preset; export it anew from EasyEffects 6 or later")
    params: dict[str, Value] = {}
    bypass: dict[str, bool] = {}
    notes: list[str] = []
    for plugin in map(str, order):
        kind = plugin.partition("#")[0]
        settings = part.get(plugin)
        stage, table = _PLUGINS.get(kind, ("", {}))
        if not stage or (kind == "filter" and isinstance(settings, dict) and settings.get("type") != "High-pass"):
            notes.append(f"{plugin} was left out: there is no such effect here")
        elif stage in bypass:
            notes.append(f"{plugin} was left out: there is one {stage.replace('_', '-')} here, and it is taken")
        else:
            own = settings if isinstance(settings, dict) else {}
            bypass[stage] = own.get("bypass") is True
            params |= _taken(stage, table, own, notes)
            if kind == "equalizer":
                params |= _bands(own, notes)
            notes += [f"{plugin}: {_OTHER_IDEA[kind]}"] if kind in _OTHER_IDEA else []
            notes += _gain_notes(plugin, own)
    absent = {stage for stage, _ in _PLUGINS.values()} - bypass.keys() - _ALWAYS_ON
    return (
        Preset(
            description="From EasyEffects.",
            chain=ChainConfig(params=params, bypass={**bypass, **dict.fromkeys(sorted(absent), True)}),
        ),
        tuple(notes),
    )


def _taken(stage: str, table: Mapping[str, Taken], settings: Table, notes: list[str]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, (field, convert) in table.items():
        if name not in settings:
            continue
        try:
            found[f"{stage}.{field}"] = convert(settings[name])
        except (TypeError, ValueError):
            notes.append(f"{stage}.{field} was left out: {settings[name]!r} is no value for it")
    return found


def _bands(settings: Table, notes: list[str]) -> dict[str, Value]:
    """The left side's bands, which are the right side's too unless the channels are split."""
    if settings.get("split-channels") is True:
        notes.append("the equalizer's right channel was left out: here both have the same")
    left = settings.get("left")
    found: dict[str, Value] = {}
    used = 0
    for name, band in left.items() if isinstance(left, dict) else ():
        if not isinstance(band, dict) or band.get("type") == "Off" or band.get("mute") is True:
            continue
        kind = _KINDS.get(str(band.get("type", "Bell")))
        numbers = [band.get("frequency"), band.get("gain", 0.0), band.get("q", math.sqrt(0.5))]
        if kind is None or not all(isinstance(number, int | float) for number in numbers):
            notes.append(f"the equalizer's {name} was left out: a band of type {band.get('type')!r} is not known here")
        elif used == BANDS:
            notes.append(f"the equalizer's {name} was left out: there are only {BANDS} bands")
        else:
            used += 1
            found[f"equalizer.band{used}_kind"] = kind
            for field, number in zip(("hz", "db", "q"), numbers, strict=True):
                found[f"equalizer.band{used}_{field}"] = float(number or 0.0)
    return found


def _gain_notes(plugin: str, settings: Table) -> list[str]:
    return [
        f"{plugin}: its {name.replace('-', ' ')} of {settings[name]:g} dB was left out"
        for name in ("input-gain", "output-gain")
        if isinstance(settings.get(name), int | float) and settings[name] != 0.0
    ]
