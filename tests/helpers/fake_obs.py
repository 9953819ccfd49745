"""An obs-websocket 5 server with the few things of OBS that Sidetone touches, and ways to misbehave."""

# ruff: noqa: N803 - the names are the protocol's
from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgpack
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from engine.integrations.obs_connection import ObsConnection

_SALT, _CHALLENGE = "salt", "challenge"


class RefusalError(Exception):
    """What OBS answers when it does not carry a request out."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class FakeObs:
    """One scene collection with a microphone, another input, a camera and a text source.

    Attributes
    ----------
    requests : list
        What was asked for, and with what.
    garbage : dict
        What to answer to a request instead of the truth, as bytes of a message.
    slow_s : float
        How long every answer takes.
    """

    def __init__(self, password: str = "") -> None:
        self.password = password
        self.collection = "Untitled"
        self.scene = "Talk"
        self.scenes = ["Break", "Talk"]
        self.kinds = {
            "Mic": "wasapi_input_capture",
            "Other": "wasapi_input_capture",
            "Camera": "dshow_input",
            "Captions": "text_gdiplus",
        }
        self.settings: dict[str, dict[str, Any]] = {
            "Mic": {"device_id": "{1}"},
            "Other": {"device_id": "{2}"},
            "Camera": {},
            "Captions": {"text": "before"},
        }
        self.devices = {"{1}": "CABLE Output (VB-Audio Virtual Cable)", "{2}": "Headset"}
        self.offsets = {"Mic": 0, "Other": 7}
        self.filters: dict[tuple[str, str], dict[str, Any]] = {}
        self.is_streaming = False
        self.captions: list[str] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.garbage: dict[str, bytes] = {}
        self.not_ready: set[str] = set()
        self.slow_s = 0.0
        self.port = 0
        self._server: Server | None = None

    @contextmanager
    def running(self, port: int = 0) -> Iterator[FakeObs]:
        """Listen while the context lasts; all connections end with it."""
        server = serve(
            self._converse, "127.0.0.1", port, close_timeout=0.2, subprotocols=[Subprotocol("obswebsocket.msgpack")]
        )
        self.port = server.socket.getsockname()[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self._connections: set[ServerConnection] = set()
        try:
            yield self
        finally:
            server.shutdown()
            for connection in list(self._connections):
                connection.close()
            thread.join(5.0)

    def asked(self, request: str) -> list[dict[str, Any]]:
        """What came with each request of this kind."""
        return [data for name, data in self.requests if name == request]

    def _converse(self, connection: ServerConnection) -> None:
        self._connections.add(connection)
        with suppress(ConnectionClosed):
            hello: dict[str, Any] = {"obsWebSocketVersion": "5.1.0", "rpcVersion": 1}
            if self.password:
                hello["authentication"] = {"salt": _SALT, "challenge": _CHALLENGE}
            connection.send(msgpack.packb({"op": 0, "d": hello}))
            identify = msgpack.unpackb(_bytes(connection))["d"]
            if self.password and identify.get("authentication") != self._proof():
                connection.close(4009, "Authentication failed.")
                return
            connection.send(msgpack.packb({"op": 2, "d": {"negotiatedRpcVersion": 1}}))
            while True:
                self._answer(connection, msgpack.unpackb(_bytes(connection))["d"])

    def _answer(self, connection: ServerConnection, asked: dict[str, Any]) -> None:
        name, data = asked["requestType"], asked.get("requestData") or {}
        self.requests.append((name, data))
        time.sleep(self.slow_s)
        if name in self.garbage:
            connection.send(
                self.garbage[name].replace(b"REQUEST-ID-36-characters-long-------", asked["requestId"].encode())
            )
            return
        status: dict[str, Any] = {"result": True, "code": 100}
        answer: dict[str, Any] | None = None
        try:
            if name in self.not_ready:
                raise RefusalError(207)
            answer = getattr(self, f"_{name}")(**data)
        except RefusalError as refusal:
            status = {"result": False, "code": refusal.code}
        reply = {"requestType": name, "requestId": asked["requestId"], "requestStatus": status, "responseData": answer}
        connection.send(msgpack.packb({"op": 7, "d": reply}))

    def _proof(self) -> str:
        secret = base64.b64encode(hashlib.sha256(f"{self.password}{_SALT}".encode()).digest())
        return base64.b64encode(hashlib.sha256(secret + _CHALLENGE.encode()).digest()).decode()

    def _GetVersion(self) -> dict[str, Any]:
        return {"obsVersion": "30.0.0", "obsWebSocketVersion": "5.3.0"}

    def _GetSceneCollectionList(self) -> dict[str, Any]:
        return {"currentSceneCollectionName": self.collection, "sceneCollections": [self.collection]}

    def _GetSceneList(self) -> dict[str, Any]:
        scenes = [{"sceneName": name, "sceneIndex": index} for index, name in enumerate(self.scenes)]
        return {"currentProgramSceneName": self.scene, "scenes": scenes}

    def _GetInputList(self) -> dict[str, Any]:
        entries = [
            {"inputName": name, "inputKind": kind, "unversionedInputKind": kind} for name, kind in self.kinds.items()
        ]
        return {"inputs": entries}

    def _GetInputSettings(self, inputName: str) -> dict[str, Any]:
        return {"inputSettings": self._of(self.settings, inputName), "inputKind": self.kinds[inputName]}

    def _SetInputSettings(self, inputName: str, inputSettings: dict[str, Any], overlay: bool) -> None:
        assert overlay
        self._of(self.settings, inputName).update(inputSettings)

    def _GetInputPropertiesListPropertyItems(self, inputName: str, propertyName: str) -> dict[str, Any]:
        assert propertyName == "device_id"
        return {"propertyItems": [{"itemName": label, "itemValue": key} for key, label in self.devices.items()]}

    def _GetInputAudioSyncOffset(self, inputName: str) -> dict[str, Any]:
        return {"inputAudioSyncOffset": self._of(self.offsets, inputName)}

    def _SetInputAudioSyncOffset(self, inputName: str, inputAudioSyncOffset: int) -> None:
        if not -950 <= inputAudioSyncOffset <= 20_000:
            raise RefusalError(402)
        self.offsets[inputName] = inputAudioSyncOffset

    def _GetSourceFilter(self, sourceName: str, filterName: str) -> dict[str, Any]:
        return {"filterSettings": self._of(self.filters, (sourceName, filterName)), "filterKind": "gpu_delay"}

    def _CreateSourceFilter(
        self, sourceName: str, filterName: str, filterKind: str, filterSettings: dict[str, Any]
    ) -> None:
        assert filterKind == "gpu_delay"
        self.filters[sourceName, filterName] = filterSettings

    def _SetSourceFilterSettings(self, sourceName: str, filterName: str, filterSettings: dict[str, Any]) -> None:
        self._of(self.filters, (sourceName, filterName)).update(filterSettings)

    def _RemoveSourceFilter(self, sourceName: str, filterName: str) -> None:
        del self.filters[sourceName, filterName]

    def _GetStreamStatus(self) -> dict[str, Any]:
        return {
            "outputActive": self.is_streaming,
            "outputReconnecting": False,
            "outputDuration": 2500,
            "outputSkippedFrames": 3,
            "outputTotalFrames": 150,
        }

    def _GetRecordStatus(self) -> dict[str, Any]:
        return {"outputActive": False, "outputPaused": False, "outputDuration": 0}

    def _GetStats(self) -> dict[str, Any]:
        return {"renderSkippedFrames": 1, "renderTotalFrames": 1000}

    def _SendStreamCaption(self, captionText: str) -> None:
        if not self.is_streaming:
            raise RefusalError(501)
        self.captions.append(captionText)

    def _of(self, table: dict[Any, Any], name: Any) -> Any:
        if name not in table:
            raise RefusalError(600)
        return table[name]


def _bytes(connection: ServerConnection) -> bytes:
    message = connection.recv()
    assert isinstance(message, bytes)
    return message


@contextmanager
def connected(obs: FakeObs, password: str | None = None, answer_s: float = 2.0) -> Iterator[ObsConnection]:
    """Run it, and speak to it."""
    with obs.running():
        connection = ObsConnection(obs.port, password, answer_s)
        try:
            yield connection
        finally:
            connection.close()
