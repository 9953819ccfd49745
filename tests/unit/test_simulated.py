"""The simulated device does what real ones do: ends, stalls, drops out, is unplugged; and the edge copes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from engine.core.stage import Block
from engine.errors import AudioFileError, DeviceError
from engine.io.backend import AudioStream, StreamRequest
from engine.io.simulated import SimulatedBackend, Simulation
from engine.io.simulated_ports import SimulatedDevice
from engine.io.simulated_sound import ArraySource, FileSink, FunctionSource, MemorySink

RATE_HZ = 48_000
HOP = 480


def count_up(first: int, out: Block) -> None:
    """Sound that tells its own position: a slow saw of one second, quiet nowhere."""
    out[:] = 0.25 + ((first + np.arange(out.shape[1])) % RATE_HZ) / (2 * RATE_HZ)


def position(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return (values.astype(np.float64) - 0.25) * 2 * RATE_HZ


class Studio:
    """A simulated studio as fast as possible, with a pass-through at its heart."""

    def __init__(
        self,
        microphone: SimulatedDevice | None = None,
        output: SimulatedDevice | None = None,
        request: StreamRequest | None = None,
    ) -> None:
        self.sink, self.monitor_sink = MemorySink(), MemorySink()
        world = Simulation(microphone or SimulatedDevice(), output or SimulatedDevice(), is_real_time=False)
        self.backend = SimulatedBackend(world, lambda: FunctionSource(count_up), self.sink, self.monitor_sink)
        self.stream: AudioStream = self.backend.open(request or StreamRequest())
        self.stream.start()
        self.hop: Block = np.zeros((self.stream.channels, self.stream.hop_frames), np.float32)

    def run(self, seconds: float, work_s: float = 0.0) -> bool:
        """Pass sound on for so long; False if the stream would not go on."""
        until_s = self.stream.now_s() + seconds
        while self.stream.now_s() < until_s:
            if not self.stream.read_hop(self.hop, 0.5):
                return False
            if work_s:
                self.backend.clock.work(work_s)
            self.stream.write_air(self.hop)
            self.stream.write_monitor(self.hop)
        return True

    def delay_ms(self) -> float:
        """Delay from the microphone to what was played last, for devices of 48 kHz and exact clocks."""
        last = self.sink.frames()[0, -960:]
        at = self.sink.written_frames - 960 + np.arange(960)
        return float(np.median((at - position(last)) % RATE_HZ)) / RATE_HZ * 1e3


def test_passes_every_sample_on_after_a_constant_delay() -> None:
    studio = Studio()
    studio.run(2.0)
    played = studio.sink.frames()
    start = int(np.flatnonzero(played[0] > 0.2)[0]) + 100
    places = position(played[0, start:]) % RATE_HZ
    steps = np.diff(places)
    inner = np.abs(places[1:] - RATE_HZ / 2) < RATE_HZ / 2 - 200
    assert np.allclose(steps[inner], 1.0, atol=0.02)
    assert np.array_equal(played[0], played[1])
    assert studio.stream.stats().xruns == 0
    assert studio.delay_ms() == pytest.approx(15.5, abs=0.2)


@pytest.mark.parametrize(
    ("block", "rate_hz"), [(64, 48_000), (441, 44_100), (1024, 48_000), (960, 96_000), (160, 16_000)]
)
def test_any_block_and_rate_without_losses(block: int, rate_hz: int) -> None:
    device = SimulatedDevice(rate_hz, block_frames=block, jitter_s=1e-3)
    studio = Studio(device, device)
    assert studio.run(20.0, work_s=0.004)
    stats = studio.stream.stats()
    assert (stats.xruns, stats.skipped_frames) == (0, 0)


@pytest.mark.parametrize("hop", [64, 128, 240, 480])
def test_a_network_that_works_on_ten_milliseconds_at_once_interrupts_no_bus_however_short_the_hop(hop: int) -> None:
    even = SimulatedDevice(block_frames=min(hop, 128))
    studio = Studio(even, even, StreamRequest(monitor_device="simulated:out", hop_frames=hop))
    stream, clock = studio.stream, studio.backend.clock
    heard = 0
    while stream.now_s() < 20.0:
        assert stream.read_hop(studio.hop, 0.5)
        stream.write_monitor(studio.hop)
        heard += hop
        if heard >= HOP:
            heard -= HOP
            clock.work(0.004)
        stream.write_air(studio.hop)
    stats = stream.stats()
    assert (stats.xruns, stats.monitor_underflows, stats.skipped_frames) == (0, 0, 0)
    assert studio.delay_ms() < 21.0


def test_as_fast_as_possible_is_deterministic() -> None:
    device = SimulatedDevice(jitter_s=2e-3, clock_error_ppm=50)
    first, second = Studio(device, device), Studio(device, device)
    first.run(5.0)
    second.run(5.0)
    assert np.array_equal(first.sink.frames(), second.sink.frames())


@pytest.mark.parametrize("stall_s", [0.03, 0.2, 0.45, 3.0])
def test_delay_comes_back_after_a_stall(stall_s: float) -> None:
    studio = Studio()
    studio.run(5.0)
    before_ms = studio.delay_ms()
    studio.backend.clock.work(stall_s)
    studio.run(6.0)
    assert studio.delay_ms() == pytest.approx(before_ms, abs=1.0)
    settled = studio.stream.stats().xruns
    studio.run(10.0)
    assert studio.stream.stats().xruns == settled


def test_a_busy_half_minute_is_not_remembered() -> None:
    studio = Studio()
    studio.run(5.0)
    before_ms = studio.delay_ms()
    rng = np.random.default_rng(4)
    for _ in range(1500):
        studio.run(0.01, work_s=float(rng.exponential(0.012)))
    studio.run(10.0)
    assert studio.delay_ms() == pytest.approx(before_ms, abs=1.0)


def test_a_thread_that_is_woken_late_again_and_again_is_not_remembered() -> None:
    """As on a system that grants no real time: the output runs dry, and that is not the device's fault."""
    studio = Studio()
    studio.run(5.0)
    before_ms = studio.delay_ms()
    clock = studio.backend.clock
    in_time = clock.wait

    def late(expected_s: float, most_s: float) -> None:
        in_time(expected_s, most_s)
        clock.work(0.03)

    for _ in range(4):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "wait", late)
            studio.run(0.001)
        studio.run(2.0)
    assert studio.stream.stats().xruns >= 4
    studio.run(10.0)
    assert studio.delay_ms() == pytest.approx(before_ms, abs=1.0)


