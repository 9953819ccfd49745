"""Simulated time, and the callbacks that are due in it."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Scheduled(Protocol):
    """Something that is due again and again."""

    @property
    def next_s(self) -> float:
        """When, on the clock's own time."""
        ...

    def run_callback(self, at_s: float) -> None:
        """Do it; `at_s` counts from the start of the simulation."""
        ...


class SimulatedClock:
    """Time, and the callbacks that are due in it.

    In real time it is `time.perf_counter`; otherwise it starts at 0 and moves only in `wait` and `work`.
    """

    def __init__(self, is_real_time: bool) -> None:
        self._is_real_time = is_real_time
        self._began_s = time.perf_counter() if is_real_time else 0.0
        self._now_s = self._began_s
        self._ports: list[Scheduled] = []
        # A device that is opened while others run is added by another thread than the one that lets time pass.
        self._lock = threading.RLock()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the simulation was made; faults are scheduled by it."""
        return self.now_s() - self._began_s

    def add(self, port: Scheduled) -> None:
        """Let a port's callbacks happen from now on."""
        with self._lock:
            self._ports.append(port)

    def remove(self, port: Scheduled) -> None:
        """Let no more of them happen."""
        with self._lock:
            if port in self._ports:
                self._ports.remove(port)

    def now_s(self) -> float:
        """Seconds now; everything due by now has happened when it returns."""
        if self._is_real_time:
            self._advance(time.perf_counter())
        return self._now_s

    def wait(self, expected_s: float, most_s: float) -> None:
        """Let time pass up to the next callback, at most `most_s`."""
        with self._lock:
            next_s = min((port.next_s for port in self._ports), default=self._now_s + most_s)
        until_s = min(next_s, self._now_s + most_s)
        if not self._is_real_time:
            self._advance(until_s)
            return
        if (ahead_s := until_s - time.perf_counter()) > 0:
            time.sleep(ahead_s)
        self._advance(time.perf_counter())

    def work(self, seconds: float) -> None:
        """Let time pass as if the DSP thread had been busy; only without real time."""
        self._advance(self._now_s + seconds)

    def _advance(self, to_s: float) -> None:
        with self._lock:
            while self._ports:
                port = self._ports[0] if len(self._ports) == 1 else min(self._ports, key=_next_s)
                if port.next_s > to_s:
                    break
                self._now_s = max(self._now_s, port.next_s)
                port.run_callback(port.next_s - self._began_s)
            self._now_s = max(self._now_s, to_s)


def _next_s(port: Scheduled) -> float:
    return port.next_s
