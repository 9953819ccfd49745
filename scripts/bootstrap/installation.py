"""Makes the environment and puts the locked packages into it, with one line of progress per step.

Order: system libraries, `.venv`, uv (from its own small lock), then everything else through uv; plain pip where uv cannot
be had. Every package is checked against the hash in its lock. Waits for the network, minutes at worst.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from scripts.bootstrap import stamp, system_packages
from scripts.bootstrap.errors import InstallerError, SetupError, explain
from scripts.bootstrap.setup_lock import setup_lock

NEED_MB = {"app": 1500, "dev": 2500, "bench": 3000}
PACKAGES = ("app", "engine", "models")
SIGNS_OF_LIFE = ("Downloading", "Building", "Installed")


def install(root: str, level: str) -> None:
    """Bring the checkout at `root` to `level`.

    Raises
    ------
    SetupError
        If that cannot be done.
    """
    venv = Path(stamp.venv_folder(root))
    try:
        with setup_lock(venv / ".setup-lock", lambda: _say("another start is setting up; waiting for it")):
            _check_system(root, level)
            if not stamp.is_ready(root, level):
                _install_packages(root, level)
    except (InstallerError, OSError) as error:
        with suppress(OSError):
            (venv / "setup.log").write_text(f"{error}\n", encoding="utf-8")
        raise SetupError(explain(str(error), NEED_MB[level])) from error


def _install_packages(root: str, level: str) -> None:
    started_s = time.monotonic()
    venv = Path(stamp.venv_folder(root))
    free_mb = shutil.disk_usage(venv).free // 2**20
    if free_mb < NEED_MB[level] and not any(venv.glob(".ready-*")):
        raise SetupError(f"the disk is too full ({free_mb} MB free): free {NEED_MB[level]} MB and start again")
    stamp.clear_ready(root)
    python = Path(stamp.venv_python(root))
    if not _runs(python):
        _say("making a Python environment in .venv")
        _make_environment(venv, python)
    if not _has(python, "pip"):
        _add_pip(python)
    _say("installing the locked packages (the first time a few hundred MB)")
    _install_lock(root, python, level)
    _link_checkout(root, python)
    _run([str(python), "-m", "compileall", "-q", *(str(Path(root, package)) for package in PACKAGES)])
    stamp.mark_ready(root, level)
    _say(f"set up in {time.monotonic() - started_s:.0f} s")


def _check_system(root: str, level: str) -> None:
    """Install what the system lacks where that is allowed; otherwise ask for it, and go on if the packages alone can."""
    python_parts = _missing_python_parts(root)
    packages = python_parts + system_packages.missing_packages(level)
    if packages and system_packages.may_install():
        _say(f"installing {len(packages)} system packages: {' '.join(packages)}")
        system_packages.install(packages)
        packages = system_packages.missing_packages(level)
    elif python_parts:
        raise SetupError(f"this needs packages of the system: {system_packages.request(packages)}; then start again")
    note = Path(stamp.lack_file(root, level))
    if packages:
        lost = "some tests will be skipped" if level != "app" else "sound or window may not work"
        _say(f"{lost} before you do this: {system_packages.request(packages)}")
        note.touch()
    else:
        note.unlink(missing_ok=True)


def _missing_python_parts(root: str) -> list[str]:
    """Debian's package for the parts of Python that make an environment, if they are needed and not there."""
    parts_there = all(importlib.util.find_spec(part) for part in ("venv", "ensurepip"))
    if parts_there or _runs(Path(stamp.venv_python(root))) or _has(Path(sys.executable), "venv, pip"):
        return []
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return [
        "python3-venv" if Path("/usr/bin/python3").resolve().name == f"python{version}" else f"python{version}-venv"
    ]


def _make_environment(venv: Path, python: Path) -> None:
    for left_over in venv.iterdir():
        if left_over.name != ".setup-lock":
            shutil.rmtree(left_over) if left_over.is_dir() and not left_over.is_symlink() else left_over.unlink()
    _run([sys.executable, "-m", "venv", "--without-pip", "--prompt", "sidetone", str(venv)])
    if not _runs(python):
        raise SetupError("the Python environment does not start: delete the folder .venv and start again")


def _add_pip(python: Path) -> None:
    """Give the environment a pip: from Python itself, or from the pip of the Python it was made from."""
    if _has(python, "ensurepip"):
        _run([str(python), "-m", "ensurepip", "--upgrade", "--default-pip"])
    else:
        _run([str(_base_python(python)), "-m", "pip", "--python", str(python), "install", "--quiet", "pip"])


def _install_lock(root: str, python: Path, level: str) -> None:
    lock = stamp.lock_file(root, level)
    uv = python.with_name("uv.exe" if sys.platform == "win32" else "uv")
    # The system's certificates: the only ones that are right behind a company's proxy.
    environment = {"UV_SYSTEM_CERTS": "1", **os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    # Compiled once here, not at the first start, nor at every start where Python may not write beside its sources.
    environment["UV_COMPILE_BYTECODE"] = "1"
    pip = [
        str(python),
        "-m",
        "pip",
        "install",
        "--require-hashes",
        "--no-input",
        "--disable-pip-version-check",
        "-q",
        "-r",
    ]
    try:
        _run([*pip, stamp.lock_file(root, "uv")])
        _run([str(uv), "pip", "install", "--python", str(python), "--require-hashes", "-r", lock], environment)
    except InstallerError as uv_failed:
        _say("uv could not do it; trying pip")
        try:
            _run([*pip, lock])
        except InstallerError as pip_failed:
            raise InstallerError(f"{uv_failed}\n{pip_failed}") from pip_failed


def _link_checkout(root: str, python: Path) -> None:
    """Make the program importable from any working folder, behind the standard library and the packages."""
    question = "import sysconfig; print(sysconfig.get_path('purelib'))"
    purelib = subprocess.run(
        [str(python), "-c", question], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    Path(purelib, "sidetone.pth").write_text(root + "\n", encoding="locale")


def _base_python(python: Path) -> Path:
    question = "import sys; print(sys._base_executable)"
    return Path(
        subprocess.run([str(python), "-c", question], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    )


def _runs(python: Path) -> bool:
    return _succeeds([str(python), "-E", "-c", ""])


def _has(python: Path, module: str) -> bool:
    return _succeeds([str(python), "-E", "-c", f"import {module}"])


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return (
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
        )
    except OSError:
        return False


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> None:
    """Run an installer quietly, passing on only the lines that show it is alive.

    Raises
    ------
    InstallerError
        If it fails.
    """
    lines: list[str] = []
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if line.strip().startswith(SIGNS_OF_LIFE):
                _say("  " + line.strip())
    if process.returncode != 0:
        raise InstallerError("".join(lines).strip() or f"{command[0]} ended with code {process.returncode}")


def _say(text: str) -> None:
    print(f"Sidetone: {text}", file=sys.stderr, flush=True)
