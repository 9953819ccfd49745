"""Hears keys while other programs are in front, where the system lets it. Knows pynput, and nothing of the engine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

MODIFIERS = {"ctrl": "ctrl", "alt": "alt", "shift": "shift", "cmd": "cmd", "meta": "cmd", "win": "cmd", "super": "cmd"}
"""How one may write them -> what they are."""
_ALTGR = "alt_gr"
_HELD = {*MODIFIERS.values(), _ALTGR}
# With Shift down, the X server calls the Alt keys Meta; pynput knows that only by number.
_META_KEYSYMS = (0xFFE7, 0xFFE8)

_WAYLAND = "Wayland lets no program hear keys meant for another; system-wide keys need an X11 session."
_NO_DISPLAY = "Without a display there are no keys to hear."
_NO_PERMISSION = (
    "macOS does not let Sidetone hear keys: allow it in System Settings, Privacy & Security, Accessibility and Input "
    "Monitoring, then switch this off and on."
)


@dataclass(frozen=True)
class Combination:
    """Modifiers that must be down, no others, and the key that is pressed with them."""

    modifiers: frozenset[str]
    key: str

    @classmethod
    def parsed(cls, text: str) -> Combination | None:
        """From text like `Ctrl+Alt+Shift+M`; None if it is no combination of a modifier and a key."""
        *modifiers, key = text.lower().replace(" ", "").split("+")
        is_function_key = key[:1] == "f" and key[1:].isdecimal() and 1 <= int(key[1:]) <= 20
        if not modifiers or not MODIFIERS.keys() >= set(modifiers) or not (is_function_key or len(key) == 1):
            return None
        return cls(frozenset(MODIFIERS[modifier] for modifier in modifiers), key)


class KeyListener(Protocol):
    """What hears keys from `start` to `close`."""

    def start(self) -> str:
        """Begin; what is in the way, as a sentence for the user, or nothing."""
        ...

    def close(self) -> None:
        """End."""
        ...


def obstacle(platform: str, environment: Mapping[str, str]) -> str:
    """What keeps a program from hearing keys in this session; empty if it may try."""
    if not platform.startswith("linux"):
        return ""
    if environment.get("WAYLAND_DISPLAY") or environment.get("XDG_SESSION_TYPE") == "wayland":
        return _WAYLAND
    return "" if environment.get("DISPLAY") else _NO_DISPLAY


class PynputListener:
    """Implements `KeyListener`.

    Parameters
    ----------
    combinations : mapping
        Combination -> name.
    tell : callable
        Gets a name and whether the key went down or up, once each however long it is held. Called on pynput's thread, on
        which Windows lets nobody wait.
    """

    def __init__(self, combinations: Mapping[Combination, str], tell: Callable[[str, bool], None]) -> None:
        self._combinations = combinations
        self._tell = tell
        self._modifiers: set[str] = set()
        self._down: dict[str, str] = {}
        self._listener: Any = None

    def start(self) -> str:
        """Begin; what is in the way, as a sentence for the user, or nothing."""
        try:
            # Not before it is wanted: on macOS the import alone may have the system ask the user for permission.
            from pynput import keyboard

            self._listener = keyboard.Listener(on_press=self._press, on_release=self._release)
            self._listener.start()
            self._listener.wait()
        except Exception as error:  # noqa: BLE001 - each system's own errors, and ImportError where pynput has no way
            self._listener = None
            return f"This system does not let Sidetone hear keys: {' '.join(str(error).split())}."
        if sys.platform == "darwin" and not self._listener.IS_TRUSTED:
            self.close()
            return _NO_PERMISSION
        return ""

    def close(self) -> None:
        """End."""
        if self._listener is not None:
            # On X11 its thread is not gone before the next key, but tells nothing any more; so nobody waits for it.
            self._listener.stop()
            self._listener = None

    def _press(self, key: Any) -> None:
        name = self._name(key)
        if name in _HELD:
            self._modifiers.add(name)
        elif name not in self._down:
            action = self._combinations.get(Combination(frozenset(self._modifiers), name))
            # A key that does nothing is noted too: it must not begin to when a modifier comes while it repeats.
            self._down[name] = action or ""
            if action is not None:
                self._tell(action, True)

    def _release(self, key: Any) -> None:
        name = self._name(key)
        self._modifiers.discard(name)
        if action := self._down.pop(name, ""):
            self._tell(action, False)

    def _name(self, key: Any) -> str:
        """What a key is called whichever modifiers are down."""
        name: str = getattr(key, "name", "")
        if name:
            return name if name == _ALTGR else name.removesuffix("_l").removesuffix("_r")
        if getattr(key, "vk", None) in _META_KEYSYMS:
            return "alt"
        listener = self._listener
        plain = listener.canonical(key) if listener is not None and key is not None else key
        return str(getattr(plain, "char", None) or plain).lower()
