"""Holding two clocks together: where a device is right now, and how to bend the ratio so that the delay stays put.

A device moves its counters a whole block at a time, so a ring's level read at a random moment is off by up to a
block, and with two clocks that error becomes a slow beat that no smoothing removes. `ClockTracker` turns the
staircase into a line; `DriftCorrector` is then a calm PI controller on a reading without noise. DSP thread; nothing
here waits.

Source: F. Adriaensen, "Using a DLL to filter time", Linux Audio Conference 2005, for the tracker.
"""

from __future__ import annotations

import math

from engine.io.ports import Port

_TRACK_FAST, _TRACK_SLOW, _TRACK_SETTLE_S = 0.1, 0.001, 40.0
_TRACK_LOST_S = 1.5e-3
_CORRECT_FAST, _CORRECT_SLOW, _CORRECT_SETTLE_S = 0.25, 0.05, 30.0
_SWING_S = 3.0
_CALM_S = 0.5e-3
_HURRY = 0.5
_SETTLED_S = 30.0
MAX_CORRECTION = 0.005
"""Most that the ratio is bent: half a percent, nine cents."""


class RecentPeak:
    """The largest value of the last few seconds: of one whole window and what has begun of the next."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._ends_s = 0.0
        self._before = 0.0
        self._now = 0.0

    @property
    def value(self) -> float:
        """The peak; 0 if there was nothing above it."""
        return max(self._before, self._now)

    def note(self, value: float, now_s: float) -> None:
        """Take a value in."""
        if now_s >= self._ends_s:
            self._before = self._now if now_s < self._ends_s + self._window_s else 0.0
            self._now = 0.0
            self._ends_s = now_s + self._window_s
        self._now = max(self._now, value)


class ClockTracker:
    """Position of a device between its callbacks.

    Parameters
    ----------
    rate_hz : float
        Nominal rate of the device.
    settle_s : float
        For so long after its first callback a device is not yet believed: outputs fill their buffers in a rush.
    """

    def __init__(self, rate_hz: float, settle_s: float = 0.0) -> None:
        self._start_up_s = settle_s
        self._nominal_period_s = 1.0 / rate_hz
        self._period_s = self._nominal_period_s
        self._seen_frames = 0
        self._seen_at_s = 0.0
        self._looked_at_s = 0.0
        self._settle_from_s = 0.0
        self._running_from_s = 0.0
        self._off_s = 0.0
        self._early = RecentPeak(_SWING_S)
        self._late = RecentPeak(_SWING_S)
        self._is_running = False

    @property
    def early_frames(self) -> float:
        """How far the device has lately been ahead of its own mean pace, as when it moves two blocks at once."""
        return self._early.value / self._period_s

    @property
    def late_frames(self) -> float:
        """How far the device has lately been behind its own mean pace."""
        return self._late.value / self._period_s

    def ran_s(self, now_s: float) -> float:
        """Seconds since the device was first seen to move; below 0 before that."""
        return now_s - self._running_from_s if self._is_running else -1.0

    def observe(self, device_frames: int, now_s: float, happened_at_s: float | None = None) -> None:
        """Note the device's frame counter.

        Parameters
        ----------
        device_frames : int
            Frames that the device has moved since it started, dropped ones too.
        now_s : float
            When the counter was read.
        happened_at_s : float or None
            When the last callback ran, if that is known; otherwise it was some time since the last call.
        """
        earliest_s = self._looked_at_s if happened_at_s is None else happened_at_s
        latest_s = now_s if happened_at_s is None else happened_at_s
        self._looked_at_s = now_s
        moved = device_frames - self._seen_frames
        if moved <= 0:
            return
        expected_s = self._seen_at_s + moved * self._period_s
        error_s = min(latest_s - expected_s, 0.0) + max(earliest_s - expected_s, 0.0)
        self._seen_frames = device_frames
        if not self._is_running:
            self._running_from_s = latest_s
        if self.ran_s(now_s) <= self._start_up_s or abs(error_s) > max(0.05, 2 * moved * self._nominal_period_s):
            self._is_running = True
            self._seen_at_s = self._settle_from_s = latest_s
            self._period_s = self._nominal_period_s
            return
        self._early.note(-error_s, now_s)
        self._late.note(error_s, now_s)
        # A device that moved its callbacks for good is followed quickly; lateness that comes and goes is not.
        self._off_s += 0.1 * (error_s - self._off_s)
        if abs(self._off_s) > _TRACK_LOST_S:
            self._settle_from_s = now_s
        omega = _glide(now_s - self._settle_from_s, _TRACK_FAST, _TRACK_SLOW, _TRACK_SETTLE_S)
        self._seen_at_s = expected_s + math.sqrt(2.0) * omega * error_s
        self._period_s += omega * omega * error_s / moved
        off = MAX_CORRECTION * self._nominal_period_s
        self._period_s = min(max(self._period_s, self._nominal_period_s - off), self._nominal_period_s + off)

    def position_frames(self, now_s: float) -> float:
        """The device's frame counter as it would be now if it moved one frame at a time."""
        if not self._is_running:
            return float(self._seen_frames)
        return self._seen_frames + (now_s - self._seen_at_s) / self._period_s


