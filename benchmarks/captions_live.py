"""Captions of the running program, in real time: `python -m benchmarks.captions_live [--part …]`. Meant to run alone.

The program hears a file in the place of the microphone, with the denoiser in Quality, and is asked fifty times a second what it
has written down. Writes its parts of `docs/benchmarks/captions.md`.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import jiwer
import numpy as np
from numpy.typing import NDArray

from app.composition import model_store
from app.paths import find_paths
from app.services.caption_models import CaptionModels, load_caption_models
from benchmarks.captions import EVAL, KINDS, REPORT, Mixes, normaliser, percentiles_ms
from benchmarks.report_sections import write_section
from benchmarks.simulated_captions import RATE_HZ, Sound, first_committed, first_guessed, first_shown, read, whole
from benchmarks.word_ends import delays_s
from engine import (
    CaptionLine,
    CaptionsConfig,
    CaptionsState,
    CaptionsStatus,
    Percentiles,
    ResetMeters,
    SetService,
    Snapshot,
)
from engine.captions.segmenter import Segmenter
from engine.remote import RemoteEngine
from tests.helpers.live_captions import await_captions, services_process, speaking_program

QUALITY = ("--set", "denoise.mode=quality")
FRAME_RATE_HZ = 48_000
LEAD_IN_S = 12.0
"""Of silence, until captions listen."""
GAP_S = 1.2
TAIL_S = 5.0
AROUND_S = 0.3
"""Of silence before and behind an utterance, about as the segmenter cuts it; it alone changes what is misheard."""
LOOK_S = 0.02
PAIRS, PAIR_S = 3, 25.0
WARM_UP_S = 120.0
"""Before a long run is looked at: memory for segments of all lengths is taken once and kept."""
KILLS = 3


def delays_table(eval_folder: Path, folder: Path, per_snr: int) -> list[str]:
    """Words and delays of the mixes, spoken one after another: clean, noisy, and denoised beforehand."""
    norm, models = normaliser(eval_folder), load_caption_models(find_paths())
    mixes = Mixes(eval_folder, folder, per_snr)
    rows = [
        "Denoiser in Quality, one mix after another; looked at fifty times a second, and all looks while somebody spoke count.",
        f"Whole utterances are read twice: cut out, and with {AROUND_S} s of silence around them, as the live path hears them.",
        "",
        "| sound | mixes | whole utterance WER %, cut out / with pauses | live WER % | differences "
        "| age of the newest partial ms p50 / p95 | word end → first shown | → shown right | → committed "
        "| pause decided → final | last word → final, pause of 600 ms included |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        rows.append(spoken_row(kind, mixes, norm, models, folder))
        print(rows[-1], flush=True)
    return rows


def spoken_row(kind: str, mixes: Mixes, norm: Callable[[str], str], models: CaptionModels, folder: Path) -> str:
    """What the program wrote down of one kind of mixes, and when."""
    chosen = mixes.of(kind)
    sounds = [np.zeros(round(LEAD_IN_S * RATE_HZ), np.float32)]
    ends, lasts_s, begin_s = [], [], LEAD_IN_S
    cut_out: list[str] = []
    amid: list[str] = []
    for mix in chosen:
        sound = mixes.sound(mix["name"], kind)
        placed = [(word, begin_s + end_s) for word, end_s in mixes.ends(mix)]
        ends += placed
        lasts_s += [end_s for _, end_s in placed[-1:]]
        for said, around_s in ((cut_out, 0.0), (amid, AROUND_S)):
            said.append(norm(whole(np.pad(sound, round(around_s * RATE_HZ)), models)))
        sounds += [sound, np.zeros(round(GAP_S * RATE_HZ), np.float32)]
        begin_s += sound.size / RATE_HZ + GAP_S
    spoken = [norm(mix["transcript"]) for mix in chosen]
    sound = np.concatenate(sounds)
    seen = follow(sound, folder)
    last = {line.id: line for _, line in seen.versions}
    live = norm(" ".join(line.committed for line in last.values()))
    cut_out_wer, amid_wer, live_wer = (
        100 * jiwer.wer(" ".join(spoken), said) for said in (" ".join(cut_out), " ".join(amid), live)
    )
    finals_s = [at_s for at_s, line in seen.versions if line.is_final]
    delays = (
        seen.ages_s,
        *(delays_s(first(seen.versions, norm), ends) for first in (first_guessed, first_shown, first_committed)),
        until_next(pauses_s(sound, models), finals_s),
        until_next(lasts_s, finals_s),
    )
    differences = f"{live_wer - cut_out_wer:+.1f} / {live_wer - amid_wer:+.1f}"
    words = f"{cut_out_wer:.1f} / {amid_wer:.1f} | {live_wer:.1f} | {differences}"
    return f"| {kind} | {len(chosen)} | {words} | {' | '.join(map(percentiles_ms, delays))} |"


@dataclass
class Seen:
    """What the running program showed, times being seconds of the sound that the engine had taken in."""

    versions: list[tuple[float, CaptionLine]] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    """At each look while somebody spoke: how long ago the sound was spoken that the newest hypothesis had heard last."""


def follow(sound: Sound, folder: Path) -> Seen:
    """Let the program hear a sound, and look at its captions all the time."""
    seen = Seen()
    lines: dict[int, CaptionLine] = {}
    told, told_s = CaptionsStatus(), 0.0
    # The program ends with its file, and must not while it is still asked.
    tail = np.zeros(round(TAIL_S * RATE_HZ), np.float32)
    with speaking_program(folder, np.concatenate([sound, tail]), RATE_HZ, *QUALITY) as engine:
        engine.send(SetService(CaptionsConfig(is_on=True)))
        started = await_captions(engine, lambda status: status.state is CaptionsState.LISTENING)
        assert not started.lines
        while (at_s := position_s(engine)) < sound.size / RATE_HZ:
            status = engine.snapshot().services.captions or told
            if status != told:
                told, told_s = status, at_s
            if told.age_ms is not None:
                seen.ages_s.append(told.age_ms / 1000 + at_s - told_s)
            for line in status.lines:
                if lines.get(line.id) != line:
                    lines[line.id] = line
                    seen.versions.append((at_s, line))
            time.sleep(LOOK_S)
    return seen


def position_s(engine: RemoteEngine) -> float:
    """How much sound the engine has taken in."""
    snapshot = engine.snapshot()
    return snapshot.hops * snapshot.hop_frames / FRAME_RATE_HZ


def pauses_s(sound: Sound, models: CaptionModels) -> list[float]:
    """When it is decided that a segment is over: as soon as its last piece is there."""
    segmenter = Segmenter(models.detector.stream())
    return [piece.end_sample / RATE_HZ for piece in segmenter.accept(sound) if piece.is_last]


def until_next(starts_s: list[float], ends_s: list[float]) -> list[float]:
    """How long it lasts from each start to the next end; what was started and dropped has none before the next start."""
    spans = pairwise([*starts_s, math.inf])
    lasted = [[end_s - start_s for end_s in ends_s if start_s < end_s <= next_s] for start_s, next_s in spans]
    return [min(found) for found in lasted if found]


def cost_table(eval_folder: Path, folder: Path) -> list[str]:
    """Work per hop without and with captions, in turn, while somebody speaks."""
    rows = ["| captions | p50 | p99 | p99.9 | max | deadlines missed |", "|---|---|---|---|---|---|"]
    figures: dict[bool, list[Percentiles]] = {False: [], True: []}
    with speaking_program(folder, *voice(), *QUALITY, is_looped=True) as engine:
        for _ in range(PAIRS):
            for is_on in (False, True):
                engine.send(SetService(CaptionsConfig(is_on=is_on)))
                state = CaptionsState.LISTENING if is_on else CaptionsState.OFF
                await_captions(engine, lambda status, state=state: status.state is state)  # type: ignore[misc]
                time.sleep(2.0)
                engine.send(ResetMeters())
                before = engine.snapshot().deadline_misses
                time.sleep(PAIR_S)
                after = engine.snapshot()
                assert after.hop_ms is not None
                figures[is_on].append(after.hop_ms)
                part = after.hop_ms
                missed = after.deadline_misses - before
                name = "on" if is_on else "off"
                values = f"{part.p50:.2f} | {part.p99:.2f} | {part.p999:.2f} | {part.max:.2f}"
                rows.append(f"| {name} | {values} | {missed} |")
                print(rows[-1], flush=True)
    off, on = (float(np.median([part.p99 for part in figures[is_on]])) for is_on in (False, True))
    head = f"Milliseconds per hop of 10 ms, {PAIR_S:.0f} s each, denoiser in Quality."
    return [head, "", *rows, "", f"Median p99: {off:.2f} ms off, {on:.2f} ms on: {100 * (on / off - 1):+.0f} %."]


def restart_table(eval_folder: Path, folder: Path) -> list[str]:
    """How long captions are away when their process is killed."""
    rows = ["| kill | until it listens again, s | until a word is there that was not before, s |", "|---|---|---|"]
    with speaking_program(folder, *voice(), *QUALITY, is_looped=True) as engine:
        engine.send(SetService(CaptionsConfig(is_on=True)))
        for number in range(KILLS):
            await_captions(engine, lambda status: status.is_speech and bool(status.lines))
            time.sleep(5.0)
            os.kill(services_process(engine), signal.SIGKILL)
            killed_s = time.monotonic()
            time.sleep(0.1)
            last = engine.snapshot().services.captions
            assert last is not None
            await_captions(
                engine,
                lambda status, last=last: status != last and status.state is CaptionsState.LISTENING,  # type: ignore[misc]
            )
            listening_s = time.monotonic() - killed_s
            said = {line.id for line in last.lines if line.is_final}
            await_captions(
                engine,
                lambda status, said=said: (
                    any(  # type: ignore[misc]
                        line.id not in said and line.committed for line in status.lines
                    )
                    and status.state is CaptionsState.LISTENING
                ),
            )
            rows.append(f"| {number + 1} | {listening_s:.2f} | {time.monotonic() - killed_s:.2f} |")
            print(rows[-1], flush=True)
    return rows


def long_table(eval_folder: Path, folder: Path, minutes: float, tell: Callable[[list[str]], None]) -> list[str]:
    """Speech for long, in real time: whether the newest caption grows older, or the process larger; told every minute."""
    with speaking_program(folder, *voice(), *QUALITY, is_looped=True) as engine:
        engine.send(SetService(CaptionsConfig(is_on=True)))
        await_captions(engine, lambda status: status.is_speech and bool(status.lines))
        time.sleep(WARM_UP_S)
        run = LongRun(services_process(engine), engine.snapshot())
        told_minutes = 1
        while run.minutes < minutes:
            run.look(engine.snapshot())
            if run.minutes >= told_minutes:
                tell(run.table())
                told_minutes += 1
            time.sleep(0.25)
    return run.table()


class LongRun:
    """What was seen of the captions in a long run.

    Parameters
    ----------
    process : int
        Of the services.
    before : Snapshot
    """

    def __init__(self, process: int, before: Snapshot) -> None:
        self._process = process
        self._before = self._now = before
        self._began_s = time.monotonic()
        self._ages_ms: list[tuple[float, float]] = []
        self._sizes_mb: list[tuple[float, float]] = []

    @property
    def minutes(self) -> float:
        """Since it began."""
        return (time.monotonic() - self._began_s) / 60

    def look(self, now: Snapshot) -> None:
        """Take down age and memory."""
        self._now = now
        status = now.services.captions
        if status is not None and status.age_ms is not None:
            self._ages_ms.append((self.minutes, status.age_ms))
        self._sizes_mb.append((self.minutes, resident_mb(self._process)))

    def table(self) -> list[str]:
        """As it is so far."""
        (slope, error), (growth, _) = slope_of(self._ages_ms), slope_of(self._sizes_mb)
        first_mb, last_mb = (np.median(part) for part in np.array_split(np.array(self._sizes_mb)[:, 1], 10)[::9])
        missed = self._now.deadline_misses - self._before.deadline_misses
        age = f"p50 / p95 of {len(self._ages_ms)} looks | {percentiles_ms(age_ms / 1000 for _, age_ms in self._ages_ms)} ms"
        return [
            f"| {self._sizes_mb[-1][0]:.0f} minutes of speech in real time, after {WARM_UP_S:.0f} s, denoiser in Quality | |",
            "|---|---|",
            f"| age of the newest partial as the window tells it, {age} |",
            f"| slope of that | {slope:+.2f} ± {error:.2f} ms a minute |",
            f"| memory of the services process, first and last tenth | {first_mb:.1f} → {last_mb:.1f} MB |",
            f"| slope of the memory | {growth:+.3f} MB a minute |",
            f"| deadlines the engine missed | {missed} of {self._now.hops - self._before.hops} hops |",
        ]


def slope_of(values: list[tuple[float, float]]) -> tuple[float, float]:
    """Slope of the regression line through points, and its standard error."""
    at, value = np.array(values).T
    (slope, _), covariance = np.polyfit(at, value, 1, cov=True)
    return float(slope), float(np.sqrt(covariance[0, 0]))


def resident_mb(process: int) -> float:
    """Memory that a process really has, in MB. Linux."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def voice() -> tuple[NDArray[np.float32], int]:
    """44 s of a voice without long pauses, and its rate."""
    return read(model_store(find_paths()).model_path("two-cities")), RATE_HZ


