"""What the suppressor of late reverberation gives and takes on measured rooms: `python -m benchmarks.dereverb`.

Seeded mixes of the evaluation material, all of them in a room; the reference is the voice with the first 50 ms of that room.
Once with next to no noise, with the suppressor alone, and once in noise, behind the denoiser. The tables go to
docs/benchmarks/room.md.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from app.paths import find_paths
from benchmarks.sections import put_section
from benchmarks.srmr import RATE_HZ as SRMR_RATE_HZ
from benchmarks.srmr import srmr
from benchmarks.wpe import DELAY_MS as WPE_DELAY_MS
from benchmarks.wpe import dereverberated
from engine.core.stage import Context, StreamFormat
from engine.inference.catalog import ModelStore, read_catalog
from engine.measure.response import decay_of
from engine.stages.denoise import Denoise, DenoiseParams
from engine.stages.dereverb import Dereverb, DereverbParams
from models.build import build_missing

RATE_HZ = 48_000
HOP = 480
QUIET = ("--snrs", "40", "--per-snr", "36")
NOISY = ("--per-snr", "6")
MEASURES = ("pesq_wb", "stoi", "srmr", "sig", "bak", "ovrl")
HEADING = "Late reverberation turned down"

Samples = NDArray[np.float32]
Way = Callable[[Samples, float], Samples]
"""What is made of a sound, shape (frames,), in a room that rings for so many seconds."""


def suppressed(samples: Samples, decay_s: float) -> Samples:
    """The stage alone, with the decay of the room."""
    stage = Dereverb()
    stage.prepare(StreamFormat(RATE_HZ, 1, HOP))
    context: Context[DereverbParams] = Context(DereverbParams(decay_s=decay_s), len(Dereverb.meters))
    block = np.pad(samples, (0, -samples.size % HOP))[None].astype(np.float32)
    for start in range(0, block.shape[1], HOP):
        stage.process(block[:, start : start + HOP], context)
    out: Samples = block[0, : samples.size]
    return out


def denoiser() -> Way:
    """The denoise stage as it comes."""
    paths = find_paths()
    store = ModelStore(read_catalog(paths.catalog), [paths.bundled_models, paths.models])
    build_missing(store, paths.models, lambda doing, share: None)
    stage = Denoise.build(store)
    stage.prepare(StreamFormat(RATE_HZ, 1, HOP))
    context: Context[DenoiseParams] = Context(DenoiseParams(), len(Denoise.meters))

    def denoised(samples: Samples, decay_s: float) -> Samples:
        stage.reset()
        late = stage.latency_samples
        block = np.pad(samples, (0, late + -(samples.size + late) % HOP))[None].astype(np.float32)
        for start in range(0, block.shape[1], HOP):
            stage.process(block[:, start : start + HOP], context)
        out: Samples = block[0, late : late + samples.size]
        return out

    return denoised


def decay_s(room: Path) -> float:
    """How long a room rings, as a profile of it would tell."""
    impulse, rate_hz = soundfile.read(room, always_2d=True)
    decay = decay_of(soxr.resample(impulse.mean(axis=1), rate_hz, RATE_HZ, quality="VHQ"), RATE_HZ)
    return next(time_s for time_s in (decay.t20_s, decay.t30_s, decay.edt_s) if time_s)


class Mixes:
    """Mixes in a folder, and the scores of what is made of them.

    Parameters
    ----------
    material : Path
        The evaluation material.
    folder : Path
        An empty one to work in.
    """

    def __init__(self, material: Path, folder: Path, options: Sequence[str], jobs: int) -> None:
        self._scripts, self._folder, self._jobs = material / "scripts", folder, jobs
        self._script("mix.py", "--data", material / "data", "--out", folder, "--rir-prob", 1, *options)
        with (folder / "mixes.csv").open(encoding="utf-8", newline="") as listed:
            self.rooms = {row["name"]: row["rir"] for row in csv.DictReader(listed)}
        self._decays_s = {room: decay_s(material / "data" / room) for room in set(self.rooms.values())}

    def scores(self, name: str, way: Way) -> dict[str, dict[str, float]]:
        """Every measure for each mix, by the mix's name."""
        target = self._folder / name
        target.mkdir()
        ratios = {}
        for mix, room in self.rooms.items():
            samples, _ = soundfile.read(self._folder / "noisy" / f"{mix}.wav", dtype="float32")
            out = way(samples, self._decays_s[room])
            soundfile.write(target / f"{mix}.wav", np.clip(out, -1.0, 1.0), RATE_HZ, subtype="PCM_16")
            ratios[mix] = srmr(soxr.resample(out, RATE_HZ, SRMR_RATE_HZ, quality="VHQ"))
        csv_path = self._folder / f"{name}.csv"
        self._script(
            "score.py", "--clean", self._folder / "clean", "--enh", target, "--csv", csv_path, "--jobs", self._jobs
        )
        with csv_path.open(encoding="utf-8", newline="") as scored:
            rows = {
                row.pop("name"): {key: float(value) for key, value in row.items()} for row in csv.DictReader(scored)
            }
        return {mix: {**row, "srmr": ratios[mix]} for mix, row in rows.items()}

    def _script(self, name: str, *arguments: object) -> None:
        command = [sys.executable, str(self._scripts / name), *map(str, arguments)]
        subprocess.run(command, check=True, stdout=sys.stderr)


