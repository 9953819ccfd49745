"""All modes of the denoiser and all peers over the same sound in one run: `./sidetone bench quality`.

Thirty seeded mixes of real speech and real noise, and sixteen pairs of VoiceBank-DEMAND. Outputs are scored as they come:
delays are found by correlation, not declared. Mixes and scores come from the evaluation material beside the checkout; the table
and the plot go to docs/benchmarks.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from app.paths import find_paths
from benchmarks.onsets import kept_db
from benchmarks.peers import HOP, SAMPLE_RATE, Process, Samples, install_peers, peers
from benchmarks.scatter import Point, scatter
from engine.core.stage import Assets, Context, StreamFormat
from engine.inference.catalog import ModelStore, read_catalog
from engine.inference.library import ChosenModels
from engine.stages.denoise import MODELS, MODES, Denoise, DenoiseParams
from models.build import build_missing

LIVE = ", live (8 bits)"
"""Ends the name of a mode with the weights that it has where every hop has a deadline."""
TAIL_MS = 100
"""Silence after each file, so that what comes late comes out whole."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one denoiser gave, means over all files."""

    name: str
    mixes: dict[str, float]
    ovrl_at_minus_5: float
    pairs: dict[str, float]
    onset_kept_db: float
    cpu_share: float


def mode_process(models: Assets, mode: str) -> Process:
    """The denoise stage alone in one mode, at full strength."""
    stage = Denoise.build(models)
    params = DenoiseParams(mode=mode)
    stage.expect(params)
    stage.prepare(StreamFormat(SAMPLE_RATE, 1, HOP))
    context: Context[DenoiseParams] = Context(params, len(Denoise.meters))

    def process(samples: Samples) -> Samples:
        stage.reset()
        block = np.pad(samples, (0, -samples.size % HOP))[None].copy()
        for start in range(0, block.shape[1], HOP):
            stage.process(block[:, start : start + HOP], context)
        out: Samples = block[0]
        return out

    return process


