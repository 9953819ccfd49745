"""A loudspeaker and a microphone in one room, on the simulated device: what is played is heard, with the room and its noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from engine.core.stage import Block
from engine.io.simulated import SimulatedBackend, Simulation
from engine.io.simulated_ports import SimulatedDevice
from engine.io.simulated_sound import FunctionSource


class RoomLoop:
    """Sink and source of one simulated backend. Both run in the order of their callbacks, each at the pace of its clock.

    Parameters
    ----------
    impulse : array
        The room, shape (frames,).
    gain : float
        Of the microphone.
    noise : float
        RMS of the noise in the room, at the microphone.
    ppm : float
        How much faster the microphone's clock runs than the loudspeaker's.
    delay_frames : int
        From the loudspeaker to the microphone, the blocks of both included.
    """

    channels = 1

    def __init__(
        self,
        impulse: NDArray[np.float64],
        gain: float = 1.0,
        noise: float = 0.0,
        ppm: float = 0.0,
        delay_frames: int = 2400,
    ) -> None:
        self._impulse = impulse
        self._gain = gain
        self._noise = noise
        self._rng = np.random.default_rng(3)
        self._step = 1.0 - ppm * 1e-6
        self._state = np.zeros(impulse.size - 1)
        self._heard = np.zeros(0)
        self._dropped = 0
        self._position = -float(delay_frames)

    def write(self, block: Block) -> None:
        """Play a block into the room."""
        played = block.mean(axis=0).astype(np.float64)
        # Overlap-add, block by block.
        whole = signal.oaconvolve(played, self._impulse)
        whole[: self._state.size] += self._state[: whole.size]
        self._heard = np.append(self._heard, whole[: played.size])
        self._state = whole[played.size :]
        if self._heard.size > 200_000:
            drop = self._heard.size - 100_000
            self._heard, self._dropped = self._heard[drop:], self._dropped + drop

    def read(self, out: Block) -> int:
        """Hear the next block."""
        places = self._position + self._step * np.arange(out.shape[1])
        self._position += self._step * out.shape[1]
        first = int(np.floor(places[0])) - 32
        indices = np.arange(first, int(np.floor(places[-1])) + 33) - self._dropped
        inside = (indices >= 0) & (indices < self._heard.size)
        known = np.zeros(indices.size)
        known[inside] = self._heard[indices[inside]]
        # A windowed sinc for each sample: exact enough to leave nothing of its own at -80 dB.
        whole = np.floor(places).astype(int)
        offsets = np.arange(-31, 33)
        distance = (places - whole)[:, None] - offsets
        taps = np.sinc(distance) * np.cos(np.pi * distance / 66) ** 2
        out[0] = self._gain * np.sum(known[(whole - first)[:, None] + offsets] * taps, axis=1)
        out[0] += self._noise * self._rng.standard_normal(out.shape[1])
        return int(out.shape[1])

    def close(self) -> None:
        """Nothing is held."""


def room_backend(loop: RoomLoop, ppm: float = 0.0) -> SimulatedBackend:
    """A simulated studio around `loop`, as fast as it goes; the microphone's clock is off by `ppm`."""
    simulation = Simulation(microphone=SimulatedDevice(clock_error_ppm=ppm), is_real_time=False)
    return SimulatedBackend(simulation, lambda: loop, loop)


def talking_backend(recording: NDArray[np.float64]) -> SimulatedBackend:
    """A simulated microphone that hears `recording`, shape (frames,), over and over, as fast as it goes."""

    def speak(first_frame: int, out: Block) -> None:
        out[:] = np.take(recording, np.arange(first_frame, first_frame + out.shape[1]), mode="wrap")

    return SimulatedBackend(Simulation(is_real_time=False), lambda: FunctionSource(speak))
