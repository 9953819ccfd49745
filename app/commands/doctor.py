"""`sidetone doctor`: what is wrong on this machine, and how to mend it. Changes nothing."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from app.composition import chain_models, model_store, rendezvous
from app.display import has_display
from app.engine_process import find_engine
from app.paths import Paths
from app.settings import load_settings
from engine import SidetoneError

_LEAST_FREE_BYTES = 200_000_000


class Verdict(StrEnum):
    """How serious a finding is: only a problem makes the exit code 1."""

    GOOD = "good"
    NOTICE = "notice"
    PROBLEM = "problem"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at. `mend` says what to do about it; empty if nothing."""

    subject: str
    verdict: Verdict
    found: str
    mend: str = ""


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Look at everything, list the findings; 1 if something is wrong."""
    findings = list(examine(paths))
    if command.json:
        print(msgspec.json.format(msgspec.json.encode(findings), indent=2).decode())
    else:
        for finding in findings:
            print(f"{finding.verdict:8} {finding.subject}: {finding.found}")
            if finding.mend:
                print(f"{'':8} → {finding.mend}")
    return int(any(finding.verdict is Verdict.PROBLEM for finding in findings))


def examine(paths: Paths) -> Iterator[Finding]:
    """Findings, one after the other; a check that fails itself is a finding too."""
    for check in _CHECKS:
        yield _guarded(check, paths)


def _guarded(check: Callable[[Paths], Finding], paths: Paths) -> Finding:
    subject = check.__name__.strip("_").replace("_", " ")
    try:
        finding = check(paths)
    except SidetoneError as error:
        return Finding(subject, Verdict.PROBLEM, str(error), "do as it says, then look again")
    except Exception as error:  # noqa: BLE001 - a doctor that falls over helps nobody
        return Finding(subject, Verdict.PROBLEM, f"{type(error).__name__}: {error}", "report this with the log file")
    return msgspec.structs.replace(finding, subject=subject)


def _system(paths: Paths) -> Finding:
    return Finding(
        "", Verdict.GOOD, f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    )


def _display(paths: Paths) -> Finding:
    if has_display():
        return Finding("", Verdict.GOOD, "a window can be shown")
    return Finding(
        "", Verdict.NOTICE, "there is no display", "`sidetone headless` runs the same engine without a window"
    )


def _sound(paths: Paths) -> Finding:
    from engine.io.system import SystemBackend

    devices = SystemBackend().devices()
    microphones = [device.name for device in devices if device.max_input_channels and not device.is_monitor]
    if not microphones:
        return Finding(
            "",
            Verdict.PROBLEM,
            "there is no microphone",
            "plug one in, or start the system's sound service; --input simulated:FILE.wav works without",
        )
    return Finding(
        "", Verdict.GOOD, f"{len(microphones)} microphones ({', '.join(microphones[:3])}), {len(devices)} devices"
    )


def _virtual_microphone(paths: Paths) -> Finding:
    from engine.io.system import SystemBackend
    from engine.io.virtual_device import advice, can_have_virtual_microphone

    if not can_have_virtual_microphone(SystemBackend().devices()):
        return Finding("", Verdict.PROBLEM, "this machine has no virtual microphone", advice())
    return Finding("", Verdict.GOOD, "other programs can record what Sidetone plays")


def _models(paths: Paths) -> Finding:
    store = model_store(paths)
    for model_id in chain_models(store):
        store.model_path(model_id)
    return Finding("", Verdict.GOOD, f"{len(chain_models(store))} built and as the catalogue says")


def _inference(paths: Paths) -> Finding:
    import onnxruntime

    from engine.inference.providers import available_providers, short_name

    there = ", ".join(short_name(name) for name in available_providers())
    store = model_store(paths)
    measured = store.measurements
    known = [
        (model_id, measured.of(store.entry(model_id).sha256) if measured is not None else None)
        for model_id in chain_models(store)
    ]
    chosen = [
        f"{model_id} on {short_name(found.chosen.provider)}, {found.chosen.p50_ms:.2f} ms a hop"
        for model_id, found in known
        if found is not None and found.chosen is not None
    ]
    found = f"onnxruntime {onnxruntime.__version__}, which can use {there}; "
    if not chosen:
        mend = "`sidetone models measure` tells what a hop takes"
        return Finding("", Verdict.GOOD, found + "no model was measured here, so all run on the CPU", mend)
    return Finding("", Verdict.GOOD, found + "; ".join(chosen))


def _real_time(paths: Paths) -> Finding:
    from engine.realtime import raise_thread_priority

    refusals: list[str] = []
    # Asked on a thread that ends at once, so that this process keeps its own priority.
    thread = threading.Thread(target=lambda: refusals.append(raise_thread_priority(0.01)))
    thread.start()
    thread.join()
    if not refusals[0]:
        return Finding("", Verdict.GOOD, "the system runs the audio thread in real time")
    mend = "add your user to the group `audio` or `realtime`, or install rtkit" if sys.platform == "linux" else ""
    return Finding("", Verdict.NOTICE, f"the system refuses real time ({refusals[0]}); the audio runs without", mend)


def _settings(paths: Paths) -> Finding:
    load_settings(paths.settings)
    return Finding("", Verdict.GOOD, str(paths.settings) if paths.settings.exists() else "none saved yet")


def _folders(paths: Paths) -> Finding:
    closed = [
        f"{folder} ({what})"
        for folder, what in (
            (paths.config, "settings"),
            (paths.cache, "models"),
            (paths.runtime, "the engine's address"),
        )
        if not os.access(_existing(folder), os.W_OK)
    ]
    if closed:
        mend = (
            "make them writable, or choose others with SIDETONE_CONFIG_DIR, SIDETONE_CACHE_DIR and SIDETONE_RUNTIME_DIR"
        )
        return Finding("", Verdict.PROBLEM, f"cannot be written: {', '.join(closed)}", mend)
    rendezvous(paths).expect_short()
    return Finding("", Verdict.GOOD, "settings, models and the engine's address can be written")


def _existing(folder: Path) -> Path:
    """The folder, or what of the way to it is there."""
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def _disk(paths: Paths) -> Finding:
    folder = _existing(paths.cache)
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        return Finding(
            "", Verdict.PROBLEM, f"{free / 1e6:.0f} MB are free in {folder}", "make room for models and recordings"
        )
    return Finding("", Verdict.GOOD, f"{free / 1e9:.1f} GB free for models and recordings")


def _engine(paths: Paths) -> Finding:
    engine = find_engine(rendezvous(paths))
    if engine is None:
        return Finding("", Verdict.GOOD, "none is running")
    snapshot = engine.snapshot()
    found = f"running as process {engine.found.process_id}: {snapshot.state} {snapshot.reason}".rstrip()
    return Finding("", Verdict.GOOD, found)


_CHECKS = (
    _system,
    _display,
    _sound,
    _virtual_microphone,
    _models,
    _inference,
    _real_time,
    _settings,
    _folders,
    _disk,
    _engine,
)
