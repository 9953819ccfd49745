"""Picture and sound of OBS in step: the measured delay of the sound becomes a sync offset, or a delay of the picture.

The sound of the virtual microphone is late by the delay from device to device, and OBS cannot know that. A *negative* sync
offset makes OBS take the sound for earlier than it came. Below −950 ms OBS does not go; what is missing then, or what the
user does not want there, delays the picture by a Render Delay filter of at most 500 ms.

Source: obs-websocket 5, SetInputAudioSyncOffset (−950 to 20000 ms); obs-filters, gpu-delay.c (0 to 500 ms).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from engine.errors import ObsError
from engine.integrations.obs_connection import RESOURCE_NOT_FOUND, ObsConnection, ObsRefusalError
from engine.integrations.obs_ledger import LedgerPage, ObsLedger, WrittenOffset
from engine.services.obs import LOWEST_OFFSET_MS

HIGHEST_OFFSET_MS = 20_000
LONGEST_RENDER_DELAY_MS = 500
FILTER_NAME = "Sidetone delay"
_FILTER_KIND = "gpu_delay"
_CHANGE_MS, _CHANGE_S = 5.0, 3.0


class SyncPlan(NamedTuple):
    """What brings sound and picture together; `missing_ms` is how late the sound stays nevertheless."""

    offset_ms: int
    render_delay_ms: int
    missing_ms: int


def plan_sync(
    latency_ms: float, picture_delay_ms: float = 0.0, lowest_offset_ms: int = LOWEST_OFFSET_MS, has_source: bool = False
) -> SyncPlan:
    """Share out the difference between the delays of sound and picture.

    Parameters
    ----------
    latency_ms : float
        How late the sound is.
    picture_delay_ms : float
        How late the picture is by itself, through its camera.
    lowest_offset_ms : int
        Down to where the offset may go.
    has_source : bool
        Whether there is a video source that may be delayed.
    """
    wanted_ms = round(picture_delay_ms - latency_ms)
    lowest_ms = max(LOWEST_OFFSET_MS, min(0, lowest_offset_ms))
    offset_ms = max(lowest_ms, min(HIGHEST_OFFSET_MS, wanted_ms))
    left_ms = max(0, offset_ms - wanted_ms)
    render_delay_ms = min(left_ms, LONGEST_RENDER_DELAY_MS) if has_source else 0
    return SyncPlan(offset_ms, render_delay_ms, left_ms - render_delay_ms)


class LatencyFollower:
    """Takes over a latency only when it has differed by more than 5 ms for 3 s, so that OBS is not written to for nothing.

    Attributes
    ----------
    latency_ms : float or None
        The one that counts; None until the first has been there for so long.
    """

    def __init__(self) -> None:
        self.latency_ms: float | None = None
        self._differs_since_s: float | None = None

    def follow(self, measured_ms: float | None, now_s: float) -> float | None:
        """Take in what is measured now, None if nothing is, and return the latency that counts."""
        if measured_ms is None:
            self.latency_ms = self._differs_since_s = None
        elif self.latency_ms is not None and abs(measured_ms - self.latency_ms) <= _CHANGE_MS:
            self._differs_since_s = None
        elif self._differs_since_s is None:
            self._differs_since_s = now_s
        elif now_s - self._differs_since_s >= _CHANGE_S:
            self.latency_ms, self._differs_since_s = measured_ms, None
        return self.latency_ms


class SyncOffsets:
    """Holds sync offsets at what they shall be, and puts back what was there before. Service thread.

    Parameters
    ----------
    obs : ObsConnection
    ledger : ObsLedger
    collection : str
        The scene collection that OBS has loaded.
    tell : callable
        Told in a sentence whatever is done.
    """

    def __init__(self, obs: ObsConnection, ledger: ObsLedger, collection: str, tell: Callable[[str], None]) -> None:
        self._obs = obs
        self._ledger = ledger
        self._page = ledger.page(collection)
        self._tell = tell
        self._take_note_of_changes()

    def read(self, name: str) -> int:
        """An input's offset in ms, as OBS has it now."""
        return int(self._obs.ask("GetInputAudioSyncOffset", inputName=name)["inputAudioSyncOffset"])

    def hold(self, name: str, offset_ms: int) -> None:
        """See that an input has this offset; other inputs are not touched."""
        present_ms = self.read(name)
        written = self._page.offsets.get(name)
        if present_ms == offset_ms and (written is None or written.written_ms == offset_ms):
            return
        before_ms = present_ms if written is None else written.before_ms
        self._page.offsets[name] = WrittenOffset(before_ms, offset_ms)
        self._ledger.save()
        self._write(name, offset_ms)
        if written is not None and written.written_ms == offset_ms:
            self._tell(f"the sync offset of “{name}” was {present_ms} ms in OBS and is {offset_ms} ms again")
        else:
            self._tell(f"the sync offset of “{name}” was {present_ms} ms and is {offset_ms} ms now")

    def release(self, kept: Collection[str] = ()) -> None:
        """Put back the offsets of all inputs but `kept`, except where somebody has changed them since."""
        for name, written in list(self._page.offsets.items()):
            if name in kept:
                continue
            if _or_absent(self.read, name) == written.written_ms:
                self._write(name, written.before_ms)
                self._tell(f"the sync offset of “{name}” is {written.before_ms} ms again, as it was before")
            del self._page.offsets[name]
            self._ledger.save()

    def _write(self, name: str, offset_ms: int) -> None:
        self._obs.ask("SetInputAudioSyncOffset", inputName=name, inputAudioSyncOffset=offset_ms)

    def _take_note_of_changes(self) -> None:
        """An offset that somebody set while there was no connection is what is put back later; one that OBS forgot is not."""
        for name, written in list(self._page.offsets.items()):
            present_ms = _or_absent(self.read, name)
            if present_ms is not None and present_ms not in (written.written_ms, written.before_ms, 0):
                self._page.offsets[name] = WrittenOffset(present_ms, written.written_ms)
                self._ledger.save()


