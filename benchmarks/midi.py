"""MIDI over a real JACK server, with the whole chain at work: `python -m benchmarks.midi`.

How long from a message's being sent, in another process, until the first block with its value has left the chain; and what
a flood of a thousand messages a second costs a hop. Writes `docs/benchmarks/midi.md`.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.composition import chosen_models
from app.engine_process import prepare_engine_process
from app.paths import find_paths
from engine import ChainConfig, EngineConfig, Percentiles, ResetMeters, Start
from engine.control.midi_rtmidi import RtMidiSystem
from engine.core.stage import Block, Context
from engine.facade import Engine
from engine.io.simulated import SimulatedBackend, Simulation
from engine.io.simulated_ports import SimulatedDevice
from engine.io.simulated_sound import ArraySource, MemorySink
from engine.stages import STAGES
from engine.stages.denoise import FULL_STRENGTH_DB, Denoise, DenoiseParams
from tests.helpers.engines import FakeVirtualMicrophone, wait_until
from tests.rig.midi import FACTOR_HIGHEST, FADER, OTHER_FADER, Witness, effective_after_ms, playing, tiny_desk
from tests.rig.studio import JackStudio

PERIODS_FRAMES = (32, 64)
"""Of the JACK server; the flood is measured with the last."""

HOP_MS = 10.0
REPORT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "midi.md"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=12.0, help="of each of three pairs of quiet and flood")
    command = parser.parse_args()
    delays_ms = {}
    for period_frames in PERIODS_FRAMES:
        with running(period_frames) as (jack, engine, witnesses):
            for control, witness in witnesses.items():
                found = measure_delays(jack, engine, witness, control, command.messages)
                delays_ms[period_frames, control.name] = found
    with running(PERIODS_FRAMES[-1]) as (jack, engine, _):
        quiet, flood, handled = measure_flood(jack, engine, command.seconds)
    text = report(delays_ms, command.messages, quiet, flood, handled, command.seconds)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(text, encoding="utf-8")
    print(text)


@dataclass(frozen=True)
class Control:
    """What a fader moves: 0 at its lower end."""

    name: str
    fader: int
    target: str
    highest: float


BEHIND = Control("behind the denoiser", FADER, "witness.factor", FACTOR_HIGHEST)
DENOISER = Control("the denoiser's own strength", OTHER_FADER, "denoise.strength_db", FULL_STRENGTH_DB)


class StrengthWitness(Witness):
    """Stands last too, and notes the strength."""

    id = "strength_witness"


class WatchedDenoise(Denoise):
    """Tells with which strength the last block was worked on."""

    strength_db = FULL_STRENGTH_DB

    def process(self, block: Block, ctx: Context[DenoiseParams]) -> None:
        """Denoise, and note. Audio thread."""
        super().process(block, ctx)
        self.strength_db = ctx.params.strength_db


@contextmanager
def running(period_frames: int) -> Iterator[tuple[JackStudio, Engine, dict[Control, Witness]]]:
    """A JACK server, and an engine that has come to rest."""
    with JackStudio(period_frames) as jack, tempfile.TemporaryDirectory() as folder:
        os.environ.update({name: value for name, value in jack.env.items() if name.startswith("JACK_")})
        denoiser = WatchedDenoise.build(chosen_models(find_paths()))
        witnesses = {BEHIND: Witness(), DENOISER: StrengthWitness(lambda: denoiser.strength_db)}
        engine = whole_engine(denoiser, witnesses.values(), Path(folder))
        prepare_engine_process()
        try:
            # The first message moves both.
            engine.send(Start(EngineConfig(chain=ChainConfig(params={DENOISER.target: 0.0}))))
            time.sleep(5.0)
            yield jack, engine, witnesses
        finally:
            engine.close()


def whole_engine(denoiser: Denoise, witnesses: Iterable[Witness], folder: Path) -> Engine:
    """All stages as they are heard, and the witnesses behind them, on a simulated device that keeps time."""
    models = chosen_models(find_paths())
    stages = (denoiser if stage is Denoise else stage.build(models) for stage in STAGES)
    noise = np.random.default_rng(1).normal(0.0, 0.05, (1, 480_000)).astype(np.float32)
    simulation = Simulation(SimulatedDevice(), SimulatedDevice(), is_real_time=True)
    backend = SimulatedBackend(simulation, lambda: ArraySource(noise, is_looped=True), MemorySink(), MemorySink())
    return Engine(
        (*stages, *witnesses),
        backend,
        lambda devices: FakeVirtualMicrophone(),
        midi_system=RtMidiSystem(),
        midi_maps=tiny_desk(folder, BEHIND.target, DENOISER.target, "gate"),
    )


def plug_in(engine: Engine) -> None:
    """Wait until the device is in use."""
    wait_until(lambda: any(port.is_open for port in engine.snapshot().midi.ports), lambda is_open: is_open)


def plug_out(engine: Engine) -> None:
    """Wait until it is gone."""
    wait_until(lambda: len(engine.snapshot().midi.ports), lambda count: count == 0)


def measure_delays(jack: JackStudio, engine: Engine, witness: Witness, control: Control, count: int) -> list[float]:
    """Milliseconds from sent to effective, one a message."""
    with playing(jack, "latency", "--count", str(count), "--number", str(control.fader)) as player:
        plug_in(engine)
        player.go()
        sent = player.sent(count)
        time.sleep(0.5)
    plug_out(engine)
    return effective_after_ms(sent, witness.seen, control.highest)


def measure_flood(jack: JackStudio, engine: Engine, seconds: float) -> tuple[list[Percentiles], list[Percentiles], int]:
    """Cost of a hop without and with a flood, in turn; and how many messages arrived."""
    quiet: list[Percentiles] = []
    flood: list[Percentiles] = []
    handled = 0
    for _ in range(3):
        quiet.append(hop_ms(engine, seconds))
        with playing(jack, "flood", "--number", "2") as player:
            plug_in(engine)
            player.go()
            time.sleep(0.5)
            before = engine.snapshot().midi.messages[-1].sequence
            flood.append(hop_ms(engine, seconds))
            handled += engine.snapshot().midi.messages[-1].sequence - before
        plug_out(engine)
    return quiet, flood, handled


def hop_ms(engine: Engine, seconds: float) -> Percentiles:
    """Work per hop over some seconds."""
    engine.send(ResetMeters())
    time.sleep(seconds)
    figures = engine.snapshot().hop_ms
    assert figures is not None
    return figures


def report(
    delays_ms: dict[tuple[int, str], list[float]],
    sent: int,
    quiet: list[Percentiles],
    flood: list[Percentiles],
    handled: int,
    seconds: float,
) -> str:
    """The tables."""
    delays = "\n".join(_row(*measured, sent, found) for measured, found in delays_ms.items())
    without, with_flood = (float(np.median([part.p99 for part in parts])) for parts in (quiet, flood))
    rows = "\n".join(
        f"| {name} | {part.p50:.2f} | {part.p99:.2f} | {part.p999:.2f} | {part.max:.2f} |"
        for pair in zip(quiet, flood, strict=True)
        for name, part in zip(("quiet", "flood"), pair, strict=True)
    )
    machine = f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()})"
    rise = f"{100.0 * (with_flood / without - 1.0):+.0f} %"
    return f"""# MIDI

