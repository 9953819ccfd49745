"""Captions judged on real speech, noise and music: `python -m benchmarks.captions [--part …]`.

The live path runs on a simulated clock: sound arrives 50 ms at a time, and recognition takes, on that clock, the processor time
that it really took on its one thread. So the same sound gives the same backlog as live on an idle core, faster than real time;
what waiting for the engine's answer and other programs add is not in it.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import jiwer
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from app.composition import model_store
from app.paths import find_paths
from app.services.caption_models import CaptionModels, load_caption_models
from benchmarks.denoise_quality import denoise_stage
from engine.captions.pipeline import CaptionPipeline
from engine.captions.segmenter import Segmenter
from engine.captions.wording import Wording
from engine.inference.recognizer import SpeechStream
from engine.inference.tokens import Word
from engine.services.captions import CaptionLine

RATE_HZ = 16_000
CHUNK_S = 0.05
TAIL_S = 1.0
LOW_SNRS_DB = (0.0, 5.0, 10.0, 15.0)
NOISE_S = 600
SPEECH_S = 1800
Sound = NDArray[np.float32]


@dataclass
class Clock:
    """Simulated time."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


class TimedStream:
    """A stream whose work takes simulated time: as much as it took processor time."""

    def __init__(self, stream: SpeechStream, clock: Clock) -> None:
        self._stream, self._clock = stream, clock
        self.cost_s = 0.0

    def accept(self, sound: Sound) -> None:
        self._stream.accept(sound)

    def hypothesis(self) -> tuple[Word, ...]:
        began_s = time.thread_time()
        words = self._stream.hypothesis()
        cost_s = time.thread_time() - began_s
        self._clock.now_s += cost_s
        self.cost_s += cost_s
        return words

    def commit(self, word_count: int) -> None:
        self._stream.commit(word_count)

    def reset(self) -> None:
        self._stream.reset()


@dataclass
class LiveRun:
    """What the live path made of a sound: versions of lines with the time at which each was there."""

    versions: list[tuple[float, CaptionLine]] = field(default_factory=list)
    cost_s: float = 0.0
    ages_s: list[tuple[float, float]] = field(default_factory=list)
    """Time, and how much sound no hypothesis had heard then."""

    @property
    def text(self) -> str:
        last = {line.id: line.committed for _, line in self.versions}
        return " ".join(last.values())

    def first_seen(self, with_tentative: bool) -> list[tuple[str, float]]:
        """Each word of the lines and when it was first there."""
        seen: dict[tuple[int, int], tuple[str, float]] = {}
        for at_s, line in self.versions:
            text = line.committed + (line.tentative if with_tentative else "")
            for index, word in enumerate(text.split()):
                known = seen.get((line.id, index))
                if known is None or known[0] != plain(word):
                    seen[line.id, index] = plain(word), at_s
        return [entry for _, entry in sorted(seen.items()) if entry[0]]


def plain(word: str) -> str:
    return "".join(filter(str.isalnum, word.casefold()))


def run_live(sound: Sound, models: CaptionModels) -> LiveRun:
    """The live path over a sound."""
    clock, run = Clock(), LiveRun()
    stream = TimedStream(models.recognizer.stream(), clock)
    pipeline = CaptionPipeline(Segmenter(models.detector.stream()), stream, Wording(), now_s=clock)
    at = 0
    while at < sound.size:
        clock.now_s = max(clock.now_s + 0.005, at / RATE_HZ + CHUNK_S)
        end = min(sound.size, int(clock.now_s * RATE_HZ))
        run.versions += [(clock.now_s, line) for line in pipeline.accept(sound[at:end])]
        at = end
        if pipeline.is_speech:
            run.ages_s.append((clock.now_s, clock.now_s - at / RATE_HZ + pipeline.unwritten_s))
    run.versions += [(clock.now_s, line) for line in pipeline.end()]
    run.cost_s = stream.cost_s
    return run


def whole(sound: Sound, models: CaptionModels) -> str:
    """The model over the whole utterance at once."""
    stream = models.recognizer.stream()
    stream.accept(sound)
    return "".join(word.text + word.mark for word in stream.hypothesis())


