"""Services beside each other: one that fails is told of and started again, and the others do not notice."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app.services import runner
from app.services.runner import ServiceRunner
from engine import Command, ConnectionLostError, DeviceError
from engine.commands import ReportFault


class Connection:
    """Notes what is said to the engine."""

    def __init__(self, said: list[Command]) -> None:
        self._said = said

    def send(self, command: Command) -> None:
        self._said.append(command)

    def close(self) -> None:
        """Nothing to hang up."""


class Steady:
    name = "steady"

    def __init__(self) -> None:
        self.starts = 0

    def run(self, engine: Any, is_over: threading.Event) -> None:
        self.starts += 1
        is_over.wait()


class Failing:
    name = "failing"

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.starts = 0
        self.is_back = threading.Event()

    def run(self, engine: Any, is_over: threading.Event) -> None:
        self.starts += 1
        if self.starts == 1:
            raise self._error
        self.is_back.set()
        is_over.wait()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_FIRST_PAUSE_S", 0.01)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(DeviceError("no such device"), "no such device"), (ValueError("odd"), "ValueError: odd")],
)
def test_a_service_that_fails_is_told_of_and_started_again(error: Exception, reason: str) -> None:
    said: list[Command] = []
    steady, failing, is_over = Steady(), Failing(error), threading.Event()
    services = ServiceRunner([steady, failing], lambda: Connection(said), is_over)  # type: ignore[arg-type,return-value]
    services.start()
    assert failing.is_back.wait(10.0)
    services.close()
    assert said == [ReportFault("failing", reason)]
    assert steady.starts == 1


def test_all_end_when_the_engine_is_gone() -> None:
    steady, failing, is_over = Steady(), Failing(ConnectionLostError("gone")), threading.Event()
    services = ServiceRunner([steady, failing], lambda: Connection([]), is_over)  # type: ignore[arg-type,return-value]
    services.start()
    assert is_over.wait(10.0)
    services.close()
    assert failing.starts == 1
