"""A real OBS under Xvfb that records one microphone, steered through obs-websocket."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tests.rig.processes import Processes, require, start_display, wait_until
from tests.rig.studio import PipeWireStudio

_PASSWORD = "rig-password"
_START_S = 60.0
_GLOBAL = """[General]
FirstRun=true
LastVersion=486539266
EnableAutoUpdates=false
ConfirmOnExit=false
Pre19Defaults=false
Pre21Defaults=false
Pre23Defaults=false
Pre24.1Defaults=false
[Basic]
Profile=Rig
ProfileDir=Rig
SceneCollection=Rig
SceneCollectionFile=Rig
[OBSWebSocket]
FirstLoad=false
ServerEnabled=true
ServerPort={port}
AlertsEnabled=false
AuthRequired=true
ServerPassword={password}
"""
_PROFILE = """[General]
Name=Rig
[Output]
Mode=Simple
[SimpleOutput]
FilePath={folder}
RecFormat=mkv
RecQuality=Small
RecEncoder=x264
StreamEncoder=x264
VBitrate=300
ABitrate=160
Preset=veryfast
[Audio]
SampleRate=48000
ChannelSetup=Stereo
[Video]
BaseCX=320
BaseCY=180
OutputCX=320
OutputCY=180
FPSType=0
FPSCommon=10
"""


class Obs:
    """OBS with a scene that hears the source `microphone` of the studio's sound server, while the context lasts.

    Beside the input "Microphone" there are the input "Other", the text source "Captions" and an empty scene "Break".
    """

    password = _PASSWORD

    def __init__(self, studio: PipeWireStudio, microphone: str) -> None:
        require("obs", "Xvfb", "ffmpeg")
        self._studio = studio
        self._microphone = microphone
        self._folder = studio.folder / "obs"
        self._processes = Processes(studio.folder)
        self._env: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self._processes.close)
            self._configure()
            display = start_display(self._processes, self._studio.folder, self._studio.env)
            self._env = {
                **self._studio.env,
                "XDG_CONFIG_HOME": str(self._folder),
                "DISPLAY": display,
                "QT_QPA_PLATFORM": "xcb",
                "LIBGL_ALWAYS_SOFTWARE": "1",
            }
            self.start()
            undo.pop_all()
        return self

    def start(self) -> None:
        """Start OBS; again, after `kill`."""
        switches = ["--minimize-to-tray", "--disable-updater", "--disable-missing-files-check"]
        switches += ["--disable-shutdown-check", "--multi", "--collection", "Rig", "--profile", "Rig"]
        self._process = self._processes.start(["obs", *switches], self._env)
        wait_until(self._answers, "OBS and its websocket", _START_S)

    def kill(self) -> None:
        """Let OBS crash."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._processes.close()

    def ask(self, request: str, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send one obs-websocket request and return its answer.

        Raises
        ------
        AssertionError
            If OBS refuses it.
        """
        return asyncio.run(self._ask(request, data))

    def stop_record(self) -> NDArray[np.float32]:
        """End the recording and return the first channel of its sound, at 48 kHz."""
        path = Path(self.ask("StopRecord")["outputPath"])
        wait_until(lambda: not self.ask("GetRecordStatus")["outputActive"], "the end of the recording")
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-i",
            str(path),
            "-map",
            "0:a:0",
            "-f",
            "f32le",
            "-ar",
            "48000",
            "-ac",
            "2",
            "-",
        ]
        sound = subprocess.run(command, capture_output=True, check=True).stdout
        return np.frombuffer(sound, "<f4").reshape(-1, 2)[:, 0].astype(np.float32)

    @contextmanager
    def recording(self) -> Iterator[list[NDArray[np.float32]]]:
        """Record while the context lasts; its sound, as of `stop_record`, is in the list then."""
        heard: list[NDArray[np.float32]] = []
        self.ask("StartRecord")
        try:
            wait_until(lambda: self.ask("GetRecordStatus")["outputActive"], "the recording")
            yield heard
        finally:
            heard.append(self.stop_record())

    @contextmanager
    def streaming(self, recording: Path | None = None) -> Iterator[None]:
        """Stream to a server of our own while the context lasts, which may keep what it gets."""
        port = free_port()
        kept = ("-f", "null", "-") if recording is None else (str(recording),)
        listening = ["ffmpeg", "-v", "quiet", "-y", "-listen", "1", "-i", f"rtmp://127.0.0.1:{port}/live/key"]
        server = subprocess.Popen([*listening, "-c", "copy", *kept], stdin=subprocess.DEVNULL)
        try:
            time.sleep(0.5)  # it says nothing when it listens, and a look at its port would be its one client
            settings = {"server": f"rtmp://127.0.0.1:{port}/live", "key": "key"}
            self.ask(
                "SetStreamServiceSettings", {"streamServiceType": "rtmp_custom", "streamServiceSettings": settings}
            )
            self.ask("StartStream")
            wait_until(lambda: self.ask("GetStreamStatus")["outputActive"], "the stream")
            yield
            self.ask("StopStream")
            server.wait(15.0)
        finally:
            server.kill()
            server.wait()

    async def _ask(self, request: str, data: Mapping[str, Any] | None) -> dict[str, Any]:
        import simpleobsws

        client = simpleobsws.WebSocketClient(f"ws://127.0.0.1:{self.port}", _PASSWORD)
        await client.connect()
        try:
            await client.wait_until_identified()
            answer = await client.call(simpleobsws.Request(request, dict(data or {})))
            assert answer.ok(), f"{request}: {answer.requestStatus}"
            return dict(answer.responseData or {})
        finally:
            await client.disconnect()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
        try:
            return bool(self.ask("GetVersion"))
        except Exception:  # noqa: BLE001 - it listens before it is ready; whatever it says then, it is asked again
            return False

    def _configure(self) -> None:
        base = self._folder / "obs-studio"
        profile, scenes = base / "basic" / "profiles" / "Rig", base / "basic" / "scenes"
        recordings, plugin = self._folder / "recordings", base / "plugin_config" / "obs-websocket"
        for folder in (profile, scenes, recordings, plugin):
            folder.mkdir(parents=True)
        settings = _GLOBAL.format(port=self.port, password=_PASSWORD)
        # OBS 31 and later read other files than 29; each ignores the other's.
        (base / "global.ini").write_text(settings)
        (base / "user.ini").write_text(settings)
        server = {"server_enabled": True, "server_port": self.port, "auth_required": True, "first_load": False}
        (plugin / "config.json").write_text(
            json.dumps({**server, "server_password": _PASSWORD, "alerts_enabled": False})
        )
        (profile / "basic.ini").write_text(_PROFILE.format(folder=recordings))
        (scenes / "Rig.json").write_text(json.dumps(_scene(self._microphone)))


def _scene(microphone: str) -> dict[str, Any]:
    sources = [
        _source("Microphone", "pulse_input_capture", {"device_id": microphone}),
        _source("Other", "pulse_input_capture", {"device_id": "virtual_mic"}),
        _source("Captions", "text_ft2_source", {"text": "before"}, "text_ft2_source_v2"),
    ]
    items = [
        {"name": source["name"], "id": number, "visible": True, "bounds_type": 0, "align": 5}
        for number, source in enumerate(sources, 1)
    ]
    return {
        "name": "Rig",
        "current_scene": "Scene",
        "current_program_scene": "Scene",
        "scene_order": [{"name": "Scene"}, {"name": "Break"}],
        "groups": [],
        "sources": [
            *sources,
            _source("Scene", "scene", {"custom_size": False, "id_counter": len(items), "items": items}),
            _source("Break", "scene", {"custom_size": False, "id_counter": 0, "items": []}),
        ],
        "transitions": [],
        "transition_duration": 300,
    }


def _source(name: str, kind: str, settings: dict[str, Any], versioned_kind: str = "") -> dict[str, Any]:
    is_sound = kind == "pulse_input_capture"
    sound = {"mixers": 255, "volume": 1.0, "muted": False} if is_sound else {}
    return {
        "id": kind,
        "versioned_id": versioned_kind or kind,
        "name": name,
        "settings": settings,
        "enabled": True,
        **sound,
    }


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
