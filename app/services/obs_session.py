"""What is done with OBS while one connection lasts: sound and picture in step, captions, and what OBS says of itself."""

from __future__ import annotations

from collections.abc import Callable

from engine import CaptionsStatus, ObsConfig, ObsInput, ObsLink, ObsOutputs, ObsStatus
from engine.integrations.obs_captions import Fading, StreamCaptions, TextSource, spoken
from engine.integrations.obs_connection import ObsConnection
from engine.integrations.obs_inputs import InputFinder, read_choices
from engine.integrations.obs_ledger import ObsLedger
from engine.integrations.obs_state import read_collection, read_outputs, read_scenes, read_version
from engine.integrations.obs_sync import PictureDelay, SyncOffsets, plan_sync
from engine.snapshot import Snapshot

_SYNC_INTERVAL_S = 1.0
_SEARCH_INTERVAL_S = 2.0


class ObsSession:
    """Follows OBS and leads it where it shall be led. Service thread; every call asks OBS.

    Parameters
    ----------
    obs : ObsConnection
    ledger : ObsLedger
    tell : callable
        Told in a sentence whatever is changed in OBS.
    """

    def __init__(self, obs: ObsConnection, ledger: ObsLedger, tell: Callable[[str], None]) -> None:
        self._obs = obs
        self._ledger = ledger
        self._tell = tell
        self._version = read_version(obs)
        self._scenes = read_scenes(obs)
        self._choices = read_choices(obs, self._scenes.names)
        self._outputs: ObsOutputs | None = None
        self._finder = InputFinder(obs)
        self._fading = Fading()
        self._stream_captions = StreamCaptions(obs)
        self._captures: tuple[str, ...] = ()
        self._inputs: tuple[ObsInput, ...] = ()
        self._render_delay_ms = 0
        self._text = ""
        self._next_sync_s = self._next_search_s = float("-inf")
        self._open_collection(read_collection(obs))

    def follow(self, config: ObsConfig, snapshot: Snapshot, latency_ms: float | None, now_s: float) -> ObsStatus:
        """Do what is to be done now, and tell how things are.

        Parameters
        ----------
        latency_ms : float or None
            The delay of the sound that counts; None if it is not measured.
        """
        self._scenes = read_scenes(self._obs)
        # At each look: captions are to know of a recording before its first sentence is over.
        outputs = self._outputs = read_outputs(self._obs, self._outputs)
        if now_s >= self._next_sync_s:
            self._next_sync_s = now_s + _SYNC_INTERVAL_S
            self._follow_collection()
            self._search(snapshot.devices.virtual_microphone, now_s)
            self._text = self._synchronize(config, latency_ms)
        return ObsStatus(
            link=ObsLink.CONNECTED,
            text=self._text or self._lacking(config, snapshot, latency_ms),
            version=self._version,
            scene=self._scenes.current,
            inputs=self._inputs,
            render_delay_ms=self._render_delay_ms,
            captions=self._caption(config, snapshot.services.captions, now_s),
            outputs=outputs,
            choices=self._choices,
        )

    def release(self) -> None:
        """Leave OBS as it was before."""
        self._offsets.release()
        self._delay.release()
        self._text_source.release()

    def _open_collection(self, collection: str) -> None:
        self._collection = collection
        self._offsets = SyncOffsets(self._obs, self._ledger, collection, self._tell)
        self._delay = PictureDelay(self._obs, self._ledger, collection, self._tell)
        self._text_source = TextSource(self._obs, self._ledger, collection)

    def _follow_collection(self) -> None:
        collection = read_collection(self._obs)
        if collection != self._collection:
            self._open_collection(collection)
            self._next_search_s = float("-inf")

    def _search(self, microphone: str, now_s: float) -> None:
        if now_s >= self._next_search_s:
            self._next_search_s = now_s + _SEARCH_INTERVAL_S
            self._captures = self._finder.find(microphone)
            self._choices = read_choices(self._obs, self._scenes.names)

    def _synchronize(self, config: ObsConfig, latency_ms: float | None) -> str:
        """Write, read back and repair the offsets; returns what is still out of step, in a sentence."""
        names = self._wanted_inputs(config) if config.is_synced else ()
        self._offsets.release(kept=names)
        missing_ms = 0
        if not names:
            self._delay.release()
            self._render_delay_ms = 0
        elif latency_ms is not None:
            plan = plan_sync(
                latency_ms, config.picture_delay_ms, config.lowest_offset_ms, self._has_source(config.delayed_source)
            )
            for name in names:
                self._offsets.hold(name, plan.offset_ms)
            self._delay.hold(config.delayed_source, plan.render_delay_ms)
            self._render_delay_ms, missing_ms = plan.render_delay_ms, plan.missing_ms
        self._inputs = tuple(ObsInput(name, self._offsets.read(name)) for name in names)
        return (
            f"the sound stays {missing_ms} ms behind the picture; choose a video source to delay" if missing_ms else ""
        )

    def _wanted_inputs(self, config: ObsConfig) -> tuple[str, ...]:
        if not config.input:
            return self._captures
        return (config.input,) if config.input in self._choices.audio_inputs else ()

    def _has_source(self, name: str) -> bool:
        return name in self._choices.video_sources

    def _lacking(self, config: ObsConfig, snapshot: Snapshot, latency_ms: float | None) -> str:
        microphone = snapshot.devices.virtual_microphone
        if not config.is_synced:
            return ""
        if config.input and not self._inputs:
            return f"there is no input “{config.input}” in OBS now"
        if not microphone and not config.input:
            return "no virtual microphone is in use, so there is nothing to keep in sync"
        if not self._inputs:
            return f"no input in OBS captures “{microphone}”; add an audio input capture of it"
        if latency_ms is None:
            return "the delay is not measured yet, so no sync offset is written; it is measured while you speak"
        return ""

    def _caption(self, config: ObsConfig, captions: CaptionsStatus | None, now_s: float) -> str:
        lines = self._fading.shown(captions.lines if captions is not None else (), now_s)
        ways = []
        if config.text_source:
            ways.append(self._text_source.show(config.text_source, spoken(lines, with_tentative=True), now_s))
        else:
            self._text_source.release()
        if config.sends_stream_captions:
            ways.append(self._stream_captions.send(spoken(lines), now_s))
        return "; ".join(ways)
