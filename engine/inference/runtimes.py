"""The forms of network that this program can run, by the id of the catalogue's model that has the form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.inference.deepfilternet3 import DeepFilterNet3
from engine.inference.nsnet2 import NsNet2

RUNTIMES: dict[str, Callable[[Path, str], DeepFilterNet3 | NsNet2]] = {
    "deepfilternet3": lambda path, provider: DeepFilterNet3(path, 0, provider),
    "deepfilternet3-20ms": lambda path, provider: DeepFilterNet3(path, 1, provider),
    "deepfilternet3-10ms": lambda path, provider: DeepFilterNet3(path, 2, provider),
    "nsnet2": NsNet2,
}
"""From a file and an execution provider to weights. A model from elsewhere takes the place of the one whose form it has."""
