"""The program's models and the user's own, and which of them are in use: what stages are built from.

A model in use may be changed while the sound goes on. Every change is remembered with its sha256 and its reason, older
versions stay until somebody removes them, and the last change can be taken back. Control thread; waits for the disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import ModelError
from engine.inference.catalog import ModelStore
from engine.inference.imported import (
    ImportedCatalog,
    ImportedModel,
    ModelChange,
    imported_path,
    read_imported,
    write_imported,
)
from engine.inference.providers import CPU


@dataclass(frozen=True, slots=True)
class ChosenModels:
    """The program's models, but for those in whose place an imported one is chosen. Implements `Assets`.

    Parameters
    ----------
    own : ModelStore
    catalog : ImportedCatalog
    directory : Path
        Where the imported files lie.
    is_live : bool
        Whether every hop has a deadline. Where there is none, the program's own models are the most exact there are.
    """

    own: ModelStore
    catalog: ImportedCatalog = field(default_factory=ImportedCatalog)
    directory: Path = Path()
    is_live: bool = True

    def model_path(self, model_id: str) -> Path:
        """Verified file of a model. Control thread.

        Raises
        ------
        ModelError
            If it cannot be had.
        """
        chosen = self.chosen(model_id)
        if chosen is not None:
            return imported_path(self.directory, chosen)
        return self.own.model_path(self._own_id(model_id))

    def provider(self, model_id: str) -> str:
        """Execution provider that suits a model best, as far as it was measured."""
        chosen = self.chosen(model_id)
        if chosen is None:
            return self.own.provider(self._own_id(model_id))
        return self.own.measurements.provider(chosen.sha256) if self.own.measurements else CPU

    def chosen(self, own_id: str) -> ImportedModel | None:
        """The imported model in the place of one of the program's own; None if that itself is used."""
        model_id = self.catalog.chosen.get(own_id)
        return None if model_id is None else self.catalog.find(model_id)

    def sha256(self, own_id: str) -> str:
        """What the file in that place must be."""
        chosen = self.chosen(own_id)
        return self.own.entry(self._own_id(own_id)).sha256 if chosen is None else chosen.sha256

    def _own_id(self, place: str) -> str:
        return self.own.live_id(place) if self.is_live else place


class ModelLibrary:
    """Which models are in use, on this machine and for this user.

    Parameters
    ----------
    own : ModelStore
        The program's own.
    directory : Path
        The user's own, and their catalogue.
    """

    def __init__(self, own: ModelStore, directory: Path) -> None:
        self._own = own
        self._directory = directory

    @property
    def problem(self) -> str:
        """What is wrong with the list of imported models, which then counts as empty; else empty."""
        try:
            read_imported(self._directory)
        except ModelError as error:
            return str(error)
        return ""

    def in_use(self, is_live: bool = True) -> ChosenModels:
        """What stages are to be built from, where every hop has a deadline or where none has."""
        try:
            catalog = read_imported(self._directory)
        except ModelError:
            catalog = ImportedCatalog()
        return ChosenModels(self._own, catalog, self._directory, is_live)

    def place_of(self, model_id: str) -> str:
        """Id of the program's own model in whose place a model is used, which for its own is that itself.

        Raises
        ------
        ModelError
            If there is no such model, or it is of no use here.
        """
        own = next((entry for entry in self._own.entries if entry.id == model_id), None)
        if own is not None and own.live_place:
            raise ModelError(f"{model_id} is what {own.live_place} is while the sound is live; choose {own.live_place}")
        if own is not None:
            return own.id
        model = read_imported(self._directory).find(model_id)
        if model is None:
            raise ModelError(f"there is no model named {model_id!r}; `sidetone models list` shows them")
        if not model.fits:
            raise ModelError(f"{model_id} cannot be chosen: it has not the form of any model that Sidetone can run")
        return model.fits

    def with_model(self, model_id: str) -> ChosenModels:
        """As `in_use`, but with one model in the place where it fits; its file is checked.

        Raises
        ------
        ModelError
            If it cannot be used.
        """
        place = self.place_of(model_id)
        chosen = ChosenModels(self._own, read_imported(self._directory).choosing(place, model_id), self._directory)
        chosen.model_path(place)
        return chosen

    def use(self, model_id: str, reason: str) -> ModelChange:
        """Use a model from now on, and remember why.

        Raises
        ------
        ModelError
            If it cannot be used; nothing is changed then.
        """
        place = self.place_of(model_id)
        chosen = self.with_model(model_id)
        was = read_imported(self._directory).chosen.get(place, place)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        change = ModelChange(now, place, model_id, chosen.sha256(place), was, reason)
        write_imported(self._directory, chosen.catalog.noting(change))
        return change

    def before(self, own_id: str) -> str:
        """Id of the model that was in that place before the one that is in use.

        Raises
        ------
        ModelError
            If there was none, or it is gone.
        """
        catalog = read_imported(self._directory)
        current = catalog.chosen.get(own_id, own_id)
        for change in reversed(catalog.history):
            if change.own == own_id and change.model == current and change.was != current:
                self.place_of(change.was)
                return change.was
        if current != own_id:
            return own_id
        raise ModelError(f"nothing was ever in the place of {own_id}, so there is nothing to go back to")

    @property
    def history(self) -> tuple[ModelChange, ...]:
        """What was changed, oldest first.

        Raises
        ------
        ModelError
            If the list of imported models is damaged.
        """
        return read_imported(self._directory).history
