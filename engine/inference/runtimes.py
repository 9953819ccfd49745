"""From a file and an execution provider to weights that can be run, in the place of one of the catalogue's denoisers.

A file takes the place of the model whose form it has, or, where it brings its own transforms along
(`engine/inference/waveform.py`), the place of the mode whose delay it keeps to.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.inference.deepfilternet3 import DeepFilterNet3
from engine.inference.nsnet2 import NsNet2
from engine.inference.providers import CPU
from engine.inference.session import ModelSession, open_model
from engine.inference.waveform import Waveform, is_waveform

Network = DeepFilterNet3 | NsNet2 | Waveform

FORMS: dict[str, Callable[[ModelSession], Network]] = {
    "deepfilternet3": lambda session: DeepFilterNet3(session, 0),
    "deepfilternet3-20ms": lambda session: DeepFilterNet3(session, 1),
    "deepfilternet3-10ms": lambda session: DeepFilterNet3(session, 2),
    "nsnet2": NsNet2,
}
"""Forms by the id of the catalogue's model that has it."""

_LATEST_MS = {"deepfilternet3-10ms": 10.0, "deepfilternet3-20ms": 20.0}


def open_denoiser(place: str, path: Path, provider: str = CPU) -> Network:
    """Load what is to be used in the place of the catalogue's model `place`. Control thread; waits for the disk.

    Raises
    ------
    ModelError
        If the file is no model that can be run here.
    """
    session = open_model(path, provider)
    return Waveform(session) if is_waveform(session) else FORMS[place](session)


def place_by_delay(delay_ms: float) -> str:
    """Id of the model whose mode is as late as a denoiser that brings its own transforms along, or the latest one."""
    return next((place for place, latest_ms in _LATEST_MS.items() if delay_ms <= latest_ms), "deepfilternet3")
