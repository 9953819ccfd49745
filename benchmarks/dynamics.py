"""How evenly a voice comes out, beside other programs, over one programme: `python -m benchmarks.dynamics`.

The programme and the peers are those of the evaluation set's `dyn_peers.py`, which is run first with `--peers-python` (an
environment that has pyloudnorm, pedalboard and webrtc-noise-gain); then all results, theirs and ours, are measured by one
function. `--speech` adds half an hour of speech: loudness after the first minute, and the quality score before and after.
`--noise` adds what the denoiser's own estimate of speech gives the stages behind it, over the programme in real noise.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from app.composition import chosen_models, ensure_models, make_chain, preset_library
from app.paths import Paths, find_paths
from engine import ChainConfig
from engine.core.chain import Chain
from engine.core.side_signals import UNKNOWN_PROBABILITY
from engine.core.stage import Block, Context, StreamFormat
from engine.dsp.loudness import LoudnessMeter
from engine.stages import STAGES
from engine.stages.compressor import Compressor
from engine.stages.denoise import Denoise, DenoiseParams
from engine.stages.leveller import Leveller

RATE = 48_000
HOP = 480
CLIP_S, GAP_S, CLIPS = 6, 1, 14
DYNAMICS = ("gate", "de_esser", "equalizer", "compressor", "leveller", "output_gain", "duck", "limiter")
NOISES = (
    "md_things_keyboard",
    "md_places_cafe",
    "md_urban_traffic",
    "md_transport_inside-a-train",
    "md_things_ceiling-fan",
    "md_rain_rain-on-window",
)
NOISE_DBFS = -45.0
NOISE_LEFT_DB = 18.0
"""A strength that leaves some of the noise: with all of it gone there is nothing left to be raised."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Evenness:
    """Figures of one result over the programme."""

    integrated_lufs: float
    spread_lu: float
    true_peak_dbtp: float
    gap_dbfs: float
    loudest_gap_dbfs: float
    pumping_db: float


def loudness(samples: Samples, sides: int = 1) -> LoudnessMeter:
    """A meter that has heard `samples`, shape (frames,), from so many sides."""
    meter = LoudnessMeter(RATE, sides)
    meter.process(np.tile(samples.astype(np.float32), (sides, 1)))
    return meter


def clip_bounds() -> Iterator[tuple[int, int]]:
    """First and last frame of each clip of the programme."""
    for clip in range(CLIPS):
        start = clip * (CLIP_S + GAP_S) * RATE
        yield start, start + CLIP_S * RATE


