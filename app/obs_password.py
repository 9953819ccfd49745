"""The password of obs-websocket: in the system's keyring, never in a file of ours, a setting, a command or a log. May wait."""

from __future__ import annotations

import logging
import os

import keyring
from keyring.errors import KeyringError, NoKeyringError, PasswordDeleteError

from engine import ObsError

VARIABLE = "SIDETONE_OBS_PASSWORD"
_SERVICE, _ACCOUNT = "sidetone", "obs-websocket"
_log = logging.getLogger("sidetone.obs")


class ObsPassword:
    """Reads and writes it. Window and services process both do so themselves, as the same user.

    Where a system has no keyring, the variable SIDETONE_OBS_PASSWORD, given when Sidetone is started, keeps it in memory.
    """

    def read(self) -> str | None:
        """The password, or None if there is none to be had."""
        if given := os.environ.get(VARIABLE):
            return given
        try:
            return keyring.get_password(_SERVICE, _ACCOUNT)
        except NoKeyringError:
            return None
        except KeyringError as error:
            _log.warning("the keyring does not give the password of OBS: %s", error)
            return None

    def write(self, password: str) -> None:
        """Keep another password; an empty one forgets it.

        Raises
        ------
        ObsError
            If the system has no keyring, or it refuses.
        """
        try:
            if password:
                keyring.set_password(_SERVICE, _ACCOUNT, password)
            else:
                keyring.delete_password(_SERVICE, _ACCOUNT)
        except PasswordDeleteError:
            return  # there was none
        except NoKeyringError:
            raise ObsError(_no_keyring()) from None
        except KeyringError as error:
            raise ObsError(f"the system's keyring refuses ({error}); unlock it and try again") from None

    def unavailable_reason(self) -> str:
        """Why a password cannot be kept, with what to do; empty if it can."""
        if isinstance(keyring.get_keyring(), keyring.backends.fail.Keyring) and not os.environ.get(VARIABLE):
            return _no_keyring()
        return ""


def _no_keyring() -> str:
    return (
        "this system has no keyring, and a password belongs into no file; install GNOME Keyring or KWallet, "
        f"or start Sidetone with the password in the variable {VARIABLE}"
    )
