"""Watches a live run from the control side: what state it is in, and what happened to it since the last look."""

from __future__ import annotations

from time import monotonic

from engine.event_log import EventLog
from engine.io.backend import EdgeStats
from engine.live import LiveRun
from engine.snapshot import EngineState, EventKind

INPUT_ENDED = "the input has ended"
_TOLD_EVERY_S = 1.0


class RunWatch:
    """Compares the counters of a live run with what they were, and turns changes into events. Housekeeping thread."""

    def __init__(self, run: LiveRun, events: EventLog) -> None:
        self._run = run
        self._events = events
        self._chain = run.processor.chain
        self._fault_counts = [slot.fault_count for slot in self._chain.slots]
        self._was_faulty = [False] * len(self._chain.slots)
        self._xruns = Losses()
        self._monitor_losses = Losses()
        self._skipped_frames = 0
        self._was_stalled = False
        self._told_priority = False
        self._music_losses = Losses()
        self._is_music_lost = False

    def state(self) -> tuple[EngineState, str]:
        """State of a run that was started and not stopped, with its reason."""
        run = self._run
        # The thread may have ended a moment ago, before anybody looked.
        if not run.worker.is_running:
            return (EngineState.FAILED, run.end_reason) if run.end_reason else (EngineState.STOPPED, INPUT_ENDED)
        if run.stream.lost is not None and run.worker.is_stalled:
            return EngineState.STALLED, run.stream.lost
        if run.worker.is_stalled:
            return EngineState.STALLED, "no sound comes from the microphone"
        faulty = [slot for slot in self._chain.slots if slot.fault]
        if faulty:
            return EngineState.DEGRADED, "; ".join(f"{slot.stage.label} is out: {slot.fault}" for slot in faulty)
        return EngineState.RUNNING, ""

    def report(self) -> None:
        """Add an event for everything that has changed since the last call."""
        self._report_stages()
        self._report_stream()
        worker = self._run.worker
        if worker.hops and not self._told_priority:
            self._told_priority = True
            if worker.priority_refusal:
                self._events.add(
                    EventKind.NOTICE,
                    f"the system does not run the audio in real time ({worker.priority_refusal}); it goes on without",
                )

    def _report_stages(self) -> None:
        for index, slot in enumerate(self._chain.slots):
            for notice in slot.stage.take_notices():
                self._events.add(EventKind.STAGE, f"{slot.stage.label}: {notice}")
            if slot.fault_count != self._fault_counts[index]:
                self._fault_counts[index] = slot.fault_count
                self._was_faulty[index] = True
                reason = slot.fault or "a passing fault"
                self._events.add(EventKind.STAGE, f"{slot.stage.label} was taken out: {reason}")
            elif self._was_faulty[index] and not slot.fault:
                self._was_faulty[index] = False
                self._events.add(EventKind.STAGE, f"{slot.stage.label} is back")

    def _report_stream(self) -> None:
        stats = self._run.stream.stats()
        for what, count, known in (
            ("sound", stats.xruns, self._xruns),
            ("sound in the monitor", stats.monitor_underflows, self._monitor_losses),
            ("music", stats.music_losses, self._music_losses),
        ):
            if times := known.more(count):
                self._events.add(EventKind.XRUN, _interrupted(what, times))
        if stats.skipped_frames > self._skipped_frames:
            skipped_ms = (stats.skipped_frames - self._skipped_frames) / 48.0
            self._events.add(EventKind.NOTICE, f"{skipped_ms:.0f} ms were skipped to bring the delay back down")
            self._skipped_frames = stats.skipped_frames
        self._report_music(stats)
        is_stalled = self._run.worker.is_stalled
        if is_stalled != self._was_stalled:
            self._was_stalled = is_stalled
            self._events.add(
                EventKind.DEVICE, "the microphone delivers nothing" if is_stalled else "the microphone delivers again"
            )

    def _report_music(self, stats: EdgeStats) -> None:
        was_lost, self._is_music_lost = self._is_music_lost, stats.music_lost is not None
        if self._is_music_lost and not was_lost:
            self._events.add(EventKind.DEVICE, f"{stats.music_lost}; the voice goes on without the second input")


class Losses:
    """A count of losses, told of once a second at most: headphones that run dry again and again would fill the log."""

    def __init__(self) -> None:
        self._told = 0
        self._again_at_s = 0.0

    def more(self, count: int) -> int:
        """How many have come since they were told of last; 0 while nothing is to be told."""
        now_s = monotonic()
        if count <= self._told or now_s < self._again_at_s:
            return 0
        self._again_at_s = now_s + _TOLD_EVERY_S
        more, self._told = count - self._told, count
        return more


def _interrupted(what: str, times: int) -> str:
    return f"the {what} was interrupted" + (f" {times} times" if times > 1 else "")
