"""The imported models that a window may offer. Waits for the disk, for as long as a small file takes."""

from __future__ import annotations

from app.paths import Paths
from engine.inference.imported import ImportedModel, read_imported

__all__ = ["ImportedModel", "usable_models"]


def usable_models(paths: Paths) -> tuple[ImportedModel, ...]:
    """Those that can take the place of one of the program's own.

    Raises
    ------
    ModelError
        If the list of imported models is damaged.
    """
    return tuple(model for model in read_imported(paths.imported_models).model if model.fits)