def measure(samples: Samples, pumping_db: float = float("nan")) -> Evenness:
    """Figures of a result; clips count from their second second on, gaps from 0.5 to 0.95 s after a clip's end."""
    whole = loudness(samples)
    clips = [loudness(samples[start + RATE : end]).integrated_lufs for start, end in clip_bounds()]
    gaps = [samples[end + RATE // 2 : end + RATE - 2400].astype(np.float64) for _, end in list(clip_bounds())[:-1]]
    gap_dbfs = [10.0 * np.log10(np.mean(gap**2) + 1e-12) for gap in gaps]
    return Evenness(
        whole.integrated_lufs,
        float(np.std(clips)),
        whole.true_peak_dbtp,
        float(np.median(gap_dbfs)),
        float(np.max(gap_dbfs)),
        pumping_db,
    )


def run(chain: Chain, samples: Samples, music: Samples | None = None, is_doubled: bool = False) -> Samples:
    """Output for `samples` (frames,), aligned with them; `music` (1, HOP) is the second input of every hop.

    `is_doubled` says that it will be heard from both sides, as a live microphone is; else it counts as a mono file.
    """
    chain.prepare(StreamFormat(RATE, 1, HOP, is_mono_doubled=is_doubled))
    latency = chain.latency_samples
    hops = -(-(samples.size + latency) // HOP)
    out = np.zeros((1, hops * HOP), np.float32)
    out[0, : samples.size] = samples
    for start in range(0, out.shape[1], HOP):
        chain.process(out[:, start : start + HOP], music)
    aligned: Samples = out[0, latency : latency + samples.size]
    return aligned


def dynamics_chain(config: ChainConfig, is_levelled_first: bool = False) -> Chain:
    """The preset without the network: everything but the denoiser; the leveller before the compressor if so wanted."""
    stages = [stage for stage in STAGES if stage.id != "denoise"]
    if is_levelled_first:
        stages.remove(Leveller)
        stages.insert(stages.index(Compressor), Leveller)
    return loaded(Chain(stage() for stage in stages), config)


def loaded(chain: Chain, config: ChainConfig) -> Chain:
    """`chain` with the part of `config` that it has stages for."""
    present = set(chain.bypasses())
    chain.load(
        {name: value for name, value in config.params.items() if name.partition(".")[0] in present},
        {stage: is_bypassed for stage, is_bypassed in config.bypass.items() if stage in present},
    )
    return chain


def pumping_db(process: Any, programme: Samples) -> float:
    """How much a steady 5 kHz tone at -70 dBFS is moved under speech: spread of its level while somebody speaks, in dB.

    The tone is far too quiet to steer anything; its level in the result shows the gain that was at work.
    """
    tone = (10 ** (-70 / 20) * np.sin(2 * np.pi * 5000 * np.arange(programme.size) / RATE)).astype(np.float32)
    # What the tone adds is the difference of two runs; gains differ by nothing that counts.
    difference = process(programme + tone).astype(np.float64) - process(programme).astype(np.float64)
    carrier = difference * np.exp(-2j * np.pi * 5000 * np.arange(programme.size) / RATE)
    frames = carrier[: carrier.size // 2400 * 2400].reshape(-1, 2400).mean(axis=1)
    level_db = 20 * np.log10(np.abs(frames) + 1e-9)
    spoken = [level_db[(start + RATE) // 2400 : end // 2400] for start, end in clip_bounds()]
    return float(np.median([np.std(clip) for clip in spoken]))


def run_peers(evaluation: Path, python: str, out: Path) -> dict[str, Samples]:
    """Run the peers' script; its programme and its results by name.

    Raises
    ------
    subprocess.CalledProcessError
        If the script fails altogether; a peer that is absent is only left out.
    """
    out.mkdir(parents=True, exist_ok=True)
    script = evaluation / "scripts" / "dyn_peers.py"
    subprocess.run([python, str(script), "--data", str(evaluation / "data"), "--out", str(out)], check=True)
    with (out / "dyn.csv").open(newline="") as table:
        names = [row["peer"] for row in csv.DictReader(table)]
    found = {}
    for name in names:
        stem = "".join(c if c.isalnum() else "_" for c in name.lower())
        while "__" in stem:
            stem = stem.replace("__", "_")
        samples, rate = soundfile.read(out / f"{stem}.out.wav", dtype="float32")
        found[name] = samples if rate == RATE else soxr.resample(samples, rate, RATE)
    return found


def half_hour(data: Path, minutes: float) -> Samples:
    """Speech of the evaluation set in a row, each clip once more if need be, at levels from -40 to -16 dBFS, 48 kHz."""
    with (data / "manifest.csv").open(newline="") as table:
        rows = sorted((row for row in csv.DictReader(table) if row["kind"] == "speech"), key=lambda row: row["file"])
    order = np.random.default_rng(4)
    parts: list[Samples] = []
    left = round(minutes * 60 * RATE)
    for row in itertools.cycle(order.permutation(np.array(rows, object))):
        samples, rate = soundfile.read(data / row["file"], dtype="float32", always_2d=True)
        mono = soxr.resample(samples.mean(axis=1), rate, RATE)
        mono *= 10 ** (order.uniform(-40, -16) / 20) / (np.sqrt(np.mean(mono**2)) + 1e-9)
        parts.append(np.clip(mono, -1, 1)[:left].astype(np.float32))
        left -= parts[-1].size
        if left <= 0:
            return np.concatenate(parts)
    raise AssertionError("an endless cycle has ended")


def quality(samples: Samples, every_s: float = 15.0) -> float:
    """Mean DNSMOS SIG over one of its windows out of every quarter of a minute, after the first minute."""
    from speechmos import dnsmos

    scores = []
    for start in range(RATE * 60, samples.size - RATE * 10, round(every_s * RATE)):
        # A little more than a window: what is shorter it would repeat, and judge the joint too.
        part = soxr.resample(samples[start : start + round(9.05 * RATE)], RATE, 16_000)
        scores.append(float(dnsmos.run(np.clip(part, -1, 1).astype(np.float32), 16_000)["sig_mos"]))
    return float(np.mean(scores))


def costs(chain: Chain) -> Mapping[str, float]:
    """Median milliseconds of a hop by stage, for those in `DYNAMICS`."""
    found = {slot.stage.id: slot.durations.percentiles() for slot in chain.slots}
    return {stage: found[stage].p50_ms for stage in DYNAMICS if found[stage]}  # type: ignore[union-attr]


def programme_report(evaluation: Path, python: str, out: Path, paths: Paths) -> Iterator[str]:
    """Table over the programme, and what the stages cost, line by line."""
    results = run_peers(evaluation, python, out)
    programme = results.pop("input")
    figures = {"input": measure(programme)} | {name: measure(samples) for name, samples in results.items()}
    stream = preset_library(paths).read("stream")[0].chain
    dynamics = dynamics_chain(stream)
    ours = run(dynamics, programme)
    look_ahead_ms = 1000.0 * dynamics.latency_samples / RATE
    # For the cost every stage works, and the equalizer with all its bands.
    bands = {f"equalizer.band{band}_db": 1.0 for band in range(1, 11)}
    tones = {"equalizer.bass_db": 1.0, "equalizer.middle_db": 1.0, "equalizer.treble_db": 1.0}
    everything_on = dynamics_chain(
        ChainConfig(params={**stream.params, **bands, **tones}, bypass=dict.fromkeys(DYNAMICS, False))
    )
    run(everything_on, programme, np.full((1, HOP), 0.01, np.float32))
    moved_db = pumping_db(lambda samples: run(dynamics_chain(stream), samples), programme)
    figures[f"Sidetone, dynamics of `stream` ({look_ahead_ms:.1f} ms look-ahead)"] = measure(ours, moved_db)
    ensure_models(paths)
    figures["Sidetone, all of `stream`, denoiser too"] = measure(
        run(loaded(make_chain(paths, is_live=False), stream), programme)
    )
    yield (
        "\n| | integrated LUFS | spread LU std | true peak dBTP | gaps dBFS median | loudest gap | steady tone moves dB |"
    )
    yield ("|---|---|---|---|---|---|---|")
    for name, it in figures.items():
        moved = "" if np.isnan(it.pumping_db) else f"{it.pumping_db:.1f}"
        yield (
            f"| {name} | {it.integrated_lufs:.1f} | {it.spread_lu:.2f} | {it.true_peak_dbtp:.2f} | {it.gap_dbfs:.1f} "
            f"| {it.loudest_gap_dbfs:.1f} | {moved} |"
        )
    yield ("\n| stage | ms per hop of 10 ms, p50 |\n|---|---|")
    spent = costs(everything_on)
    for stage, p50_ms in spent.items():
        yield (f"| {stage} | {p50_ms:.3f} |")
    yield (f"| together | {sum(spent.values()):.3f} |")


class Silent(Denoise):
    """Denoises, and tells those behind it nothing of what it knows."""

    def process(self, block: Block, ctx: Context[DenoiseParams]) -> None:
        super().process(block, ctx)
        ctx.side.speech_probability = UNKNOWN_PROBABILITY


def noise_report(evaluation: Path, out: Path, paths: Paths) -> Iterator[str]:
    """Spread and gaps of the whole preset in noise, with the denoiser's estimate of speech and without, line by line."""
    programme, _ = soundfile.read(out / "input.wav", dtype="float32")
    models = chosen_models(paths)
    stream = preset_library(paths).read("stream")[0].chain
    some_left = msgspec.structs.replace(stream, params={**stream.params, "denoise.strength_db": NOISE_LEFT_DB})
    quiet = msgspec.structs.replace(some_left, bypass=dict.fromkeys(DYNAMICS, True))
    yield (
        f"\n| noise at {NOISE_DBFS:.0f} dBFS, strength {NOISE_LEFT_DB:.0f} dB | spread LU, energy alone | with the estimate "
        "| gaps raised dB, energy alone | with the estimate |"
    )
    yield ("|---|---|---|---|---|")
    rows = []
    for name in NOISES:
        noise, rate = soundfile.read(evaluation / "data" / "noise" / f"{name}.flac", dtype="float32", always_2d=True)
        noise = np.resize(soxr.resample(noise.mean(axis=1), rate, RATE), programme.size)
        noisy = programme + noise * 10 ** (NOISE_DBFS / 20) / np.sqrt(np.mean(noise**2))
        before = measure(run(loaded(Chain(stage.build(models) for stage in STAGES), quiet), noisy))
        row = []
        for kind in (Silent, Denoise):
            chain = Chain((kind if stage is Denoise else stage).build(models) for stage in STAGES)
            after = measure(run(loaded(chain, some_left), noisy))
            row.append((after.spread_lu, after.gap_dbfs - before.gap_dbfs))
        rows.append(row)
        yield noise_row(name, row)
    yield noise_row("mean", np.mean(rows, axis=0).tolist())


def noise_row(name: str, row: Sequence[Sequence[float]]) -> str:
    """One line of the table: spread and raise, by energy alone and with the estimate."""
    (spread, raised), (spread_with, raised_with) = row
    return f"| {name} | {spread:.2f} | {spread_with:.2f} | {raised:.1f} | {raised_with:.1f} |"


def speech_report(evaluation: Path, minutes: float, paths: Paths) -> Iterator[str]:
    """Loudness after the first minute and quality before and after, over a long stretch of speech."""
    speech = half_hour(evaluation / "data", minutes)
    stream = preset_library(paths).read("stream")[0].chain
    ours = run(dynamics_chain(stream), speech, is_doubled=True)
    target_lufs = float(stream.params["leveller.target_lufs"])
    after_first = loudness(ours[60 * RATE :], sides=2)
    yield (
        f"\n{speech.size / RATE / 60:.0f} min of speech at -40 to -16 dBFS, heard from both sides as every live microphone: "
        f"target {target_lufs:.1f} LUFS,"
    )
    yield (
        f"integrated after the first minute {after_first.integrated_lufs:.2f} LUFS, range {after_first.range_lu:.1f} LU,"
    )
    yield (
        f"true peak {after_first.true_peak_dbtp:.2f} dBTP; DNSMOS SIG {quality(speech):.3f} before, {quality(ours):.3f} after"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dynamics", description=__doc__)
    parser.add_argument("--evaluation", type=Path, default=Path("../shared/eval"))
    parser.add_argument("--peers-python", default=sys.executable)
    parser.add_argument("--out", type=Path, required=True, help="folder for the peers' sound")
    parser.add_argument("--speech", type=float, metavar="MINUTES", default=0.0)
    parser.add_argument("--noise", action="store_true")
    parser.add_argument("--write", type=Path, metavar="FILE.md", help="write the tables there too")
    parser.add_argument("--only-speech", action="store_true")
    arguments = parser.parse_args()
    paths = find_paths()
    reports: list[Iterator[str]] = []
    if not arguments.only_speech:
        reports.append(programme_report(arguments.evaluation, arguments.peers_python, arguments.out, paths))
    if arguments.noise:
        reports.append(noise_report(arguments.evaluation, arguments.out, paths))
    if arguments.speech:
        reports.append(speech_report(arguments.evaluation, arguments.speech, paths))
    lines = ["# Dynamics, measured", "", f"Written by `python -m benchmarks.dynamics` on {platform.machine()}."]
    for line in itertools.chain(*reports):
        print(line, flush=True)
        lines.append(line)
    if arguments.write:
        arguments.write.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