PARTS: dict[str, tuple[str, Callable[..., list[str]]]] = {
    "delays": ("Words and delays of the running program", delays_table),
    "cost": ("What captions cost the sound", cost_table),
    "restart": ("When the services process is killed", restart_table),
    "long": ("Speech for long, in real time", long_table),
}


def main() -> int:
    """Write the tables that were asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.captions_live",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--eval", type=Path, default=EVAL, help="evaluation material (default: beside the checkout)")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this; all by default")
    parser.add_argument("--minutes", type=float, default=30.0, help="of speech in the part `long` (30)")
    parser.add_argument("--per-snr", type=int, default=6, help="mixes of each of five ratios in the part `delays` (6)")
    options = parser.parse_args()
    # Started in the background it would not be interrupted, and the program that it started would stay.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        measure(options)
    except KeyboardInterrupt:
        print(f"stopped; what was measured by then stands in {REPORT}", file=sys.stderr)
        return 130
    return 0


def measure(options: argparse.Namespace) -> None:
    """Write the tables that were asked for; of a long run also every minute what is known by then."""
    for part in options.part or PARTS:
        title, table = PARTS[part]

        def tell(lines: list[str], title: str = title) -> None:
            print("\n".join(lines), flush=True)
            write_section(REPORT, title, lines)

        if part == "delays":
            table = partial(table, per_snr=options.per_snr)
        if part == "long":
            table = partial(table, minutes=options.minutes, tell=tell)
        with tempfile.TemporaryDirectory(prefix="captions-") as folder:
            tell(table(options.eval, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
