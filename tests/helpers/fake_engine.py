"""A deterministic engine with no sound in it, for the window's tests, its screenshots and its cost.

Every call of `snapshot` moves it on by one thirtieth of a second; all that moves comes from a seed. Who may wait: nobody,
except a caller of an engine that was told to hang.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from engine import (
    Alarm,
    ApplyChain,
    Command,
    ConnectionLostError,
    ControlSnapshot,
    Description,
    DeviceConfig,
    DeviceDescription,
    DeviceSnapshot,
    EngineConfig,
    EngineState,
    Event,
    EventKind,
    HoldMeters,
    LatencySnapshot,
    LevelSnapshot,
    LoudnessSnapshot,
    MeterSpec,
    MidiSnapshot,
    ParameterError,
    Percentiles,
    PresetDescription,
    PresetSnapshot,
    ResetMeters,
    RoomSnapshot,
    ServicesSnapshot,
    SessionSnapshot,
    SetBypass,
    SetParam,
    SetRoom,
    SetService,
    Snapshot,
    SpectrumSnapshot,
    StageDescription,
    StageSnapshot,
    Start,
    Stop,
    TapChunk,
    TapPoint,
    Value,
    compressed_dbfs,
)
from engine.core.params import Params, choice, param, switch

FRAME_S = 1 / 30


@dataclass(frozen=True)
class GainParams(Params):
    gain_db: float = param(0.0, lo=-24, hi=24, unit="dB", label="Gain", main=True, help="How much louder or softer.")


@dataclass(frozen=True)
class HighPassParams(Params):
    cutoff_hz: float = param(
        80.0,
        lo=20,
        hi=1000,
        unit="Hz",
        log=True,
        step=1,
        label="Cutoff",
        main=True,
        help="Rumble below this is removed.",
    )
    slope: str = choice(
        "24 dB/oct", ("12 dB/oct", "24 dB/oct", "48 dB/oct"), label="Slope", help="How steeply it falls."
    )


@dataclass(frozen=True)
class DenoiseParams(Params):
    strength_db: float = param(
        100.0, lo=0, hi=100, unit="dB", step=1, label="Strength", main=True,
        help="The most that noise is turned down; at 100 dB there is no limit.",
    )  # fmt: skip
    post_filter: bool = switch(False, label="Post-filter", help="Presses faint remains of noise down a little further.")


@dataclass(frozen=True)
class CompressorParams(Params):
    threshold_db: float = param(
        -22.0, lo=-60, hi=0, unit="dB", label="Threshold", main=True, help="Above this level the voice is held back."
    )
    ratio: float = param(
        3.0, lo=1, hi=20, unit=":1", log=True, label="Ratio", main=True, help="How firmly it is held back."
    )
    attack_ms: float = param(5.0, lo=0.1, hi=100, unit="ms", log=True, label="Attack", help="How fast it takes hold.")
    release_ms: float = param(
        120.0, lo=10, hi=1000, unit="ms", log=True, step=1, label="Release", help="How fast it lets go."
    )
    knee_db: float = param(6.0, lo=0, hi=24, unit="dB", label="Knee", help="How softly the threshold is entered.")
    makeup_db: float = param(0.0, lo=-12, hi=24, unit="dB", label="Make-up", help="Gain after compression.")


@dataclass(frozen=True)
class LimiterParams(Params):
    ceiling_dbtp: float = param(
        -1.0, lo=-12, hi=0, unit="dBTP", label="Ceiling", main=True, help="No true peak passes above this."
    )
    release_ms: float = param(
        60.0, lo=10, hi=500, unit="ms", log=True, step=1, label="Release", help="How fast it lets go."
    )


GAIN_REDUCTION = MeterSpec("gain_reduction_db", "Gain reduction", "dB", 0.0, 24.0)
ARRIVING = MeterSpec("input_dbfs", "Peak arriving", "dB", -60.0, 12.0)
REMOVED = MeterSpec("removed_db", "Noise removed", "dB", 0.0, 40.0)
LEVEL = MeterSpec("level_dbfs", "Level", "dB", -60.0, 0.0)

STAGES: tuple[tuple[str, str, type[Params], tuple[MeterSpec, ...], int, float], ...] = (
    ("input_gain", "Input gain", GainParams, (LEVEL,), 0, 0.01),
    ("high_pass", "High-pass", HighPassParams, (), 0, 0.02),
    ("denoise", "Denoise", DenoiseParams, (REMOVED,), 960, 1.9),
    ("compressor", "Compressor", CompressorParams, (GAIN_REDUCTION, ARRIVING), 48, 0.03),
    ("output_gain", "Output gain", GainParams, (LEVEL,), 0, 0.01),
    ("limiter", "Limiter", LimiterParams, (GAIN_REDUCTION, ARRIVING), 96, 0.05),
)

DEVICES = (
    DeviceDescription("mic", "Built-in microphone", "ALSA", 2, 0, 48_000, True, False),
    DeviceDescription(
        "usb", "Studio USB Microphone Mk II Analog Stereo (front left)", "ALSA", 1, 0, 44_100, False, False
    ),
    DeviceDescription("phones", "Headphones", "ALSA", 0, 2, 48_000, False, True),
)


def describe_stages(repeat: int = 1) -> Description:
    """The chain of this fake; `repeat` > 1 gives a very long one."""
    return Description(
        stages=tuple(
            StageDescription(
                id=stage_id if turn == 0 else f"{stage_id}_{turn}",
                label=label,
                help=f"{label} stage.",
                params=tuple(params.specs().values()),
                meters=meters,
            )
            for turn in range(repeat)
            for stage_id, label, params, meters, _, _ in STAGES
        )
    )


class FakeEngine:
    """An `EngineApi` that plays a voice which nobody hears.

    Parameters
    ----------
    description : Description or None
        Of another chain than this fake's own; `repeat` > 1 makes that very long.
    """

    def __init__(
        self, seed: int = 1, repeat: int = 1, is_measured: bool = True, description: Description | None = None
    ) -> None:
        self._random = np.random.default_rng(seed)
        self._lock = threading.Lock()
        self.description = description or describe_stages(repeat)
        self.controls = ControlSnapshot()
        self.presets = PresetSnapshot()
        self.alarms: tuple[Alarm, ...] = ()
        self.used = DeviceConfig()
        self.preset_descriptions: dict[str, PresetDescription] = {}
        self.device_list: tuple[DeviceDescription, ...] = DEVICES
        self.is_measured = is_measured
        self.state = EngineState.RUNNING
        self.reason = ""
        self.commands: list[Command] = []
        self.snapshots_taken = 0
        self.spectra_taken = 0
        self.sessions_taken = 0
        self.is_held = False
        self.is_waiting = False
        self.config = EngineConfig()
        self.services = ServicesSnapshot()
        self.room = RoomSnapshot()
        self.params: dict[str, Value] = {
            f"{stage.id}.{spec.name}": spec.default for stage in self.description.stages for spec in stage.params
        }
        self.bypassed: set[str] = set()
        self.degraded: dict[str, str] = {}
        self.waiting: dict[str, str] = {}
        self.xruns = 0
        self.deadline_misses = 0
        self.advice = ""
        self.midi = MidiSnapshot()
        self.voice_dbfs = -60.0
        self._events: list[Event] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.is_dead = False
        self.note("Running on Built-in microphone", EventKind.STATE)

    def note(self, text: str, kind: EventKind = EventKind.NOTICE) -> None:
        """Let something happen."""
        with self._lock:
            self._events.append(Event(len(self._events) + 1, self.snapshots_taken * FRAME_S, kind, text))

    def send(self, command: Command) -> None:
        self._answer()
        with self._lock:
            self.commands.append(command)
            match command:
                case SetParam():
                    self.params |= self._taken({command.id: command.value})
                case SetBypass():
                    (self.bypassed.add if command.is_bypassed else self.bypassed.discard)(command.stage)
                case SetService(config=part):
                    config = self.services.config.with_part(part)
                    self.services = msgspec.structs.replace(self.services, config=config)
                case ApplyChain(chain=chain):
                    self.params |= self._taken(chain.params)
                case SetRoom():
                    self.room = RoomSnapshot(command.config)
                case Start():
                    self.config = command.config
                    self.state = EngineState.RUNNING
                case Stop():
                    self.state = EngineState.STOPPED
                case HoldMeters():
                    self.is_held = command.is_held
                case ResetMeters():
                    self.xruns = self.deadline_misses = 0
                case _:
                    pass

    def events(self, after: int = 0) -> tuple[Event, ...]:
        self._answer()
        with self._lock:
            return tuple(event for event in self._events if event.sequence > after)

    def describe(self) -> Description:
        self._answer()
        return self.description

    def devices(self) -> tuple[DeviceDescription, ...]:
        self._answer()
        return self.device_list

    def preset(self, name: str) -> PresetDescription:
        self._answer()
        return self.preset_descriptions.get(name) or PresetDescription(name, "", False, "", (), ())

    def snapshot(self, with_spectrum: bool = False, with_session: bool = False) -> Snapshot:
        self._answer()
        with self._lock:
            self.snapshots_taken += 1
            self.spectra_taken += with_spectrum
            self.sessions_taken += with_session
            return self._picture(self.snapshots_taken * FRAME_S, with_spectrum, with_session)

    def tap(self, point: TapPoint, run: int = -1, after_frame: int = 0) -> TapChunk | None:
        return None

    def _taken(self, values: Mapping[str, Value]) -> dict[str, Value]:
        for param_id in values.keys() - self.params.keys():
            raise ParameterError(f"There is no parameter named {param_id!r}; choose one that `params` lists.")
        return {param_id: self._clamped(param_id, value) for param_id, value in values.items()}

    def _clamped(self, param_id: str, value: Value) -> Value:
        stage_id, _, name = param_id.partition(".")
        specs = (spec for stage in self.description.stages if stage.id == stage_id for spec in stage.params)
        spec = next((spec for spec in specs if spec.name == name), None)
        if spec is None:
            return value  # A parameter that a test has made up.
        try:
            return spec.clamp(value)
        except ValueError as error:
            raise ParameterError(f"{param_id}: {error}") from None

    def _answer(self) -> None:
        self.may_answer.wait()
        if self.is_dead:
            raise ConnectionLostError("The engine has gone away; it is being started again.")

    def _picture(self, now_s: float, with_spectrum: bool, with_session: bool) -> Snapshot:
        is_running = self.state in (EngineState.RUNNING, EngineState.DEGRADED)
        talking = max(0.0, math.sin(now_s * 1.7)) * (0.55 + 0.45 * math.sin(now_s * 11.3))
        self.voice_dbfs += 0.5 * (-52.0 + 42.0 * talking + float(self._random.normal(0, 2.0)) - self.voice_dbfs)
        voice = self.voice_dbfs if is_running else -120.0
        chain_samples = sum(latency for *_, latency, _ in STAGES)
        return Snapshot(
            sequence=self.snapshots_taken,
            state=self.state,
            reason=self.reason,
            uptime_s=now_s,
            sample_rate=48_000,
            hop_frames=480,
            hops=int(now_s * 100),
            xruns=self.xruns,
            deadline_misses=self.deadline_misses,
            hop_ms=Percentiles(2.1, 2.9, 3.4, 4.4) if is_running else None,
            stages=tuple(self._stage(stage, voice) for stage in self.description.stages),
            input_level=_level((voice, voice - 1.3), is_running),
            output_level=_level((max(voice + 5.0, -70.0), max(voice + 4.2, -70.0)), is_running),
            loudness=LoudnessSnapshot(
                momentary_lufs=max(voice, -70.0) - 3.0 if is_running else None,
                short_term_lufs=-19.4 if is_running else None,
                integrated_lufs=-18.2 if is_running else None,
                true_peak_dbtp=-1.3 if is_running else None,
            ),
            latency=LatencySnapshot(
                chain_samples=chain_samples,
                chain_ms=chain_samples / 48.0,
                input_ms=10.7 if self.is_measured else None,
                output_ms=10.7 if self.is_measured else None,
                measured_ms=Percentiles(44.2, 45.1, 45.6, 46.0) if self.is_measured else None,
            ),
            drift_ppm=23.4 if is_running else None,
            devices=DeviceSnapshot("Built-in microphone", "Sidetone", "", "Sidetone", self.advice, used=self.used),
            params=dict(self.params),
            midi=self.midi,
            services=self.services,
            room=self.room,
            spectrum=self._spectrum(voice) if with_spectrum and is_running else None,
            controls=self.controls,
            presets=self.presets,
            alarms=self.alarms,
            is_waiting=self.is_waiting,
            session=self._session() if with_session and is_running else None,
        )

    def _stage(self, stage: StageDescription, voice_dbfs: float) -> StageSnapshot:
        *_, latency_samples, cost_ms = next((entry for entry in STAGES if stage.id.startswith(entry[0])), (0, 0.02))
        if stage.id.startswith("limiter"):
            leaving_dbfs = min(voice_dbfs, float(self.params["limiter.ceiling_dbtp"]))
        else:
            threshold_db, ratio, knee_db = (
                float(self.params[f"compressor.{name}"]) for name in ("threshold_db", "ratio", "knee_db")
            )
            leaving_dbfs = float(compressed_dbfs(np.array([voice_dbfs]), threshold_db, ratio, knee_db, 0.0)[0])
        figures = {
            "gain_reduction_db": voice_dbfs - leaving_dbfs,
            "input_dbfs": voice_dbfs,
            "removed_db": min(40.0, max(2.0, -voice_dbfs - 14.0)),
            "level_dbfs": voice_dbfs,
        }
        return StageSnapshot(
            id=stage.id,
            is_bypassed=stage.id in self.bypassed,
            is_degraded=stage.id in self.degraded,
            reason=self.degraded.get(stage.id, ""),
            latency_samples=latency_samples,
            work_ms=Percentiles(cost_ms, cost_ms * 1.4, cost_ms * 1.7, cost_ms * 2.2),
            meters={meter.name: figures.get(meter.name, meter.minimum) for meter in stage.meters},
            waits_for=self.waiting.get(stage.id, ""),
        )

    def _session(self) -> SessionSnapshot:
        minutes = np.linspace(0.0, 12.0, 720)
        course = -17.0 + 2.5 * np.sin(minutes * 3.1) + 1.2 * np.sin(minutes * 17.0) - 40.0 * (minutes % 4.0 > 3.7)
        return SessionSnapshot(
            last_ten_minutes_lufs=-16.4,
            range_lu=5.2,
            max_momentary_lufs=-11.9,
            max_short_term_lufs=-13.4,
            is_held=self.is_held,
            interval_s=1.0,
            short_term_lufs=tuple(course.tolist()),
        )

    def _spectrum(self, voice_dbfs: float) -> SpectrumSnapshot:
        frequencies = np.geomspace(20.0, 20_000.0, 160)
        harmonics = sum(np.exp(-((np.log2(frequencies / (140.0 * n))) ** 2) * 180.0) * (18.0 / n) for n in range(1, 9))
        tilt = -4.0 * np.log2(np.maximum(frequencies / 300.0, 0.3))
        voice = voice_dbfs - 18.0 + tilt + harmonics + self._random.normal(0, 1.5, frequencies.size)
        noise = -62.0 - 1.5 * np.log2(frequencies / 100.0) + self._random.normal(0, 1.5, frequencies.size)
        return SpectrumSnapshot(
            frequencies_hz=tuple(frequencies.tolist()),
            input_dbfs=tuple(np.maximum(voice, noise).tolist()),
            output_dbfs=tuple((np.maximum(voice, noise - 32.0) + 4.0).tolist()),
        )


class FakeLink:
    """An `EngineLink` whose engine can be taken away and brought back."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine

    def api(self) -> FakeEngine:
        if self.engine.is_dead:
            raise ConnectionLostError("The engine has gone away; it is being started again.")
        return self.engine

    def replace(self, engine: FakeEngine) -> None:
        """Bring up another engine, as a supervisor would."""
        self.engine = engine


def _level(peaks_dbfs: tuple[float, ...], is_running: bool) -> LevelSnapshot:
    if not is_running:
        return LevelSnapshot((-120.0, -120.0), (-120.0, -120.0), False)
    return LevelSnapshot(peaks_dbfs, tuple(peak - 11.0 for peak in peaks_dbfs), max(peaks_dbfs) >= 0.0)
