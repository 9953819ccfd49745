"""Remote control over the loopback network: what it can do, whom it refuses, and that nobody can hurt the sound through it."""

from __future__ import annotations

import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from app.services.remote import LIMITS, RemoteService
from engine import EngineApi, RemoteConfig, RemoteStatus, SetParam, SetService, Start
from engine.integrations.loopback_server import LOOPBACK, MOST_CONNECTIONS
from engine.integrations.token_file import TokenFile
from tests.helpers.engines import Studio, config, studio, wait_until
from tests.helpers.loopback import UPGRADE, free_port, http_get, port_of, running


@dataclass
class Served:
    """The service, switched on, and the engine behind it."""

    place: Studio
    token_file: TokenFile
    port: int

    @property
    def engine(self) -> EngineApi:
        return self.place.engine

    def url(self, token: str = "") -> str:
        return f"ws://{LOOPBACK}:{self.port}/{token or self.token_file.token()}/"

    def status(self) -> RemoteStatus:
        status = self.engine.snapshot().services.remote
        assert status is not None
        return status


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    token_file = TokenFile(tmp_path / "config" / "remote.token")
    with studio() as place:
        place.engine.send(Start(config()))
        with running(RemoteService(token_file), place.engine):
            place.engine.send(SetService(RemoteConfig(is_on=True, port=free_port())))
            yield Served(place, token_file, port_of(place.engine, lambda services: services.remote))


def ask(client: ClientConnection, **request: Any) -> dict[str, Any]:
    """What it answers."""
    client.send(msgspec.json.encode(request).decode())
    return hear(client)


def hear(client: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = msgspec.json.decode(client.recv(timeout=10.0))
    return message


def test_nothing_listens_unless_it_is_switched_on(tmp_path: Path) -> None:
    port = free_port()
    with studio() as place, running(RemoteService(TokenFile(tmp_path / "token")), place.engine):
        place.engine.send(SetService(RemoteConfig(port=port)))
        wait_until(lambda: place.engine.snapshot().services.remote, lambda status: status is not None)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, port)).close()
        place.engine.send(SetService(RemoteConfig(is_on=True, port=port)))
        assert port_of(place.engine, lambda services: services.remote) == port
        place.engine.send(SetService(RemoteConfig(is_on=False, port=port)))
        wait_until(lambda: place.engine.snapshot().services.remote, lambda status: status == RemoteStatus())
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, port)).close()


def test_get_set_and_toggle(served: Served) -> None:
    with connect(served.url()) as client:
        assert ask(client, type="SetParam", id="factor.factor", value=2) == {"type": "Done"}
        assert served.engine.snapshot().params["factor.factor"] == 2.0
        assert ask(client, type="GetSettings", ids=["factor.factor"])["params"] == {"factor.factor": 2.0}
        assert ask(client, type="Toggle", id="factor.is_inverted")["params"] == {"factor.is_inverted": True}
        assert ask(client, type="Toggle", id="late")["bypass"] == {"late": True}
        assert ask(client, type="Toggle", id="late")["bypass"] == {"late": False}
        assert ask(client, type="ApplyChain", chain={"params": {"factor.factor": 0.5}})["type"] == "Done"
        assert ask(client, type="GetSettings")["params"]["factor.factor"] == 0.5
        assert ask(client, type="GetDescription")["description"]["stages"][0]["id"] == "factor"
        assert ask(client, type="GetSnapshot")["snapshot"]["state"] == "running"
    wait_until(served.status, lambda status: not status.clients)


def test_what_cannot_be_done_is_one_sentence_and_the_conversation_goes_on(served: Served) -> None:
    with connect(served.url()) as client:
        for request in (
            {"type": "SetParam", "id": "nothing.here", "value": 1},
            {"type": "SetParam", "id": "factor.factor", "value": "loud"},
            {"type": "Toggle", "id": "factor.factor"},
            {"type": "GetSettings", "ids": ["nothing"]},
            # Of the engine's commands, those that open, end or reveal something are not to be had.
            {"type": "Start", "config": {}},
            {"type": "Shutdown"},
            {"type": "SetService", "config": {"type": "RemoteConfig"}},
            {"type": "GetTap", "point": "input"},
        ):
            reply = ask(client, **request)
            assert reply["type"] == "Failed", request
            assert reply["message"]
            assert "\n" not in reply["message"]
        client.send("{")
        assert hear(client)["type"] == "Failed"
        assert ask(client, type="ResetMeters") == {"type": "Done"}


