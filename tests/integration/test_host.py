"""The engine over its socket: the same answers as beside it, for friends only, and no guest can hurt it."""

from __future__ import annotations

import ast
import os
import pickle
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from pathlib import Path

import msgspec
import pytest

from engine import (
    BackupConfig,
    CaptionsConfig,
    CaptionsStatus,
    ConnectionLostError,
    DeviceError,
    EngineState,
    ObsConfig,
    ParameterError,
    ResetMeters,
    SetBackups,
    SetBypass,
    SetParam,
    SetService,
    SidetoneError,
    Start,
    Stop,
    TapPoint,
)
from engine.commands import ReportFault, ReportLatency, ReportService
from engine.host import EngineHost
from engine.protocol import MAX_REQUEST_BYTES, Wire, decode_reply, encode, greet_client, greet_engine
from engine.remote import RemoteEngine, connect
from engine.rendezvous import EngineAddress, Rendezvous
from engine.requests import Done, Failed, GetDescription, GetSnapshot
from tests.helpers.engines import Studio, config, studio, wait_until

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="speaks to a Unix socket")


@contextmanager
def served(folder: Path, ends_with_face: bool = False) -> Iterator[tuple[Studio, EngineHost, Rendezvous]]:
    """An engine with a host before it, both ended at the end."""
    meeting_point = Rendezvous(folder)
    with studio() as place:
        host = EngineHost(place.engine, meeting_point, ends_with_face)
        host.start()
        try:
            yield place, host, meeting_point
        finally:
            host.close()


@contextmanager
def friend(meeting_point: Rendezvous) -> Iterator[RemoteEngine]:
    remote = connect(meeting_point)
    try:
        yield remote
    finally:
        remote.close()


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("sidetone")]


def test_remote_and_local_engine_give_the_same_answers(tmp_path: Path) -> None:
    with served(tmp_path) as (place, _, meeting_point), friend(meeting_point) as remote:
        local = place.engine
        assert remote.describe() == local.describe()
        assert remote.devices() == local.devices()
        remote.send(Start(config(factor__factor=0.5)))
        place.wait_for(lambda snapshot: snapshot.hops > 10)
        remote.send(SetParam("factor.factor", 99.0))
        remote.send(SetParam("factor.is_inverted", True))
        remote.send(SetParam("late.color", "cold"))
        remote.send(SetBypass("late", True))
        remote.send(ReportLatency(30.0, ""))
        assert local.snapshot().params["factor.factor"] == 4.0
        assert local.snapshot().latency.measured_ms == remote.snapshot().latency.measured_ms is not None
        remote.send(ResetMeters())
        assert remote.snapshot().spectrum is None
        assert remote.snapshot(with_spectrum=True).spectrum is not None
        remote.send(Stop())
        here, there = local.snapshot(), remote.snapshot()
        differ = {"sequence", "uptime_s"}
        assert {name: getattr(here, name) for name in here.__struct_fields__ if name not in differ} == {
            name: getattr(there, name) for name in there.__struct_fields__ if name not in differ
        }
        assert remote.events() == local.events()
        assert remote.events(after=2) == local.events(after=2)


@pytest.mark.parametrize("damage", [None, b"", b"x" * 33])
def test_a_key_that_was_cleaned_away_or_damaged_locks_nobody_out(tmp_path: Path, damage: bytes | None) -> None:
    """Whoever comes next makes another, be it a window or an engine that starts at the same time."""
    with served(tmp_path) as (_, _, meeting_point):
        (tmp_path / "engine.key").unlink()
        if damage is not None:
            (tmp_path / "engine.key").write_bytes(damage)
        with friend(meeting_point) as remote:
            assert remote.describe()


def test_an_engine_that_cannot_leave_its_address_any_more_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(address: str) -> None:
        raise SidetoneError(f"{tmp_path} cannot be made")

    with served(tmp_path) as (_, host, meeting_point):
        monkeypatch.setattr(meeting_point, "publish", refuse)
        (tmp_path / "engine.json").unlink()
        assert host.is_found()


def test_a_command_that_waits_for_another_that_waits_for_devices_is_not_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.remote._ANSWER_S", 0.2)
    with served(tmp_path) as (place, _, meeting_point), friend(meeting_point) as remote, ThreadPoolExecutor() as pool:
        with place.engine._control:
            sent = pool.submit(remote.send, SetBackups(BackupConfig(input=("simulated:spare",))))
            with pytest.raises(TimeoutError):
                sent.result(timeout=1.0)
        sent.result(timeout=60.0)
        assert place.engine.snapshot().devices.chosen.backups.input == ("simulated:spare",)


