"""Two clocks are held together: no loss, no wander, no pitch that anyone could hear."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.stage import Block
from engine.io.backend import StreamRequest
from engine.io.drift import MAX_CORRECTION, ClockTracker, DriftCorrector, RecentPeak
from engine.io.simulated import SimulatedBackend, Simulation
from engine.io.simulated_ports import SimulatedDevice
from engine.io.simulated_sound import ArraySource, MemorySink
from engine.io.variable_resampler import VariableResampler
from tests.helpers.tone import fit_tone

RATE_HZ = 48_000
HOP = 480


def tone(rate_hz: int, frequency_hz: float, seconds: float = 1.0) -> Block:
    t = np.arange(int(rate_hz * seconds)) / rate_hz
    frames: Block = (0.5 * np.sin(2 * np.pi * frequency_hz * t)).astype(np.float32)[None]
    return frames


def resample(frames: Block, step: float) -> Block:
    resampler = VariableResampler(frames.shape[0], step, HOP)
    pieces = [resampler.process(frames[:, at : at + HOP], step).copy() for at in range(0, frames.shape[1], HOP)]
    return np.concatenate(pieces, axis=1)


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(48_000, 48_014.4), (44_100, 48_000), (48_000, 44_100), (16_000, 48_000), (96_000, 48_000)]
)
def test_a_tone_stays_a_tone_at_any_ratio(from_hz: int, to_hz: float) -> None:
    out = resample(tone(from_hz, 1000.0, 2.0), from_hz / to_hz)[0]
    fitted = fit_tone(out[4800 : 4800 + RATE_HZ], to_hz, 1000.0)
    assert fitted.frequency_hz == pytest.approx(1000.0, abs=1e-3)
    assert fitted.amplitude == pytest.approx(0.5, rel=1e-3)
    assert fitted.thd_n_db < -95.0


def test_what_cannot_be_kept_is_filtered_out() -> None:
    out = resample(tone(96_000, 30_000.0), 2.0)[0]
    assert np.sqrt(np.mean(out[2000:] ** 2)) < 10 ** (-70 / 20)


@pytest.mark.parametrize("block", [1, 37, 480])
def test_delay_is_the_declared_one_whatever_the_block(block: int) -> None:
    resampler = VariableResampler(2, 1.0, 480)
    impulse: Block = np.zeros((2, 960), np.float32)
    impulse[:, 100] = 1.0
    out = np.concatenate(
        [resampler.process(impulse[:, at : at + block], 1.0).copy() for at in range(0, 960, block)], axis=1
    )
    assert np.argmax(out[0]) == np.argmax(out[1]) == 100 + resampler.latency_frames
    assert out.shape[1] == 960
    assert resampler.pending_frames == resampler.latency_frames


def test_a_change_of_ratio_glides() -> None:
    resampler = VariableResampler(1, 1.0, HOP)
    source = tone(RATE_HZ, 1000.0, 2.0)
    rng = np.random.default_rng(3)
    pieces = [
        resampler.process(source[:, at : at + HOP], 1.0 + 5e-6 * float(rng.standard_normal())).copy()
        for at in range(0, source.shape[1], HOP)
    ]
    out = np.concatenate(pieces, axis=1)[0, HOP:]
    jumps = np.abs(np.diff(out, 2)).max()
    smooth = 0.5 * (2 * np.pi * 1000 / RATE_HZ) ** 2
    assert jumps < 1.01 * smooth


def test_refuses_a_ratio_beyond_reason() -> None:
    with pytest.raises(ValueError, match="beyond"):
        VariableResampler(1, 100.0, HOP)


def test_tracker_turns_blocks_into_a_line() -> None:
    rate_hz = 48_000 * (1 + 200e-6)
    tracker = ClockTracker(48_000)
    rng = np.random.default_rng(5)
    block_s = 512 / rate_hz
    for count in range(1, 20_000):
        happened_s = count * block_s + 0.5e-3 * float(rng.random())
        tracker.observe(count * 512, happened_s + 0.2e-3, happened_s)
    now_s = 20_000 * block_s - 0.25 * block_s
    mean_lateness = 0.25e-3 * rate_hz
    assert tracker.position_frames(now_s) == pytest.approx(now_s * rate_hz - mean_lateness, abs=3.0)


def test_tracker_makes_do_with_looking_now_and_then() -> None:
    tracker = ClockTracker(48_000)
    now_s, rng = 0.0, np.random.default_rng(6)
    while now_s < 120.0:
        now_s += 0.001 if rng.random() < 0.9 else 0.006
        tracker.observe(int(now_s * 48_000 * (1 - 100e-6) / 480) * 480, now_s)
    true_position = now_s * 48_000 * (1 - 100e-6)
    assert abs(tracker.position_frames(now_s) - true_position) < 0.7e-3 * 48_000


def test_tracker_follows_a_device_that_starts_over() -> None:
    tracker = ClockTracker(48_000)
    for count in range(1, 1000):
        tracker.observe(count * 480, count * 0.01, count * 0.01)
    for count in range(1000, 1400):
        tracker.observe(count * 480, count * 0.01 + 2.0, count * 0.01 + 2.0)
    assert tracker.position_frames(16.0) == pytest.approx(14.0 * 48_000, abs=5.0)


def test_corrector_is_bounded_and_does_not_wind_up() -> None:
    corrector = DriftCorrector(1000.0, 48_000)
    for _ in range(10_000):
        assert corrector.update(-100_000.0, 0.01) == 1.0 - MAX_CORRECTION
    assert abs(corrector.update(1000.0, 0.01) - 1.0) < 1e-4


def test_corrector_does_not_hurry_after_too_much() -> None:
    """What is too much is skipped elsewhere; played faster it would bend every tone."""
    corrector = DriftCorrector(1000.0, 48_000)
    assert all(1.0 < corrector.update(100_000.0, 0.01) < 1.0 + 1000e-6 for _ in range(1000))


def test_recent_peak_forgets() -> None:
    peak = RecentPeak(3.0)
    peak.note(5.0, 0.0)
    peak.note(1.0, 4.0)
    assert peak.value == 5.0
    peak.note(1.0, 8.0)
    assert peak.value == 1.0
    peak.note(0.5, 100.0)
    assert peak.value == 0.5


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("seconds", "input_ppm", "output_ppm", "output_hz", "jitter_s"),
    [
        (7200.0, 300.0, 0.0, 48_000, 0.0),
        (600.0, -300.0, 0.0, 48_000, 0.0),
        (600.0, 150.0, -150.0, 44_100, 0.0),
        (600.0, 0.0, 300.0, 48_000, 1e-3),
    ],
)
def test_two_clocks(seconds: float, input_ppm: float, output_ppm: float, output_hz: int, jitter_s: float) -> None:
    run = TwoClocks(input_ppm, output_ppm, output_hz, jitter_s)
    settle_s = 30.0
    look_s = seconds / 120
    delays = [run.advance(look_s) for _ in range(120)]
    stats = run.stream.stats()
    run.stream.close()
    after_settling = np.array(delays[int(settle_s / look_s) :])
    assert stats.xruns == 0
    assert stats.skipped_frames == 0
    assert np.ptp(after_settling) < 1.0
    assert np.ptp(np.array(delays[1:])) < 1.5
    assert stats.drift_ppm == pytest.approx(output_ppm - input_ppm, abs=3.0)
    # A strict figure: a sine of one frequency over a whole second, so that slow changes of pitch count as distortion.
    assert run.last_thd_n_db < (-80.0 if jitter_s == 0.0 else -60.0)


class TwoClocks:
    """A 1 kHz tone from one simulated clock to another, and the true delay by its phase in what was played."""

    def __init__(self, input_ppm: float, output_ppm: float, output_hz: int, jitter_s: float) -> None:
        self._true_tone_hz = 1000.0 * (1 + input_ppm * 1e-6)
        self._output_hz = output_hz
        self._true_output_hz = output_hz * (1 + output_ppm * 1e-6)
        self._sink = MemorySink(keep_frames=output_hz)
        simulation = Simulation(
            SimulatedDevice(clock_error_ppm=input_ppm, jitter_s=jitter_s),
            SimulatedDevice(output_hz, clock_error_ppm=output_ppm, jitter_s=jitter_s),
            is_real_time=False,
        )
        source = ArraySource(tone(RATE_HZ, 1000.0), is_looped=True)
        self._backend = SimulatedBackend(simulation, lambda: source, self._sink)
        self.stream = self._backend.open(StreamRequest())
        self.stream.start()
        self._hop: Block = np.zeros((1, HOP), np.float32)
        self._turns = 0.0
        self.last_thd_n_db = 0.0

    def advance(self, seconds: float) -> float:
        """Let time pass and return the delay in ms, up to a whole number of ms."""
        until_s = self.stream.now_s() + seconds
        while self.stream.now_s() < until_s:
            assert self.stream.read_hop(self._hop, 1.0)
            self.stream.write_air(self._hop)
        played = self._sink.frames()[0, -self._output_hz :]
        apparent_hz = self._true_tone_hz * self._output_hz / self._true_output_hz
        fitted = fit_tone(played, self._output_hz, apparent_hz)
        self.last_thd_n_db = fitted.thd_n_db
        began_s = (self._sink.written_frames - played.size) / self._true_output_hz
        delay_turns = self._true_tone_hz * began_s - fitted.phase_rad / (2 * np.pi)
        # The nearest to the last one: from look to look the delay moves by far less than half a turn.
        self._turns = delay_turns + round(self._turns - delay_turns)
        return self._turns / self._true_tone_hz * 1e3
