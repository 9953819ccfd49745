"""The connection to OBS against a server that is right, wrong, old, slow, or not OBS at all."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import msgpack
import pytest
from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from engine import ObsError
from engine.integrations.obs_connection import ObsConnection, ObsPasswordError, ObsRefusalError, is_not_ready
from engine.integrations.obs_state import read_outputs, read_scenes
from tests.helpers.fake_obs import FakeObs, connected

REQUEST_ID = "REQUEST-ID-36-characters-long-------"


def test_a_request_is_answered_with_and_without_a_password() -> None:
    for password in ("", "secret"):
        with connected(FakeObs(password), password or None) as obs:
            assert read_scenes(obs) == ("Talk", ("Talk", "Break"))
            outputs = read_outputs(obs)
            assert (outputs.stream_s, outputs.dropped_frames, outputs.stream_frames) == (2.5, 3, 150)
            assert time.time() - 60.0 < outputs.looked_s <= time.time()
            assert read_outputs(obs, outputs).record_since_s == outputs.record_since_s
            before = replace(outputs, is_recording=True)
            assert outputs.looked_s < read_outputs(obs, before).record_since_s < time.time()


@pytest.mark.parametrize(("given", "said"), [(None, "asks for a password"), ("wrong", "refuses the password")])
def test_a_wrong_password_is_a_sentence_without_the_password(given: str | None, said: str) -> None:
    with pytest.raises(ObsPasswordError, match=said) as refused, connected(FakeObs("secret"), given):
        pass
    assert "wrong" not in str(refused.value)


def test_nobody_there_is_a_sentence() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ObsError, match=f"does not answer on port {port}"):
        ObsConnection(port, None)


def test_an_old_obs_websocket_is_a_sentence() -> None:
    """Version 4 speaks JSON and waits to be asked: it never says hello."""

    def say_nothing(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            connection.recv()

    with serve(say_nothing, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with pytest.raises(ObsError, match="not obs-websocket 5"):
            ObsConnection(server.socket.getsockname()[1], None, answer_s=0.3)
        server.shutdown()
        thread.join(5.0)


def test_a_web_server_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(ObsError, match="not obs-websocket 5"):
            ObsConnection(listener.getsockname()[1], None)
        thread.join(5.0)


def test_a_refusal_has_its_code() -> None:
    with connected(FakeObs()) as obs:
        with pytest.raises(ObsRefusalError) as refused:
            obs.ask("GetInputAudioSyncOffset", inputName="no such input")
        assert refused.value.code == 600
        assert not is_not_ready(refused.value)
        assert read_scenes(obs).current == "Talk", "a refusal does not end the connection"


def test_one_that_loads_scenes_asks_to_be_asked_again() -> None:
    fake = FakeObs()
    fake.not_ready = {"GetSceneList"}
    with connected(fake) as obs:
        with pytest.raises(ObsRefusalError) as refused:
            read_scenes(obs)
        assert is_not_ready(refused.value)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xc1 this is no msgpack",
        b"",
        msgpack.packb(17),
        msgpack.packb({"op": 7}),
        msgpack.packb({"op": 7, "d": {"requestId": REQUEST_ID}}),
        msgpack.packb({"op": 7, "d": {"requestId": REQUEST_ID, "requestType": "x", "requestStatus": None}}),
        msgpack.packb({"op": 99, "d": {}}),
    ],
)
def test_garbage_is_an_error_and_never_hangs(garbage: bytes) -> None:
    fake = FakeObs()
    fake.garbage["GetVersion"] = garbage
    with connected(fake, answer_s=0.5) as obs, pytest.raises(ObsError):
        obs.ask("GetVersion")


def test_a_slow_one_is_given_up() -> None:
    fake = FakeObs()
    with connected(fake, answer_s=0.3) as obs:
        fake.slow_s = 1.0
        with pytest.raises(ObsError, match="has not answered GetVersion"):
            obs.ask("GetVersion")


def test_one_that_goes_away_is_noticed_at_once() -> None:
    fake = FakeObs()
    with fake.running():
        obs = ObsConnection(fake.port, None, answer_s=60.0)
        assert obs.ask("GetVersion")["obsVersion"]
    with pytest.raises(ObsError):
        obs.ask("GetVersion")
    obs.close()