Measured by `python -m benchmarks.midi` on {machine}, with the whole chain on a simulated device at 10 ms a hop.
The MIDI device is a process of its own on a JACK server with a dummy driver.

## From a message to the sound

From the moment before it is sent until the first block with its value has left the chain. JACK carries a message over in one to
two of its periods, and is then asked for it. A block that is on its way takes it if what it moves is still ahead; else it waits
for the next hop, up to 10 ms, and for the work on that.

| JACK's period | what the fader moves | messages sent | effective | p50 ms | p99 ms | max ms |
|---|---|---|---|---|---|---|
{delays}

Aim: p99 at most one hop and 3 ms, {HOP_MS + 3.0:.0f} ms.

## A flood of a thousand messages a second

Work per hop in milliseconds, {seconds:.0f} s each, in turn. {handled} messages arrived in {3 * seconds:.0f} s of flood.

| | p50 | p99 | p99.9 | max |
|---|---|---|---|---|
{rows}

Median p99: {without:.2f} ms without, {with_flood:.2f} ms with the flood: {rise}. Aim: less than +20 %.
"""


def _row(period_frames: int, control: str, sent: int, delays_ms: list[float]) -> str:
    p50, p99, most = (float(np.percentile(delays_ms, share)) for share in (50, 99, 100))
    period = f"{period_frames} frames, {period_frames / 48:.2f} ms"
    return f"| {period} | {control} | {sent} | {len(delays_ms)} | {p50:.1f} | {p99:.1f} | {most:.1f} |"


if __name__ == "__main__":
    main()