def denoise_files(process: Process, sources: list[Path], target: Path) -> float:
    """Write what `process` makes of each file; return the share of one core that it took, its resampling included."""
    target.mkdir(parents=True)
    seconds = cpu_s = 0.0
    for source in sources:
        samples, sample_rate = soundfile.read(source, dtype="float32")
        if sample_rate != SAMPLE_RATE:
            samples = soxr.resample(samples, sample_rate, SAMPLE_RATE, quality="VHQ")
        padded = np.pad(samples, (0, SAMPLE_RATE * TAIL_MS // 1000)).astype(np.float32)
        started = sum(os.times()[:4])
        out = process(padded)
        cpu_s += sum(os.times()[:4]) - started
        seconds += padded.size / SAMPLE_RATE
        soundfile.write(target / f"{source.stem}.wav", np.clip(out, -1, 1), SAMPLE_RATE, subtype="PCM_16")
    return cpu_s / seconds


def mean_onset_kept_db(clean: Path, enhanced: Path, delay_ms: dict[str, float]) -> float:
    """Mean over all word beginnings of how much of the voice is kept."""
    kept: list[float] = []
    for path in sorted(clean.glob("*.wav")):
        voice, sample_rate = soundfile.read(path)
        out, _ = soundfile.read(enhanced / path.name)
        aligned = np.roll(out, -round(delay_ms[path.stem] * sample_rate / 1000))[: voice.size]
        kept += kept_db(voice, np.pad(aligned, (0, voice.size - aligned.size)), sample_rate)
    return float(np.mean(kept))


class Evaluation:
    """The material in a folder of its own, and the scripts that score it.

    Parameters
    ----------
    data : Path
        Folder of the sounds; the scripts lie in `scripts` beside it.
    """

    def __init__(self, data: Path, run: Path, jobs: int) -> None:
        self._scripts = data.parent / "scripts"
        self._run = run
        self._jobs = jobs
        self._script("mix.py", "--data", data, "--out", run, "--per-snr", 6)
        self._pairs_clean = data / "pair_clean"
        self._mixes = sorted((run / "noisy").glob("*.wav"))
        self._pairs = sorted((data / "pair_noisy").glob("*.flac"))

    def _script(self, name: str, *arguments: object) -> None:
        command = [sys.executable, str(self._scripts / name), *map(str, arguments)]
        subprocess.run(command, check=True, stdout=sys.stderr)

    def _score(self, clean: Path, enhanced: Path) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
        csv = enhanced.with_suffix(".csv")
        self._script("score.py", "--clean", clean, "--enh", enhanced, "--csv", csv, "--jobs", self._jobs)
        lines = [line.split(",") for line in csv.read_text("utf-8").splitlines()[1:]]
        return json.loads(csv.with_suffix(".json").read_text("utf-8")), {line[0]: float(line[1]) for line in lines}

    def row(self, name: str, process: Process) -> Row:
        """Denoise everything with one denoiser and score it."""
        folder = self._run / "".join(c if c.isalnum() else "_" for c in name)
        cpu_share = denoise_files(process, self._mixes, folder / "mixes")
        denoise_files(process, self._pairs, folder / "pairs")
        mixes, delay_ms = self._score(self._run / "clean", folder / "mixes")
        pairs, _ = self._score(self._pairs_clean, folder / "pairs")
        onset = mean_onset_kept_db(self._run / "clean", folder / "mixes", delay_ms)
        return Row(name, mixes["ALL"], mixes["-05"]["ovrl"], pairs["ALL"], onset, cpu_share)


def table(rows: list[Row]) -> str:
    """All rows as Markdown."""
    lines = [
        "| | delay ms | PESQ-WB | STOI | SI-SDR dB | SIG / BAK / OVRL | OVRL at −5 dB | onsets kept dB "
        "| VoiceBank PESQ-WB | its SIG / OVRL | share of a core |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        m, p = row.mixes, row.pairs
        lines.append(
            f"| {row.name} | {m['delay_ms']:.1f} | {m['pesq_wb']:.2f} | {m['stoi']:.3f} | {m['si_sdr']:.1f} "
            f"| {m['sig']:.2f} / {m['bak']:.2f} / {m['ovrl']:.2f} | {row.ovrl_at_minus_5:.2f} "
            f"| {row.onset_kept_db:.1f} | {p['pesq_wb']:.2f} | {p['sig']:.2f} / {p['ovrl']:.2f} "
            f"| {row.cpu_share:.3f} |"
        )
    return "\n".join(lines)


def run(data: Path, folder: Path, jobs: int, only: list[str], tell: Callable[[str], None]) -> str:
    """Measure everything, write `folder`/denoise.md and denoise.svg, and return the table.

    Parameters
    ----------
    only : list of str
        Parts of names; without any, everything is measured.

    Raises
    ------
    FileNotFoundError
        If there is no evaluation material in `data`.
    ValueError
        If no name has a part that is in `only`.
    subprocess.CalledProcessError
        If one of its scripts fails.
    """
    if not (data / "manifest.csv").is_file():
        raise FileNotFoundError(f"{data} holds no evaluation material; say with --data where it is")
    paths = find_paths()
    store = ModelStore(read_catalog(paths.catalog), [paths.bundled_models, paths.models])
    build_missing(store, paths.models, lambda doing, share: None)
    refusals = install_peers()
    others, absent = peers()
    denoisers: dict[str, Process] = {"noisy": lambda samples: samples}
    for mode in MODES:
        denoisers[f"Sidetone, {mode}"] = mode_process(store, mode)
        if store.live_id(MODELS[mode]) != MODELS[mode]:
            denoisers[f"Sidetone, {mode}{LIVE}"] = mode_process(ChosenModels(store), mode)
    denoisers |= others
    chosen = {name: process for name, process in denoisers.items() if not only or any(part in name for part in only)}
    if not chosen:
        raise ValueError(f"nothing is named {' or '.join(only)}; there are {', '.join(denoisers)}")
    rows = []
    with tempfile.TemporaryDirectory(prefix="quality-") as scratch:
        evaluation = Evaluation(data, Path(scratch), jobs)
        for name, process in chosen.items():
            tell(name)
            rows.append(evaluation.row(name, process))
    text = table(rows)
    folder.mkdir(parents=True, exist_ok=True)
    notes = "".join(f"\nNot compared, {sentence}.\n" for sentence in absent + refusals)
    intro = (
        "# Denoisers compared\n\nAll in one run of `./sidetone bench quality`: 30 mixes at −5 to 15 dB and 16 pairs of "
        "VoiceBank-DEMAND. Delays are measured by correlation, without the hop that any block processing gathers. *Onsets "
        "kept*: level of the clean voice in the first 50 ms after pauses of 300 ms. *Share of a core*: processor time over "
        "time of sound.\n\n"
    )
    (folder / "denoise.md").write_text(f"{intro}{text}\n{notes}\n![PESQ over delay](denoise.svg)\n", "utf-8")
    points = [
        Point(row.mixes["delay_ms"], row.mixes["pesq_wb"], row.name, row.name.startswith("Sidetone"))
        for row in rows
        # Its point would lie on that of the mode itself.
        if not row.name.endswith(LIVE)
    ]
    (folder / "denoise.svg").write_text(scatter(points, "delay, ms", "PESQ-WB, mean of 30 mixes"), "utf-8")
    return text


def main() -> int:
    """Print the table."""
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    beside = root.parent / "shared" / "eval" / "data"
    parser.add_argument("--data", type=Path, default=beside, help="evaluation material (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=root / "docs" / "benchmarks", help="folder for table and plot")
    parser.add_argument("--jobs", type=int, default=2, help="processes that score at once")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="measure only what has this in its name")
    options = parser.parse_args()
    try:
        print(run(options.data, options.out, options.jobs, options.only, lambda name: print(name, file=sys.stderr)))
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
