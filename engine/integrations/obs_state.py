"""What OBS is doing: scene, stream, recording, dropped frames. Service thread; every call asks OBS."""

from __future__ import annotations

import time
from typing import NamedTuple

from engine.integrations.obs_connection import ObsConnection
from engine.services.obs import ObsOutputs


class Scenes(NamedTuple):
    """The scene on air, and all of them as they stand in OBS from top to bottom."""

    current: str
    names: tuple[str, ...]


def read_version(obs: ObsConnection) -> str:
    """OBS's version."""
    return str(obs.ask("GetVersion")["obsVersion"])


def read_collection(obs: ObsConnection) -> str:
    """Name of the scene collection that is loaded."""
    return str(obs.ask("GetSceneCollectionList")["currentSceneCollectionName"])


def read_scenes(obs: ObsConnection) -> Scenes:
    """The scenes, and which is on air."""
    answer = obs.ask("GetSceneList")
    # OBS lists them from the bottom up.
    names = tuple(str(scene["sceneName"]) for scene in reversed(answer["scenes"]))
    return Scenes(str(answer["currentProgramSceneName"] or ""), names)


def read_outputs(obs: ObsConnection, before: ObsOutputs | None = None) -> ObsOutputs:
    """Stream and recording; what came out at the last look tells since when they are so."""
    stream, stats = obs.ask("GetStreamStatus"), obs.ask("GetStats")
    record, looked_s = obs.ask("GetRecordStatus"), time.time()
    if before is None:
        since_s = looked_s - record["outputDuration"] / 1000.0
    elif (before.is_recording, before.is_paused) == (record["outputActive"], record["outputPaused"]):
        since_s = before.record_since_s
    else:
        since_s = (before.looked_s + looked_s) / 2
    return ObsOutputs(
        is_streaming=bool(stream["outputActive"]),
        is_reconnecting=bool(stream["outputReconnecting"]),
        is_recording=bool(record["outputActive"]),
        is_paused=bool(record["outputPaused"]),
        stream_s=stream["outputDuration"] / 1000.0,
        record_s=record["outputDuration"] / 1000.0,
        looked_s=looked_s,
        record_since_s=since_s,
        dropped_frames=int(stream["outputSkippedFrames"]),
        stream_frames=int(stream["outputTotalFrames"]),
        late_frames=int(stats["renderSkippedFrames"]),
        rendered_frames=int(stats["renderTotalFrames"]),
    )
