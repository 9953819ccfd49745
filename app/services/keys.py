"""The service behind system-wide keys: what is pressed while another program is in front becomes a command to the engine."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from time import monotonic

from app.key_actions import KeyAction, key_actions
from app.services.key_listener import Combination, KeyListener, PynputListener, obstacle
from engine import ConnectionLostError, EngineApi, KeysConfig, KeysStatus, SidetoneError
from engine.commands import ReportService

_LOOK_INTERVAL_S = 0.5
_log = logging.getLogger("sidetone.services")

MakeListener = Callable[[Mapping[Combination, str], Callable[[str, bool], None]], KeyListener]


class KeysService:
    """Implements `Service`.

    Parameters
    ----------
    make_listener : callable
        Makes what hears the keys.
    platform : str
        As `sys.platform` says it.
    environment : mapping
        The variables of the session.
    """

    name = "keys"

    def __init__(
        self,
        make_listener: MakeListener = PynputListener,
        platform: str = sys.platform,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._make_listener = make_listener
        self._obstacle = obstacle(platform, environment)

    def run(self, engine: EngineApi, is_over: threading.Event) -> None:
        """Listen while it is switched on. Service thread; what is pressed arrives by a queue."""
        while not is_over.is_set():
            config = engine.snapshot().services.config.keys
            if config.is_on:
                self._listen(config, engine, is_over)
            else:
                engine.send(ReportService(KeysStatus()))
                is_over.wait(_LOOK_INTERVAL_S)

    def _listen(self, config: KeysConfig, engine: EngineApi, is_over: threading.Event) -> None:
        """Listen until the settings change."""
        actions = {action.id: action for action in key_actions(engine.describe().stages)}
        combinations, faults = _combinations(config, actions)
        pressed: queue.SimpleQueue[tuple[str, bool]] = queue.SimpleQueue()
        listener = self._make_listener(combinations, lambda action, is_down: pressed.put((action, is_down)))
        problem = self._obstacle or listener.start()
        status = KeysStatus(" ".join([problem] if problem else faults), is_listening=not problem)
        held: set[str] = set()
        try:
            look_at_s = 0.0
            while not is_over.is_set():
                if monotonic() >= look_at_s:
                    look_at_s = monotonic() + _LOOK_INTERVAL_S
                    engine.send(ReportService(status))
                    if engine.snapshot().services.config.keys != config:
                        return
                try:
                    action_id, is_down = pressed.get(timeout=_LOOK_INTERVAL_S / 2)
                except queue.Empty:
                    continue
                (held.add if is_down else held.discard)(action_id)
                _act(actions[action_id], is_down, engine)
        finally:
            # Nobody will hear it being let go.
            for action_id in held:
                _act(actions[action_id], False, engine)
            listener.close()


def _combinations(config: KeysConfig, actions: Mapping[str, KeyAction]) -> tuple[dict[Combination, str], list[str]]:
    """What each combination does, and what is wrong with the settings, a sentence each."""
    combinations: dict[Combination, str] = {}
    faults = [f"There is nothing called {name!r} that a key can do." for name in config.keys if name not in actions]
    for action in actions.values():
        text = config.keys.get(action.id, action.system_keys)
        if not text:
            continue
        combination = Combination.parsed(text)
        if combination is None:
            faults.append(f"{text!r} is no combination of keys; write it like Ctrl+Alt+Shift+M or Ctrl+Shift+F9.")
        elif combination in combinations:
            faults.append(f"{text} is there twice; it does only the first.")
        else:
            combinations[combination] = action.id
    return combinations, faults


def _act(action: KeyAction, is_down: bool, engine: EngineApi) -> None:
    try:
        if action.held is not None:
            engine.send(action.held(is_down))
        elif is_down and (command := action.command(engine.snapshot())) is not None:
            engine.send(command)
    except ConnectionLostError:
        raise
    except SidetoneError as refusal:
        _log.info("the key for %r does nothing now: %s", action.id, refusal)
