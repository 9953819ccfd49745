"""Real-time priority is asked for, and a refusal is a sentence."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable

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


@pytest.mark.skipif(sys.platform != "linux", reason="slices are Linux")
def test_where_it_is_refused_the_thread_asks_for_short_slices_and_keeps_its_niceness(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(hop_s: float) -> str:
        return "not today"

    monkeypatch.setattr("engine.realtime._ask", refuse)
    seen: list[tuple[int, int, int]] = []

    def ask() -> None:
        before = os.getpriority(os.PRIO_PROCESS, 0)
        assert realtime.raise_thread_priority(0.01) == "not today"
        seen.append((before, os.getpriority(os.PRIO_PROCESS, 0), slice_ns()))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    before, after, found_ns = seen[0]
    assert before == after
    # Kernels before 6.12 know no slices; sandboxes may refuse the call.
    assert found_ns in (0, 100_000) or found_ns > 500_000


def slice_ns() -> int:
    """Slice of the calling thread; 0 where there is no such thing."""
    number = {"x86_64": 315, "aarch64": 275}.get(os.uname().machine)
    if number is None:
        return 0
    attributes = (ctypes.c_uint64 * 6)()
    ctypes.CDLL(None).syscall(number, 0, attributes, ctypes.sizeof(attributes), 0)
    return int(attributes[3])


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


@pytest.mark.skipif(sys.platform != "linux", reason="Linux keeps a niceness for each thread")
def test_a_process_is_raised_with_all_its_threads_and_a_service_that_it_starts_is_not() -> None:
    raised = """
import os, threading
from engine.realtime import raise_process_priority
ended = threading.Event()
thread = threading.Thread(target=ended.wait)
thread.start()
raise_process_priority()
print(os.getpriority(os.PRIO_PROCESS, 0), os.getpriority(os.PRIO_PROCESS, thread.native_id))
ended.set()
"""
    lowered = """
import os
from engine.realtime import lower_process_priority, raise_process_priority
raise_process_priority()
lower_process_priority()
print(os.getpriority(os.PRIO_PROCESS, 0))
"""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert printed(raised) in (["-11", "-11"], [str(before)] * 2)
    assert printed(lowered) == [str(max(10, before))]


@pytest.mark.skipif(sys.platform != "linux", reason="slices are Linux")
def test_all_threads_of_a_raised_process_have_short_slices_and_a_service_that_it_starts_has_not() -> None:
    code = """
import os, subprocess, sys, threading
from engine.realtime import raise_process_priority, lower_process_priority
from tests.unit.test_realtime import slice_ns
def look(into):
    begun.wait()
    into.append(slice_ns())
begun, usual_ns, before, after = threading.Event(), slice_ns(), [], []
old = threading.Thread(target=look, args=(before,))
old.start()
raise_process_priority()
new = threading.Thread(target=look, args=(after,))
new.start()
begun.set()
old.join()
new.join()
service = (
    "from engine.realtime import lower_process_priority; from tests.unit.test_realtime import slice_ns;"
    "lower_process_priority(); print(slice_ns())"
)
of_service = subprocess.run([sys.executable, "-c", service], capture_output=True, text=True, check=True).stdout
print(usual_ns, slice_ns(), *before, *after, of_service)
"""
    usual_ns, *short_ns, of_service_ns = (int(word) for word in printed(code))
    # A kernel before 6.12 knows no slices, a sandbox may not tell, and who runs this at idle priority has them as they are.
    can_be_short = usual_ns > 0 and os.sched_getscheduler(0) != os.SCHED_IDLE
    assert short_ns == [100_000 if can_be_short else usual_ns] * 3
    assert of_service_ns == usual_ns


def printed(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_windows_is_asked_for_a_priority_class(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Kernel:
        def __init__(self, name: str) -> None:
            assert name == "kernel32"
            self.GetCurrentProcess = Function(lambda: 1)
            self.SetPriorityClass = Function(lambda process, priority_class: asked.append(priority_class))

    monkeypatch.setattr("engine.realtime.sys.platform", "win32")
    monkeypatch.setattr(ctypes, "WinDLL", Kernel, raising=False)
    realtime.raise_process_priority()
    realtime.lower_process_priority()
    assert asked == [0x8000, 0x4000]


class Function:
    """A function of a library, whose types can be declared."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *arguments: object) -> object:
        return self._function(*arguments)
