"""Finds out what a model file from elsewhere is good for, by running it. Belongs in a process of its own.

A runtime for hostile files there is not: a graph may crash it, take all memory, or never end. So this runs in a child with
limits (`models.importing`), which answers in one line of JSON, or not at all.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np

from engine.errors import ModelError
from engine.inference.delay_proof import measured_delay_samples
from engine.inference.frame_denoiser import FrameDenoiser, no_residual
from engine.inference.moonshine import Moonshine
from engine.inference.onnx_contents import read_onnx_contents
from engine.inference.providers import CPU
from engine.inference.recognizer import SPEECH_RATE_HZ
from engine.inference.resampled import at_rate
from engine.inference.runtimes import FORMS, place_by_delay
from engine.inference.session import ModelSession, open_session
from engine.inference.waveform import Waveform, is_waveform

ALLOWED_STRANGERS = frozenset({"com.microsoft.MatMulNBits"})
"""Operators beside ONNX's own: what the program's own models need."""
MOST_MEMORY_BYTES = 4 << 30
MOST_CPU_S = 60
MOST_UNPACKED_BYTES = 1 << 30
TRIAL_HOPS = 200
TRIAL_RATE_HZ = 48_000
MOST_WRONG_S = 0.001
"""What a model may be late by more or less than it says: its filters need not delay all frequencies alike."""


class Finding(msgspec.Struct, frozen=True):
    """What a file is good for.

    Attributes
    ----------
    problem : str
        Why it is refused; empty if it is not.
    fits : str
        Id of the model whose place it can take; empty if it can be loaded but nothing here knows how to use it.
    cost_ms, cost_p99_ms : float
        Median and 99th percentile of the time of a hop on this machine; 0 where nothing fits.
    delay_samples : int
        With what another rate or hop than that of the engine adds to it.
    level_dbfs : float
        Of what it makes of the noise it was tried with: the same model gives the same on every provider.
    shape : str
        Its inputs and outputs in words.
    """

    problem: str = ""
    fits: str = ""
    sample_rate_hz: int = 0
    hop_samples: int = 0
    delay_samples: int = 0
    cost_ms: float = 0.0
    cost_p99_ms: float = 0.0
    level_dbfs: float = 0.0
    shape: str = ""


def probe(path: Path, provider: str = CPU) -> Finding:
    """Look through a file, load it, and try it as everything that this program can run. Waits; may crash or hang."""
    try:
        if zipfile.is_zipfile(path):
            return _probe_speech(path)
        if problem := _problem(path.read_bytes()):
            return Finding(problem)
        session = ModelSession((open_session(path, provider),), (provider,))
    except ModelError as error:
        return Finding(str(error))
    except OSError as error:
        return Finding(f"it cannot be read ({error.strerror or error})")
    (runtime,) = session.runtimes
    words = ", ".join(f"{value.name} {value.shape}" for value in runtime.get_inputs())
    shape = f"{words} -> {', '.join(f'{value.name} {value.shape}' for value in runtime.get_outputs())}"[:300]
    if is_waveform(session):
        return _probe_waveform(session, shape)
    for model_id, form in FORMS.items():
        if (finding := _try_as(model_id, partial(form, session), shape)) is not None:
            return finding
    return Finding(shape=shape)


def _probe_waveform(session: ModelSession, shape: str) -> Finding:
    """Try a network that brings its own transforms along; what it says of its delay must be true."""
    try:
        own = Waveform(session)
        denoiser = at_rate(own, TRIAL_RATE_HZ)
        measured = measured_delay_samples(own)
    except ModelError as error:
        return Finding(str(error))
    if measured is not None and abs(measured - own.delay_samples) > MOST_WRONG_S * own.sample_rate:
        return Finding(f"it says that it is {own.delay_samples} samples late, but it is {measured}")
    place = place_by_delay(1000.0 * denoiser.delay_samples / TRIAL_RATE_HZ)
    found = _try_as(place, lambda: denoiser, shape) or Finding(shape=shape)
    in_own = own.sample_rate / TRIAL_RATE_HZ
    return msgspec.structs.replace(
        found,
        sample_rate_hz=own.sample_rate,
        hop_samples=own.hop_samples,
        delay_samples=round(denoiser.delay_samples * in_own),
    )


def _problem(content: bytes) -> str:
    contents = read_onnx_contents(content)
    if contents.has_external_data:
        return "it keeps data in other files, which is not allowed; save it as one file"
    if strangers := contents.strangers - ALLOWED_STRANGERS:
        return f"it needs operators that are not ONNX's own ({', '.join(sorted(strangers))[:100]})"
    return ""


def _probe_speech(path: Path) -> Finding:
    """Try an archive as a speech model: encoder, decoder and tokenizer, as `engine.inference.moonshine` reads them."""
    try:
        with zipfile.ZipFile(path) as files:
            if sum(member.file_size for member in files.infolist()) > MOST_UNPACKED_BYTES:
                return Finding("it is larger than a model may be, once it is unpacked")
            models = [name for name in files.namelist() if not name.endswith((".json", ".bin", "/"))]
            if strange := [name for name in models if not name.endswith(".onnx")]:
                return Finding(f"it contains {strange[0][:100]}, which cannot be looked through; give ONNX files")
            if problem := next(filter(None, (_problem(files.read(name)) for name in models)), ""):
                return Finding(problem)
        stream = Moonshine(path).stream()
        stream.accept(0.1 * np.random.default_rng(1).standard_normal(4 * SPEECH_RATE_HZ).astype(np.float32))
        began_s = perf_counter()
        stream.hypothesis()
    except zipfile.BadZipFile as error:
        return Finding(f"it cannot be unpacked ({error})")
    cost_ms = round(1000.0 * (perf_counter() - began_s), 3)
    shape = "speech of 16 kHz -> words; cost for 4 s of sound"
    return Finding(fits="moonshine-tiny-en", sample_rate_hz=SPEECH_RATE_HZ, cost_ms=cost_ms, shape=shape)


def _try_as(model_id: str, load: Callable[[], FrameDenoiser], shape: str) -> Finding | None:
    try:
        denoiser = load()
        stream = denoiser.stream()
    except Exception:  # noqa: BLE001 - it is not of this form; why does not matter
        return None
    hops = 0.1 * np.random.default_rng(1).standard_normal((TRIAL_HOPS, denoiser.hop_samples)).astype(np.float32)
    costs_s = []
    for hop in hops:
        began_s = perf_counter()
        stream.process(hop, hop, no_residual)
        costs_s.append(perf_counter() - began_s)
    if not np.isfinite(hops).all():
        return Finding(f"it has the form of {model_id} but returns samples that are no numbers")
    return Finding(
        fits=model_id,
        sample_rate_hz=denoiser.sample_rate,
        hop_samples=denoiser.hop_samples,
        delay_samples=denoiser.delay_samples,
        cost_ms=round(1000.0 * float(np.percentile(costs_s, 50)), 3),
        cost_p99_ms=round(1000.0 * float(np.percentile(costs_s, 99)), 3),
        level_dbfs=round(10.0 * float(np.log10(np.mean(np.square(hops)) + 1e-12)), 2),
        shape=shape,
    )


def limit_this_process() -> None:
    """Bound memory and processor time where the system can; elsewhere the parent's time limit alone holds."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
