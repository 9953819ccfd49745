"""Commands on their way from the window to the engine: the last value of a parameter wins. Any thread; knows no Qt."""

from __future__ import annotations

import threading
from collections.abc import Hashable

from engine import (
    AnswerBlind,
    ApplyChain,
    Command,
    ForgetMidi,
    ImportPreset,
    Listen,
    Redo,
    RemovePreset,
    RollBackModel,
    SavePreset,
    SetBypass,
    SetParam,
    SetService,
    Source,
    Start,
    Stop,
    Undo,
    UseModel,
)


class Outbox:
    """Commands on their way down. A later setting of the same thing replaces an earlier one that has not left yet."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting: dict[Hashable, tuple[int, Command]] = {}
        self._is_nudged = False
        self._ticket = 0

    def put(self, command: Command) -> int:
        """Add a command; returns its ticket, a number that grows. Any thread, never waits."""
        with self._condition:
            self._ticket += 1
            key = subject_of(command)
            self._waiting.pop(key, None)
            self._waiting[key] = (self._ticket, command)
            self._condition.notify()
            return self._ticket

    def put_back(self, unsent: list[tuple[int, Command]]) -> None:
        """Return commands that could not be sent, except those that were replaced meanwhile."""
        with self._condition:
            self._waiting = {subject_of(command): (ticket, command) for ticket, command in unsent} | self._waiting

    def take(self) -> list[tuple[int, Command]]:
        """All that waits, in order."""
        with self._condition:
            taken = list(self._waiting.values())
            self._waiting.clear()
            return taken

    def nudge(self) -> None:
        """Wake `wait` though nothing was added."""
        with self._condition:
            self._is_nudged = True
            self._condition.notify()

    def wait(self, timeout_s: float) -> None:
        """Wait until there is something to send, or a nudge, or the time is over."""
        with self._condition:
            self._condition.wait_for(lambda: bool(self._waiting) or self._is_nudged, timeout_s)
            self._is_nudged = False

    def rest(self, timeout_s: float) -> None:
        """Wait for a nudge or until the time is over, whatever there may be to send."""
        with self._condition:
            self._condition.wait_for(lambda: self._is_nudged, timeout_s)
            self._is_nudged = False


def subject_of(command: Command) -> Hashable:
    """What a command is about: two of the same subject coalesce."""
    match command:
        case SetParam():
            return ("param", command.id)
        case SetBypass():
            return ("bypass", command.stage)
        case SetService():
            return ("service", type(command.config))
        case Start() | Stop():
            return "running"
        case SavePreset() | RemovePreset() | ImportPreset():
            return (type(command).__name__, command.name)
        case ForgetMidi():
            return ("midi", command.target)
        case UseModel():
            return ("model", command.model)
        case RollBackModel():
            return ("rollback", command.own)
        case Undo() | Redo() | ApplyChain() | AnswerBlind() | Listen(to=Source.OTHER):
            return object()  # Twice is twice.
        case _:
            return type(command).__name__
