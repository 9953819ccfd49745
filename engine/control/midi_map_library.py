"""The maps there are: those that come with the program, and the user's own, which take their place. Control thread; disk."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import tomli_w

from engine.control.midi_map import Document, MidiMap, read_map
from engine.errors import PresetError
from engine.files import write_with_backup

_SUFFIX = ".toml"


@dataclass(frozen=True)
class MapFile:
    """A map, what else its file says, and what of it was not understood.

    Attributes
    ----------
    id : str
        Its file's name without the ending.
    is_own : bool
        Whether it is in the user's folder.
    is_damaged : bool
        Whether nothing of it could be read.
    """

    id: str
    map: MidiMap
    notes: tuple[str, ...] = ()
    document: Document = field(default_factory=dict)
    is_own: bool = False
    is_damaged: bool = False


class MapLibrary:
    """Reads maps from two folders and writes into the user's.

    Parameters
    ----------
    bundled, own : Path or None
        Folders of TOML files; None for none. A file in `own` takes the place of a bundled one of the same name.
    """

    def __init__(self, bundled: Path | None = None, own: Path | None = None) -> None:
        self._bundled = bundled
        self._own = own
        self._known: dict[Path, tuple[tuple[int, int], MapFile]] = {}

    def read_all(self) -> tuple[MapFile, ...]:
        """All maps, by id; a file that is no TOML at all has an empty map and a note. Cheap while no file changes."""
        files = {path.stem: self._fresh(path, is_own=False) for path in _files(self._bundled)}
        files |= {path.stem: self._fresh(path, is_own=True) for path in _files(self._own)}
        return tuple(files[map_id] for map_id in sorted(files))

    def find(self, map_id: str) -> MapFile:
        """The map of this id.

        Raises
        ------
        PresetError
            If there is none.
        """
        files = self.read_all()
        for file in files:
            if file.id == map_id:
                return file
        known = ", ".join(file.id for file in files) or "none"
        raise PresetError(f"there is no MIDI map {map_id!r}; known: {known}")

    def write(self, map_id: str, document: Document) -> MapFile:
        """Keep a map as the user's own; the file before becomes `.bak`.

        Raises
        ------
        PresetError
            If there is no folder for it, or a file of that name that cannot be read and may only need mending.
        SidetoneError
            If it cannot be written; what was there before is still there.
        """
        if self._own is None:
            raise PresetError("there is no folder for MIDI maps; start the program with its settings")
        path = self._own / f"{map_id}{_SUFFIX}"
        if path.exists() and (before := read_map_file(path)).is_damaged:
            raise PresetError(before.notes[0])
        write_with_backup(path, tomli_w.dumps(document).encode())
        self._known.pop(path, None)
        return self._fresh(path, is_own=True)

    def _fresh(self, path: Path, is_own: bool) -> MapFile:
        try:
            stamp = (path.stat().st_mtime_ns, path.stat().st_size)
        except OSError:
            stamp = (0, 0)
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            known = self._known[path] = (stamp, read_map_file(path, is_own))
        return known[1]


def map_id_for(port: str) -> str:
    """A file name for the map of a device that had none."""
    return re.sub(r"[^a-z0-9]+", "-", port.casefold()).strip("-") or "device"


def read_map_file(path: Path, is_own: bool = True) -> MapFile:
    """The map in a file; whatever is wrong with it is in the notes."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        note = f"{path} is no map that can be read ({reason}); mend or remove it"
        return MapFile(path.stem, MidiMap(), (note,), is_own=is_own, is_damaged=True)
    return MapFile(path.stem, *read_map(document), document, is_own)


def _files(folder: Path | None) -> list[Path]:
    try:
        return sorted(folder.glob(f"*{_SUFFIX}")) if folder is not None else []
    except OSError:
        return []
