"""`sidetone obs` beside an engine and an OBS of the test's own: what it says, as text and as JSON, and what it switches."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.cli import parse
from app.commands import obs as command
from app.obs_password import ObsPassword
from app.paths import find_paths
from app.services import obs as obs_service
from app.services.obs import ObsService
from engine import ConnectionLostError, ObsConfig, ObsError, ObsLink, SetService
from engine.host import EngineHost
from engine.integrations.obs_ledger import ObsLedger
from engine.remote import connect
from engine.rendezvous import Rendezvous
from tests.helpers.engines import PATIENCE_S, Studio, studio
from tests.helpers.fake_obs import FakeObs
from tests.helpers.obs_service import Password

Run = Callable[..., str]


@pytest.fixture
def obs() -> Iterator[FakeObs]:
    fake = FakeObs("secret")
    with fake.running():
        yield fake


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """An engine that is found, with the service that speaks to OBS as its client."""
    monkeypatch.setenv("SIDETONE_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setattr(obs_service, "_LOOK_INTERVAL_S", 0.02)
    meeting_point = Rendezvous(find_paths().runtime)
    is_over = threading.Event()
    with studio() as place:
        host = EngineHost(place.engine, meeting_point)
        host.start()
        remote = connect(meeting_point)
        service = ObsService(ObsLedger(tmp_path / "before.json"), Password("secret"))  # type: ignore[arg-type]
        thread = threading.Thread(target=service.run, args=(remote, is_over))
        thread.start()
        try:
            yield place
        finally:
            is_over.set()
            thread.join(30.0)
            remote.close()
            host.close()


@pytest.fixture
def run(place: Studio, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command and return what it printed."""

    def run(*arguments: str) -> str:
        assert command.run(parse(["obs", *arguments]), find_paths()) == 0
        return capsys.readouterr().out

    return run


def test_it_is_switched_on_told_of_and_switched_off(
    place: Studio, obs: FakeObs, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_CONNECT_S", PATIENCE_S)
    assert run("status") == "link: off\n"
    said = run("connect", "--port", str(obs.port)).splitlines()
    assert said[0] == "link: connected (OBS 30.0.0)"
    assert {"scene: Talk", "stream: off", "recording: off"} <= set(said)
    assert place.engine.snapshot().services.config.obs.port == obs.port
    assert json.loads(run("status", "--json"))["link"] == "connected"
    assert run("disconnect") == ""
    place.wait_for(lambda now: now.services.obs is not None and now.services.obs.link is ObsLink.OFF)
    assert run("status") == "link: off\n"


def test_an_obs_that_refuses_is_a_sentence_and_is_tried_on(
    place: Studio, obs: FakeObs, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    obs.password = "another"
    place.engine.send(SetService(ObsConfig(is_on=True, port=obs.port)))
    place.wait_for(lambda now: now.services.obs is not None and "password" in now.services.obs.text)
    monkeypatch.setattr(command, "_CONNECT_S", 0.0)
    with pytest.raises(ObsError, match="password"):
        run("connect")
    assert "link: waiting" in run("status")
    assert place.engine.snapshot().services.config.obs.is_on


def test_a_password_is_kept_and_the_engine_told_that_there_is_another(
    place: Studio, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    monkeypatch.setattr(ObsPassword, "write", lambda self, password: kept.append(password))
    monkeypatch.setattr("sys.stdin", io.StringIO("hidden\n"))
    assert run("password", "set") == ""
    assert run("password", "forget") == ""
    assert kept == ["hidden", ""]
    assert place.engine.snapshot().services.config.obs.password_changes == 2


def test_without_an_engine_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDETONE_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(ConnectionLostError, match="no engine is running"):
        command.run(parse(["obs", "status"]), find_paths())
