"""Captions of the running program, in real time: `python -m benchmarks.captions_live [--part …]`. Meant to run alone.

The program hears a file in the place of the microphone, with the denoiser in Quality, and is asked fifty times a second what it
has written down. Writes its parts of `docs/benchmarks/captions.md`.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jiwer
import numpy as np
from numpy.typing import NDArray

from app.composition import model_store
from app.paths import find_paths
from app.services.caption_models import load_caption_models
from benchmarks.captions import EVAL, REPORT, Mixes, normaliser, percentiles_ms
from benchmarks.report_sections import write_section
from benchmarks.simulated_captions import RATE_HZ, Sound, first_guessed, first_seen, read, whole
from benchmarks.word_ends import delays_s
from engine import CaptionLine, CaptionsConfig, CaptionsState, Percentiles, ResetMeters, SetService
from engine.remote import RemoteEngine
from tests.helpers.live_captions import await_captions, services_process, speaking_program

QUALITY = ("--set", "denoise.mode=quality")
FRAME_RATE_HZ = 48_000
LEAD_IN_S = 12.0
"""Of silence, until captions listen."""
GAP_S = 1.2
LOOK_S = 0.02
PAIRS, PAIR_S = 3, 25.0
KILLS = 3


def delays_table(eval_folder: Path, folder: Path) -> list[str]:
    """Words and delays of the thirty clean mixes, spoken one after another."""
    norm, models = normaliser(eval_folder), load_caption_models(find_paths())
    mixes = Mixes(eval_folder, folder)
    sounds = [np.zeros(round(LEAD_IN_S * RATE_HZ), np.float32)]
    ends, lasts_s, begin_s = [], [], LEAD_IN_S
    for mix in mixes.rows:
        sound = mixes.sound(mix["name"], "clean")
        placed = [(word, begin_s + end_s) for word, end_s in mixes.ends(mix)]
        ends += placed
        lasts_s += [end_s for _, end_s in placed[-1:]]
        sounds += [sound, np.zeros(round(GAP_S * RATE_HZ), np.float32)]
        begin_s += sound.size / RATE_HZ + GAP_S
    spoken = [norm(mix["transcript"]) for mix in mixes.rows]
    at_once = [norm(whole(mixes.sound(mix["name"], "clean"), models)) for mix in mixes.rows]
    versions = follow(np.concatenate(sounds), folder)
    last = {line.id: line for _, line in versions}
    live = norm(" ".join(line.committed for line in last.values()))
    whole_wer, live_wer = 100 * jiwer.wer(spoken, at_once), 100 * jiwer.wer(" ".join(spoken), live)
    delays = [delays_s(first_seen(versions, with_tentative, norm), ends) for with_tentative in (False, True)]
    guessed_s = delays_s(first_guessed(versions, norm), ends)
    return [
        "| thirty clean mixes, one after another, denoiser in Quality | |",
        "|---|---|",
        f"| words misheard, live | {live_wer:.1f} % (each mix at once: {whole_wer:.1f} %) |",
        f"| word end → committed, p50 / p95 of {len(delays[0])} words | {percentiles_ms(delays[0])} ms |",
        f"| word end → the right word shown | {percentiles_ms(delays[1])} ms |",
        f"| word end → a first guess shown | {percentiles_ms(guessed_s)} ms |",
        f"| last word of a mix → final line; a pause of 600 ms decides | {percentiles_ms(finals_s(versions, lasts_s))} ms |",
    ]


def follow(sound: Sound, folder: Path) -> list[tuple[float, CaptionLine]]:
    """Versions of all lines, and when each was seen, in seconds of the sound that the engine had taken in."""
    versions: list[tuple[float, CaptionLine]] = []
    seen: dict[int, CaptionLine] = {}
    with speaking_program(folder, sound, RATE_HZ, *QUALITY) as engine:
        engine.send(SetService(CaptionsConfig(is_on=True)))
        started = await_captions(engine, lambda status: status.state is CaptionsState.LISTENING)
        assert not started.lines
        while (at_s := position_s(engine)) < sound.size / RATE_HZ - LOOK_S:
            status = engine.snapshot().services.captions
            for line in status.lines if status is not None else ():
                if seen.get(line.id) != line:
                    seen[line.id] = line
                    versions.append((at_s, line))
            time.sleep(LOOK_S)
    return versions


def position_s(engine: RemoteEngine) -> float:
    """How much sound the engine has taken in."""
    snapshot = engine.snapshot()
    return snapshot.hops * snapshot.hop_frames / FRAME_RATE_HZ


def finals_s(versions: list[tuple[float, CaptionLine]], last_words_s: list[float]) -> list[float]:
    """From the end of each mix's last word until the next final line was seen."""
    finals = [at_s for at_s, line in versions if line.is_final]
    later = [[at_s - end_s for at_s in finals if at_s > end_s] for end_s in last_words_s]
    return [min(delays) for delays in later if delays]


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


def long_table(eval_folder: Path, folder: Path, minutes: float = 30.0) -> list[str]:
    """Speech for long, in real time: whether the newest caption grows older, or the process larger."""
    ages: list[tuple[float, float]] = []
    sizes: list[tuple[float, float]] = []
    with speaking_program(folder, *voice(), *QUALITY, is_looped=True) as engine:
        engine.send(SetService(CaptionsConfig(is_on=True)))
        await_captions(engine, lambda status: status.is_speech and bool(status.lines))
        process, began_s = services_process(engine), time.monotonic()
        before = engine.snapshot()
        while (at_s := time.monotonic() - began_s) < 60 * minutes:
            status = engine.snapshot().services.captions
            if status is not None and status.age_ms is not None:
                ages.append((at_s / 60, status.age_ms))
            sizes.append((at_s / 60, resident_mb(process)))
            time.sleep(0.25)
        after = engine.snapshot()
    slope, growth = (slope_of(values) for values in (ages, sizes))
    megabytes = np.array(sizes)[:, 1]
    first, last = (float(np.median(part)) for part in np.array_split(megabytes, 10)[::9])
    missed = after.deadline_misses - before.deadline_misses
    return [
        f"| {minutes:.0f} minutes of speech in real time, denoiser in Quality | |",
        "|---|---|",
        f"| age of the newest caption, p50 / p95 of {len(ages)} looks | {percentiles_ms(age / 1000 for _, age in ages)} ms |",
        f"| slope of the age | {slope:+.2f} ms a minute |",
        f"| memory of the services process, first and last tenth | {first:.1f} → {last:.1f} MB |",
        f"| slope of the memory | {growth:+.3f} MB a minute |",
        f"| deadlines the engine missed | {missed} of {after.hops - before.hops} hops |",
    ]


def slope_of(values: list[tuple[float, float]]) -> float:
    """Slope of the regression line through points."""
    at, value = np.array(values).T
    return float(np.polyfit(at, value, 1)[0])


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
    options = parser.parse_args()
    for part in options.part or PARTS:
        title, table = PARTS[part]
        if part == "long":
            table = partial(table, minutes=options.minutes)
        with tempfile.TemporaryDirectory(prefix="captions-") as folder:
            lines = table(options.eval, Path(folder))
        print("\n".join(lines), flush=True)
        write_section(REPORT, title, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