def test_what_is_dropped_after_a_stall_is_faded() -> None:
    studio = Studio()
    studio.run(2.0)
    studio.backend.clock.work(0.3)
    studio.run(3.0)
    assert studio.stream.stats().skipped_frames > 0
    hop: Block = np.zeros((1, HOP), np.float32)
    steps = []
    studio.backend.clock.work(0.3)
    last = None
    for _ in range(60):
        studio.stream.read_hop(hop, 0.5)
        studio.stream.write_air(hop)
        joined = hop[0] if last is None else np.concatenate(([last], hop[0]))
        steps.append(np.abs(np.diff(joined)).max())
        last = hop[0, -1]
    # The saw itself falls by 0.5 once a second; everything else, the skip too, is a slope.
    assert sorted(steps)[-2] < 0.5 / 100


def test_a_drop_out_is_counted_and_survived() -> None:
    studio = Studio(SimulatedDevice(dropouts=[(2.0, 0.1)]), SimulatedDevice(dropouts=[(3.0, 0.05)]))
    assert studio.run(20.0)
    stats = studio.stream.stats()
    assert stats.input_overflows > 0
    assert stats.output_underflows > 0
    assert stats.input_ms is not None


@pytest.mark.parametrize("which", ["microphone", "output"])
def test_unplugged_and_plugged_in_again(which: str) -> None:
    away = SimulatedDevice(unplugged=[(2.0, 4.0)])
    studio = Studio(**{which: away})  # type: ignore[arg-type]
    began_s = studio.stream.now_s()
    while studio.stream.lost is None:
        assert studio.run(0.1) or studio.stream.lost is not None
    assert studio.stream.now_s() - began_s < 2.5
    assert which in str(studio.stream.lost)
    studio.stream.close()
    with pytest.raises(DeviceError, match="unplugged"):
        studio.backend.open(StreamRequest())
    assert len(studio.backend.devices()) == 1
    studio.backend.clock.work(2.0)
    again = studio.backend.open(StreamRequest())
    again.start()
    assert again.read_hop(studio.hop, 0.5)
    again.close()


def test_monitor_gets_the_same_sound_sooner() -> None:
    studio = Studio(request=StreamRequest(monitor_device="simulated:out"))
    assert studio.stream.has_monitor
    studio.run(1.0)
    # It keeps 1 ms in hand; the output, which waits for the work on a hop, half a hop.
    sooner_frames = 240 - 48
    assert np.array_equal(studio.monitor_sink.frames()[:, :-sooner_frames], studio.sink.frames()[:, sooner_frames:])


