"""The password of OBS is in the keyring and nowhere else; without a keyring there is a sentence."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from app.obs_password import VARIABLE, ObsPassword
from engine import ObsError


class MemoryKeyring(KeyringBackend):
    """Forgets everything at the end."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.is_locked:
            raise KeyringLocked("locked")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError("not found")
        del self.kept[service, username]


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    monkeypatch.delenv(VARIABLE, raising=False)
    before, ring = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def test_it_is_kept_changed_and_forgotten(ring: MemoryKeyring) -> None:
    assert ObsPassword().read() is None
    ObsPassword().write("secret")
    assert ObsPassword().read() == "secret"
    assert ring.kept == {("sidetone", "obs-websocket"): "secret"}
    for _ in range(2):
        ObsPassword().write("")
        assert ObsPassword().read() is None
    assert ObsPassword().unavailable_reason() == ""


def test_a_locked_keyring_is_a_sentence(ring: MemoryKeyring) -> None:
    ring.is_locked = True
    assert ObsPassword().read() is None
    with pytest.raises(ObsError, match="unlock it"):
        ObsPassword().write("secret")


def test_without_a_keyring_the_variable_does(ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    assert ObsPassword().read() is None
    assert VARIABLE in ObsPassword().unavailable_reason()
    with pytest.raises(ObsError, match="has no keyring") as refused:
        ObsPassword().write("secret")
    assert "secret" not in str(refused.value)
    monkeypatch.setenv(VARIABLE, "secret")
    assert ObsPassword().read() == "secret"
    assert ObsPassword().unavailable_reason() == ""
