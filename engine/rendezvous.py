"""Where a running engine can be found: one small file with its address, and the key that proves a client is the same user."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import stat
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep, time

import msgspec

from engine.errors import SidetoneError
from engine.private_file import create_private, write_private

_FILE_NAME = "engine.json"
_KEY_NAME = "engine.key"
_KEY_BYTES = 32
_KEY_APPEARS_S = 0.5
_SOCKET_SUFFIX = ".socket"
_ADDRESS_BYTES = 8
_MOST_ADDRESS_BYTES = 103
"""What every system allows for the path of a Unix socket: macOS 104 with the closing zero, Linux 108."""

_STALE_AFTER_S = 60.0


class EngineAddress(msgspec.Struct, frozen=True):
    """A running engine: the address of its socket and the id of its process."""

    address: str
    process_id: int


class Rendezvous:
    """The folder, private to the user, in which an engine leaves its address.

    Parameters
    ----------
    folder : Path
        Made with 0700 rights if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_address(self) -> str:
        """An address no engine uses yet: a Unix socket in the folder, or a named pipe on Windows.

        Raises
        ------
        SidetoneError
            If the folder's path is too long for a socket, or the folder belongs to somebody else.
        """
        name = f"sidetone-{secrets.token_hex(_ADDRESS_BYTES)}"
        if sys.platform == "win32":
            return rf"\\.\pipe\{name}"
        self.expect_short()
        folder = self._prepared_folder()
        _remove_dead_sockets(folder)
        return str(folder / f"{name}{_SOCKET_SUFFIX}")

    def expect_short(self) -> None:
        """See that an address fits; makes nothing.

        Raises
        ------
        SidetoneError
            If the folder's path is too long for a socket.
        """
        address = self._folder / f"sidetone-{'0' * 2 * _ADDRESS_BYTES}{_SOCKET_SUFFIX}"
        if sys.platform != "win32" and len(os.fsencode(address)) > _MOST_ADDRESS_BYTES:
            raise SidetoneError(
                f"{self._folder} is too long a path for a socket; set SIDETONE_RUNTIME_DIR to a shorter one"
            )

    def authkey(self) -> bytes:
        """The key of this user's engines; made on first use, readable by the user alone."""
        path = self._prepared_folder() / _KEY_NAME
        fresh = secrets.token_bytes(_KEY_BYTES)
        if not path.exists() and create_private(path, fresh):
            return fresh
        key = _read_key(path)
        if len(key) == _KEY_BYTES:
            return key
        write_private(path, fresh)
        return fresh

    def publish(self, address: str) -> None:
        """Say that this process's engine is the one to talk to."""
        found = EngineAddress(address, os.getpid())
        write_private(self._prepared_folder() / _FILE_NAME, msgspec.json.encode(found))

    def withdraw(self, address: str) -> None:
        """Take the address away again, if it is still this one."""
        found = self.find()
        if found is not None and found.address == address:
            with suppress(OSError):
                (self._folder / _FILE_NAME).unlink(missing_ok=True)

    def find(self) -> EngineAddress | None:
        """The engine that was published last, alive or not; None if there is none or the file is damaged."""
        try:
            return msgspec.json.decode((self._folder / _FILE_NAME).read_bytes(), type=EngineAddress)
        except (OSError, msgspec.DecodeError):
            return None

    def _prepared_folder(self) -> Path:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise SidetoneError(
                f"{self._folder} cannot be made ({reason}); set SIDETONE_RUNTIME_DIR to one of yours"
            ) from None
        if sys.platform != "win32":
            # In a temporary folder shared by all, somebody else may have been there first.
            status = self._folder.stat()
            if status.st_uid != os.getuid():
                raise SidetoneError(f"{self._folder} belongs to another user; set SIDETONE_RUNTIME_DIR to one of yours")
            if stat.S_IMODE(status.st_mode) & 0o077:
                self._folder.chmod(0o700)
        return self._folder


def _read_key(path: Path) -> bytes:
    """What is in a key's file; whoever made it at this very moment is given the time to fill it."""
    give_up_at_s = monotonic() + _KEY_APPEARS_S
    while not (key := path.read_bytes()) and monotonic() < give_up_at_s:
        sleep(0.005)
    return key


def _remove_dead_sockets(folder: Path) -> None:
    """Remove the sockets of engines that were killed."""
    if sys.platform == "win32":
        return
    for path in folder.glob(f"sidetone-*{_SOCKET_SUFFIX}"):
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            # A young one may belong to an engine that does not listen yet.
            is_young = time() - path.stat().st_mtime < _STALE_AFTER_S
            if not is_young and probe.connect_ex(str(path)) == errno.ECONNREFUSED:
                path.unlink()