def read(path: Path) -> Sound:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(samples.mean(axis=1), rate, RATE_HZ), np.float32)


def padded(sound: Sound) -> Sound:
    return np.concatenate([sound, np.zeros(int(TAIL_S * RATE_HZ), np.float32)])


def normaliser(eval_folder: Path) -> ModuleType:
    """The evaluation material's own rules for comparing words."""
    spec = importlib.util.spec_from_file_location("eval_wer", eval_folder / "scripts" / "wer.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words_table(eval_folder: Path, models: CaptionModels) -> list[str]:
    """WER of the live path and of the whole utterance, clean and noisy, with and without denoising."""
    norm = normaliser(eval_folder).norm
    rows = ["| sound | mixes | whole utterance WER % | live WER % | difference |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory(prefix="captions-") as scratch:
        run = Path(scratch)
        mixes = _mixes(eval_folder, run)
        denoise = denoise_stage(model_store(find_paths()))
        (run / "denoised").mkdir()
        for kind in ("clean", "noisy", "denoised"):
            chosen = [mix for mix in mixes if kind == "clean" or float(mix["snr"]) in LOW_SNRS_DB]
            spoken, at_once, live = [], [], []
            for mix in chosen:
                path = run / kind / f"{mix['name']}.wav"
                if kind == "denoised":
                    denoise(run / "noisy" / path.name, path)
                sound = read(path)
                spoken.append(norm(mix["transcript"]))
                at_once.append(norm(whole(sound, models)))
                live.append(norm(run_live(padded(sound), models).text))
            one, other = (100 * jiwer.wer(spoken, said) for said in (at_once, live))
            rows.append(f"| {kind} | {len(chosen)} | {one:.1f} | {other:.1f} | {other - one:+.1f} |")
            print(rows[-1], flush=True)
    return rows


def _mixes(eval_folder: Path, run: Path) -> list[dict[str, str]]:
    command = [sys.executable, eval_folder / "scripts" / "mix.py", "--data", eval_folder / "data", "--out", run]
    subprocess.run([*map(str, command), "--per-snr", "6"], check=True, stdout=sys.stderr)
    with (run / "mixes.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


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
        share = len(run.ages_s) * CHUNK_S / NOISE_S
        rows.append(f"| {name} | {share:.1%} | {len(said)} | {' '.join(said[:6])} |")
        print(rows[-1], flush=True)
    return rows


def ages_table(eval_folder: Path, models: CaptionModels) -> list[str]:
    """Half an hour of speech: how old the newest caption is, and whether that grows."""
    speech = read(model_store(find_paths()).model_path("two-cities"))
    sound = np.resize(speech, SPEECH_S * RATE_HZ)
    run = run_live(sound, models)
    at_s, age_s = np.array(run.ages_s).T
    slope = 1000 * 60 * np.polyfit(at_s, age_s, 1)[0]
    p50, p95 = 1000 * np.percentile(age_s, [50, 95])
    return [
        "| half an hour of speech | |",
        "|---|---|",
        f"| sound not in a hypothesis yet, p50 / p95 | {p50:.0f} / {p95:.0f} ms |",
        f"| slope | {slope:+.2f} ms a minute |",
        f"| processor time for a second of speech | {1000 * run.cost_s / SPEECH_S:.0f} ms |",
    ]


PARTS = {"words": words_table, "invention": invention_table, "ages": ages_table}


def main() -> int:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.captions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    beside = Path(__file__).resolve().parents[2] / "shared" / "eval"
    parser.add_argument("--eval", type=Path, default=beside, help="evaluation material (default: beside the checkout)")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this; all by default")
    options = parser.parse_args()
    if not (options.eval / "data" / "manifest.csv").is_file():
        print(f"{options.eval} holds no evaluation material; say with --eval where it is", file=sys.stderr)
        return 1
    models = load_caption_models(find_paths())
    for part in options.part or PARTS:
        print("\n".join([f"\n{part}\n", *PARTS[part](options.eval, models)]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