def steady_level(port: Port, clock: ClockTracker, now_s: float) -> float:
    """Level of a port's ring as it would be if the device moved one frame at a time.

    A device that stopped is not believed to run on for more than two blocks.
    """
    while True:
        moved = port.device_frames
        level = port.level_frames
        if port.device_frames == moved:
            break
    ahead = clock.position_frames(now_s) - moved
    ahead = min(max(ahead, -2.0 * port.block_frames), 2.0 * port.block_frames)
    return level + ahead if port.fills else level - ahead


class DriftCorrector:
    """PI controller from the frames under way to the speed at which they are taken.

    Its natural frequency glides from 0.25 to 0.05 rad/s, critically damped, so it finds a clock error of 300 ppm within
    seconds and is then far below anything that could be heard. Where more than half a millisecond is missing, an underflow
    is near, and the lack is worked off faster, with the learnt clock error untouched. What is too much is nobody's hurry: if
    it is a lot, it is skipped (`Speaker`), not played faster.

    Parameters
    ----------
    target_frames : float
        Frames under way that shall be kept, at 48 kHz.
    rate_hz : float
        Rate of those frames.
    """

    def __init__(self, target_frames: float, rate_hz: float) -> None:
        self.target_frames = target_frames
        self._rate_hz = rate_hz
        self._integral = 0.0
        self._speed = 1.0
        self._ran_s = 0.0

    @property
    def drift_ppm(self) -> float | None:
        """How much faster the output's clock runs than the input's; None for the first 30 s."""
        return None if self._ran_s < _SETTLED_S else -self._integral * 1e6

    @property
    def speed(self) -> float:
        """Input frames taken per nominal output frame, around 1."""
        return self._speed

    def update(self, under_way_frames: float, elapsed_s: float) -> float:
        """Return the new `speed` after `elapsed_s` more seconds."""
        error_s = min((under_way_frames - self.target_frames) / self._rate_hz, _CALM_S)
        omega = _glide(self._ran_s, _CORRECT_FAST, _CORRECT_SLOW, _CORRECT_SETTLE_S)
        self._ran_s += elapsed_s
        wanted = self._integral + 2.0 * omega * error_s
        wanted += _HURRY * min(error_s + _CALM_S, 0.0)
        if abs(wanted) < MAX_CORRECTION:
            # A large error is a stall's, not the clock's: it may teach only a little.
            self._integral += omega * omega * max(error_s, -_CALM_S) * elapsed_s
        self._speed = 1.0 + min(max(wanted, -MAX_CORRECTION), MAX_CORRECTION)
        return self._speed

    def restart(self) -> None:
        """Learn quickly again, because one of the clocks is another; what was learnt is where it begins."""
        self._ran_s = 0.0

    def realigned(self) -> None:
        """Tell that the frames under way were just brought to the target by other means; what was learnt stays."""
        self._speed = 1.0 + self._integral


def _glide(elapsed_s: float, fast: float, slow: float, settle_s: float) -> float:
    """Geometric way from `fast` to `slow` within `settle_s`, staying fast for the first quarter."""
    part = min(max((elapsed_s / settle_s - 0.25) / 0.75, 0.0), 1.0)
    return fast * math.pow(slow / fast, part)
