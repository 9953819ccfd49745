"""Set-up on first use: when it is needed, who may do it, and what it says when it cannot."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.bootstrap import installation, launch, stamp, system_packages
from scripts.bootstrap.__main__ import suits
from scripts.bootstrap.errors import InstallerError, SetupError, explain
from scripts.bootstrap.setup_lock import setup_lock

ROOT = Path(__file__).resolve().parents[2]
ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="the launcher is a POSIX shell's")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with locks and an environment that looks made."""
    root = tmp_path / "a place with spaces"
    (root / "requirements").mkdir(parents=True)
    for level in stamp.LEVELS:
        Path(stamp.lock_file(str(root), level)).write_text(f"{level}==1\n", "utf-8")
    python = Path(stamp.venv_python(str(root)))
    python.parent.mkdir(parents=True)
    python.touch()
    return root


@pytest.fixture
def installed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Levels that were installed, in a checkout whose installer is replaced by one that only notes."""
    levels: list[str] = []
    monkeypatch.setattr(system_packages, "missing_packages", lambda level: [])

    def note(root: str, level: str) -> None:
        levels.append(level)
        stamp.mark_ready(root, level)

    monkeypatch.setattr(installation, "_install_packages", note)
    return levels


def test_a_level_contains_the_levels_below_and_not_those_above(checkout: Path) -> None:
    stamp.mark_ready(str(checkout), "dev")
    assert [stamp.is_ready(str(checkout), level) for level in ("app", "dev", "bench")] == [True, True, False]


def test_a_changed_lock_or_a_moved_checkout_is_not_ready(checkout: Path, tmp_path: Path) -> None:
    stamp.mark_ready(str(checkout), "app")
    Path(stamp.lock_file(str(checkout), "app")).write_text("app==2\n", "utf-8")
    assert not stamp.is_ready(str(checkout), "app")
    stamp.mark_ready(str(checkout), "app")
    moved = checkout.rename(tmp_path / "moved")
    assert not stamp.is_ready(str(moved), "app")


def test_an_environment_without_its_python_is_not_ready(checkout: Path) -> None:
    stamp.mark_ready(str(checkout), "app")
    Path(stamp.venv_python(str(checkout))).unlink()
    assert not stamp.is_ready(str(checkout), "app")


def test_nothing_is_installed_twice(checkout: Path, installed: list[str]) -> None:
    for level in ("app", "app", "dev", "app", "dev"):
        installation.install(str(checkout), level)
    assert installed == ["app", "dev"]


def test_what_the_system_lacks_is_asked_for_until_it_is_there(
    checkout: Path, installed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system_packages, "missing_packages", lambda level: ["libportaudio2", "libegl1"])
    monkeypatch.setattr(system_packages, "may_install", lambda: False)
    installation.install(str(checkout), "app")
    assert system_packages.request(["libportaudio2", "libegl1"]) in capsys.readouterr().err
    assert stamp.lacks_system(str(checkout), "app")
    monkeypatch.setattr(system_packages, "missing_packages", lambda level: [])
    installation.install(str(checkout), "app")
    assert not stamp.lacks_system(str(checkout), "app")


def test_a_failed_installer_leaves_no_stamp_one_sentence_and_its_words_in_a_file(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: str, level: str) -> None:
        raise InstallerError("error: Failed to fetch\n  cause: dns error")

    monkeypatch.setattr(system_packages, "missing_packages", lambda level: [])
    monkeypatch.setattr(installation, "_install_packages", fail)
    with pytest.raises(SetupError, match="check the network") as refusal:
        installation.install(str(checkout), "app")
    assert "\n" not in str(refusal.value)
    assert not stamp.is_ready(str(checkout), "app")
    assert "dns error" in (checkout / ".venv" / "setup.log").read_text("utf-8")


def test_a_full_disk_is_said_before_anything_is_downloaded(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_packages, "missing_packages", lambda level: [])
    monkeypatch.setitem(installation.NEED_MB, "app", 10**9)
    with pytest.raises(SetupError, match="disk is too full"):
        installation.install(str(checkout), "app")


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full: free 1500 MB"),
        ("error sending request for url", "check the network"),
        (
            "WARNING: Retrying (Connection refused)\nERROR: No matching distribution found for numpy",
            "check the network",
        ),
        ("invalid peer certificate: UnknownIssuer", "certificate"),
        ("Hash mismatch for `numpy==2.4.6`", "not the one that was locked"),
        ("numba==0.68.1 has no usable wheels", "Python 3.11 to 3.14"),
        ("PermissionError: [Errno 13] Permission denied", "cannot be written"),
        ("first\nsomething odd", "something odd"),
        ("", "said nothing"),
    ],
)
def test_what_an_installer_says_becomes_one_sentence(output: str, expected: str) -> None:
    sentence = explain(output, 1500)
    assert expected in sentence
    assert "\n" not in sentence


def test_only_pythons_with_locked_packages_suit() -> None:
    assert [suits(version) for version in ((3, 10), (3, 11), (3, 14), (3, 15), (2, 7))] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_an_unknown_level_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.main(["everything"]) == 2
    assert "usage" in capsys.readouterr().err


def test_one_set_up_waits_for_the_other(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    script = (
        "import sys; from pathlib import Path; from scripts.bootstrap.setup_lock import setup_lock\n"
        "with setup_lock(Path(sys.argv[1]), lambda: print('waiting', flush=True)): print('mine', flush=True)"
    )
    with setup_lock(lock, lambda: pytest.fail("nobody else has it")):
        other = subprocess.Popen([sys.executable, "-c", script, str(lock)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == "waiting\n"
    with other:
        assert other.stdout.readline() == "mine\n"
    assert other.returncode == 0


@ON_POSIX
def test_the_launcher_says_what_to_do_where_no_python_suits(tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    launcher = scripts / "launch"
    launcher.write_text(
        (ROOT / "scripts" / "launch").read_text("utf-8").replace("/usr/bin/python3", "/nowhere"), "utf-8"
    )
    done = subprocess.run(
        ["/bin/sh", str(launcher), "app"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "needs Python 3.11 to 3.14" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@ON_POSIX
def test_the_program_keeps_arguments_and_folder_through_a_link_and_drops_foreign_modules(tmp_path: Path) -> None:
    link = tmp_path / "linked launcher"
    launcher = tmp_path / "starts.sh"
    launcher.write_text(
        '#!/bin/sh\nhere=$(readlink -f -- "$0") || exit 1\nexec "' + str(ROOT) + '/scripts/launch" app "$@"\n', "utf-8"
    )
    launcher.chmod(0o755)
    link.symlink_to(launcher)
    if not stamp.is_ready(str(ROOT), "app"):
        pytest.skip("this checkout was not set up by its own launcher")
    show = "import os, sys, engine; print(os.getcwd(), sys.argv[1:], 'PYTHONPATH' in os.environ, engine.__file__)"
    done = subprocess.run(
        [str(link), "-P", "-c", show, "a b", "*", "ä"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = f"{tmp_path} {['a b', '*', 'ä']} False {ROOT / 'engine' / '__init__.py'}"
    assert done.stdout.strip() == expected


@pytest.mark.parametrize(
    ("has_apt", "expected"), [(True, "sudo apt install xvfb obs-studio"), (False, "xvfb obs-studio")]
)
def test_a_person_is_asked_in_the_terms_of_the_system(
    has_apt: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: "/usr/bin/apt-get" if has_apt else None)
    sentence = system_packages.request(["xvfb", "obs-studio"])
    assert sentence.endswith(expected)
    assert ("apt" in sentence) == has_apt


def test_a_python_without_its_parts_is_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(installation, "_has", lambda python, module: False)
    monkeypatch.setattr(system_packages, "may_install", lambda: False)
    monkeypatch.setattr(system_packages, "missing_packages", lambda level: ["libegl1"])
    with pytest.raises(SetupError, match=r"python3.*-venv libegl1; then start again"):
        installation.install(str(tmp_path), "app")


@pytest.mark.skipif(sys.platform == "win32", reason="about POSIX, where the program takes the launcher's place")
def test_a_start_without_a_standard_output_is_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(program: str, arguments: list[str]) -> None:
        raise SystemExit(" ".join(arguments[1:]))

    monkeypatch.setattr(launch, "is_ready", lambda *_: True)
    monkeypatch.setattr(launch, "lacks_system", lambda *_: False)
    monkeypatch.setattr(os, "execv", become)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit, match="-m app"):
        launch.main(["app", "-m", "app"])
