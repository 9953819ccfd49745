"""Responses and filters from and for other programs: impulse responses, REW, AutoEq, Equalizer APO. Control thread.

Source: Room EQ Wizard help, "Import frequency response" and "Export measurement as text"; AutoEq, "CSV" and "GraphicEQ";
Equalizer APO, configuration reference ("GraphicEQ", "Filter", "Preamp").
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.config import SAMPLE_RATE_HZ
from engine.control.equalizer_import import import_equalizer
from engine.dsp.band_fit import Band, bands_db, fit_bands
from engine.dsp.correction import FLAT, Limits, Room, correction
from engine.dsp.curve import GRID_HZ, Curve
from engine.dsp.responses import HIGH_SHELF, LOW_SHELF, equalizer_gain_db
from engine.errors import PresetError, RoomError
from engine.measure.lesson import Learnt
from engine.measure.profile import LONGEST_IMPULSE_S, RoomProfile, StoredCurve, Way
from engine.measure.response import decay_of, dies_away, response_curve
from engine.stages.equalizer import EqualizerParams

_SOUND = {".wav", ".flac", ".aif", ".aiff"}
_MOST_BYTES = 8_000_000
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?")
_GRAPHIC = re.compile(r"^\s*graphiceq\s*:\s*(.+)$", re.IGNORECASE | re.MULTILINE)
_LEAST_POINTS = 5
_SHAPES = {LOW_SHELF: "LSC", HIGH_SHELF: "HSC"}


def import_profile(path: Path, name: str) -> RoomProfile:
    """Read a file of another program as a profile.

    A sound file is an impulse response; columns of frequency and level are a measured response; filters (``GraphicEQ`` or
    ``Filter`` lines) are a correction ready made.

    Raises
    ------
    RoomError
        If it can be understood as none of these.
    """
    if path.suffix.lower() in _SOUND:
        return _from_impulse(path).profile(name)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise RoomError(f"{path} is too large to be a measurement; give the exported text")
        text = path.read_text("utf-8-sig", errors="replace")
    except OSError as error:
        raise RoomError(f"{path} cannot be read ({error.strerror or error}); check the path") from None
    made_at = datetime.now().astimezone().isoformat(timespec="seconds")
    gain = _filters(text)
    curve = gain or _columns(text)
    if curve is None:
        raise RoomError(
            f"{path} holds no measurement that is known here; give an impulse response as WAV, REW's or AutoEq's text, or "
            "filters of Equalizer APO"
        )
    return RoomProfile(
        name=name,
        made_at=made_at,
        way=Way.IMPORT,
        response=StoredCurve.of(curve),
        low_hz=float(max(curve.frequencies_hz[0], 10.0)),
        high_hz=float(min(curve.frequencies_hz[-1], 24_000.0)),
        is_correction=gain is not None,
    )


def export_equalizer_apo(bands: tuple[Band, ...], preamp_db: float) -> str:
    """Bands as Equalizer APO, and as REW reads them."""
    lines = [f"Preamp: {preamp_db:.1f} dB"]
    for number, band in enumerate(bands, start=1):
        lines.append(
            f"Filter {number}: ON {_SHAPES.get(band.kind, 'PK')} Fc {band.frequency_hz:.1f} Hz "
            f"Gain {band.gain_db:.1f} dB Q {band.q:.2f}"
        )
    return "\n".join(lines) + "\n"


def export_correction(room: Room, target: str = FLAT, limits: Limits | None = None) -> str:
    """The bands that correct `room` best, as Equalizer APO's text, with a preamp so that nothing clips."""
    limits = limits or Limits()
    bands = fit_bands(correction(room, target, limits), limits.boost_db, SAMPLE_RATE_HZ)
    return export_equalizer_apo(bands, -max(0.0, float(bands_db(bands, GRID_HZ, SAMPLE_RATE_HZ).max())))


def export_rew(curve: Curve, title: str) -> str:
    """A response as REW imports it: frequency and level."""
    lines = [f"* {title}", "* Freq(Hz) SPL(dB)"]
    lines += [
        f"{frequency_hz:.3f} {gain_db:.3f}"
        for frequency_hz, gain_db in zip(curve.frequencies_hz, curve.gain_db, strict=True)
    ]
    return "\n".join(lines) + "\n"


def _from_impulse(path: Path) -> Learnt:
    try:
        samples, rate_hz = soundfile.read(path, dtype="float64", always_2d=True)
    except (soundfile.LibsndfileError, OSError, TypeError):
        raise RoomError(f"{path} cannot be read as an impulse response; give a WAV or FLAC file") from None
    impulse = samples.mean(axis=1)[: round(2 * LONGEST_IMPULSE_S * rate_hz)]
    if impulse.size < 16 or not np.isfinite(impulse).all() or not impulse.any():
        raise RoomError(f"{path} holds no impulse response: it is empty or silent")
    if not dies_away(impulse, rate_hz):
        raise RoomError(
            f"{path} holds no impulse response: it does not die away from one jump on, as a clap in the room does; "
            "export the impulse response as WAV from the program that measured the room"
        )
    top_hz = 0.45 * rate_hz
    if rate_hz != SAMPLE_RATE_HZ:
        impulse = soxr.resample(impulse, rate_hz, SAMPLE_RATE_HZ, quality="VHQ") * (rate_hz / SAMPLE_RATE_HZ)
    decay = decay_of(impulse, SAMPLE_RATE_HZ)
    return Learnt(Way.IMPORT, response_curve(impulse, SAMPLE_RATE_HZ), 20.0, min(top_hz, 20_000.0), decay, impulse)


def _filters(text: str) -> Curve | None:
    """The gain of ``GraphicEQ`` or ``Filter`` lines; None if there are none."""
    if graphic := _GRAPHIC.search(text):
        numbers = [_number(found) for found in _NUMBER.findall(graphic[1])]
        return _curve(np.array(numbers[: len(numbers) // 2 * 2]).reshape(-1, 2))
    try:
        imported = import_equalizer(text)
    except PresetError:
        return None
    values = {name: spec.default for name, spec in EqualizerParams.specs().items()}
    values |= {name.partition(".")[2]: value for name, value in imported.values.items()}
    return Curve(GRID_HZ, equalizer_gain_db(values, GRID_HZ, SAMPLE_RATE_HZ))


def _columns(text: str) -> Curve | None:
    """Frequency and level of a table: REW's text, AutoEq's csv (``frequency,raw,...``), any two columns of numbers."""
    rows = []
    for line in text.splitlines():
        if not re.match(r"\s*[-+.\d]", line):
            continue
        parts = re.split(r"[;\t ]+|,(?=\s)", line.strip()) if re.search(r"[;\t ]", line.strip()) else line.split(",")
        if len(parts) >= 2 and all(_NUMBER.fullmatch(part) for part in parts[:2]):
            rows.append([_number(part) for part in parts[:2]])
    return _curve(np.array(rows).reshape(-1, 2))


def _curve(rows: np.ndarray) -> Curve | None:
    rows = rows[(rows[:, 0] > 1.0) & (np.abs(rows[:, 1]) < 200.0)]
    if len(rows) < _LEAST_POINTS:
        return None
    frequencies_hz, places = np.unique(rows[:, 0], return_index=True)
    return Curve(frequencies_hz, rows[places, 1])


def _number(text: str) -> float:
    return float(text.replace(",", "."))