def test_stereo_stays_stereo() -> None:
    both = np.stack([np.full(RATE_HZ, 0.5), np.full(RATE_HZ, -0.25)]).astype(np.float32)
    sink = MemorySink()
    backend = SimulatedBackend(Simulation(is_real_time=False), lambda: ArraySource(both, True), sink)
    stream = backend.open(StreamRequest())
    stream.start()
    hop: Block = np.zeros((stream.channels, HOP), np.float32)
    for _ in range(50):
        stream.read_hop(hop, 0.5)
        stream.write_air(hop)
    assert stream.channels == 2
    assert sink.frames()[:, -1] == pytest.approx([0.5, -0.25], abs=1e-3)


def test_a_file_in_and_a_file_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    spoken = (0.1 * rng.standard_normal(RATE_HZ)).astype(np.float32)
    soundfile.write(tmp_path / "in.wav", spoken, RATE_HZ, subtype="FLOAT")
    hops = pass_files(tmp_path / "in.wav", tmp_path / "out.wav")
    assert hops == 100
    played, rate_hz = soundfile.read(tmp_path / "out.wav", dtype="float32", always_2d=True)
    assert (rate_hz, played.shape[1]) == (RATE_HZ, 2)
    lag = int(np.argmax(np.correlate(played[:, 0], spoken[:8000], "valid")))
    assert np.allclose(played[lag : lag + 40_000, 0], spoken[:40_000], atol=0.05)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["in.wav", "out.wav"]
    assert (tmp_path / "out.wav").stat().st_mode == (tmp_path / "in.wav").stat().st_mode


def test_an_output_file_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    sink = FileSink(str(tmp_path / "out.wav"), RATE_HZ, 2)
    sink.write(np.zeros((2, 480), np.float32))
    assert not (tmp_path / "out.wav").exists()
    sink.close()
    sink.close()
    assert soundfile.info(tmp_path / "out.wav").frames == 480


@pytest.mark.parametrize("content", [b"", b"this is no sound at all", None])
def test_a_bad_input_file_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "in.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioFileError, match=r"in\.wav"):
        SimulatedBackend().open(StreamRequest(f"simulated:{path}", f"simulated:{tmp_path / 'out.wav'}"))
    assert not (tmp_path / "out.wav").exists()


def test_a_bad_output_path_is_one_sentence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.wav", np.zeros(480), RATE_HZ)
    for name in ("missing/out.wav", "out.nonsense"):
        with pytest.raises(AudioFileError, match="out"):
            SimulatedBackend().open(StreamRequest(f"simulated:{tmp_path / 'in.wav'}", f"simulated:{tmp_path / name}"))
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_nothing_to_hear_is_one_sentence() -> None:
    with pytest.raises(DeviceError, match="nothing to say"):
        SimulatedBackend().open(StreamRequest("simulated:"))


def test_real_time_keeps_the_pace_of_the_wall_clock() -> None:
    sink = MemorySink()
    backend = SimulatedBackend(Simulation(), lambda: FunctionSource(count_up), sink)
    stream = backend.open(StreamRequest())
    hop: Block = np.zeros((1, HOP), np.float32)
    stream.start()
    began_s = time.perf_counter()
    for _ in range(50):
        assert stream.read_hop(hop, 1.0)
        stream.write_air(hop)
    assert time.perf_counter() - began_s == pytest.approx(0.5, abs=0.25)
    assert 0.0 <= stream.now_s() - stream.due_s < 0.25
    stream.close()


def test_due_times_follow_the_microphone_even_when_the_work_is_late() -> None:
    studio = Studio()
    studio.run(1.0)
    due: list[float] = []
    studio.backend.clock.work(0.025)
    for _ in range(6):
        studio.stream.read_hop(studio.hop, 0.5)
        due.append(studio.stream.due_s)
    assert np.diff(due) == pytest.approx([0.01] * 5, abs=1e-6)


def pass_files(source: Path, target: Path) -> int:
    """Pass a file through the simulated device as fast as possible and return the number of hops."""
    backend = SimulatedBackend(Simulation(is_real_time=False))
    stream = backend.open(StreamRequest(f"simulated:{source}", f"simulated:{target}"))
    stream.start()
    hop: Block = np.zeros((stream.channels, HOP), np.float32)
    hops = 0
    while stream.read_hop(hop, 0.5):
        stream.write_air(hop)
        hops += 1
    assert stream.ended
    stream.close()
    return hops


def test_sequences_of_faults_may_overlap() -> None:
    faults: Sequence[tuple[float, float]] = [(1.0, 0.05), (1.02, 0.1), (5.0, 0.3)]
    studio = Studio(SimulatedDevice(dropouts=faults, jitter_s=3e-3), SimulatedDevice(dropouts=faults, jitter_s=3e-3))
    assert studio.run(30.0, work_s=0.005)
    settled = studio.stream.stats().xruns
    studio.run(30.0, work_s=0.005)
    assert studio.stream.stats().xruns == settled