class PictureDelay:
    """A Render Delay filter of our own on a video source, and none where none is needed. Service thread.

    Parameters
    ----------
    obs : ObsConnection
    ledger : ObsLedger
    collection : str
    tell : callable
        As for `SyncOffsets`.
    """

    def __init__(self, obs: ObsConnection, ledger: ObsLedger, collection: str, tell: Callable[[str], None]) -> None:
        self._obs = obs
        self._ledger = ledger
        self._page: LedgerPage = ledger.page(collection)
        self._tell = tell

    def hold(self, source: str, delay_ms: int) -> None:
        """See that `source` is delayed by so much, and no other source."""
        wanted = source if delay_ms > 0 else ""
        self._release({wanted})
        if not wanted:
            return
        present = _or_absent(self._read, source)
        if present is None:
            if source not in self._page.delayed:
                self._page.delayed.append(source)
                self._ledger.save()
            self._obs.ask(
                "CreateSourceFilter",
                sourceName=source,
                filterName=FILTER_NAME,
                filterKind=_FILTER_KIND,
                filterSettings={"delay_ms": delay_ms},
            )
            self._tell(f"“{source}” is delayed by {delay_ms} ms")
        elif present != delay_ms:
            self._obs.ask(
                "SetSourceFilterSettings",
                sourceName=source,
                filterName=FILTER_NAME,
                filterSettings={"delay_ms": delay_ms},
            )
            self._tell(f"“{source}” was delayed by {present} ms and is by {delay_ms} ms now")

    def release(self) -> None:
        """Take our filter away wherever it is."""
        self._release(set())

    def _read(self, source: str) -> int:
        answer = self._obs.ask("GetSourceFilter", sourceName=source, filterName=FILTER_NAME)
        return int(answer["filterSettings"].get("delay_ms", 0))

    def _release(self, kept: Collection[str]) -> None:
        for source in [name for name in self._page.delayed if name not in kept]:
            if _or_absent(self._read, source) is not None:
                self._obs.ask("RemoveSourceFilter", sourceName=source, filterName=FILTER_NAME)
                self._tell(f"“{source}” is no longer delayed")
            self._page.delayed.remove(source)
            self._ledger.save()


def _or_absent(read: Callable[[str], int], name: str) -> int | None:
    """What `read` says of `name`; None if OBS has no such thing any more."""
    try:
        return read(name)
    except ObsError as error:
        if isinstance(error, ObsRefusalError) and error.code == RESOURCE_NOT_FOUND:
            return None
        raise
