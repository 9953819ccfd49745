"""How a device takes the place of another while sound goes through: started, found alive, and gone over to between two hops."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Generic, TypeVar

import numpy as np

from engine.core.landing import Landing
from engine.core.stage import Block
from engine.errors import DeviceError
from engine.io.devices import Direction
from engine.io.ports import Port

_ALIVE_S = 0.4
_TAKEN_S = 0.5
_LOOK_S = 0.001
_FADE_FRAMES = 240

E = TypeVar("E")


def start_alive(port: Port) -> None:
    """Start a device and wait until it delivers. Control thread.

    Raises
    ------
    engine.errors.DeviceError
        If it delivers nothing; it is closed then.
    """
    try:
        port.start()
        give_up_at_s = monotonic() + _ALIVE_S
        while port.device_frames == 0:
            if port.lost or monotonic() > give_up_at_s:
                raise DeviceError(port.lost or "the device delivers nothing; plug it in again or choose another one")
            sleep(_LOOK_S)
    except BaseException:
        port.close()
        raise


class Joint:
    """Lets another microphone come in where the one before broke off, without a click. DSP thread."""

    def __init__(self, channels: int, hop_frames: int) -> None:
        self._landing = Landing(channels)
        self._silence: Block = np.zeros((channels, hop_frames), np.float32)
        self._fade = np.linspace(0.0, 1.0, min(_FADE_FRAMES, hop_frames), dtype=np.float32)
        self._is_fresh = False

    def begin(self) -> None:
        """Tell that the next hop is another microphone's."""
        self._is_fresh = True

    def process(self, hop: Block) -> None:
        """Change a hop in place, shape (channels, hop_frames), where it has to be."""
        if self._is_fresh:
            self._is_fresh = False
            hop[:, : self._fade.size] *= self._fade
            self._landing.begin()
        self._landing.cross(hop)
        self._landing.keep(hop, self._silence)


class HandOver(Generic[E]):
    """One end at a time that is to take another's place: offered by the control thread, taken by the DSP thread."""

    def __init__(self) -> None:
        self._offered: list[tuple[Direction, E]] = []

    def offer(self, direction: Direction, end: E) -> None:
        """Wait until the end is taken, or long enough to know that the DSP thread stands still. Control thread."""
        self._offered = [(direction, end)]
        give_up_at_s = monotonic() + _TAKEN_S
        while self._offered and monotonic() < give_up_at_s:
            sleep(_LOOK_S)

    def take(self) -> list[tuple[Direction, E]]:
        """What is offered, mostly nothing. DSP thread, between two hops."""
        if not self._offered:
            return self._offered
        offered, self._offered = self._offered, []
        return offered
