"""What Linux must provide and no wheel brings: PortAudio, what Qt links against, and the programs of the test rig.

Libraries are looked for by loading them, so the answer is right on every distribution; names of packages are Debian's and
Ubuntu's. Installing waits for apt, minutes at worst.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from scripts.bootstrap.errors import SetupError

LIBRARIES = {
    "libportaudio.so.2": "libportaudio2",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libdrm.so.2": "libdrm2",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
}
"""What the program loads: PortAudio, and the libraries that Qt's own (in its wheel) are linked against."""

ALSA_PLUGIN = ("lib*/*/alsa-lib/libasound_module_pcm_pulse.so", "libasound2-plugins")
"""PortAudio's way to PipeWire and PulseAudio."""

RIG_PROGRAMS = {
    "pipewire": "pipewire",
    "pw-cli": "pipewire-bin",
    "wireplumber": "wireplumber",
    "pipewire-pulse": "pipewire-pulse",
    "pactl": "pulseaudio-utils",
    "dbus-daemon": "dbus",
    "dbus-run-session": "dbus",
    "Xvfb": "xvfb",
    "xauth": "xauth",
    "jackd": "jackd2",
    "obs": "obs-studio",
    "ffmpeg": "ffmpeg",
    "xdotool": "xdotool",
    "chromium": "chromium",
}
"""Programs that the tests bring up: a sound server, a screen, OBS, a browser."""


def missing_packages(level: str) -> list[str]:
    """Packages that `level` needs and this system lacks, without doubles; none on other systems than Linux."""
    if not sys.platform.startswith("linux"):
        return []
    missing = [package for library, package in LIBRARIES.items() if not _loads(library)]
    if (level != "app" or _has_sound_server()) and not any(Path("/usr").glob(ALSA_PLUGIN[0])):
        missing.append(ALSA_PLUGIN[1])
    if level != "app":
        missing += [package for program, package in RIG_PROGRAMS.items() if shutil.which(program) is None]
    if level == "bench":
        missing += _missing_compiler_parts()
    return list(dict.fromkeys(missing))


def may_install() -> bool:
    """Tell whether apt may be used without asking: as root, or on a machine that says it is a CI's."""
    return shutil.which("apt-get") is not None and (_is_root() or os.environ.get("CI") == "true")


def request(packages: Iterable[str]) -> str:
    """What a person does to get `packages`."""
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        return f"install, under the names your system gives them, {names}"
    return f"sudo apt install {names}"


def install(packages: list[str]) -> None:
    """Install `packages` through apt.

    Raises
    ------
    SetupError
        If apt fails; the message holds apt's last line and the command for a person.
    """
    prefix = [] if _is_root() else ["sudo", "-n", "-E"]
    apt = [*prefix, "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ([*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            command,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0 and "install" in command:
            last = (done.stdout.strip().splitlines() or ["nothing was said"])[-1]
            raise SetupError(f"apt could not install what is needed ({last}); try yourself: {request(packages)}")


def _missing_compiler_parts() -> list[str]:
    """What a quality measure that is published as source needs to be built."""
    has_headers = Path(sysconfig.get_path("include"), "Python.h").exists()
    return [*([] if shutil.which("gcc") else ["gcc", "libc6-dev"]), *([] if has_headers else ["python3-dev"])]


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_sound_server() -> bool:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return bool(runtime) and any(Path(runtime, name).exists() for name in ("pulse/native", "pipewire-0"))
