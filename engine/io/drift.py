"""Holding two clocks together: where a device is right now, and how to bend the ratio so that the delay stays put.

A device moves its counters a whole block at a time, so a ring's level read at a random moment is off by up to a
block, and with two clocks that error becomes a slow beat that no smoothing removes. `ClockTracker` turns the
staircase into a line; `DriftCorrector` is then a calm PI controller on a reading without noise. DSP thread; nothing
here waits.

Source: F. Adriaensen, "Using a DLL to filter time", Linux Audio Conference 2005, for the tracker.
"""

from __future__ import annotations

import math

_TRACK_FAST, _TRACK_SLOW, _TRACK_SETTLE_S = 0.1, 0.001, 40.0
_TRACK_LOST_S = 1.5e-3
_CORRECT_FAST, _CORRECT_SLOW, _CORRECT_SETTLE_S = 0.6, 0.05, 40.0
_CALM_S = 0.5e-3
_HURRY = 0.5
_SETTLED_S = 30.0
MAX_CORRECTION = 0.005
"""Most that the ratio is bent: half a percent, nine cents."""


class ClockTracker:
    """Position of a device between its callbacks.

    Parameters
    ----------
    rate_hz : float
        Nominal rate of the device.
    """

    def __init__(self, rate_hz: float) -> None:
        self._nominal_period_s = 1.0 / rate_hz
        self._period_s = self._nominal_period_s
        self._seen_frames = 0
        self._seen_at_s = 0.0
        self._looked_at_s = 0.0
        self._settle_from_s = 0.0
        self._off_s = 0.0
        self._is_running = False

    @property
    def is_running(self) -> bool:
        """Whether the device has moved since the first look."""
        return self._is_running

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
        if not self._is_running or abs(error_s) > max(0.05, 2 * moved * self._nominal_period_s):
            self._is_running = True
            self._seen_at_s = self._settle_from_s = latest_s
            self._period_s = self._nominal_period_s
            return
        # A device that moved its callbacks for good is followed quickly; lateness that comes and goes is not.
        self._off_s += 0.1 * (error_s - self._off_s)
        if abs(self._off_s) > _TRACK_LOST_S:
            self._settle_from_s = now_s
        omega = _glide(now_s - self._settle_from_s, _TRACK_FAST, _TRACK_SLOW, _TRACK_SETTLE_S)
        self._seen_at_s = expected_s + math.sqrt(2.0) * omega * error_s
        self._period_s += omega * omega * error_s / moved
        off = MAX_CORRECTION * self._nominal_period_s
        self._period_s = min(max(self._period_s, self._nominal_period_s - off), self._nominal_period_s + off)

    def ahead_frames(self, now_s: float) -> float:
        """Frames that the device has moved since the counter that was seen last, as if it moved one at a time."""
        if not self._is_running:
            return 0.0
        return (now_s - self._seen_at_s) / self._period_s


class DriftCorrector:
    """PI controller from the frames under way to the speed at which they are taken.

    Its natural frequency glides from 0.6 to 0.05 rad/s, critically damped, so it finds a clock error of 300 ppm within
    seconds and is then far below anything that could be heard. An error above half a millisecond, as a stall leaves it,
    is worked off faster, with the learnt clock error untouched.

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
        error_s = (under_way_frames - self.target_frames) / self._rate_hz
        omega = _glide(self._ran_s, _CORRECT_FAST, _CORRECT_SLOW, _CORRECT_SETTLE_S)
        self._ran_s += elapsed_s
        wanted = self._integral + 2.0 * omega * error_s
        wanted += _HURRY * (max(error_s - _CALM_S, 0.0) + min(error_s + _CALM_S, 0.0))
        if abs(wanted) < MAX_CORRECTION:
            self._integral += omega * omega * error_s * elapsed_s
        self._speed = 1.0 + min(max(wanted, -MAX_CORRECTION), MAX_CORRECTION)
        return self._speed

    def realigned(self) -> None:
        """Tell that the frames under way were just brought to the target by other means; what was learnt stays."""
        self._speed = 1.0 + self._integral


def _glide(elapsed_s: float, fast: float, slow: float, settle_s: float) -> float:
    """Geometric way from `fast` to `slow` within `settle_s`, staying fast for the first quarter."""
    part = min(max((elapsed_s / settle_s - 0.25) / 0.75, 0.0), 1.0)
    return fast * math.pow(slow / fast, part)
