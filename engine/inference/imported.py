"""The user's own catalogue: models that were imported, and which of them take the place of one of the program's.

A TOML file beside the models, written by this program alone and sealed with its own sha256, so that any change from outside is
noticed. Control thread; waits for the disk.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from contextlib import suppress
from pathlib import Path

import msgspec
import tomli_w

from engine.errors import ModelError
from engine.inference.catalog import sha256_of

FILE_NAME = "imported.toml"
OTHER, DENOISER, RECOGNIZER = "other", "denoiser", "speech-recognizer"
KEPT_CHANGES = 100
_HEAD = "# Written by Sidetone; it refuses this file if anything else changes it. Delete it to forget all imported models.\n"
_SEAL = "# sha256 of what follows: "


class ImportedModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One imported file.

    Attributes
    ----------
    fits : str
        Id of the program's own model whose place it can take; empty if nothing here can use it (kind "other").
    file : str
        Plain name beside the catalogue.
    cost_ms : float
        Median time of a hop on this machine, when it was imported.
    """

    id: str
    kind: str
    label: str
    version: str
    source: str
    licence: str
    file: str
    sha256: str
    fits: str
    sample_rate_hz: int
    hop_samples: int
    delay_samples: int
    cost_ms: float
    card: str


class ModelChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model came in the place of another, in what had been `own`'s place at first; `at` is in ISO 8601, UTC."""

    at: str
    own: str
    model: str
    sha256: str
    was: str
    reason: str


class ImportedCatalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All imported models, the chosen ones (own model's id -> imported model's id), and what was changed, oldest first."""

    model: tuple[ImportedModel, ...] = ()
    chosen: dict[str, str] = {}
    history: tuple[ModelChange, ...] = ()

    def find(self, model_id: str) -> ImportedModel | None:
        """The model of this id."""
        return next((model for model in self.model if model.id == model_id), None)

    def with_model(self, model: ImportedModel) -> ImportedCatalog:
        """The same with one more."""
        return msgspec.structs.replace(self, model=(*self.model, model))

    def without(self, model_id: str) -> ImportedCatalog:
        """The same without one, nor any choice of it."""
        return msgspec.structs.replace(
            self,
            model=tuple(model for model in self.model if model.id != model_id),
            chosen={own: chosen for own, chosen in self.chosen.items() if chosen != model_id},
        )

    def choosing(self, own_id: str, model_id: str) -> ImportedCatalog:
        """The same with an imported model in the place of `own_id`, or with that itself again."""
        rest = {own: chosen for own, chosen in self.chosen.items() if own != own_id}
        return msgspec.structs.replace(self, chosen=rest | ({own_id: model_id} if model_id != own_id else {}))

    def noting(self, change: ModelChange) -> ImportedCatalog:
        """The same with one more change remembered."""
        return msgspec.structs.replace(self, history=(*self.history, change)[-KEPT_CHANGES:])


def read_imported(directory: Path) -> ImportedCatalog:
    """The catalogue in a folder; an empty one if there is none.

    Raises
    ------
    ModelError
        If it cannot be read or is not as it was written.
    """
    path = directory / FILE_NAME
    advice = "delete it and import the models again"
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ImportedCatalog()
    except (OSError, UnicodeError) as error:
        raise ModelError(f"the list of imported models {path} cannot be read ({error}); {advice}") from None
    head, _, body = text.partition("\n\n")
    if f"{head}\n" != _HEAD + _sealed(body):
        raise ModelError(f"the list of imported models {path} was changed from outside; {advice}")
    try:
        catalog = msgspec.convert(tomllib.loads(body), ImportedCatalog)
        for model in catalog.model:
            if Path(model.file).name != model.file or not model.file.strip("."):
                raise ValueError(f"{model.file!r} is no plain file name")
    except (ValueError, msgspec.ValidationError) as error:
        raise ModelError(f"the list of imported models {path} is damaged ({error}); {advice}") from None
    return catalog


def write_imported(directory: Path, catalog: ImportedCatalog) -> None:
    """Put the catalogue in place, whole or not at all.

    Raises
    ------
    ModelError
        If it cannot be written.
    """
    body = tomli_w.dumps(msgspec.to_builtins(catalog))
    unfinished = directory / f".{FILE_NAME}.{os.getpid()}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(f"{_HEAD}{_sealed(body)}\n{body}".encode())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(directory / FILE_NAME)
    except OSError as error:
        raise ModelError(f"cannot write to {directory} ({error.strerror or error}); make room or mend that") from None
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _sealed(body: str) -> str:
    return f"{_SEAL}{hashlib.sha256(body.encode()).hexdigest()}\n"


def imported_path(directory: Path, model: ImportedModel) -> Path:
    """The file of an imported model, checked.

    Raises
    ------
    ModelError
        If it is gone or is not what was imported.
    """
    path = directory / model.file
    advice = f"run ./sidetone models choose {model.fits or model.id} to go on without it, or import it again"
    try:
        if sha256_of(path) == model.sha256:
            return path
    except OSError as error:
        raise ModelError(f"the imported model {model.id} cannot be read ({error.strerror}); {advice}") from None
    raise ModelError(f"{path} is not the {model.id} that was imported; {advice}")
