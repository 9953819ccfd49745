"""Which clock captions in files go by: that of the recording which OBS makes, so that they belong beside its video."""

from __future__ import annotations

from msgspec.structs import replace

from engine.services.captions import CaptionLine, RecordingClock
from engine.services.obs import ObsLink, ObsOutputs, ObsStatus

_BEHIND_S = 3.0
"""What OBS tells of a recording's length is behind by the frames that its encoder holds back, a second or two at most."""


def follow_recording(obs: ObsStatus | None, before: RecordingClock | None) -> RecordingClock | None:
    """The clock of the recording that runs now; None where none does.

    Parameters
    ----------
    obs : ObsStatus or None
        How OBS is now. While it is wanted and does not answer, its recording is taken to go on.
    before : RecordingClock or None
        What came out at the last look.
    """
    if obs is None or obs.link is ObsLink.WAITING:
        return before
    outputs = obs.outputs
    if not outputs.is_recording:
        return None
    if before is None or not _is_same(outputs, before):
        return _found(outputs)
    if outputs.is_paused:
        return before if before.paused_s is not None else replace(before, paused_s=outputs.record_since_s)
    if before.paused_s is not None:
        return replace(before, zero_s=before.zero_s + outputs.record_since_s - before.paused_s, paused_s=None)
    return before


def _found(outputs: ObsOutputs) -> RecordingClock:
    if outputs.is_paused:
        began_s = outputs.record_since_s - outputs.record_s
        return RecordingClock(began_s, began_s, outputs.record_since_s)
    began_s = outputs.looked_s - outputs.record_s
    if abs(outputs.record_since_s - began_s) < _BEHIND_S:
        # It was not paused since, and this is not behind.
        began_s = outputs.record_since_s
    return RecordingClock(began_s, began_s)


def _is_same(outputs: ObsOutputs, before: RecordingClock) -> bool:
    now_s = outputs.looked_s if before.paused_s is None else before.paused_s
    return abs(now_s - before.zero_s - outputs.record_s) < _BEHIND_S


def on_recording(line: CaptionLine, clock: RecordingClock, began_s: float) -> CaptionLine | None:
    """A line with the recording's times; None if nothing of it is in the recording.

    Parameters
    ----------
    line : CaptionLine
    clock : RecordingClock
    began_s : float
        Second 0 of the line's own clock, in seconds since the epoch.
    """
    shift_s = began_s - clock.zero_s
    if clock.paused_s is not None or line.end_s + shift_s <= 0.0:
        return None
    return replace(line, start_s=round(max(0.0, line.start_s + shift_s), 3), end_s=round(line.end_s + shift_s, 3))
