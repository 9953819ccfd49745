"""Where a running engine can be found: one small file with its address, and the key that proves a client is the same user."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import msgspec

_FILE_NAME = "engine.json"
_KEY_NAME = "engine.key"
_KEY_BYTES = 32


class EngineAddress(msgspec.Struct, frozen=True):
    """A running engine: the address of its socket and the id of its process.

    `ends_with_face` is True for an engine that a window started, and that a window ends when it is closed.
    """

    address: str
    process_id: int
    ends_with_face: bool = False


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
        """An address no engine uses yet: a Unix socket in the folder, or a named pipe on Windows."""
        name = f"sidetone-{secrets.token_hex(8)}"
        return rf"\\.\pipe\{name}" if sys.platform == "win32" else str(self._prepared_folder() / f"{name}.socket")

    def authkey(self) -> bytes:
        """The key of this user's engines; made on first use, readable by the user alone."""
        path = self._prepared_folder() / _KEY_NAME
        try:
            key = path.read_bytes()
        except FileNotFoundError:
            key = b""
        if len(key) == _KEY_BYTES:
            return key
        key = secrets.token_bytes(_KEY_BYTES)
        self._write(path, key)
        return key

    def publish(self, address: str, ends_with_face: bool) -> None:
        """Say that this process's engine is the one to talk to."""
        found = EngineAddress(address, os.getpid(), ends_with_face)
        self._write(self._prepared_folder() / _FILE_NAME, msgspec.json.encode(found))

    def withdraw(self, address: str) -> None:
        """Take the address away again, if it is still this one."""
        found = self.find()
        if found is not None and found.address == address:
            (self._folder / _FILE_NAME).unlink(missing_ok=True)

    def find(self) -> EngineAddress | None:
        """The engine that was published last, alive or not; None if there is none or the file is damaged."""
        try:
            return msgspec.json.decode((self._folder / _FILE_NAME).read_bytes(), type=EngineAddress)
        except (OSError, msgspec.DecodeError):
            return None

    def _prepared_folder(self) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder

    def _write(self, path: Path, content: bytes) -> None:
        # Another client may read at this moment: it finds the old file or the new one, never a part.
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        fresh.replace(path)