def test_a_subscriber_hears_of_changes_whoever_made_them(served: Served) -> None:
    with connect(served.url()) as client:
        assert ask(client, type="Subscribe", topics=["settings"], interval_ms=50) == {"type": "Done"}
        first = hear(client)
        assert first["params"]["factor.factor"] == 1.0
        assert first["state"] == "running"
        served.engine.send(SetParam("factor.factor", 3.0))
        assert hear(client) == {"type": "Settings", "params": {"factor.factor": 3.0}, "bypass": {}, "state": None}
        assert ask(client, type="Subscribe", topics=[]) == {"type": "Done"}
        served.engine.send(SetParam("factor.factor", 1.0))
        with pytest.raises(TimeoutError):
            client.recv(timeout=0.5)


def test_meters_and_events_come_by_themselves_and_captions_do_not(served: Served) -> None:
    with connect(served.url()) as client:
        ask(client, type="Subscribe", topics=["meters", "events"], interval_ms=50)
        heard = [hear(client) for _ in range(4)]
    kinds = {message["type"] for message in heard}
    assert kinds == {"SnapshotReply", "EventsReply"}
    snapshots = [message["snapshot"] for message in heard if message["type"] == "SnapshotReply"]
    assert all(snapshot["services"]["remote"] is None for snapshot in snapshots)


WRONG_PATHS = ("/", "/{wrong}/", "/{token}x/", "//", "/{short}/", "/%00/", "/ä/")


def test_a_wrong_token_is_refused(served: Served) -> None:
    token = served.token_file.token()
    for path in WRONG_PATHS:
        said = path.format(wrong="x" * len(token), token=token, short=token[:-1])
        status, text = http_get(served.port, said, more=UPGRADE)
        assert status in {0, 400, 403}, path
        assert token not in text
    # With the right one there is no page here, only the WebSocket.
    assert http_get(served.port, f"/{token}/")[0] == 404


STRANGE_REQUESTS = (
    ("evil.example:{port}", None),
    ("evil.example", None),
    ("127.0.0.1", None),
    ("127.0.0.1:1", None),
    ("127.0.0.1:{port}.evil.example", None),
    ("127.0.0.1:{port}", "http://evil.example"),
    ("127.0.0.1:{port}", "https://127.0.0.1:{port}"),
    ("127.0.0.1:{port}", "http://127.0.0.1:{other}"),
    ("127.0.0.1:{port}", "null"),
    ("localhost:{port}", "http://localhost.evil.example:{port}"),
    ("127.0.0.1:{port}\r\nHost: evil.example", None),
)


def test_a_page_of_the_web_is_refused_even_with_the_token(served: Served) -> None:
    ports = {"port": served.port, "other": served.port + 1}
    path = f"/{served.token_file.token()}/"
    for host, origin in STRANGE_REQUESTS:
        said_origin = origin.format(**ports) if origin else None
        status, _ = http_get(served.port, path, host.format(**ports), said_origin, UPGRADE)
        assert status in {400, 403}, (host, origin)


def test_localhost_and_the_own_origin_are_let_in(served: Served) -> None:
    own = f"http://localhost:{served.port}"
    with connect(served.url().replace(LOOPBACK, "localhost"), origin=Origin(own)) as client:
        assert ask(client, type="ResetMeters") == {"type": "Done"}


def test_the_token_is_the_users_alone_and_a_new_one_locks_the_old_one_out(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "config" / "remote.token"
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    old = served.token_file.token()
    with connect(served.url()) as client:
        new = served.token_file.renew()
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=10.0)
    wait_until(lambda: _status_of_page(served, new), lambda status: status == 404)
    with pytest.raises(InvalidStatus):
        connect(served.url(old))
    with connect(served.url(new)) as client:
        assert ask(client, type="ResetMeters") == {"type": "Done"}


