"""The last net: whatever is raised, one line and an exit code; details go to the log."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.crash import failed, guarded, interrupted_by_termination, log_to_file
from engine import AudioFileError, SidetoneError
from engine.files import expect_writable, write_whole


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    before, raising = list(root.handlers), logging.raiseExceptions
    log_to_file(tmp_path / "log")
    yield tmp_path / "log"
    for handler in root.handlers[:]:
        if handler not in before:
            root.removeHandler(handler)
            handler.close()
    logging.raiseExceptions = raising


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (AudioFileError("in.wav\nis no\tsound"), 1, "sidetone: in.wav is no sound"),
        (MemoryError(), 1, "memory"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "no room"),
        (ZeroDivisionError("secret detail"), 1, "unexpected"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_error_is_at_most_a_line(
    log: Path, capfd: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    assert guarded(raising(error), log) == code
    captured = capfd.readouterr()
    assert "Traceback" not in captured.err
    assert "secret" not in captured.err
    assert len(captured.err.splitlines()) == (1 if words else 0)
    assert words in captured.err


def test_details_of_the_unexpected_are_in_the_log_that_the_line_names(
    log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    guarded(raising(ZeroDivisionError("secret detail")), log)
    assert str(log / "sidetone.log") in capfd.readouterr().err
    content = (log / "sidetone.log").read_text(encoding="utf-8")
    assert "secret detail" in content
    assert "Traceback" in content


def test_the_code_of_the_work_is_the_code(log: Path) -> None:
    assert guarded(lambda: 7, log) == 7
    assert failed("x") == 1


def test_a_log_that_cannot_be_kept_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log_to_file(tmp_path / "file" / "log")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM cannot be sent on Windows")
def test_termination_cleans_up_like_ctrl_c() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interrupted_by_termination():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_small_file_is_written_whole_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    expect_writable(path)
    assert not list(tmp_path.iterdir())
    write_whole(path, b"one")
    monkeypatch.setattr(os, "fsync", lambda descriptor: raising(OSError(errno.ENOSPC, "No space left on device"))())
    with pytest.raises(SidetoneError, match="No space left"):
        write_whole(path, b"two")
    assert path.read_bytes() == b"one"
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize("name", ["missing/r.json", ".", "", "folder"])
def test_a_place_that_cannot_be_written_is_known_before_the_work(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    path = tmp_path / name if name not in {"", "."} else Path(name)
    for act in (expect_writable, lambda path: write_whole(path, b"x")):
        with pytest.raises(SidetoneError, match="could not be written"):
            act(path)
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="about devices that are files")
def test_a_device_is_written_to_and_never_replaced() -> None:
    before = Path("/dev/null").stat().st_rdev
    expect_writable(Path("/dev/null"))
    write_whole(Path("/dev/null"), b"{}")
    assert Path("/dev/null").is_char_device()
    assert Path("/dev/null").stat().st_rdev == before
