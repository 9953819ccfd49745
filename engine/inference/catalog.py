"""What models there are, and where their verified files lie.

The catalogue (models/catalog.toml) says what every file must be, down to its sha256; `ModelStore` finds the file in the
program's own read-only folder or in the user's cache and hands out nothing else. Building files is not done here: the
engine only reads. Everything here runs on the control thread and may wait for the disk.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.errors import ModelError
from engine.inference.catalog_seal import SHIPPED_SEAL
from engine.inference.providers import CPU, Measurements

REBUILD = "run ./sidetone models build"
"""What the user is told to do when a file is missing or is not what it should be."""


class ModelKind(StrEnum):
    """What a file of the catalogue is good for."""

    DENOISER = "denoiser"
    SPEECH_RECOGNIZER = "speech-recognizer"
    VOICE_DETECTOR = "voice-detector"
    SPEECH_SAMPLE = "speech-sample"


@dataclass(frozen=True, slots=True)
class Carrier:
    """The published package that carries a file: one wheel, the same on every machine.

    Attributes
    ----------
    platform, python_version : str
        Tags of the wheel that is taken, whatever this machine is: only its data are used.
    member : str
        A file in the wheel; or a folder, with a slash at its end, whose files are taken as one zip archive.
    """

    package: str
    version: str
    platform: str
    python_version: str
    wheel_sha256: str
    member: str
    member_sha256: str


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One file of the catalogue.

    Attributes
    ----------
    recipe : str
        How the file is made from the carrier's member: a name known to `models.build`.
    hop_samples, delay_samples : int
        Step and delay from input to output, 0 for what is no model.
    live_place : str
        Id of the model in whose place this one is used where every hop has a deadline; empty for one with a place of its own.
    """

    id: str
    kind: ModelKind
    label: str
    version: str
    source: str
    licence: str
    recipe: str
    file: str
    sha256: str
    sample_rate_hz: int
    hop_samples: int
    delay_samples: int
    card: str
    carrier: Carrier
    live_place: str = ""


def seal_of(text: str) -> str:
    """Hexadecimal SHA-256 of a catalogue's text; how a checkout ends its lines does not matter."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def read_catalog(path: Path, seal: str = SHIPPED_SEAL) -> tuple[ModelEntry, ...]:
    """Entries of a catalogue file, in its order.

    Parameters
    ----------
    seal : str
        What `seal_of` its text must be: a catalogue vouches for every model, so nobody but the program vouches for it.

    Raises
    ------
    ModelError
        If the file cannot be read, is not the one that was sealed, or an entry is not whole.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        if seal_of(text) != seal:
            raise ModelError(f"{path} is not the model catalogue this Sidetone was made with; install Sidetone again")
        document = tomllib.loads(text)
        entries = tuple(_entry(table) for table in document["model"])
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"the model catalogue {path} cannot be read ({error}); install Sidetone again") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"the model catalogue {path} is damaged ({error}); install Sidetone again") from error
    if len({entry.id for entry in entries}) != len(entries):
        raise ModelError(f"the model catalogue {path} names a model twice; install Sidetone again")
    return entries


def _entry(table: dict[str, Any]) -> ModelEntry:
    fields = dict(table)
    fields["kind"] = ModelKind(fields["kind"])
    fields["carrier"] = Carrier(**fields["carrier"])
    entry = ModelEntry(**fields)
    for name, kind in ModelEntry.__annotations__.items():
        if kind in ("str", "int") and type(getattr(entry, name)).__name__ != kind:
            raise ValueError(f"{name} of {entry.id} is no {kind}")
    if Path(entry.file).name != entry.file or not entry.file.strip("."):
        raise ValueError(f"{entry.file!r} is no plain file name")
    return entry


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file. Waits for the disk.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class ModelStore:
    """Finds the verified files of the catalogue's models. Implements `engine.core.stage.Assets`.

    Parameters
    ----------
    entries : Iterable[ModelEntry]
        The catalogue.
    directories : Sequence[Path]
        Where files may lie, looked through in this order: the program's own read-only folder first, then the user's
        cache. None of them needs to exist.
    measurements : Measurements or None
        What the models cost on this machine; None if it is not known.
    """

    def __init__(
        self, entries: Iterable[ModelEntry], directories: Sequence[Path], measurements: Measurements | None = None
    ) -> None:
        self.measurements = measurements
        self._entries = {entry.id: entry for entry in entries}
        self._directories = tuple(directories)
        self._verified: dict[str, Path] = {}

    @property
    def entries(self) -> tuple[ModelEntry, ...]:
        """The whole catalogue, in its order."""
        return tuple(self._entries.values())

    def entry(self, model_id: str) -> ModelEntry:
        """What the catalogue says of one model.

        Raises
        ------
        ModelError
            If it is not in the catalogue.
        """
        entry = self._entries.get(model_id)
        if entry is None:
            raise ModelError(f"there is no model named {model_id!r}; known: {', '.join(self._entries)}")
        return entry

    def live_id(self, place: str) -> str:
        """Id of what is used in a place where every hop has a deadline: a variant made for that, or the place's own model."""
        return next((entry.id for entry in self.entries if entry.live_place == place), place)

    def missing(self, among: Container[str] | None = None) -> tuple[ModelEntry, ...]:
        """Entries of which no directory holds the right file. Control thread; reads every file once per process.

        Parameters
        ----------
        among : Container[str] or None
            Ids of the only entries that are looked at; None for all.
        """
        wanted = (entry for entry in self.entries if among is None or entry.id in among)
        return tuple(entry for entry in wanted if self._find(entry)[0] is None)

    def model_path(self, model_id: str) -> Path:
        """File of a model, checked against the catalogue once per process. Control thread.

        Raises
        ------
        ModelError
            If the model is unknown, its file is missing, or the only file found is not the one the catalogue describes.
        """
        entry = self.entry(model_id)
        path, damaged = self._find(entry)
        if path is not None:
            return path
        if damaged is not None:
            raise ModelError(f"{damaged} is not the {entry.label} that Sidetone was made with; {REBUILD} to replace it")
        raise ModelError(f"the model {entry.label} has not been built yet; {REBUILD}")

    def provider(self, model_id: str) -> str:
        """Execution provider that suits a model best, as far as it was measured."""
        return self.measurements.provider(self.entry(model_id).sha256) if self.measurements else CPU

    def _find(self, entry: ModelEntry) -> tuple[Path | None, Path | None]:
        """The right file, and the first wrong or unreadable one met on the way to it."""
        known = self._verified.get(entry.id)
        if known is not None:
            return known, None
        damaged: Path | None = None
        for path in (directory / entry.file for directory in self._directories):
            try:
                if sha256_of(path) == entry.sha256:
                    self._verified[entry.id] = path
                    return path, damaged
            except FileNotFoundError:
                continue
            except OSError:
                pass
            damaged = damaged or path
        return None, damaged
