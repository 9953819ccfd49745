"""An engine that is a microphone and nothing else, for services that listen to it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import CanaryConfig, ServicesConfig, ServicesSnapshot, SetService, TapChunk, TapPoint
from engine.commands import ConcludeCanary

SECOND = 48_000


class Microphone:
    """An engine with nothing but a tap: a second of sound with every question, and what was sent to it."""

    def __init__(self, sound: NDArray[np.float32], config: CanaryConfig, is_over: threading.Event) -> None:
        self._sound = sound
        self._is_over = is_over
        self.config = ServicesConfig(canary=config)
        self.sent: list[Any] = []

    @property
    def services(self) -> ServicesSnapshot:
        return ServicesSnapshot(config=self.config)

    def snapshot(self) -> Microphone:
        return self

    def tap(self, point: TapPoint, run: int, after_frame: int) -> TapChunk:
        assert point is TapPoint.INPUT
        return TapChunk(1, after_frame, self._sound[after_frame : after_frame + SECOND].tobytes())

    def send(self, command: Any) -> None:
        self.sent.append(command)
        if isinstance(command, SetService):
            self.config = self.config.with_part(command.config)
        if isinstance(command, ConcludeCanary):
            self._is_over.set()
