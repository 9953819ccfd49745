"""System-wide keys: what keeps a system from giving them is a sentence, and what is pressed becomes the right command."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from app.services.key_listener import Combination, PynputListener, obstacle
from app.services.keys import KeysService
from engine import Command, KeysConfig, KeysStatus, SetBypass, SetDry, SetParam, SetService, Undo
from engine.commands import ReportService
from tests.helpers.fake_engine import FakeEngine
from tests.rig.processes import wait_until

X11 = {"DISPLAY": ":0", "XDG_SESSION_TYPE": "x11"}


class FakeListener:
    """Hears what a test says is pressed."""

    def __init__(self, problem: str = "") -> None:
        self.problem = problem
        self.is_listening = False
        self.combinations: dict[Combination, str] = {}

    def made(self, combinations: Mapping[Combination, str], tell: Callable[[str, bool], None]) -> FakeListener:
        self.combinations, self._tell = dict(combinations), tell
        return self

    def start(self) -> str:
        self.is_listening = not self.problem
        return self.problem

    def close(self) -> None:
        self.is_listening = False

    def press(self, text: str, is_down: bool = True) -> None:
        combination = Combination.parsed(text)
        assert combination is not None
        self._tell(self.combinations[combination], is_down)


def switched(config: KeysConfig) -> FakeEngine:
    engine = FakeEngine()
    engine.params["output_gain.is_muted"] = False
    engine.send(SetService(config))
    engine.commands.clear()
    return engine


def status(engine: FakeEngine) -> KeysStatus | None:
    """What the service said last."""
    said = [command.status for command in engine.commands if isinstance(command, ReportService)]
    return said[-1] if said and isinstance(said[-1], KeysStatus) else None


def asked(engine: FakeEngine) -> list[Command]:
    return [command for command in engine.commands if not isinstance(command, ReportService | SetService)]


@contextmanager
def running(engine: FakeEngine, listener: FakeListener, platform: str = "linux", **environment: str) -> Iterator[None]:
    service = KeysService(listener.made, platform, environment or X11)
    is_over = threading.Event()
    thread = threading.Thread(target=service.run, args=(engine, is_over))
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(20.0)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("platform", "environment", "word"),
    [
        ("linux", {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, "Wayland"),
        ("linux", {"XDG_SESSION_TYPE": "wayland", "DISPLAY": ":0"}, "Wayland"),
        ("linux", {}, "display"),
        ("linux", X11, ""),
        ("win32", {}, ""),
        ("darwin", {}, ""),
    ],
)
def test_what_is_in_the_way_is_a_sentence(platform: str, environment: dict[str, str], word: str) -> None:
    sentence = obstacle(platform, environment)
    assert word in sentence
    assert bool(sentence) == bool(word)


def test_off_until_switched_on_and_off_again() -> None:
    engine, listener = switched(KeysConfig()), FakeListener()
    with running(engine, listener):
        wait_until(lambda: status(engine) == KeysStatus(), "the status")
        assert not listener.is_listening
        engine.send(SetService(KeysConfig(is_on=True)))
        wait_until(lambda: status(engine) == KeysStatus(is_listening=True), "listening")
        assert listener.is_listening
        engine.send(SetService(KeysConfig()))
        wait_until(lambda: status(engine) == KeysStatus(), "the end of listening")
        assert not listener.is_listening


def test_each_key_becomes_its_command() -> None:
    engine, listener = switched(KeysConfig(is_on=True, keys={"undo": "Win+F5"})), FakeListener()
    with running(engine, listener):
        wait_until(lambda: listener.is_listening, "listening")
        for combination in ("Ctrl+Alt+Shift+D", "Ctrl+Alt+Shift+F1", "Cmd+F5"):
            listener.press(combination)
            listener.press(combination, is_down=False)
        wait_until(lambda: len(asked(engine)) == 3, "three commands")
    assert asked(engine) == [SetDry(True), SetBypass("input_gain", True), Undo()]


def test_a_cough_lasts_as_long_as_its_key_and_no_longer_than_the_listening() -> None:
    engine, listener = switched(KeysConfig(is_on=True)), FakeListener()
    with running(engine, listener):
        wait_until(lambda: listener.is_listening, "listening")
        for is_down in (True, False, True):
            listener.press("Ctrl+Alt+Shift+M", is_down)
        wait_until(lambda: len(asked(engine)) == 3, "three commands")
    coughs = [command.value for command in asked(engine) if isinstance(command, SetParam)]
    assert coughs == [True, False, True, False]


@pytest.mark.parametrize(
    ("listener", "environment", "keys", "word"),
    [
        (FakeListener("No way."), X11, {}, "No way."),
        (FakeListener(), {"WAYLAND_DISPLAY": "wayland-0"}, {}, "Wayland"),
        (FakeListener(), X11, {"dry": "Hyper+D"}, "'Hyper+D' is no combination"),
        (FakeListener(), X11, {"dry": "Ctrl+Alt+Shift+M"}, "there twice"),
        (FakeListener(), X11, {"fly": "Ctrl+F1"}, "'fly'"),
    ],
)
def test_what_cannot_work_is_told(
    listener: FakeListener, environment: dict[str, str], keys: dict[str, str], word: str
) -> None:
    engine = switched(KeysConfig(is_on=True, keys=keys))
    with running(engine, listener, **environment):
        wait_until(lambda: word in str(status(engine)), "the sentence")
    assert (said := status(engine)) is not None
    assert said.is_listening == bool(keys)


@pytest.mark.parametrize("text", ["M", "Ctrl+", "Ctrl+F0", "Ctrl+F21", "Ctrl+Enter", "Ctrl+Ctrl+Alt", "", "+"])
def test_no_combination(text: str) -> None:
    assert Combination.parsed(text) is None


def test_without_pynput_or_permission_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynput", None)
    assert "does not let Sidetone hear keys" in PynputListener({}, print).start()
    fake = ModuleType("pynput")
    mute = SimpleNamespace(start=lambda: None, wait=lambda: None, stop=lambda: None, IS_TRUSTED=False)
    fake.keyboard = SimpleNamespace(Listener=lambda **_: mute)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pynput", fake)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "Accessibility" in PynputListener({}, print).start()
    mute.IS_TRUSTED = True
    assert PynputListener({}, print).start() == ""


def test_only_the_whole_combination_counts_and_once_however_long_it_is_held() -> None:
    told: list[tuple[str, bool]] = []
    listener: Any = PynputListener(
        {Combination(frozenset({"ctrl", "shift"}), "m"): "cough"}, lambda *change: told.append(change)
    )
    ctrl, shift, altgr = (SimpleNamespace(name=name) for name in ("ctrl_l", "shift_r", "alt_gr"))
    small, capital = SimpleNamespace(char="m"), SimpleNamespace(char="M")
    for key in (ctrl, small):
        listener._press(key)
    listener._press(shift)
    listener._press(capital)  # It only repeats: it went down without Shift.
    listener._release(capital)
    for key in (altgr, capital):
        listener._press(key)
        listener._release(key)
    assert told == [("cough", True), ("cough", False)]
    listener._press(altgr)
    listener._press(capital)
    listener._release(capital)
    assert len(told) == 2
    listener._release(altgr)
    for key in (capital, capital):
        listener._press(key)
    listener._release(shift)
    listener._release(small)
    assert told[2:] == [("cough", True), ("cough", False)]
