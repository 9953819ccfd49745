"""Music from a second input reaches the listeners, gives way to the voice, and its loss is told while the voice goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from engine import ChainConfig, DeviceConfig, EngineConfig, EngineState, Start
from engine.facade import Engine
from engine.inference.catalog import ModelStore
from engine.io.simulated import SimulatedBackend, Simulation
from engine.io.simulated_ports import SimulatedDevice
from engine.io.simulated_sound import FunctionSource, MemorySink
from engine.stages.duck import Duck
from engine.stages.high_pass import HighPass
from tests.conftest import ROOT
from tests.helpers.engines import FakeVirtualMicrophone, wait_until
from tests.helpers.stages import tone, voice_like
from tests.rig import processes
from tests.rig.studio import PipeWireStudio

RATE_HZ = 48_000
TONE_HZ = 5000.0
FOR_EVER = (0.0, 1e9)


def tone_levels_dbfs(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Level of the 5 kHz tone every 50 ms."""
    whole = samples[: samples.size // 2400 * 2400].astype(np.float64)
    carrier = whole * np.exp(-2j * np.pi * TONE_HZ * np.arange(whole.size) / RATE_HZ)
    windowed = carrier.reshape(-1, 2400) * np.hanning(2400)
    levels: NDArray[np.float64] = 20 * np.log10(4 * np.abs(windowed.mean(axis=1)) + 1e-9)
    return levels


@contextmanager
def steady_music(unplugged: list[tuple[float, float]]) -> Iterator[tuple[Engine, MemorySink]]:
    """A voice of 0.25 and music of 0.5 that is never turned down, and not there while `unplugged` says so."""
    world = Simulation(music=SimulatedDevice(unplugged=unplugged))
    sink = MemorySink()

    def steady(level: float) -> FunctionSource:
        return FunctionSource(lambda first, out: out.fill(level))

    backend = SimulatedBackend(world, lambda: steady(0.25), sink, music_source=lambda: steady(0.5))
    engine = Engine((HighPass(), Duck()), backend, lambda devices: FakeVirtualMicrophone())
    try:
        chain = ChainConfig(params={"duck.level_db": 0.0, "duck.depth_db": 0.0}, bypass={"high_pass": True})
        engine.send(Start(EngineConfig(devices=DeviceConfig(music="simulated:in"), chain=chain)))
        yield engine, sink
    finally:
        engine.close()


def music_events(engine: Engine) -> list[str]:
    return [event.text for event in engine.events() if "second input" in event.text]


def await_music_events(engine: Engine, count: int) -> None:
    wait_until(lambda: len(music_events(engine)) == count, bool)


def level(sink: MemorySink) -> float:
    """What left last."""
    frames = sink.frames()[0]
    return float(np.median(frames[-2400:])) if frames.size > 2400 else 0.0


def test_a_lost_second_input_is_told_once_and_the_voice_goes_on() -> None:
    unplugged: list[tuple[float, float]] = []
    with steady_music(unplugged) as (engine, sink):
        assert engine.snapshot().devices.music == "Simulated microphone"
        wait_until(lambda: level(sink), lambda now: abs(now - 0.75) < 0.01)
        unplugged.append(FOR_EVER)
        wait_until(lambda: music_events(engine), bool)
        hops = engine.snapshot().hops
        wait_until(engine.snapshot, lambda snapshot: snapshot.hops > hops + 150)
        snapshot = engine.snapshot()
    assert snapshot.state is EngineState.RUNNING
    assert music_events(engine) == [
        "the simulated second input was unplugged; the voice goes on without the second input"
    ]
    heard = sink.frames()[0]
    assert heard.max() == pytest.approx(0.75, abs=0.01)
    assert heard[-RATE_HZ // 10 :] == pytest.approx(0.25, abs=1e-3)


def test_a_second_input_that_is_plugged_in_again_comes_back_by_itself() -> None:
    unplugged: list[tuple[float, float]] = []
    with steady_music(unplugged) as (engine, sink):
        for told in (1, 3):
            wait_until(lambda: level(sink), lambda now: abs(now - 0.75) < 0.01)
            unplugged.append(FOR_EVER)
            wait_until(lambda: level(sink), lambda now: abs(now - 0.25) < 0.01)
            await_music_events(engine, told)
            unplugged.clear()
        wait_until(lambda: level(sink), lambda now: abs(now - 0.75) < 0.01)
        await_music_events(engine, 4)
        snapshot = engine.snapshot()
    assert snapshot.state is EngineState.RUNNING
    gone = "the simulated second input was unplugged; the voice goes on without the second input"
    assert music_events(engine) == [gone, "second input: Simulated microphone is back"] * 2


def test_the_voice_begins_without_a_second_input_that_is_not_there_and_it_comes_in() -> None:
    unplugged = [FOR_EVER]
    with steady_music(unplugged) as (engine, sink):
        wait_until(lambda: level(sink), lambda now: abs(now - 0.25) < 0.01)
        snapshot = engine.snapshot()
        assert (snapshot.state, snapshot.devices.used.music) == (EngineState.RUNNING, None)
        (told,) = music_events(engine)
        assert "The voice begins without it" in told
        unplugged.clear()
        wait_until(lambda: level(sink), lambda now: abs(now - 0.75) < 0.01)
        assert music_events(engine)[1:] == ["second input: Simulated microphone is there"]
    # It is heard in stereo, as one that was there from the beginning.
    assert sink.frames().shape[0] == 2


@contextmanager
def headless(studio: PipeWireStudio, *arguments: str) -> Iterator[None]:
    """The program runs, and is heard, while the context lasts."""
    env = studio.env | {
        "SIDETONE_RUNTIME_DIR": str(studio.folder / "r"),
        "SIDETONE_CONFIG_DIR": str(studio.folder / "c"),
    }
    command = [sys.executable, "-m", "app", "headless", *arguments]
    process = subprocess.Popen(command, env=env, cwd=ROOT)

    def is_running() -> bool:
        ask = [sys.executable, "-m", "app", "ctl", "snapshot", "--json"]
        answer = subprocess.run(ask, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
        return answer.returncode == 0 and json.loads(answer.stdout)["hops"] > 0

    try:
        # The first run on a machine compiles.
        processes.wait_until(is_running, "the engine to run", 90.0)
        yield
    finally:
        processes.end(process)


@pytest.mark.needs("pipewire", "wireplumber", "pipewire-pulse")
def test_what_another_program_plays_is_heard_and_gives_way_to_speech(model_store: ModelStore) -> None:
    """Real devices: 4 s of music alone, 5 s with a voice; the tone in the music falls by the 20 dB asked for."""
    voice = np.concatenate([np.zeros(4 * RATE_HZ), 0.6 * voice_like(5.0)[0]]).astype(np.float32)
    music = tone(16.0, -12.0, TONE_HZ)[0]
    settings = (
        "--set",
        "duck.level_db=0",
        "--set",
        "duck.depth_db=20",
        "--bypass",
        "denoise",
        "--bypass",
        "compressor",
    )
    with PipeWireStudio() as studio:
        studio.add_output("music_player")
        with (
            headless(studio, "--music", "pulse:music_player.monitor", *settings),
            studio.recording("Sidetone", 2) as recording,
            studio.speaking(music, "music_player"),
        ):
            time.sleep(1.0)
            with studio.speaking(voice) as player:
                player.wait(timeout=60)
        heard = recording.frames()
    levels = tone_levels_dbfs(heard[:, 0])
    alone_dbfs, under_dbfs = np.percentile(levels, 80), np.median(levels[-60:])
    assert alone_dbfs == pytest.approx(-12.0, abs=1.0)
    # The voice's own sound at 5 kHz is far lower.
    assert under_dbfs == pytest.approx(-32.0, abs=2.5)


def test_a_second_input_that_is_not_there_is_one_sentence(tmp_path: Path, model_store: ModelStore) -> None:
    speech = tmp_path / "speech.wav"
    soundfile.write(speech, np.zeros(RATE_HZ), RATE_HZ)
    command = [sys.executable, "-m", "app", "headless", "--input", f"simulated:{speech}", "--music", "Spotify"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "no second input 'Spotify'" in done.stderr
    assert done.stderr.count("\n") == 1
