"""How well the denoiser cleans thirty seeded mixes of real speech and real noise: `python -m benchmarks.denoise_quality`.

The mixes and the scores come from the evaluation material beside the checkout; only the denoising between them is ours. With
`--command` any other denoiser takes its place, for instance the whole program:

    python -m benchmarks.denoise_quality --command "./sidetone process {input} {output} --bypass compressor"
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from app.paths import find_paths
from engine.core.stage import Context, StreamFormat
from engine.inference.catalog import ModelStore, read_catalog
from engine.stages.denoise import Denoise, DenoiseParams
from models.build import build_missing

HOP = 480
MARKS = {"pesq_wb": 2.03, "ovrl": 3.00, "si_sdr": 11.0}
"""What the mean over all mixes must reach."""

Denoiser = Callable[[Path, Path], object]
"""Reads one file and writes another."""


def denoise_stage(store: ModelStore) -> Denoiser:
    """The denoise stage alone, at full strength."""
    stage = Denoise.build(store)
    stage.prepare(StreamFormat(48_000, 1, HOP))
    context: Context[DenoiseParams] = Context(DenoiseParams(), len(Denoise.meters))

    def denoise(source: Path, target: Path) -> None:
        samples, sample_rate = soundfile.read(source, dtype="float32")
        stage.reset()
        tail = stage.latency_samples + -(samples.size + stage.latency_samples) % HOP
        block = np.pad(samples, (0, tail))[None]
        for start in range(0, block.shape[1], HOP):
            stage.process(block[:, start : start + HOP], context)
        clean = block[0, stage.latency_samples :][: samples.size]
        soundfile.write(target, np.clip(clean, -1.0, 1.0), sample_rate, subtype="PCM_16")

    return denoise


def outside_command(template: str) -> Denoiser:
    """Any program; `{input}` and `{output}` in `template` stand for the files."""

    def denoise(source: Path, target: Path) -> None:
        words = [word.format(input=source, output=target) for word in shlex.split(template)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

    return denoise


def score(eval_folder: Path, denoisers: dict[str, Denoiser], jobs: int) -> dict[str, dict[str, dict[str, float]]]:
    """Mean scores by denoiser, signal-to-noise ratio (`ALL` for all) and measure; `noisy` is scored too.

    Raises
    ------
    subprocess.CalledProcessError
        If a script or a denoiser fails.
    """
    scripts = eval_folder / "scripts"
    results = {}
    with tempfile.TemporaryDirectory(prefix="denoise-quality-") as scratch:
        run = Path(scratch)
        mix: list[str | Path] = [
            sys.executable,
            scripts / "mix.py",
            "--data",
            eval_folder / "data",
            "--out",
            run,
            "--per-snr",
            "6",
        ]
        subprocess.run(mix, check=True, stdout=sys.stderr)
        for name, denoise in denoisers.items():
            enhanced = run / name
            enhanced.mkdir()
            for source in sorted((run / "noisy").glob("*.wav")):
                denoise(source, enhanced / source.name)
        for name in ("noisy", *denoisers):
            command: list[str | Path] = [
                sys.executable,
                scripts / "score.py",
                "--clean",
                run / "clean",
                "--enh",
                run / name,
            ]
            command += ["--csv", run / f"{name}.csv", "--jobs", str(jobs)]
            subprocess.run(command, check=True, stdout=sys.stderr)
            results[name] = json.loads((run / f"{name}.json").read_text("utf-8"))
    return results


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Scores as Markdown: the means over all mixes, and OVRL of the noisiest ones."""
    lines = [
        "| | PESQ-WB | STOI | SI-SDR dB | SIG / BAK / OVRL | OVRL at −5 dB | delay ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, by_snr in results.items():
        mean = by_snr["ALL"]
        lines.append(
            f"| {name} | {mean['pesq_wb']:.2f} | {mean['stoi']:.3f} | {mean['si_sdr']:.1f} "
            f"| {mean['sig']:.2f} / {mean['bak']:.2f} / {mean['ovrl']:.2f} "
            f"| {by_snr['-05']['ovrl']:.2f} | {mean['delay_ms']:.1f} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Print the table; exit with 1 if a mark is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.denoise_quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    beside = Path(__file__).resolve().parents[2] / "shared" / "eval"
    parser.add_argument("--eval", type=Path, default=beside, help="evaluation material (default: beside the checkout)")
    parser.add_argument("--command", help="denoise by this instead, with {input} and {output} for the files")
    parser.add_argument("--jobs", type=int, default=1, help="processes that score at once")
    options = parser.parse_args()
    if not (options.eval / "data" / "manifest.csv").is_file():
        print(f"{options.eval} holds no evaluation material; say with --eval where it is", file=sys.stderr)
        return 1
    if options.command:
        name, denoiser = "command", outside_command(options.command)
    else:
        paths = find_paths()
        store = ModelStore(read_catalog(paths.catalog), [paths.bundled_models, paths.models])
        build_missing(store, paths.models, lambda doing, share: None)
        name, denoiser = "DeepFilterNet3", denoise_stage(store)
    results = score(options.eval, {name: denoiser}, options.jobs)
    print(table(results))
    missed = [
        f"{key} {results[name]['ALL'][key]} < {mark}" for key, mark in MARKS.items() if results[name]["ALL"][key] < mark
    ]
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
