"""Addresses under which other programs of this machine find Sidetone. The token in them is the user's secret.

It is read from the user's file by whoever needs it, window or command line, so that no snapshot, report or log ever holds it.
"""

from __future__ import annotations

from app.paths import Paths
from engine.integrations.token_file import TokenFile

_HOST = "127.0.0.1"
_HIDDEN = "•••••"


class LoopbackAddress:
    """One address, whatever its port is at the moment. Control thread; reads a small file.

    Parameters
    ----------
    scheme : str
    token_file : TokenFile
    """

    def __init__(self, scheme: str, token_file: TokenFile) -> None:
        self._scheme = scheme
        self._token_file = token_file

    def whole(self, port: int) -> str:
        """To be copied.

        Raises
        ------
        SidetoneError
            If the token cannot be read.
        """
        return f"{self._scheme}://{_HOST}:{port}/{self._token_file.token()}/"

    def shown(self, port: int) -> str:
        """To be seen, perhaps by the viewers of a stream."""
        return f"{self._scheme}://{_HOST}:{port}/{_HIDDEN}/"

    def renew(self) -> None:
        """Make the old address worthless; who is connected by it is hung up on within a second.

        Raises
        ------
        SidetoneError
            If the new token cannot be written.
        """
        self._token_file.renew()


def overlay_address(paths: Paths) -> LoopbackAddress:
    """The page with the captions."""
    return LoopbackAddress("http", TokenFile(paths.overlay_token))


def remote_address(paths: Paths) -> LoopbackAddress:
    """The remote interface."""
    return LoopbackAddress("ws", TokenFile(paths.remote_token))
