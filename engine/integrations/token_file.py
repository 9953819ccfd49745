"""The secret in an address: a file that only the user may read. Control thread.

It stays the same from one start to the next, because other programs (OBS, a Stream Deck) keep the address.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from engine.errors import SidetoneError
from engine.private_file import write_private

_TOKEN_BYTES = 24
_FORM = re.compile(r"[A-Za-z0-9_-]{32}")


class TokenFile:
    """A token that is made when it is first asked for.

    Parameters
    ----------
    path : Path
        Its folder is made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def token(self) -> str:
        """The token of now; one that is missing or damaged is made anew.

        Raises
        ------
        SidetoneError
            If it can be neither read nor written.
        """
        try:
            token = self._path.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return self.renew()
        except OSError as error:
            raise SidetoneError(
                f"{self._path} cannot be read ({error.strerror}); remove it to have it made anew"
            ) from None
        return token if _FORM.fullmatch(token) else self.renew()

    def renew(self) -> str:
        """Replace the token; who knows the old one is locked out.

        Raises
        ------
        SidetoneError
            If it cannot be written; the old one then stays.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_private(self._path, token.encode())
        except OSError as error:
            raise SidetoneError(
                f"{self._path} could not be written ({error.strerror}); mend the folder's rights"
            ) from None
        return token
