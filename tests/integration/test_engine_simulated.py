"""The engine as a whole on the simulated device: states, events, snapshots, buses, files, and devices that go and come."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import (
    AudioFileError,
    ChainConfig,
    ConnectionLostError,
    DeviceConfig,
    DeviceError,
    EngineConfig,
    EngineState,
    EventKind,
    HoldMeters,
    ParameterError,
    ResetMeters,
    SetBypass,
    SetParam,
    Shutdown,
    SidetoneError,
    Snapshot,
    Start,
    Stop,
)
from engine.commands import ReportLatency
from engine.core.stage import Block
from engine.errors import DeviceChoiceError
from engine.io.simulated import Simulation
from engine.io.simulated_ports import SimulatedDevice, SimulatedMicrophone
from engine.io.simulated_sound import ArraySource
from tests.helpers.engines import Studio, config, constant, studio, wait_until

RUNNING, STOPPED, STALLED, FAILED = EngineState.RUNNING, EngineState.STOPPED, EngineState.STALLED, EngineState.FAILED


def wait_hops(place: Studio, hops: int = 20) -> Snapshot:
    return place.wait_for(lambda snapshot: snapshot.hops >= hops)


def test_a_life_in_states_and_events() -> None:
    with studio() as place:
        assert place.engine.snapshot().state is STOPPED
        place.engine.send(Start(config()))
        assert place.engine.snapshot().state is RUNNING
        wait_hops(place)
        place.engine.send(Stop())
        assert place.engine.snapshot().state is STOPPED
        events = place.engine.events()
        assert [event.text for event in events if event.kind is EventKind.STATE] == ["starting", "running", "stopped"]
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert place.engine.events(after=events[0].sequence) == events[1:]
    assert place.virtual.closings == 1


def test_a_snapshot_says_all_there_is_to_show() -> None:
    with studio() as place:
        place.engine.send(Start(config(factor__factor=0.5)))
        snapshot = wait_hops(place, 60)
        assert [stage.id for stage in snapshot.stages] == ["factor", "high_pass", "faulty", "late"]
        assert [stage.is_bypassed for stage in snapshot.stages] == [False, True, False, False]
        assert [stage.latency_samples for stage in snapshot.stages] == [0, 0, 20, 100]
        assert snapshot.stages[0].meters == {"factor": 0.5}
        assert all(stage.work_ms is not None and not stage.is_degraded for stage in snapshot.stages)
        assert snapshot.latency.chain_samples == 120
        assert snapshot.latency.chain_ms == 2.5
        assert snapshot.latency.measured_ms is None
        assert (snapshot.sample_rate, snapshot.hop_frames) == (48_000, 480)
        assert snapshot.input_level.peak_dbfs == pytest.approx((-12.04,), abs=0.01)
        assert snapshot.output_level.peak_dbfs == pytest.approx((-18.06,), abs=0.01)
        assert snapshot.hop_ms is not None
        assert 0.0 < snapshot.hop_ms.p50 <= snapshot.hop_ms.p99 <= snapshot.hop_ms.max
        assert snapshot.params["factor.factor"] == 0.5
        assert snapshot.devices.chosen == DeviceConfig()
        assert snapshot.devices.virtual_microphone == "Made up"
        assert snapshot.spectrum is None
        later = place.engine.snapshot(with_spectrum=True)
        assert later.sequence > snapshot.sequence
        assert later.hops >= snapshot.hops
        assert later.spectrum is not None
        assert len(later.spectrum.frequencies_hz) == len(later.spectrum.output_dbfs)


def test_before_a_start_nothing_is_made_up() -> None:
    with studio() as place:
        snapshot = place.engine.snapshot(with_spectrum=True)
        assert (snapshot.hops, snapshot.hop_ms, snapshot.spectrum, snapshot.drift_ppm) == (0, None, None, None)
        assert snapshot.latency.input_ms is None
        assert snapshot.loudness.integrated_lufs is None
        assert snapshot.params["factor.factor"] == 1.0


def test_changes_are_heard_and_stay_over_stop_and_are_set_anew_by_start() -> None:
    with studio(is_real_time=True) as place:
        place.engine.send(Start(config()))
        place.engine.send(SetParam("factor.factor", 9.0))
        place.engine.send(SetBypass("late", True))
        wait_hops(place, 10)
        place.engine.send(Stop())
        snapshot = place.engine.snapshot()
        assert snapshot.params["factor.factor"] == 4.0
        assert snapshot.stages[3].is_bypassed
        assert place.sink.frames()[:, -480:] == pytest.approx(1.0)
        place.engine.send(Start(config(factor__factor=2.0)))
        snapshot = wait_hops(place, 10)
        assert snapshot.params["factor.factor"] == 2.0
        assert not snapshot.stages[3].is_bypassed


def test_start_while_running_changes_over_to_the_other_configuration() -> None:
    with studio() as place:
        place.engine.send(Start(config()))
        wait_hops(place)
        place.engine.send(Start(config(hop_frames=128)))
        snapshot = place.wait_for(lambda snapshot: snapshot.hop_frames == 128 and snapshot.hops > 20)
        assert snapshot.state is RUNNING
        assert place.engine.snapshot().hops < 5000
        assert [thread.name for thread in threading.enumerate()].count("sidetone-dsp") == 1


def test_the_monitor_bus_is_taken_before_the_late_stages() -> None:
    """The monitor hears the factor at once; the air bus hears it 120 samples later and multiplied again."""
    impulse = np.zeros((1, 48_000), np.float32)
    impulse[0, 9_600] = 0.25
    with studio(is_real_time=False, source=lambda: ArraySource(impulse), delayed_factor=2.0) as place:
        place.engine.send(Start(config(monitor="simulated:out", factor__factor=2.0)))
        assert place.engine.wait_until_ended(20.0)
        place.engine.send(Stop())
        air, monitor = place.sink.frames()[0], place.monitor_sink.frames()[0]
        # The drift corrector's resampler spreads the impulse a little; where it peaks is what counts.
        assert monitor.max() == pytest.approx(0.5, rel=0.1)
        assert air.max() == pytest.approx(1.0, rel=0.1)
        kept_in_hand_frames = 240 - 48
        assert int(air.argmax()) - int(monitor.argmax()) == pytest.approx(120 + kept_in_hand_frames, abs=1)


@pytest.mark.parametrize("channels", [1, 2])
def test_channels_of_the_microphone_reach_the_output(channels: int) -> None:
    with studio(is_real_time=False, source=lambda: ArraySource(two_levels(channels))) as place:
        place.engine.send(Start(config()))
        assert place.engine.wait_until_ended(20.0)
        assert len(place.engine.snapshot().input_level.peak_dbfs) == channels
        place.engine.send(Stop())
        left, right = place.sink.frames()[:, 30_000:40_000]
        assert left == pytest.approx(0.25, abs=1e-3)
        assert right == pytest.approx(0.25 / channels, abs=1e-3)


def two_levels(channels: int, frames: int = 48_000) -> Block:
    return np.full((channels, frames), 0.25, np.float32) / np.arange(1, channels + 1, dtype=np.float32)[:, np.newaxis]


def test_an_input_that_ends_ends_the_run_and_says_so() -> None:
    with studio(is_real_time=False, source=lambda: ArraySource(two_levels(1))) as place:
        place.engine.send(Start(config()))
        assert place.engine.wait_until_ended(20.0)
        snapshot = place.engine.snapshot()
        assert (snapshot.state, snapshot.reason) == (STOPPED, "the input has ended")
        wait_until(lambda: place.engine.is_over, bool)
        assert snapshot.hops == 100
        assert snapshot.deadline_misses == 0
        wait_until(place.event_texts, lambda texts: "stopped: the input has ended" in texts)


def test_a_stalled_microphone_is_told_apart_and_comes_back_by_itself() -> None:
    with studio() as place:
        place.engine.send(Start(config()))
        wait_hops(place)
        # Its callbacks stop for a second and a half.
        (port,) = [port for port in place.backend.clock._ports if isinstance(port, SimulatedMicrophone)]
        port._started_s += 1.5
        port.next_s += 1.5
        snapshot = place.state(STALLED)
        assert "no sound comes" in snapshot.reason
        place.state(RUNNING)
        texts = wait_until(place.event_texts, lambda texts: "the microphone delivers again" in texts)
        assert "the microphone delivers nothing" in texts


def test_a_device_that_is_unplugged_is_opened_again_when_it_is_back() -> None:
    with studio(Simulation(SimulatedDevice(unplugged=[(0.5, 2.0)]), SimulatedDevice())) as place:
        place.engine.send(Start(config(factor__factor=2.0)))
        place.engine.send(SetBypass("late", True))
        snapshot = place.state(FAILED)
        assert "unplugged" in snapshot.reason
        assert not place.engine.is_over
        assert snapshot.latency.measured_ms is None
        snapshot = place.wait_for(lambda snapshot: snapshot.state is RUNNING and snapshot.hops > 20)
        assert snapshot.params["factor.factor"] == 2.0
        assert snapshot.stages[3].is_bypassed
        texts = place.event_texts()
        assert any("failed: the simulated microphone was unplugged" in text for text in texts)
        assert "the device is back" in texts


def test_stop_ends_the_waiting_for_a_device() -> None:
    with studio(Simulation(SimulatedDevice(unplugged=[(0.3, 1.0)]), SimulatedDevice())) as place:
        place.engine.send(Start(config()))
        place.state(FAILED)
        place.engine.send(Stop())
        assert place.engine.is_over
        wait_until(lambda: place.backend.clock.elapsed_s, lambda elapsed_s: elapsed_s > 2.5)
        assert place.engine.snapshot().state is STOPPED


def test_a_device_that_is_not_there_at_the_start_is_a_sentence_and_a_state() -> None:
    with studio(Simulation(SimulatedDevice(unplugged=[(0.0, math.inf)]), SimulatedDevice())) as place:
        with pytest.raises(DeviceError, match="unplugged"):
            place.engine.send(Start(config()))
        snapshot = place.engine.snapshot()
        assert snapshot.state is FAILED
        assert "unplugged" in snapshot.reason


@pytest.mark.parametrize("is_output", [False, True], ids=["microphone", "output"])
def test_a_device_that_is_not_there_at_the_start_comes_into_use_by_itself(is_output: bool) -> None:
    late, there = SimulatedDevice(unplugged=[(0.0, 1.5)]), SimulatedDevice()
    with studio(Simulation(there, late) if is_output else Simulation(late, there)) as place:
        with pytest.raises(DeviceError, match="unplugged"):
            place.engine.send(Start(config(factor__factor=2.0)))
        snapshot = place.engine.snapshot()
        assert snapshot.state is FAILED
        assert "as soon as it is there" in snapshot.reason
        assert snapshot.is_waiting
        assert not place.engine.is_over
        snapshot = place.wait_for(lambda snapshot: snapshot.state is RUNNING and snapshot.hops > 20)
        assert not snapshot.is_waiting
        assert snapshot.params["factor.factor"] == 2.0
        assert "the device is there" in place.event_texts()


def test_a_choice_that_no_device_mends_is_not_tried_again() -> None:
    with studio() as place:
        with pytest.raises(DeviceChoiceError, match="beside simulated devices"):
            place.engine.send(Start(config(output="Real loudspeaker")))
        assert place.engine.is_over
        assert not place.engine.snapshot().is_waiting


def test_stop_ends_the_waiting_for_a_device_that_never_was_there() -> None:
    with studio(Simulation(SimulatedDevice(unplugged=[(0.0, 0.5)]), SimulatedDevice())) as place:
        with pytest.raises(DeviceError, match="unplugged"):
            place.engine.send(Start(config()))
        place.engine.send(Stop())
        assert place.engine.is_over
        wait_until(lambda: place.backend.clock.elapsed_s, lambda elapsed_s: elapsed_s > 2.5)
        assert place.engine.snapshot().state is STOPPED


@pytest.mark.parametrize("hop_frames", [0, -480, 15, 10**9])
def test_a_hop_that_cannot_be_is_refused_and_the_sound_goes_on(hop_frames: int) -> None:
    with studio() as place:
        place.engine.send(Start(config()))
        with pytest.raises(DeviceError, match="hop"):
            place.engine.send(Start(config(hop_frames=hop_frames)))
        place.wait_for(lambda snapshot: snapshot.state is RUNNING and snapshot.hops > 10)


@pytest.mark.parametrize(
    "chain", [ChainConfig(params={"nosuch.gain": 1.0}), ChainConfig(bypass={"nosuch": True})], ids=["param", "stage"]
)
def test_settings_that_do_not_exist_are_refused_and_the_sound_goes_on(chain: ChainConfig) -> None:
    with studio() as place:
        place.engine.send(Start(config(factor__factor=2.0)))
        with pytest.raises(ParameterError, match="nosuch"):
            place.engine.send(Start(EngineConfig(chain=chain)))
        snapshot = place.wait_for(lambda snapshot: snapshot.state is RUNNING and snapshot.hops > 10)
        assert snapshot.params["factor.factor"] == 2.0
        known = place.engine.controls.known(chain)
        assert known == ChainConfig()


def test_an_unexpected_error_in_opening_leaves_a_state_with_a_reason() -> None:
    def broken() -> ArraySource:
        raise ZeroDivisionError("on purpose")

    with studio(source=broken) as place:
        with pytest.raises(ZeroDivisionError):
            place.engine.send(Start(config()))
        snapshot = place.engine.snapshot()
        assert (snapshot.state, snapshot.reason) == (FAILED, "ZeroDivisionError: on purpose")


def test_a_faulty_stage_makes_the_engine_degraded_and_the_sound_goes_on() -> None:
    with studio() as place:
        place.engine.send(Start(config()))
        wait_hops(place)
        place.faulty.fault = "raise"
        snapshot = place.state(EngineState.DEGRADED)
        assert "Faulty is out: ZeroDivisionError: on purpose" in snapshot.reason
        assert snapshot.stages[2].is_degraded
        assert snapshot.latency.chain_samples == 120
        place.faulty.fault = ""
        place.state(RUNNING)
        texts = wait_until(place.event_texts, lambda texts: "Faulty is back" in texts)
        assert any(text.startswith("Faulty was taken out: ZeroDivisionError") for text in texts)
        place.engine.send(Stop())
        assert np.abs(place.sink.frames()).max() == pytest.approx(0.25, abs=1e-3)


def test_lost_sound_is_counted_and_told() -> None:
    with studio(Simulation(SimulatedDevice(dropouts=[(0.4, 0.05)]), SimulatedDevice())) as place:
        place.engine.send(Start(config()))
        place.wait_for(lambda snapshot: snapshot.xruns > 0)
        wait_until(place.event_texts, lambda texts: any("the sound was interrupted" in text for text in texts))


def test_measured_latencies_are_shown_until_the_way_changes() -> None:
    with studio() as place:
        place.engine.send(Start(config()))
        for latency_ms in (30.0, 32.0, 31.0):
            place.engine.send(ReportLatency(latency_ms))
        for nonsense in (math.nan, math.inf, -1.0, 1e9, None):
            place.engine.send(ReportLatency(nonsense))
        measured = place.engine.snapshot().latency.measured_ms
        assert measured is not None
        assert (measured.p50, measured.max) == (31.0, 32.0)
        place.engine.send(ResetMeters())
        assert place.engine.snapshot().latency.measured_ms is None
        place.engine.send(ReportLatency(30.0))
        place.engine.send(Start(config()))
        assert place.engine.snapshot().latency.measured_ms is None


def test_meters_are_reset_while_running_and_while_stopped() -> None:
    with studio() as place:
        place.engine.send(ResetMeters())
        place.engine.send(Start(config()))
        wait_hops(place, 60)
        place.engine.send(ResetMeters())
        place.wait_for(lambda snapshot: snapshot.loudness.integrated_lufs is None)


def test_a_recording_is_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "out.wav"
    with studio(is_real_time=False, source=lambda: ArraySource(two_levels(2))) as place:
        place.engine.send(Start(config(input="simulated:in", output=f"simulated:{target}")))
        assert place.engine.wait_until_ended(20.0)
        assert not target.exists()
        place.engine.send(Stop())
        samples, sample_rate = soundfile.read(target)
    assert (sample_rate, samples.shape[1]) == (48_000, 2)
    assert 46_000 < samples.shape[0] < 50_000
    assert [path.name for path in tmp_path.iterdir()] == ["out.wav"]


def test_a_recording_that_cannot_be_begun_changes_nothing(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "out.wav"
    with studio() as place:
        with pytest.raises(AudioFileError, match=r"out\.wav"):
            place.engine.send(Start(config(input="simulated:in", output=f"simulated:{missing}")))
        assert place.engine.snapshot().state is FAILED
        assert place.engine.is_over
    assert not list(tmp_path.iterdir())


def test_a_recording_whose_disk_is_full_ends_for_good(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    target = tmp_path / "out.wav"
    with studio() as place:
        place.engine.send(Start(config(input="simulated:in", output=f"simulated:{target}")))
        wait_hops(place, 5)

        def full(file: object, samples: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(soundfile.SoundFile, "write", full)
        snapshot = place.state(FAILED)
        assert "out.wav" in snapshot.reason
        wait_until(lambda: place.engine.is_over, bool)
        assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_finished_does_not_keep_the_rest_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with studio() as place:
        place.engine.send(Start(config(output=f"simulated:{tmp_path / 'out.wav'}", input="simulated:in")))
        place.engine.send(Stop())
        place.engine.send(Start(config(input="simulated:in", output=f"simulated:{tmp_path / 'other.wav'}")))
        (tmp_path / "other.wav").mkdir()
        with pytest.raises(AudioFileError, match=r"other\.wav"):
            place.engine.close()
        assert place.engine.snapshot().state is STOPPED
        assert "sidetone-housekeeping" not in [thread.name for thread in threading.enumerate()]


def test_after_close_nothing_starts_again() -> None:
    with studio() as place:
        place.engine.send(Start(config()))
        place.engine.send(Shutdown())
        assert place.engine.shutdown_requested.is_set()
        place.engine.close()
        place.engine.close()
        with pytest.raises(ConnectionLostError):
            place.engine.send(Start(config()))
        assert place.engine.snapshot().state is STOPPED


def test_looking_and_changing_from_many_threads_while_devices_come_and_go() -> None:
    failures: list[BaseException] = []
    stop = threading.Event()

    def hammer(turn: int) -> None:
        index = 0
        while not stop.is_set():
            index += 1
            try:
                place.engine.snapshot(with_spectrum=turn == 0)
                place.engine.events()
                place.engine.send(SetParam("factor.factor", float(index % 4)))
                place.engine.send(SetBypass("late", bool(index % 2)))
                place.engine.send(ReportLatency(float(index % 50)))
                place.engine.send(ResetMeters())
                place.engine.devices()
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shall fail with it
                failures.append(error)
                return

    with studio(Simulation(SimulatedDevice(unplugged=[(0.6, 0.9)]), SimulatedDevice())) as place:
        threads = [threading.Thread(target=hammer, args=(turn,)) for turn in range(3)]
        place.engine.send(Start(config()))
        for thread in threads:
            thread.start()
        for _ in range(4):
            place.engine.send(Start(config(hop_frames=64)))
            place.engine.send(Stop())
        place.engine.send(Start(config()))
        place.wait_for(lambda snapshot: snapshot.state is not RUNNING or snapshot.hops > 100)
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("sidetone")]


def test_threads_end_with_their_engine() -> None:
    with studio(source=constant(0.1, 2)) as place:
        for _ in range(3):
            place.engine.send(Start(config()))
            wait_hops(place, 3)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("sidetone")]


def test_the_session_is_measured_held_and_told_only_when_asked_for() -> None:
    with studio(is_real_time=False, source=lambda: ArraySource(0.1 * np.ones((1, 480), np.float32), True)) as place:
        place.engine.send(Start(config()))
        wait_hops(place, 500)
        assert place.engine.snapshot().session is None
        session = place.engine.snapshot(with_session=True).session
        assert session is not None
        assert len(session.short_term_lufs) >= 4
        assert session.interval_s == 1.0
        assert not session.is_held
        place.engine.send(HoldMeters(True))
        held = place.engine.snapshot(with_session=True).session
        assert held is not None
        assert held.is_held


def test_an_audio_thread_that_hangs_keeps_its_buffers_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.worker.Worker.stop.__defaults__", (0.05,))
    with studio() as place:
        place.engine.send(Start(config()))
        wait_hops(place)
        place.faulty.fault = "hang"
        hops = wait_until(lambda: place.engine.snapshot().hops, lambda now: now == place.engine.snapshot().hops)
        place.engine.send(Stop())
        assert any("hangs in a stage" in text for text in place.event_texts())
        written_frames = place.sink.written_frames
        with pytest.raises(SidetoneError, match="hangs in a stage; try again"):
            place.engine.send(Start(config()))
        assert place.engine.snapshot().state is FAILED
        place.faulty.fault = ""
        wait_until(threading.enumerate, lambda alive: not any(one.name == "sidetone-dsp" for one in alive))
        assert place.sink.written_frames == written_frames
        place.engine.send(Start(config()))
        wait_hops(place, hops + 20)
