"""Room correction on measured rooms, by every way to learn one, and what its stages cost: `python -m benchmarks.room PART`.

Rooms and voices come from the evaluation material beside the checkout; the tables go to docs/benchmarks/room.md. Times are to
be trusted only on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from benchmarks.sections import put_section
from benchmarks.talk_takes import (
    CLOSE_DIRECT_DB,
    CLOSE_M,
    RATE_HZ,
    ROOMY_DIRECT_DB,
    TALK_S,
    TALKING,
    WAYS,
    Samples,
    Voice,
    close_takes,
    convolved,
    peaked,
)
from engine.core.stage import Context, StreamFormat
from engine.dsp.convolver import Convolver, PartitionedFilter
from engine.dsp.correction import BANDS, FILTER, FLAT, Limits, Room, correction_taps
from engine.dsp.curve import THIRD_OCTAVES_HZ, power_spectrum, third_octave_db
from engine.dsp.minimum_phase import energy_delay_ms, response_db
from engine.errors import RoomError
from engine.measure.response import decay_of, response_curve
from engine.measure.sweep import Sweep, SweepResult, evaluate_sweeps
from engine.measure.talk import evaluate_talk
from engine.stages.dereverb import Dereverb, DereverbParams

HOP = 480
LEAST_VOICE_S = 60
SNR_DB = 30.0
LEAST_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Row:
    """One room: deviations in dB, and shares of the sweep's improvement by each way of talking."""

    name: str
    bands: int
    t20_s: float | None
    before_db: float
    sweep_db: float
    ten_bands_db: float
    most_boost_db: float
    delay_ms: float
    shares: dict[str, list[float]]


def read(path: Path) -> tuple[Samples, int]:
    """A file's mean of channels at 48 kHz, and the rate it was recorded at."""
    samples, rate_hz = soundfile.read(path, always_2d=True)
    mono = samples.mean(axis=1)
    return (soxr.resample(mono, rate_hz, RATE_HZ, quality="VHQ") if rate_hz != RATE_HZ else mono), rate_hz


def voices(data: Path) -> dict[str, Voice]:
    """Each speaker of whom there is a minute."""
    clips: dict[str, list[Path]] = {}
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
        for row in csv.DictReader(manifest):
            if row["kind"] == "speech":
                clips.setdefault(row["speaker"], []).append(data / row["file"])
    found = {}
    for speaker, paths in clips.items():
        parts = [read(path) for path in paths]
        sound = np.concatenate([samples for samples, _ in parts])
        if sound.size >= LEAST_VOICE_S * RATE_HZ:
            found[speaker] = Voice(sound, 0.45 * min(rate_hz for _, rate_hz in parts))
    return found


def swept(impulse: Samples) -> SweepResult:
    """The room as a sweep finds it, 30 dB above noise."""
    sweep = Sweep()
    heard = convolved(sweep.stimulus().astype(np.float64), impulse)
    heard *= 0.5 / np.abs(heard).max()
    level = np.sqrt(np.mean(heard[round(2 * RATE_HZ) : round(5 * RATE_HZ)] ** 2))
    noise = np.random.default_rng(1).standard_normal(heard.size)
    return evaluate_sweeps(heard + 10 ** (-SNR_DB / 20) * level * noise, sweep)


def room_row(path: Path, speakers: dict[str, Voice]) -> Row:
    """Everything about one room."""
    impulse, rate_hz = read(path)
    impulse = impulse / np.abs(impulse).max()
    level = third_octave_db(power_spectrum(impulse), RATE_HZ)
    top_hz = 0.45 * rate_hz
    is_there = (top_hz > THIRD_OCTAVES_HZ * 2 ** (1 / 6)) & (level > np.median(level) - 25)

    def corrected(room: Room, form: str = FILTER) -> tuple[Samples, Samples]:
        taps = correction_taps(room, FLAT, Limits(), form, RATE_HZ)
        return third_octave_db(power_spectrum(convolved(np.pad(impulse, (0, taps.size)), taps)), RATE_HZ), taps

    found = swept(impulse)
    learnt = Room(response_curve(found.impulse, RATE_HZ), found.low_hz, min(top_hz, found.high_hz))
    by_sweep, taps = corrected(learnt)
    shares: dict[str, list[float]] = {}
    for number, voice in enumerate(speakers.values()):
        counted = is_there & (voice.top_hz > THIRD_OCTAVES_HZ * 2 ** (1 / 6))
        before_db, sweep_db = float(np.std(level[counted])), float(np.std(by_sweep[counted]))
        seat = peaked(convolved(voice.sound, impulse)[-TALK_S * RATE_HZ :])
        for way, close, pattern in close_takes(voice, impulse, number):
            try:
                told = evaluate_talk(seat, close_voice=close, pattern=pattern)
            except RoomError as error:
                print(f"{path.stem}: {error}", file=sys.stderr)
                continue
            after, _ = corrected(Room(told.curve, told.low_hz, told.high_hz))
            share = (before_db - float(np.std(after[counted]))) / (before_db - sweep_db)
            shares.setdefault(way, []).append(share)
    return Row(
        path.stem,
        int(is_there.sum()),
        decay_of(impulse, RATE_HZ).t20_s,
        float(np.std(level[is_there])),
        float(np.std(by_sweep[is_there])),
        float(np.std(corrected(learnt, BANDS)[0][is_there])),
        float(response_db(taps, np.geomspace(20, 23_500, 5000), RATE_HZ).max()),
        energy_delay_ms(taps, RATE_HZ),
        shares,
    )


