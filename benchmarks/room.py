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

RATE_HZ = 48_000
HOP = 480
TALK_S = 30
SNR_DB = 30.0
Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One room: deviations in dB, and shares of the sweep's improvement."""

    name: str
    bands: int
    t20_s: float | None
    before_db: float
    sweep_db: float
    ten_bands_db: float
    most_boost_db: float
    delay_ms: float
    talk: list[float]
    close_talk: list[float]
    same_words: list[float]


def read(path: Path) -> tuple[Samples, int]:
    """A file's mean of channels at 48 kHz, and the rate it was recorded at."""
    samples, rate_hz = soundfile.read(path, always_2d=True)
    mono = samples.mean(axis=1)
    return (soxr.resample(mono, rate_hz, RATE_HZ, quality="VHQ") if rate_hz != RATE_HZ else mono), rate_hz


def voices(data: Path) -> dict[str, Samples]:
    """A minute of each speaker of whom there is as much."""
    clips: dict[str, list[Path]] = {}
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
        for row in csv.DictReader(manifest):
            if row["kind"] == "speech":
                clips.setdefault(row["speaker"], []).append(data / row["file"])
    whole = {speaker: np.concatenate([read(path)[0] for path in paths]) for speaker, paths in clips.items()}
    return {speaker: sound for speaker, sound in whole.items() if sound.size >= 2 * TALK_S * RATE_HZ}


def convolved(sound: Samples, impulse: Samples) -> Samples:
    """The first as long as it is, in the room of the second."""
    size = 1 << (sound.size + impulse.size - 1).bit_length()
    return np.asarray(np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(impulse, size), size)[: sound.size])


def swept(impulse: Samples) -> SweepResult:
    """The room as a sweep finds it, 30 dB above noise."""
    sweep = Sweep()
    heard = convolved(sweep.stimulus().astype(np.float64), impulse)
    heard *= 0.5 / np.abs(heard).max()
    level = np.sqrt(np.mean(heard[round(2 * RATE_HZ) : round(5 * RATE_HZ)] ** 2))
    noise = np.random.default_rng(1).standard_normal(heard.size)
    return evaluate_sweeps(heard + 10 ** (-SNR_DB / 20) * level * noise, sweep)


def room_row(path: Path, speakers: dict[str, Samples]) -> Row:
    """Everything about one room."""
    impulse, rate_hz = read(path)
    impulse = impulse / np.abs(impulse).max()
    level = third_octave_db(power_spectrum(impulse), RATE_HZ)
    top_hz = 0.45 * rate_hz
    is_there = (top_hz > THIRD_OCTAVES_HZ * 2 ** (1 / 6)) & (level > np.median(level) - 25)

    def after(room: Room, form: str) -> tuple[float, Samples]:
        taps = correction_taps(room, FLAT, Limits(), form, RATE_HZ)
        corrected = third_octave_db(power_spectrum(convolved(np.pad(impulse, (0, taps.size)), taps)), RATE_HZ)
        return float(np.std(corrected[is_there])), taps

    found = swept(impulse)
    learnt = Room(response_curve(found.impulse, RATE_HZ), found.low_hz, min(top_hz, found.high_hz))
    sweep_db, taps = after(learnt, FILTER)
    before_db = float(np.std(level[is_there]))
    talk: list[float] = []
    close: list[float] = []
    same_words: list[float] = []
    for voice in speakers.values():
        sound = convolved(voice, impulse)[-TALK_S * RATE_HZ :]
        sound = 0.5 * sound / np.abs(sound).max()
        near, same = (
            0.5 * part / np.abs(voice).max() for part in (voice[: TALK_S * RATE_HZ], voice[-TALK_S * RATE_HZ :])
        )
        for shares, reference in ((talk, None), (close, near), (same_words, same)):
            try:
                told = evaluate_talk(sound, close_voice=reference)
            except RoomError as error:
                print(f"{path.stem}: {error}", file=sys.stderr)
                continue
            deviation_db, _ = after(Room(told.curve, told.low_hz, told.high_hz), FILTER)
            shares.append((before_db - deviation_db) / (before_db - sweep_db))
    return Row(
        path.stem,
        int(is_there.sum()),
        decay_of(impulse, RATE_HZ).t20_s,
        before_db,
        sweep_db,
        after(learnt, BANDS)[0],
        float(response_db(taps, np.geomspace(20, 23_500, 5000), RATE_HZ).max()),
        energy_delay_ms(taps, RATE_HZ),
        talk,
        close,
        same_words,
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
        "10 kHz, where the recording of the room reaches. *Talking*: share of the sweep's improvement, mean (worst) over "
        f"{max(len(row.talk) for row in rows)} speakers; below zero it is worse than nothing. *Close*: with the same voice "
        "close to the microphone first. *Same words*: as if it had said the very same both times, which nobody quite does.",
        "",
        "| room | T20 s | bands | deviation dB | by sweep | reduced by | ten bands | boost dB | delay ms | talking | close "
        "| same words |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        t20 = "–" if row.t20_s is None else f"{row.t20_s:.2f}"
        ways = (row.talk, row.close_talk, row.same_words)
        shares = " | ".join(f"{np.mean(found):.2f} ({min(found):.2f})" if found else "–" for found in ways)
        lines.append(
            f"| {row.name} | {t20} | {row.bands} | {row.before_db:.2f} | {row.sweep_db:.2f} "
            f"| {100 * (1 - row.sweep_db / row.before_db):.0f} % | {row.ten_bands_db:.2f} | {row.most_boost_db:.2f} "
            f"| {row.delay_ms:.2f} | {shares} |"
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
        heading, text = "Cost per hop", costs_table()
    else:
        data = options.eval / "data"
        if not (data / "manifest.csv").is_file():
            print(f"{options.eval} holds no evaluation material; say with --eval where it is", file=sys.stderr)
            return 1
        speakers = voices(data)
        rows = [room_row(path, speakers) for path in sorted((data / "rir").glob("*.flac"))]
        heading, text = "Rooms learnt and corrected", rooms_table(rows)
    put_section(options.out / "room.md", "Room correction measured", heading, text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
