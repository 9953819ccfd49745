"""Captions judged on real speech, noise and music, on a simulated clock: `python -m benchmarks.captions [--part …]`.

Writes its parts of `docs/benchmarks/captions.md`. What only a running program can show is in `benchmarks.captions_live`.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType

import jiwer
import numpy as np

from app.composition import model_store
from app.paths import find_paths
from app.services.caption_models import CaptionModels, load_caption_models
from benchmarks.denoise_quality import denoise_stage
from benchmarks.report_sections import write_section
from benchmarks.simulated_captions import (
    LOOK_S,
    RATE_HZ,
    LiveRun,
    Sound,
    first_committed,
    first_guessed,
    first_shown,
    padded,
    read,
    run_live,
    whole,
)
from benchmarks.word_ends import Timed, delays_s, word_ends

EVAL = Path(__file__).resolve().parents[2] / "shared" / "eval"
REPORT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "captions.md"
KINDS = ("clean", "noisy", "denoised")
LOW_SNRS_DB = (0.0, 5.0, 10.0, 15.0)
NOISE_S = 600
Norm = Callable[[str], str]


def normaliser(eval_folder: Path) -> Norm:
    """The evaluation material's own rules for comparing words."""
    spec = importlib.util.spec_from_file_location("eval_wer", eval_folder / "scripts" / "wer.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.norm  # type: ignore[no-any-return]


@dataclass
class Judged:
    """What the live path made of one kind of sound."""

    spoken: list[str] = field(default_factory=list)
    at_once: list[str] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    guessed_s: list[float] = field(default_factory=list)
    shown_s: list[float] = field(default_factory=list)
    committed_s: list[float] = field(default_factory=list)
    finals_s: list[float] = field(default_factory=list)
    cost_s: float = 0.0
    sound_s: float = 0.0

    def add(self, transcript: str, at_once: str, run: LiveRun, ends: list[Timed], norm: Norm) -> None:
        """Take in one recording."""
        self.spoken.append(norm(transcript))
        self.at_once.append(norm(at_once))
        self.live.append(norm(run.text))
        self.ages_s += [age_s for _, age_s in run.ages_s]
        for times, seen in (
            (self.guessed_s, first_guessed),
            (self.shown_s, first_shown),
            (self.committed_s, first_committed),
        ):
            times.extend(delays_s(seen(run.versions, norm), ends))
        self.finals_s += run.finals_s
        self.cost_s += run.cost_s

    def row(self, name: str) -> str:
        """Its line in the table."""
        whole_wer, live_wer = (100 * jiwer.wer(self.spoken, said) for said in (self.at_once, self.live))
        times = (self.ages_s, self.guessed_s, self.shown_s, self.committed_s, self.finals_s)
        delays = " | ".join(map(percentiles_ms, times))
        cost_ms = 1000 * self.cost_s / self.sound_s
        words = f"{whole_wer:.1f} | {live_wer:.1f} | {live_wer - whole_wer:+.1f}"
        return f"| {name} | {len(self.spoken)} | {words} | {delays} | {cost_ms:.0f} |"


def percentiles_ms(times_s: Iterable[float]) -> str:
    """Median and 95th percentile, in milliseconds."""
    return " / ".join(f"{1000 * value:.0f}" for value in np.percentile(list(times_s), [50, 95]))


def words_table(eval_folder: Path, models: CaptionModels, per_snr: int) -> list[str]:
    """Words and delays of the live path, clean and noisy, with and without denoising."""
    norm = normaliser(eval_folder)
    rows = [
        "| sound | mixes | whole utterance WER % | live WER % | difference | age of the newest partial ms p50 / p95 "
        "| word end → first shown | → shown right | → committed | pause decided → final | processor ms per s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory(prefix="captions-") as scratch:
        mixes = Mixes(eval_folder, Path(scratch), per_snr)
        for kind in KINDS:
            judged = Judged()
            for mix in mixes.of(kind):
                sound = mixes.sound(mix["name"], kind)
                run, at_once = run_live(padded(sound), models), whole(sound, models)
                judged.sound_s += sound.size / RATE_HZ
                judged.add(mix["transcript"], at_once, run, mixes.ends(mix), norm)
            rows.append(judged.row(kind))
            print(rows[-1], flush=True)
    return rows


class Mixes:
    """Mixes of the evaluation material, six of each of its five signal-to-noise ratios or more, in a folder of our own."""

    def __init__(self, eval_folder: Path, folder: Path, per_snr: int = 6) -> None:
        self._folder = folder
        script = eval_folder / "scripts" / "mix.py"
        command = [sys.executable, script, "--data", eval_folder / "data", "--out", folder, "--per-snr", per_snr]
        subprocess.run([*map(str, command)], check=True, stdout=sys.stderr)
        self._denoise = denoise_stage(model_store(find_paths()))
        self._ends: dict[str, list[Timed]] = {}
        with (folder / "mixes.csv").open(encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))

    def of(self, kind: str) -> list[dict[str, str]]:
        """All mixes where they are clean, else those at 0 … 15 dB."""
        return [mix for mix in self.rows if kind == "clean" or float(mix["snr"]) in LOW_SNRS_DB]

    def sound(self, name: str, kind: str) -> Sound:
        """A mix: `clean`, `noisy`, or `denoised` by Sidetone's own denoiser."""
        path = self._folder / kind / f"{name}.wav"
        if kind == "denoised":
            path.parent.mkdir(exist_ok=True)
            self._denoise(self._folder / "noisy" / path.name, path)
        return read(path)

    def ends(self, mix: dict[str, str]) -> list[Timed]:
        """When each word of a mix ends."""
        name = mix["name"]
        if name not in self._ends:
            self._ends[name] = word_ends(self.sound(name, "clean"), mix["transcript"])
        return self._ends[name]


def invention_table(eval_folder: Path, models: CaptionModels) -> list[str]:
    """Words written during ten minutes of each class of noise, of music and of silence."""
    rows = ["| ten minutes of | taken for speech | words | which |", "|---|---|---|---|"]
    sounds: dict[str, list[Sound]] = defaultdict(list)
    with (eval_folder / "data" / "manifest.csv").open(encoding="utf-8") as file:
        for entry in csv.DictReader(file):
            if entry["kind"] == "noise":
                sounds[entry["category"]].append(read(eval_folder / "data" / entry["file"]))
    sounds["silence"] = [np.zeros(RATE_HZ, np.float32)]
    for name, clips in sorted(sounds.items()):
        sound = np.resize(np.concatenate(clips), NOISE_S * RATE_HZ)
        run = run_live(sound, models)
        said = run.text.split()
        share = len(run.ages_s) * LOOK_S / NOISE_S
        rows.append(f"| {name} | {share:.1%} | {len(said)} | {' '.join(said[:6])} |")
        print(rows[-1], flush=True)
    return rows


def ages_table(eval_folder: Path, models: CaptionModels, minutes: float) -> list[str]:
    """Speech for long: how old the newest caption is, and whether that grows."""
    speech = read(model_store(find_paths()).model_path("two-cities"))
    sound = np.resize(speech, round(60 * minutes * RATE_HZ))
    run = run_live(sound, models)
    at_s, age_s = np.array(run.ages_s).T
    slope = 1000 * 60 * np.polyfit(at_s, age_s, 1)[0]
    return [
        f"| {minutes:.0f} minutes of speech | |",
        "|---|---|",
        f"| age of the newest partial, p50 / p95 | {percentiles_ms(age_s)} ms |",
        f"| slope of the age | {slope:+.2f} ms a minute |",
        f"| pause decided → final, p50 / p95 | {percentiles_ms(run.finals_s)} ms |",
        f"| processor time for a second of speech | {1000 * run.cost_s * RATE_HZ / sound.size:.0f} ms |",
    ]


PARTS: dict[str, tuple[str, Callable[..., list[str]]]] = {
    "words": ("Words and delays", partial(words_table, per_snr=6)),
    "more-words": ("Words and delays of a hundred mixes", partial(words_table, per_snr=20)),
    "invention": ("Where nobody speaks", invention_table),
    "ages": ("Speech for long, on the simulated clock", ages_table),
}


def main() -> int:
    """Write the tables that were asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.captions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--eval", type=Path, default=EVAL, help="evaluation material (default: beside the checkout)")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this; all by default")
    parser.add_argument("--minutes", type=float, default=30.0, help="of speech in the part `ages` (30)")
    options = parser.parse_args()
    if not (options.eval / "data" / "manifest.csv").is_file():
        print(f"{options.eval} holds no evaluation material; say with --eval where it is", file=sys.stderr)
        return 1
    models = load_caption_models(find_paths())
    for part in options.part or PARTS:
        title, table = PARTS[part]
        if part == "ages":
            table = partial(table, minutes=options.minutes)
        write_section(REPORT, title, table(options.eval, models))
    return 0


if __name__ == "__main__":
    sys.exit(main())