def test_an_engine_that_a_window_started_ends_with_the_last_one_that_is_closed(tmp_path: Path) -> None:
    with served(tmp_path, ends_with_face=True) as (place, _, meeting_point), friend(meeting_point) as visitor:
        with friend(meeting_point) as first, friend(meeting_point) as again, friend(meeting_point) as second:
            first.attend("first")
            again.attend("first")  # it had lost its connection
            second.attend("second")
            assert not visitor.leave("first")
            assert not place.engine.shutdown_requested.is_set()
        # The second one was killed: it ends nothing, and holds nothing up.
        visitor.attend("third")
        assert wait_until(lambda: visitor.leave("third"), bool)
        assert place.engine.shutdown_requested.is_set()


def test_an_engine_that_no_window_started_ends_with_none(tmp_path: Path) -> None:
    with served(tmp_path) as (place, _, meeting_point), friend(meeting_point) as window:
        window.attend("window")
        assert not window.leave("window")
        assert not place.engine.shutdown_requested.is_set()


def test_a_listener_hears_every_sample_that_leaves_and_begins_anew_with_a_new_run(tmp_path: Path) -> None:
    with served(tmp_path) as (place, _, meeting_point), friend(meeting_point) as remote:
        assert remote.tap(TapPoint.OUTPUT) is None
        remote.send(Start(config(factor__factor=0.5)))
        at = wait_until(lambda: remote.tap(TapPoint.OUTPUT), lambda chunk: chunk is not None)
        assert at is not None
        assert len(at.samples()) == 0
        first_frame, heard = at.end_frame, 0
        while heard < 24_000:
            chunk = remote.tap(TapPoint.OUTPUT, at.run, at.end_frame)
            assert chunk is not None
            assert (chunk.run, chunk.first_frame) == (at.run, at.end_frame)
            heard += len(chunk.samples())
            at = chunk
        assert at.end_frame == first_frame + heard
        remote.send(Start(config(factor__factor=0.5)))
        fresh = wait_until(lambda: remote.tap(TapPoint.OUTPUT, at.run, at.end_frame), lambda chunk: chunk is not None)
        assert fresh is not None
        assert fresh.run != at.run
        place.state(EngineState.RUNNING)


def test_services_are_set_a_part_at_a_time_and_come_back_with_the_configuration(tmp_path: Path) -> None:
    with served(tmp_path) as (place, _, meeting_point), friend(meeting_point) as remote:
        remote.send(SetService(CaptionsConfig(is_on=True)))
        remote.send(SetService(ObsConfig(is_on=True)))
        remote.send(ReportService(CaptionsStatus(text="listening")))
        services = remote.snapshot().services
        assert (services.config.captions.is_on, services.config.obs.is_on) == (True, True)
        assert services.captions == CaptionsStatus(text="listening")
        assert services.obs is None
        remote.send(Start(config()))
        assert not remote.snapshot().services.config.captions.is_on
        remote.send(ReportFault("captions", "out of words"))
        assert "captions: out of words; it is started again" in place.event_texts()


def test_errors_come_over_as_what_they_are(tmp_path: Path) -> None:
    with served(tmp_path) as (place, _, meeting_point), friend(meeting_point) as remote:
        for command, kind in (
            (SetParam("nosuch.gain", 1.0), ParameterError),
            (SetParam("factor.factor", float("nan")), ParameterError),
            (SetBypass("nosuch", True), ParameterError),
            (Start(config(hop_frames=1)), DeviceError),
        ):
            with pytest.raises(kind) as there:
                remote.send(command)
            with pytest.raises(kind) as here:
                place.engine.send(command)
            assert str(there.value) == str(here.value)


def test_a_wrong_key_is_refused_and_hurts_nobody(tmp_path: Path) -> None:
    with served(tmp_path) as (_, host, meeting_point):
        found = EngineAddress(host.address, os.getpid())
        for key in (b"", b"x" * 32, b"\0" * 4096):
            with pytest.raises(ConnectionLostError):
                RemoteEngine(found, key)
        with friend(meeting_point) as remote:
            assert remote.snapshot().state is EngineState.STOPPED


def test_an_engine_without_the_key_is_not_believed(tmp_path: Path) -> None:
    """Somebody else listens at the address: the client proves nothing to it and asks it nothing."""
    meeting_point = Rendezvous(tmp_path)
    for greeting in (
        lambda wire: greet_client(wire, b"wrong"),
        lambda wire: wire.send_bytes(b"hello"),
        lambda wire: None,
    ):
        with Listener(meeting_point.new_address()) as listener:
            meeting_point.publish(str(listener.address))

            def answer(listener: Listener = listener, greeting: object = greeting) -> None:
                with listener.accept() as wire:
                    assert callable(greeting)
                    with suppress(AuthenticationError, EOFError, OSError):
                        greeting(wire)

            stranger = threading.Thread(target=answer)
            stranger.start()
            with pytest.raises(ConnectionLostError):
                connect(meeting_point)
            stranger.join()


