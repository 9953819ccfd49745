"""The user's room profiles: one file each, in a folder of the user's, found by the name that the user gave."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from engine.dsp.correction import Room
from engine.errors import RoomError
from engine.file_names import objection_to
from engine.files import backup_of, write_with_backup
from engine.measure.profile import RoomProfile, decode_profile, encode_profile

_SUFFIX = ".room.json"


@dataclass(frozen=True, slots=True)
class DevicePair:
    """What a person calls the devices a room was learnt with, or those in use; empty where that is not known."""

    microphone: str = ""
    loudspeaker: str = ""


def device_warning(name: str, learnt_with: DevicePair, used: DevicePair) -> str:
    """What the user should know if the profile `name` was learnt with other devices than those in use; else empty."""
    for kind in ("microphone", "loudspeaker"):
        then, now = getattr(learnt_with, kind), getattr(used, kind)
        # The user may have given no more than a part of a name.
        if then.casefold() not in now.casefold() and now.casefold() not in then.casefold():
            return (
                f"“{name}” was learnt with another {kind}, “{then}”. "
                f"Learn the room again with “{now}”, or it is corrected wrongly."
            )
    return ""


class RoomFolder:
    """Profiles in a folder. Control thread; waits for the disk.

    Parameters
    ----------
    folder : Path
        Made when a profile is first saved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Names of all profiles, whole or not."""
        return sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"[!.]*{_SUFFIX}"))

    def load(self, name: str) -> RoomProfile:
        """Read a profile.

        Raises
        ------
        RoomError
            If there is none of this name, or it is damaged; the sentence says how to mend it.
        """
        path = self._path(name)
        try:
            return decode_profile(path.read_bytes())
        except FileNotFoundError:
            known = ", ".join(self.names()) or "none yet; `sidetone room measure` makes one"
            raise RoomError(f"there is no room profile {name!r}; known: {known}") from None
        except OSError as error:
            raise RoomError(f"the room profile {name!r} cannot be read ({error.strerror or error})") from None
        except RoomError as error:
            raise RoomError(
                f"the room profile {name!r} cannot be used, so nothing is corrected: {error}; measure again, or remove {path}"
            ) from None

    def room(self, name: str) -> Room:
        """What a correction needs of a profile.

        Raises
        ------
        RoomError
            As `load`.
        """
        return self.load(name).room()

    def devices(self, name: str) -> DevicePair:
        """The devices a profile was learnt with; unknown ones if it is damaged."""
        try:
            profile = self.load(name)
        except RoomError:
            return DevicePair()
        return DevicePair(profile.input_device, profile.output_device)

    def expect_name(self, name: str) -> None:
        """Find out before a room is learnt whether it could be kept under this name.

        Raises
        ------
        RoomError
            If it could not.
        """
        self._path(name)

    def save(self, profile: RoomProfile) -> Path:
        """Write a profile, whole or not at all; one of the same name is replaced, and its file stays as `.bak`.

        Raises
        ------
        SidetoneError
            If the name cannot be one, or the file cannot be written.
        """
        path = self._path(profile.name)
        write_with_backup(path, encode_profile(profile), is_good=_is_profile)
        return path

    def remove(self, name: str) -> None:
        """Forget a profile; its file stays as `.bak`.

        Raises
        ------
        RoomError
            If there is none of this name, or it cannot be removed.
        """
        try:
            path = self._path(name)
            path.replace(backup_of(path))
        except FileNotFoundError:
            raise RoomError(f"there is no room profile {name!r}; `sidetone room list` shows them") from None
        except OSError as error:
            raise RoomError(f"the room profile {name!r} cannot be removed ({error.strerror or error})") from None

    def _path(self, name: str) -> Path:
        name = unicodedata.normalize("NFC", name)
        objection = "leave out a dot at its beginning" if name.startswith(".") else objection_to(name)
        if objection is not None:
            raise RoomError(f"{name!r} cannot be the name of a room: {objection}")
        return self._folder / f"{name}{_SUFFIX}"


def _is_profile(path: Path) -> bool:
    try:
        decode_profile(path.read_bytes())
    except (OSError, RoomError):
        return False
    return True
