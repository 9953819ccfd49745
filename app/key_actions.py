"""What a key can do, in the window and system-wide: which keys, in words, and the command it becomes. No Qt, no engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from engine import (
    Command,
    Listen,
    Redo,
    SetBypass,
    SetDry,
    SetParam,
    Snapshot,
    Source,
    StageDescription,
    Undo,
)

_COUGH = "output_gain.is_muted"
_DIGITS = "1234567890"
_FUNCTION_KEYS = 12


@dataclass(frozen=True)
class KeyAction:
    """One thing that a key does.

    Parameters
    ----------
    id : str
        What it is called in settings.
    label : str
        What it does, in words.
    window_keys, system_keys : str
        Pressed in the window, and anywhere unless the user chose others; empty for none.
    command : callable
        What to ask the engine for, given its newest snapshot; None if there is nothing to do.
    held : callable or None
        For what lasts as long as a system-wide key is down: the command for down (True) and up (False).
    """

    id: str
    label: str
    window_keys: str
    system_keys: str
    command: Callable[[Snapshot], Command | None]
    held: Callable[[bool], Command] | None = None


def key_actions(stages: tuple[StageDescription, ...]) -> Iterator[KeyAction]:
    """All there are, for a chain of these stages."""
    yield KeyAction("cough", "Cough: silence, and back", "Ctrl+M", _everywhere("M"), _cough, partial(SetParam, _COUGH))
    yield KeyAction("dry", "Dry: all effects out at once, and back", "Ctrl+D", _everywhere("D"), _dry)
    yield KeyAction(
        "ab",
        "A/B: hear the other side of a comparison",
        "Ctrl+B",
        _everywhere("B"),
        lambda _: Listen(Source.OTHER),
    )
    yield KeyAction("undo", "Take the last change back, whoever made it", "Ctrl+Z", _everywhere("Z"), lambda _: Undo())
    yield KeyAction("redo", "Make it again", "Ctrl+Shift+Z", _everywhere("Y"), lambda _: Redo())
    for index, stage in enumerate(stages[: 2 * len(_DIGITS)]):
        modifiers = "Ctrl+" if index < len(_DIGITS) else "Ctrl+Alt+"
        yield KeyAction(
            f"bypass:{stage.id}",
            f"{stage.label}: out of the sound, and back",
            f"{modifiers}{_DIGITS[index % len(_DIGITS)]}",
            _everywhere(f"F{index + 1}") if index < _FUNCTION_KEYS else "",
            partial(_bypass, stage.id),
        )


def _everywhere(key: str) -> str:
    # With three modifiers no program is robbed of its own, and no keyboard types a character with it. Stages have function
    # keys, because Shift makes another character of a digit.
    return f"Ctrl+Alt+Shift+{key}"


def _cough(snapshot: Snapshot) -> Command | None:
    return SetParam(_COUGH, not snapshot.params[_COUGH]) if _COUGH in snapshot.params else None


def _dry(snapshot: Snapshot) -> Command:
    return SetDry(not snapshot.controls.is_dry)


def _bypass(stage_id: str, snapshot: Snapshot) -> Command | None:
    stage = next((stage for stage in snapshot.stages if stage.id == stage_id), None)
    return SetBypass(stage_id, not stage.is_bypassed) if stage is not None else None
