"""The folders of presets: those that come with the program, to be read only, and the user's own, which stand before them.

A preset is written whole or not at all, with the last good one beside it as `.bak`; one that is damaged is read from there.
Control thread; may wait for the disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from engine.control.preset import Preset, read_preset, write_preset
from engine.errors import PresetError, SidetoneError
from engine.file_names import objection_to
from engine.files import backup_of, write_with_backup

_SUFFIX = ".toml"
_MOST_BYTES = 1_000_000
_LOOK_AGAIN_S = 1.0


class PresetLibrary:
    """All presets by name.

    Parameters
    ----------
    own : Path or None
        The user's folder, made when something is first written; None for a library that cannot be written.
    shipped : sequence of Path
        Folders to be read only.
    """

    def __init__(self, own: Path | None = None, shipped: Sequence[Path] = ()) -> None:
        self._own = own
        self._shipped = tuple(shipped)
        self._names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._looked_at_s = float("-inf")

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All presets, and which of them are the user's own; looked up again once a second at most."""
        if monotonic() - self._looked_at_s > _LOOK_AGAIN_S:
            own = _stems(self._own)
            every = {*own, *(name for folder in self._shipped for name in _stems(folder))}
            self._names = tuple(sorted(every, key=str.casefold)), tuple(sorted(own, key=str.casefold))
            self._looked_at_s = monotonic()
        return self._names

    def read(self, name: str) -> tuple[Preset, tuple[str, ...]]:
        """A preset by its name, and what had to be mended about it.

        Raises
        ------
        PresetError
            If it does not exist, or it is damaged and there is no good one beside it.
        """
        path = self._find(name)
        try:
            return _read(path), ()
        except PresetError as error:
            try:
                last_good = _read(backup_of(path))
            except PresetError:
                raise error from None
            return last_good, (f"{path.name} is damaged, so the one before it was taken ({error})",)

    def write(self, name: str, preset: Preset) -> None:
        """Write one of the user's own presets.

        Raises
        ------
        PresetError
            If the name will not do, or the file cannot be written; what was there before is still there.
        """
        path = self._own_path(name)
        try:
            write_with_backup(path, write_preset(preset).encode(), is_good=_is_preset)
        except SidetoneError as error:
            raise PresetError(str(error)) from None
        self._looked_at_s = float("-inf")

    def remove(self, name: str) -> None:
        """Take away one of the user's own presets; its file stays as `.bak`.

        Raises
        ------
        PresetError
            If there is none of that name, or it comes with the program.
        """
        path = self._own_path(name)
        if not path.is_file():
            raise PresetError(f"there is no preset {name!r} of your own to remove")
        try:
            path.replace(backup_of(path))
        except OSError as error:
            raise PresetError(f"{path} could not be removed ({error.strerror})") from None
        self._looked_at_s = float("-inf")

    def _find(self, name: str) -> Path:
        if objection_to(name) is None:
            for folder in (self._own, *self._shipped):
                path = folder / f"{name}{_SUFFIX}" if folder is not None else None
                if path is not None and path.is_file():
                    return path
        known = ", ".join(self.names()[0])
        raise PresetError(f"there is no preset {name!r}; known: {known or 'none yet'}")

    def _own_path(self, name: str) -> Path:
        if self._own is None:
            raise PresetError("there is no folder for presets of your own")
        if (objection := objection_to(name)) is not None:
            raise PresetError(f"a preset cannot be called {name!r}: {objection}")
        return self._own / f"{name}{_SUFFIX}"


def _read(path: Path) -> Preset:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise PresetError("it is far too long")
        return read_preset(content.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, PresetError) as error:
        raise PresetError(f"{path} is no preset that Sidetone understands ({error}); mend or remove it") from None


def _is_preset(path: Path) -> bool:
    try:
        _read(path)
    except PresetError:
        return False
    return True


def _stems(folder: Path | None) -> list[str]:
    if folder is None:
        return []
    try:
        return [path.stem for path in folder.glob(f"*{_SUFFIX}")]
    except OSError:
        return []
