"""Where an engine is found: private, never half written, and robust against what a crash leaves behind."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine import ConnectionLostError, SidetoneError
from engine.remote import connect
from engine.rendezvous import EngineAddress, Rendezvous

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="about sockets and rights of a POSIX system")


def test_an_address_is_found_until_it_is_withdrawn(tmp_path: Path) -> None:
    meeting_point = Rendezvous(tmp_path / "run")
    assert meeting_point.find() is None
    address = meeting_point.new_address()
    meeting_point.publish(address)
    assert meeting_point.find() == EngineAddress(address, os.getpid())
    meeting_point.withdraw("another")
    assert meeting_point.find() is not None
    meeting_point.withdraw(address)
    meeting_point.withdraw(address)
    assert meeting_point.find() is None


def test_no_two_addresses_are_alike(tmp_path: Path) -> None:
    meeting_point = Rendezvous(tmp_path)
    assert len({meeting_point.new_address() for _ in range(50)}) == 50


def test_the_key_is_made_once(tmp_path: Path) -> None:
    key = Rendezvous(tmp_path).authkey()
    assert len(key) == 32
    assert Rendezvous(tmp_path).authkey() == key
    assert Rendezvous(tmp_path / "other").authkey() != key


def test_all_who_start_at_once_have_one_key(tmp_path: Path) -> None:
    for turn in range(20):
        start, keys = threading.Barrier(8), list[bytes]()

        def ask(
            start: threading.Barrier = start, keys: list[bytes] = keys, folder: Path = tmp_path / str(turn)
        ) -> None:
            start.wait()
            keys.append(Rendezvous(folder).authkey())

        askers = [threading.Thread(target=ask) for _ in range(8)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        assert len(keys) == 8
        assert set(keys) == {(tmp_path / str(turn) / "engine.key").read_bytes()}


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 33])
def test_a_damaged_key_is_replaced(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "engine.key").write_bytes(damage)
    key = Rendezvous(tmp_path).authkey()
    assert len(key) == 32
    assert (tmp_path / "engine.key").read_bytes() == key


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b"\0" * 5000, b'{"address": 3, "process_id": 1}', b'{"address": "x"}'],
)
def test_a_damaged_file_is_no_engine(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "engine.json").write_bytes(content)
    meeting_point = Rendezvous(tmp_path)
    assert meeting_point.find() is None
    with pytest.raises(ConnectionLostError, match="no engine is running"):
        connect(meeting_point)
    meeting_point.publish(meeting_point.new_address())
    assert meeting_point.find() is not None


@pytest.mark.parametrize(
    "address", ["", "\0", r"\\.\pipe\nobody", "/nowhere/at/all.socket", "x" * 4000, "relative", "☃"]
)
def test_an_address_where_nobody_is_is_a_sentence(tmp_path: Path, address: str) -> None:
    meeting_point = Rendezvous(tmp_path)
    meeting_point.publish(address)
    with pytest.raises(ConnectionLostError, match=r"cannot be reached .*; start one"):
        connect(meeting_point)


def test_the_address_of_a_killed_process_is_a_sentence(tmp_path: Path) -> None:
    source = (
        "import os, sys; from pathlib import Path; from multiprocessing.connection import Listener\n"
        "from engine.rendezvous import Rendezvous; place = Rendezvous(Path(sys.argv[1])); place.authkey()\n"
        "address = place.new_address(); listener = Listener(address); place.publish(address); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", source, str(tmp_path)], check=False, timeout=30)
    meeting_point = Rendezvous(tmp_path)
    assert meeting_point.find() is not None
    with pytest.raises(ConnectionLostError, match=r"cannot be reached .*; start one"):
        connect(meeting_point)


@posix_only
def test_sockets_of_killed_engines_are_swept_away_and_no_others(tmp_path: Path) -> None:
    meeting_point = Rendezvous(tmp_path)
    dead, young, alive = (Path(meeting_point.new_address()) for _ in range(3))
    listeners = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for path, listener in zip((dead, young, alive), listeners, strict=True):
        listener.bind(str(path))
        listener.listen()
    listeners[0].close()
    listeners[1].close()
    for path in (dead, alive):
        os.utime(path, (1, 1))
    (tmp_path / "notes.txt").write_text("not ours")
    meeting_point.new_address()
    listeners[2].close()
    assert {path.name for path in tmp_path.iterdir()} == {young.name, alive.name, "notes.txt"}


@posix_only
def test_a_folder_too_deep_for_a_socket_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SidetoneError, match="SIDETONE_RUNTIME_DIR"):
        Rendezvous(tmp_path / ("d" * 60) / ("e" * 60)).new_address()
    for length in range(1, 90):
        folder = tmp_path / ("f" * length)
        try:
            address = Rendezvous(folder).new_address()
        except SidetoneError:
            break
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
    assert length > 1


@posix_only
def test_a_folder_open_to_others_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    folder.chmod(0o777)
    Rendezvous(folder).authkey()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@posix_only
def test_a_folder_of_somebody_else_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.rendezvous.os.getuid", lambda: os.geteuid() + 1)
    with pytest.raises(SidetoneError, match="another user"):
        Rendezvous(tmp_path).authkey()


def test_a_full_disk_leaves_no_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting_point = Rendezvous(tmp_path)
    meeting_point.publish("before")

    def full(descriptor: int, mode: str) -> object:
        os.close(descriptor)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("engine.private_file.os.fdopen", full)
        with pytest.raises(OSError, match="No space"):
            meeting_point.publish("after")
    found = meeting_point.find()
    assert found is not None
    assert found.address == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["engine.json"]


def test_a_reader_finds_the_old_address_or_the_new_one(tmp_path: Path) -> None:
    meeting_point = Rendezvous(tmp_path)
    meeting_point.publish("0")
    stop = threading.Event()

    def publish() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            meeting_point.publish(str(turn) * (turn % 500))

    writer = threading.Thread(target=publish)
    writer.start()
    try:
        assert all(meeting_point.find() is not None for _ in range(500))
    finally:
        stop.set()
        writer.join()
    assert [path.name for path in tmp_path.iterdir()] == ["engine.json"]