def test_silent_guests_keep_nobody_out_and_lose_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.protocol._HANDSHAKE_S", 1.0)
    with served(tmp_path) as (_, host, meeting_point):
        silent = [Client(host.address) for _ in range(20)]
        with friend(meeting_point) as remote:
            assert remote.snapshot().state is EngineState.STOPPED
        # More than there are places: they are free again when the patience is over.
        silent += [Client(host.address) for _ in range(30)]
        wait_until(lambda: can_connect(meeting_point), bool)
        wait_until(lambda: threads().count("sidetone-client"), lambda count: count == 0)
        for guest in silent:
            guest.close()


def can_connect(meeting_point: Rendezvous) -> bool:
    try:
        connect(meeting_point).close()
    except ConnectionLostError:
        return False
    return True


def test_twenty_clients_at_once(tmp_path: Path) -> None:
    with served(tmp_path) as (place, _, meeting_point):
        place.engine.send(Start(config()))

        def work(turn: int) -> set[int]:
            with friend(meeting_point) as remote:
                sequences = set()
                for index in range(30):
                    remote.send(SetParam("factor.factor", (turn + index) % 4))
                    sequences.add(remote.snapshot().sequence)
                return sequences

        with ThreadPoolExecutor(20) as pool:
            results = list(pool.map(work, range(20)))
        assert all(len(sequences) == 30 for sequences in results)
        assert place.engine.snapshot().state is EngineState.RUNNING


UNPICKLERS = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}