def _status_of_page(served: Served, token: str) -> int:
    try:
        return http_get(served.port, f"/{token}/")[0]
    except ConnectionRefusedError:
        return 0


def test_a_message_beyond_all_bounds_ends_only_its_own_connection(served: Served) -> None:
    with connect(served.url()) as other:
        for content in ("x" * (LIMITS.message_bytes + 1), "x" * 1_000_000, b"\0" * 1_000_000):
            with connect(served.url()) as client:
                with suppress(ConnectionClosed):
                    client.send(content)
                with pytest.raises(ConnectionClosedError) as closed:
                    client.recv(timeout=10.0)
                assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
        assert ask(other, type="ResetMeters") == {"type": "Done"}


def test_one_that_talks_too_fast_is_hung_up_on_and_another_is_not(served: Served) -> None:
    with connect(served.url()) as other, connect(served.url()) as client:
        with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012 - one of many is it
            for _ in range(20 * LIMITS.burst):
                ask(client, type="ResetMeters")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        assert ask(other, type="ResetMeters") == {"type": "Done"}


def test_one_that_does_not_read_is_hung_up_on(served: Served) -> None:
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.connect((LOOPBACK, served.port))
    with wire, connect(served.url(), sock=wire, close_timeout=0.1, ping_interval=None, max_queue=1) as client:
        with suppress(ConnectionClosed):
            for _ in range(LIMITS.burst):
                client.send('{"type":"GetDescription"}')
        wait_until(served.status, lambda status: status.clients)
        began_s = monotonic()
        wait_until(served.status, lambda status: not status.clients)
        assert monotonic() - began_s < 30.0
        with connect(served.url()) as other:
            assert ask(other, type="ResetMeters") == {"type": "Done"}


def test_there_is_room_for_so_many_and_no_more(served: Served) -> None:
    with ExitStack() as clients:
        for _ in range(LIMITS.clients):
            clients.enter_context(connect(served.url()))
        late = clients.enter_context(connect(served.url()))
        with pytest.raises(ConnectionClosed) as closed:
            late.recv(timeout=10.0)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        names = wait_until(served.status, lambda status: len(status.clients) == LIMITS.clients).clients
        assert all("websockets" in client.name for client in names)


def test_hundreds_who_say_nothing_are_hung_up_on(served: Served) -> None:
    strangers = []
    for _ in range(10 * MOST_CONNECTIONS):
        stranger = socket.create_connection((LOOPBACK, served.port), timeout=10.0)
        strangers.append(stranger)
    # All but so many were hung up on at once; those have only the time of a handshake.
    is_gone = [_is_hung_up(stranger, 30.0) for stranger in strangers]
    assert all(is_gone)
    for stranger in strangers:
        stranger.close()
    with connect(served.url()) as client:
        assert ask(client, type="ResetMeters") == {"type": "Done"}


def _is_hung_up(wire: socket.socket, patience_s: float) -> bool:
    wire.settimeout(patience_s)
    try:
        # One that was read has an answer before the end; one that was not has none.
        while wire.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def test_a_port_that_is_taken_is_waited_for_and_then_left_to_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.loopback._BUSY_PATIENCE_S", 1.0)
    with socket.create_server((LOOPBACK, 0)) as owner, studio() as place:
        taken = owner.getsockname()[1]
        with running(RemoteService(TokenFile(tmp_path / "token")), place.engine):
            place.engine.send(SetService(RemoteConfig(is_on=True, port=taken)))
            status = wait_until(lambda: place.engine.snapshot().services.remote, lambda status: status and status.text)
            assert status is not None
            assert f"Port {taken} is in use" in status.text
            port = port_of(place.engine, lambda services: services.remote)
            assert taken < port <= taken + 9
            # Where it went is kept, so that the next start finds it there.
            assert place.engine.snapshot().services.config.remote == RemoteConfig(is_on=True, port=port)
            sleep(1.0)
            assert port_of(place.engine, lambda services: services.remote) == port
