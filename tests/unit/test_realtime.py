"""Real-time priority is asked for, and a refusal is a sentence."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading

import pytest

from engine import realtime


def on_a_thread() -> str:
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(realtime.raise_thread_priority(0.01)))
    thread.start()
    thread.join()
    return answers[0]


def test_it_is_granted_or_refused_with_a_reason() -> None:
    assert isinstance(on_a_thread(), str)


@pytest.mark.skipif(sys.platform != "linux", reason="SCHED_FIFO is Linux")
def test_where_it_is_granted_only_the_calling_thread_has_it() -> None:
    before = os.sched_getscheduler(0)
    policies: list[int] = []

    def ask() -> None:
        if not realtime.raise_thread_priority(0.01):
            policies.append(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert policies in ([], [os.SCHED_FIFO])
    assert os.sched_getscheduler(0) == before


@pytest.mark.skipif(sys.platform != "linux", reason="SCHED_FIFO and rtkit are Linux")
@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (FileNotFoundError(2, "No such file or directory", "busctl"), "busctl"),
        (subprocess.TimeoutExpired("busctl", 2.0), "2.0 seconds"),
        (subprocess.CompletedProcess([], 1, "", "Access denied"), "Access denied"),
        (subprocess.CompletedProcess([], 1, "", ""), "no reason given"),
    ],
)
def test_a_refusal_of_every_kind_is_a_sentence(monkeypatch: pytest.MonkeyPatch, answer: object, word: str) -> None:
    import resource

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    def run(*_: object, **__: object) -> object:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr("engine.realtime.os.sched_setscheduler", refuse)
    monkeypatch.setattr("engine.realtime.subprocess.run", run)
    # The real one would bound this very process, tests and all.
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    assert word in on_a_thread()


def test_a_system_without_the_calls_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform in ("win32", "darwin"):
        if sys.platform == platform:
            continue
        with monkeypatch.context() as patch:
            patch.setattr("engine.realtime.sys.platform", platform)
            patch.setattr(ctypes, "CDLL", no_library)
            assert on_a_thread()


def no_library(name: str) -> object:
    raise OSError(f"{name}: no such library")


@pytest.mark.skipif(sys.platform != "linux", reason="limits are asked for on Linux")
def test_a_limit_that_is_refused_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    def refuse_limit(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr("engine.realtime.os.sched_setscheduler", refuse)
    monkeypatch.setattr(resource, "setrlimit", refuse_limit)
    assert "maximum limit" in on_a_thread()