class Bomb:
    """If anybody unpickles this, a file appears."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.path,)  # type: ignore[return-value]


def expect_hang_up(wire: Wire) -> None:
    """Whatever is still said, it ends."""
    with pytest.raises((EOFError, OSError)):  # noqa: PT012 - the last of several may be it
        for _ in range(5):
            wire.recv_bytes()


def test_what_is_no_request_is_answered_and_never_unpickled(tmp_path: Path) -> None:
    trap = tmp_path / "unpickled"
    with served(tmp_path / "run") as (_, host, meeting_point):
        with Client(host.address) as wire:
            greet_engine(wire, meeting_point.authkey())
            for content in (
                pickle.dumps(Bomb(trap)),
                b"",
                b"\xc1",
                b"\x91" * 60_000,
                msgspec.msgpack.encode({"type": "Start"}),
                msgspec.msgpack.encode({"type": "SetParam", "id": 3, "value": []}),
                msgspec.msgpack.encode({"type": "__import__", "name": "os"}),
                encode(GetSnapshot())[:-1],
                encode(GetSnapshot()) + b"\0",
            ):
                wire.send_bytes(content)
                reply = decode_reply(wire.recv_bytes())
                assert isinstance(reply, Failed), content[:40]
            wire.send_bytes(encode(ResetMeters()))
            assert decode_reply(wire.recv_bytes()) == Done()
        # Before the key is known, not even that much is looked at.
        with Client(host.address) as wire:
            wire.recv_bytes()
            wire.send_bytes(pickle.dumps(Bomb(trap)))
            expect_hang_up(wire)
        assert can_connect(meeting_point)
    assert not trap.exists()


def test_no_file_of_the_engine_or_the_app_can_unpickle() -> None:
    """Connections of multiprocessing pickle in `send` and unpickle in `recv`; a key given to them is theirs to check."""
    root = Path(__file__).resolve().parents[2]
    for path in [*(root / "engine").rglob("*.py"), *(root / "app").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    assert not {name.name for name in names} & UNPICKLERS, path
                case ast.ImportFrom(module=module):
                    assert module not in UNPICKLERS, path
                case ast.Attribute(attr="recv"):
                    pytest.fail(f"{path} line {node.lineno} receives objects")
                case ast.Call(func=ast.Name(id="Client" | "Listener"), keywords=keywords):
                    assert "authkey" not in {keyword.arg for keyword in keywords}, path
                case _:
                    pass


def test_a_frame_beyond_all_bounds_ends_only_its_own_connection(tmp_path: Path) -> None:
    with served(tmp_path) as (_, host, meeting_point), friend(meeting_point) as other:
        with Client(host.address) as wire:
            greet_engine(wire, meeting_point.authkey())
            with suppress(OSError):
                wire.send_bytes(b"\0" * (MAX_REQUEST_BYTES + 1))
            expect_hang_up(wire)
        assert other.describe().stages


@posix_only
@pytest.mark.parametrize(
    "raw", [b"\xff\xff\xff\xff" + b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0", b"\0\0\0\x05ab"]
)
def test_frames_that_lie_about_their_length(tmp_path: Path, raw: bytes) -> None:
    with served(tmp_path) as (_, host, meeting_point):
        with socket.socket(socket.AF_UNIX) as bare:
            bare.connect(host.address)
            bare.sendall(raw)
        with Client(host.address) as wire:
            greet_engine(wire, meeting_point.authkey())
            with socket.socket(fileno=os.dup(wire.fileno())) as bare:
                bare.sendall(raw)
        with friend(meeting_point) as remote:
            assert remote.describe().stages
        wait_until(lambda: threads().count("sidetone-client"), lambda count: count == 0)


def test_requests_with_long_names_do_not_choke_the_events(tmp_path: Path) -> None:
    with served(tmp_path) as (_, _, meeting_point), friend(meeting_point) as remote:
        for index in range(100):
            with pytest.raises(SidetoneError):
                remote.send(Start(config(input=f"simulated:{index}{'x' * 50_000}")))
        assert len(remote.events()) > 100


def test_a_client_that_hangs_up_in_the_middle_is_forgotten(tmp_path: Path) -> None:
    with served(tmp_path) as (_, host, meeting_point):
        for _ in range(40):
            wire = Client(host.address)
            greet_engine(wire, meeting_point.authkey())
            wire.send_bytes(encode(GetDescription()))
            wire.close()
        wait_until(lambda: threads().count("sidetone-client"), lambda count: count == 0)
        assert can_connect(meeting_point)


def test_a_slow_start_of_one_client_does_not_keep_another_from_looking(tmp_path: Path) -> None:
    with served(tmp_path) as (place, _, meeting_point), friend(meeting_point) as first, friend(meeting_point) as second:
        is_opening, may_open = threading.Event(), threading.Event()
        prepare = place.faulty.prepare

        def slowly(fmt: object) -> None:
            is_opening.set()
            may_open.wait(20.0)
            prepare(fmt)  # type: ignore[arg-type]

        place.faulty.prepare = slowly  # type: ignore[method-assign]
        starter = threading.Thread(target=first.send, args=(Start(config()),))
        starter.start()
        assert is_opening.wait(20.0)
        assert second.snapshot().state is EngineState.STARTING
        may_open.set()
        starter.join()
        assert second.snapshot().state is EngineState.RUNNING


def test_an_engine_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.remote._ANSWER_S", 0.3)
    with served(tmp_path) as (place, _, meeting_point), friend(meeting_point) as remote:
        may_answer = threading.Event()
        describe = place.engine.describe
        monkeypatch.setattr(place.engine, "describe", lambda: may_answer.wait(20.0) and describe())
        with pytest.raises(ConnectionLostError, match="not answered"):
            remote._ask(GetDescription(), Done, 0.3)
        may_answer.set()
        with pytest.raises(ConnectionLostError):
            remote.snapshot()
        assert can_connect(meeting_point)


def test_close_withdraws_the_address_and_ends_the_threads(tmp_path: Path) -> None:
    with served(tmp_path) as (place, host, meeting_point):
        remote = connect(meeting_point)
        assert meeting_point.find() is not None
        host.close()
        assert meeting_point.find() is None
        assert not list(tmp_path.glob("*.socket"))
        assert "sidetone-host" not in threads()
        # What a client asks from now on is not carried out any more.
        with pytest.raises(ConnectionLostError):
            remote.send(SetParam("factor.factor", 3.0))
        assert place.engine.snapshot().params["factor.factor"] == 1.0
        with pytest.raises(ConnectionLostError, match="no engine is running"):
            connect(meeting_point)
    wait_until(threads, lambda names: not names)


def test_a_later_engine_is_not_withdrawn_by_an_earlier_one(tmp_path: Path) -> None:
    with served(tmp_path) as (_, first, meeting_point), served(tmp_path) as (_, second, _):
        assert not first.is_found()
        assert second.is_found()
        first.close()
        found = meeting_point.find()
        assert found is not None
        assert found.address == second.address


def test_an_address_that_was_cleaned_away_is_published_again(tmp_path: Path) -> None:
    with served(tmp_path) as (_, host, meeting_point):
        (tmp_path / "engine.json").unlink()
        assert not can_connect(meeting_point)
        assert host.is_found()
        assert can_connect(meeting_point)


@posix_only
def test_only_the_user_may_read_key_address_and_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with served(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for name in ("engine.key", "engine.json"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


@posix_only
def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    def descriptors() -> int:
        return len(os.listdir("/dev/fd"))  # noqa: PTH208 - counts, and opens one itself either way

    with served(tmp_path / "warm") as (_, _, meeting_point), friend(meeting_point) as remote:
        remote.snapshot()
    before = descriptors()
    for turn in range(5):
        with served(tmp_path / str(turn)) as (_, host, meeting_point):
            with friend(meeting_point) as remote:
                remote.send(Start(config()))
            with pytest.raises(ConnectionLostError):
                RemoteEngine(EngineAddress(host.address, 0), b"wrong")
    wait_until(descriptors, lambda count: count <= before)
