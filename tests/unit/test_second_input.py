"""The second input: at any rate and clock it comes whole, in step with the microphone, and its loss is not the voice's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.stage import Block
from engine.errors import AudioFileError, DeviceError
from engine.io.backend import StreamRequest
from engine.io.simulated import SimulatedBackend, Simulation
from engine.io.simulated_ports import SimulatedDevice
from engine.io.simulated_sound import ArraySource, FunctionSource, Source
from tests.helpers.tone import fit_tone

RATE_HZ = 48_000
HOP = 480


def tone_of(rate_hz: float, channels: int = 1) -> FunctionSource:
    """1 kHz by the device's own clock."""

    def fill(first: int, out: Block) -> None:
        out[:] = 0.25 * np.sin(2 * np.pi * 1000.0 * (first + np.arange(out.shape[1])) / rate_hz)

    return FunctionSource(fill, channels)


class Studio:
    """A silent microphone and music, as fast as possible."""

    def __init__(
        self, music: SimulatedDevice, source: Source | None = None, microphone: SimulatedDevice | None = None
    ) -> None:
        world = Simulation(microphone or SimulatedDevice(), music=music, is_real_time=False)
        quiet = FunctionSource(lambda first, out: out.fill(0.0))
        self.backend = SimulatedBackend(world, lambda: quiet, music_source=lambda: source or tone_of(music.rate_hz))
        self.stream = self.backend.open(StreamRequest(music_device="simulated:in"))
        self.stream.start()
        self.hop: Block = np.zeros((self.stream.channels, HOP), np.float32)

    def run(self, seconds: float, work_s: float = 0.0) -> NDArray[np.float32]:
        """What came from the second input, shape (2, frames)."""
        heard = []
        until_s = self.stream.now_s() + seconds
        while self.stream.now_s() < until_s:
            assert self.stream.read_hop(self.hop, 0.5)
            assert self.stream.music is not None
            heard.append(self.stream.music.copy())
            if work_s:
                self.backend.clock.work(work_s)
            self.stream.write_air(self.hop)
        return np.concatenate(heard, axis=1)


@pytest.mark.parametrize(
    ("rate_hz", "block", "ppm"),
    [(48_000, 480, 0.0), (48_000, 128, 250.0), (44_100, 441, -250.0), (96_000, 1024, 100.0), (16_000, 160, 0.0)],
)
def test_any_rate_block_and_clock_comes_whole_and_true(rate_hz: int, block: int, ppm: float) -> None:
    studio = Studio(SimulatedDevice(rate_hz, ppm, block_frames=block))
    studio.run(40.0)
    heard = studio.run(20.0)
    stats = studio.stream.stats()
    assert (stats.music_losses, stats.xruns, stats.skipped_frames) == (0, 0, 0)
    second = fit_tone(heard[0, -RATE_HZ:], RATE_HZ, 1000.0)
    # By the microphone's clock the music is as much too fast as its device is.
    assert second.frequency_hz == pytest.approx(1000.0 * (1 + ppm * 1e-6), abs=0.02)
    assert second.amplitude == pytest.approx(0.25, rel=0.01)
    assert second.thd_n_db < -60.0
    assert np.array_equal(heard[0], heard[1])


def test_uneven_callbacks_cost_nothing_after_a_while() -> None:
    studio = Studio(SimulatedDevice(jitter_s=3e-3), microphone=SimulatedDevice(jitter_s=2e-3))
    studio.run(10.0, work_s=0.003)
    before = studio.stream.stats().music_losses
    studio.run(30.0, work_s=0.003)
    assert studio.stream.stats().music_losses == before


def test_without_a_second_input_there_is_none() -> None:
    quiet = FunctionSource(lambda first, out: out.fill(0.0))
    stream = SimulatedBackend(Simulation(is_real_time=False), lambda: quiet).open(StreamRequest())
    assert stream.music is None
    assert stream.channels == 1


def test_a_mono_voice_is_on_both_sides_beside_stereo_music() -> None:
    sides = np.stack([np.full(RATE_HZ, 0.2), np.full(RATE_HZ, -0.1)]).astype(np.float32)
    studio = Studio(SimulatedDevice(), ArraySource(sides, is_looped=True))
    assert studio.stream.channels == 2
    heard = studio.run(1.0)
    assert heard[:, -HOP:].mean(axis=1) == pytest.approx([0.2, -0.1], abs=1e-3)
    assert np.array_equal(studio.hop[0], studio.hop[1])


@pytest.mark.parametrize("stall_s", [0.05, 0.3, 2.0])
def test_after_a_stall_it_is_in_step_again(stall_s: float) -> None:
    def count(first: int, out: Block) -> None:
        out[:] = ((first + np.arange(out.shape[1])) % RATE_HZ) / RATE_HZ

    studio = Studio(SimulatedDevice(), FunctionSource(count))

    def behind() -> float:
        """How long the music lay in the ring, in frames."""
        last = float(studio.run(0.5)[0, -1]) * RATE_HZ
        return (studio.stream.now_s() * RATE_HZ - last) % RATE_HZ

    studio.run(3.0)
    before = behind()
    studio.backend.clock.work(stall_s)
    studio.run(3.0)
    assert behind() == pytest.approx(before, abs=1.1 * HOP)
    losses = studio.stream.stats().music_losses
    studio.run(5.0)
    assert studio.stream.stats().music_losses == losses


def test_an_unplugged_second_input_is_silent_and_the_voice_goes_on() -> None:
    studio = Studio(SimulatedDevice(unplugged=((2.0, 1e9),)))
    assert np.abs(studio.run(1.5)[:, -HOP:]).max() > 0.2
    assert not studio.run(2.0)[:, -10 * HOP :].any()
    assert studio.stream.lost is None
    assert studio.stream.stats().music_lost == "the simulated second input was unplugged"


def test_the_end_of_a_file_is_no_loss() -> None:
    studio = Studio(SimulatedDevice(), ArraySource(np.full((1, RATE_HZ), 0.2, np.float32)))
    heard = studio.run(3.0)
    assert studio.stream.stats().music_losses == 0
    assert not heard[:, -RATE_HZ:].any()
    # Neither its beginning nor its end is a step.
    assert np.abs(np.diff(heard[0])).max() < 0.02


def test_what_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    quiet = FunctionSource(lambda first, out: out.fill(0.0))
    backend = SimulatedBackend(Simulation(is_real_time=False), lambda: quiet)
    with pytest.raises(DeviceError, match=r"no second input 'Spotify' beside simulated devices; give a file"):
        backend.open(StreamRequest(music_device="Spotify"))
    with pytest.raises(AudioFileError, match="there is no such file"):
        backend.open(StreamRequest(music_device=f"simulated:{tmp_path / 'none.wav'}"))