def convolver_costs_ms(seconds: float) -> NDArray[np.float64]:
    """What each hop costs a filter of this length."""
    convolver = Convolver(1)
    convolver.hand_over(PartitionedFilter(np.random.default_rng(1).standard_normal(round(seconds * RATE_HZ))))
    convolver.reset()
    return costs_ms(convolver.process)


def dereverb_costs_ms() -> NDArray[np.float64]:
    """What each hop costs the suppressor of late reverberation."""
    stage = Dereverb()
    stage.prepare(StreamFormat(RATE_HZ, 1, HOP))
    context: Context[DereverbParams] = Context(DereverbParams(), len(Dereverb.meters))
    return costs_ms(lambda block: stage.process(block, context))


def costs_ms(process: Callable[[NDArray[np.float32]], None], hops: int = 6000) -> NDArray[np.float64]:
    """Time for each hop of 480 frames, one channel, shape (hops,)."""
    sound = (0.1 * np.random.default_rng(1).standard_normal((1, HOP))).astype(np.float32)
    costs = np.zeros(hops)
    for hop in range(hops):
        block = sound.copy()
        started = time.perf_counter()
        process(block)
        costs[hop] = time.perf_counter() - started
    return costs * 1e3


def rooms_table(rows: list[Row]) -> str:
    """What every way to learn gives in each room, as Markdown."""
    lines = [
        "`python -m benchmarks.room rooms`. *Deviation*: standard deviation of the third-octave response from flat, 100 Hz to "
        "10 kHz, where the recording of the room reaches.",
        "",
        "| room | T20 s | bands | deviation dB | by sweep | reduced by | ten bands | boost dB | delay ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        t20 = "–" if row.t20_s is None else f"{row.t20_s:.2f}"
        lines.append(
            f"| {row.name} | {t20} | {row.bands} | {row.before_db:.2f} | {row.sweep_db:.2f} "
            f"| {100 * (1 - row.sweep_db / row.before_db):.0f} % | {row.ten_bands_db:.2f} | {row.most_boost_db:.2f} "
            f"| {row.delay_ms:.2f} |"
        )
    return "\n".join(lines)


def talking_table(rows: list[Row]) -> str:
    """What talking gives in each room, as Markdown."""
    lines = [
        "`python -m benchmarks.room rooms`. Share of the sweep's improvement, mean (worst) over "
        f"{len(rows[0].shares[TALKING])} speakers, in the bands that their recordings reach; below zero it is worse than "
        f"nothing. *Talk twice*: first from {CLOSE_M * 100:.0f} cm or up to 40 % off, where the voice is "
        f"{CLOSE_DIRECT_DB:g} dB above what the room adds to it; half of the cases with a cardioid and its proximity effect, "
        "and which kind it is was said. The words are the same, said once more, which is modelled: up to 3 % faster and higher "
        "or slower and lower, each fifth of a second louder or softer by 3 dB. *Microphone not said*: so too, but its kind is "
        "not known. *Read freely*: besides, pace and pitch of each third of a second off by 8 %, each octave of each fifth by "
        f"2.5 dB (standard deviations). *More room*: as in the first, but the voice only {ROOMY_DIRECT_DB:g} dB above the room "
        "when close. *Other words*: the speaker said something else close by. *Identical*: the very same sound both times, "
        "nothing of the room in the first.",
        "",
        f"| room | {' | '.join(WAYS)} |",
        f"|---{'|---' * len(WAYS)}|",
    ]
    for row in rows:
        shares = (row.shares[way] for way in WAYS)
        lines.append(f"| {row.name} | {' | '.join(f'{np.mean(found):.2f} ({min(found):.2f})' for found in shares)} |")
    reached = (sum(float(np.mean(row.shares[way])) >= LEAST_SHARE for row in rows) for way in WAYS)
    lines.append(
        f"| rooms with {LEAST_SHARE:g} or more | {' | '.join(f'{count} of {len(rows)}' for count in reached)} |"
    )
    return "\n".join(lines)


def costs_table() -> str:
    """What filters of several lengths and the suppressor cost, as Markdown."""
    rows = {f"filter of {seconds:g} s": convolver_costs_ms(seconds) for seconds in (0.1, 1.0, 4.0)}
    rows["dereverb"] = dereverb_costs_ms()
    return "\n".join(
        [
            "`python -m benchmarks.room costs`, one channel, hops of 480 frames (10 ms).",
            "",
            "| | median ms per hop | p99 ms per hop |",
            "|---|---|---|",
            *(f"| {name} | {np.median(costs):.3f} | {np.percentile(costs, 99):.3f} |" for name, costs in rows.items()),
        ]
    )


def main() -> int:
    """Write the tables."""
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.room", description=__doc__)
    parser.add_argument("part", choices=("rooms", "costs"), help="what to measure")
    parser.add_argument("--eval", type=Path, default=root.parent / "shared" / "eval", help="evaluation material")
    parser.add_argument("--out", type=Path, default=root / "docs" / "benchmarks", help="folder for the tables")
    options = parser.parse_args()
    if options.part == "costs":
        sections = {"Cost per hop": costs_table()}
    else:
        data = options.eval / "data"
        if not (data / "manifest.csv").is_file():
            print(f"{options.eval} holds no evaluation material; say with --eval where it is", file=sys.stderr)
            return 1
        speakers = voices(data)
        rows = [room_row(path, speakers) for path in sorted((data / "rir").glob("*.flac"))]
        sections = {"Rooms learnt and corrected": rooms_table(rows), "Rooms learnt by talking": talking_table(rows)}
    for heading, text in sections.items():
        put_section(options.out / "room.md", "Room correction measured", heading, text)
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