def mean(scores: dict[str, dict[str, float]], measure: str, mixes: Sequence[str] = ()) -> float:
    """Mean of one measure over some mixes, or all."""
    return float(np.mean([scores[mix][measure] for mix in mixes or scores]))


def row(name: str, scores: dict[str, dict[str, float]]) -> str:
    """Means over all mixes."""
    pesq, stoi, ratio, sig, bak, ovrl = (mean(scores, measure) for measure in MEASURES)
    return f"| {name} | {pesq:.2f} | {stoi:.3f} | {ratio:.2f} | {sig:.2f} / {bak:.2f} / {ovrl:.2f} |"


def by_room(mixes: Mixes, before: dict[str, dict[str, float]], after: dict[str, dict[str, float]]) -> list[str]:
    """What the suppressor changes in each room."""
    lines = ["| room | mixes | PESQ-WB | change | SRMR | change | SIG | change |", "|---|---|---|---|---|---|---|---|"]
    for room in sorted(set(mixes.rooms.values())):
        inside = [mix for mix, where in mixes.rooms.items() if where == room]
        cells = []
        for measure in ("pesq_wb", "srmr", "sig"):
            was, now = mean(before, measure, inside), mean(after, measure, inside)
            cells.append(f"{was:.2f} | {now - was:+.2f}".replace("-", "−"))
        lines.append(f"| {Path(room).stem} | {len(inside)} | {' | '.join(cells)} |")
    return lines


def report(material: Path, scratch: Path, jobs: int) -> str:
    """All tables as Markdown."""
    head = ["| | PESQ-WB | STOI | SRMR | SIG / BAK / OVRL |", "|---|---|---|---|---|"]
    params = DereverbParams()
    quiet = Mixes(material, scratch / "quiet", QUIET, jobs)
    as_it_is = quiet.scores("as_it_is", lambda samples, _: samples)
    known = quiet.scores("known", suppressed)
    assumed = quiet.scores("assumed", lambda samples, _: suppressed(samples, params.decay_s))
    predicted = quiet.scores("predicted", lambda samples, _: dereverberated(samples))
    noisy = Mixes(material, scratch / "noisy", NOISY, jobs)
    denoise = denoiser()
    return "\n".join(
        [
            "`python -m benchmarks.dereverb`: `mix.py --rir-prob 1`, against the voice with the first 50 ms of its room, "
            f"with a strength of {params.strength_db:g} dB. {len(quiet.rooms)} mixes 40 dB above noise, the stage alone:",
            "",
            *head,
            row("reverberant", as_it_is),
            row("suppressed, decay of the room known", known),
            row(f"suppressed, decay taken for {params.decay_s:g} s", assumed),
            row(f"online WPE (`benchmarks/wpe.py`, {WPE_DELAY_MS:g} ms late), not in the product", predicted),
            "",
            f"{len(noisy.rooms)} mixes at −5 to 15 dB, behind the denoiser (balanced):",
            "",
            *head,
            row("noisy and reverberant", noisy.scores("as_it_is", lambda samples, _: samples)),
            row("denoised", noisy.scores("denoised", denoise)),
            row("denoised and suppressed", noisy.scores("both", lambda x, decay: suppressed(denoise(x, decay), decay))),
            "",
            "By room, 40 dB above noise, decay known:",
            "",
            *by_room(quiet, as_it_is, known),
        ]
    )


def main() -> int:
    """Write the tables."""
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dereverb", description=__doc__)
    parser.add_argument("--eval", type=Path, default=root.parent / "shared" / "eval", help="evaluation material")
    parser.add_argument("--out", type=Path, default=root / "docs" / "benchmarks", help="folder for the tables")
    parser.add_argument("--jobs", type=int, default=2, help="processes that score at once")
    options = parser.parse_args()
    if not (options.eval / "data" / "manifest.csv").is_file():
        print(f"{options.eval} holds no evaluation material; say with --eval where it is", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="dereverb-") as scratch:
        text = report(options.eval, Path(scratch), options.jobs)
    put_section(options.out / "room.md", "Room correction measured", HEADING, text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
