"""The command line as scripts see it: names, JSON, exit codes, and sound that comes back in its place."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from engine.stages import STAGES
from tests.helpers.engines import wait_until
from tests.helpers.processes import finish, sidetone, started

pytestmark = pytest.mark.usefixtures("model_store")
STAGE_IDS = [stage.id for stage in STAGES]
ALL_BYPASSED = [word for stage_id in STAGE_IDS for word in ("--bypass", stage_id)]
REPORT_FIELDS = {
    "sample_rate", "hop_frames", "hops", "xruns", "deadline_misses", "hop_ms", "stages", "latency", "loudness",
    "drift_ppm", "state", "events",
}  # fmt: skip


@pytest.fixture
def voice(tmp_path: Path, speech: NDArray[np.float32]) -> Path:
    """Three seconds of a real voice, stereo, the right channel half as loud."""
    path = tmp_path / "voice.wav"
    soundfile.write(path, np.stack([speech[:144_000], 0.5 * speech[:144_000]], axis=1), 48_000, subtype="FLOAT")
    return path


def lag_samples(reference: NDArray[np.float64], delayed: NDArray[np.float64]) -> int:
    """By how much `delayed` lags; negative if it leads."""
    size = 2 * len(reference)
    spectrum = np.fft.rfft(delayed, size) * np.conj(np.fft.rfft(reference, size))
    shift = int(np.argmax(np.fft.irfft(spectrum, size)))
    return shift if shift < len(reference) else shift - size


def check_report(report: dict[str, Any]) -> None:
    assert set(report) >= REPORT_FIELDS
    assert [stage["id"] for stage in report["stages"]] == STAGE_IDS
    assert report["latency"]["chain_samples"] == sum(stage["latency_samples"] for stage in report["stages"])
    for stage in report["stages"]:
        assert set(stage) >= {"id", "bypassed", "degraded", "latency_samples", "ms"}
        assert set(stage["ms"]) >= {"p50", "p99", "max"}
        assert not stage["degraded"]
    assert set(report["hop_ms"]) >= {"p50", "p99", "p999", "max"}
    assert set(report["latency"]) >= {"chain_samples", "input_ms", "output_ms", "measured_ms"}
    assert set(report["loudness"]) >= {"integrated_lufs", "true_peak_dbtp"}


def test_process_with_all_stages_bypassed_is_the_input_to_the_bit(tmp_path: Path, voice: Path) -> None:
    digest = hashlib.sha256(voice.read_bytes()).hexdigest()
    done = sidetone(
        "process", voice, tmp_path / "out.wav", *ALL_BYPASSED, "--compensate-latency", "--report", tmp_path / "r.json"
    )
    assert (done.code, done.out, done.err) == (0, "", "")
    before, _ = soundfile.read(voice)
    after, rate_hz = soundfile.read(tmp_path / "out.wav")
    assert rate_hz == 48_000
    np.testing.assert_array_equal(after, before)
    assert hashlib.sha256(voice.read_bytes()).hexdigest() == digest
    report = json.loads((tmp_path / "r.json").read_text())
    check_report(report)
    assert all(stage["bypassed"] for stage in report["stages"])
    assert report["latency"]["measured_ms"] is report["latency"]["input_ms"] is report["drift_ppm"] is None


@pytest.mark.parametrize("rate_hz", [8000, 44_100, 96_000, 192_000])
def test_process_keeps_length_and_place_at_any_rate(tmp_path: Path, rate_hz: int, speech: NDArray[np.float32]) -> None:
    source = tmp_path / "in.wav"
    frames = rate_hz * 2 + 17
    # Whatever it would sound like: at this rate it is what it is.
    samples = np.convolve(speech[:frames], np.hanning(9), "same")[:frames, np.newaxis] * 0.2
    soundfile.write(source, samples, rate_hz, subtype="PCM_24")
    options = ["--bypass", "denoise", "--bypass", "high_pass", "--compensate-latency"]
    done = sidetone("process", source, tmp_path / "out.wav", *options)
    assert (done.code, done.err) == (0, "")
    info = soundfile.info(tmp_path / "out.wav")
    assert (info.frames, info.samplerate, info.channels, info.subtype) == (len(samples), rate_hz, 1, "PCM_24")
    out, _ = soundfile.read(tmp_path / "out.wav")
    before, _ = soundfile.read(source)
    assert abs(lag_samples(before, out)) <= 1


def test_process_with_the_whole_chain_is_aligned_and_says_what_it_did(tmp_path: Path, voice: Path) -> None:
    done = sidetone(
        "process", voice, tmp_path / "out.flac", "--compensate-latency", "--set", "high_pass.cutoff_hz=90",
        "--bypass", "compressor", "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    before, _ = soundfile.read(voice)
    after, _ = soundfile.read(tmp_path / "out.flac")
    assert after.shape == before.shape
    assert abs(lag_samples(before[:, 0], after[:, 0])) <= 1
    # Each channel is itself: the right one is the softer one still.
    assert np.std(after[:, 1]) < 0.7 * np.std(after[:, 0])
    report = json.loads((tmp_path / "r.json").read_text())
    check_report(report)
    started_bypassed = {stage.id for stage in STAGES if stage.starts_bypassed}
    assert {stage["id"] for stage in report["stages"] if stage["bypassed"]} == {"compressor"} | started_bypassed
    assert report["loudness"]["integrated_lufs"] < 0.0
    assert report["deadline_misses"] == report["xruns"] == 0


def test_process_without_compensation_lags_by_the_chain(tmp_path: Path, voice: Path) -> None:
    done = sidetone("process", voice, tmp_path / "out.wav", *ALL_BYPASSED, "--report", tmp_path / "r.json")
    assert done.code == 0
    before, _ = soundfile.read(voice)
    after, _ = soundfile.read(tmp_path / "out.wav")
    chain_samples = json.loads((tmp_path / "r.json").read_text())["latency"]["chain_samples"]
    assert after.shape == before.shape
    assert lag_samples(before[:, 0], after[:, 0]) == chain_samples > 0


def test_a_preset_is_overridden_by_what_stands_on_the_line(tmp_path: Path, voice: Path) -> None:
    preset = tmp_path / "mine.toml"
    preset.write_text(
        "[output_gain]\ngain_db = -12.0\n[limiter]\nceiling_dbtp = -1.0\n" + bypass_table("denoise", "compressor")
    )
    for name, options in (("a.wav", []), ("b.wav", ["--set", "output_gain.gain_db=-18"])):
        assert sidetone("process", voice, tmp_path / name, "--preset", preset, *options).code == 0
    soft, softer = (soundfile.read(tmp_path / name)[0] for name in ("a.wav", "b.wav"))
    assert 20 * np.log10(np.std(soft) / np.std(softer)) == pytest.approx(6.0, abs=0.1)


def bypass_table(*stage_ids: str) -> str:
    return "[bypass]\n" + "".join(f"{stage_id} = true\n" for stage_id in stage_ids)


def test_params_are_listed_with_all_that_a_program_needs() -> None:
    done = sidetone("params", "--json")
    assert (done.code, done.err) == (0, "")
    entries = json.loads(done.out)
    assert {entry["stage"] for entry in entries} == set(STAGE_IDS)
    for entry in entries:
        assert set(entry) >= {"id", "stage", "label", "unit", "minimum", "maximum", "default"}
        assert entry["id"].startswith(entry["stage"] + ".")
        assert entry["label"]
    assert {"high_pass.cutoff_hz", "denoise.strength_db"} <= {entry["id"] for entry in entries}


def test_models_devices_and_doctor_speak_json() -> None:
    done = sidetone("models", "list", "--json")
    assert done.code == 0
    assert all(entry["path"] for entry in json.loads(done.out))
    done = sidetone("devices", "--json")
    assert done.code == 0
    assert isinstance(json.loads(done.out), list)
    done = sidetone("doctor", "--json")
    findings = json.loads(done.out)
    assert done.code == int(any(finding["verdict"] == "problem" for finding in findings))
    assert all(finding["mend"] for finding in findings if finding["verdict"] == "problem")


@pytest.fixture
def live(tmp_path: Path, voice: Path) -> Iterator[dict[str, str]]:
    """A headless engine on a looped voice; yields the environment in which `ctl` finds it."""
    env = {"SIDETONE_RUNTIME_DIR": str(tmp_path / "run"), "SIDETONE_CONFIG_DIR": str(tmp_path / "config")}
    arguments = ["--input", f"simulated:loop:{voice}", "--output", "simulated:out", "--duration", "60"]
    with started("headless", *arguments, env=env) as process:
        wait_until(lambda: sidetone("ctl", "snapshot", "--json", env=env), lambda done: '"running"' in done.out)
        yield env
        assert sidetone("ctl", "stop", env=env).code == 0
        assert finish(process).code == 0


def test_ctl_talks_to_the_running_engine(live: dict[str, str]) -> None:
    def ctl(*arguments: object) -> Any:
        done = sidetone("ctl", *arguments, "--json", env=live)
        assert (done.code, done.err) == (0, "")
        return json.loads(done.out)

    snapshot = ctl("snapshot")
    assert snapshot["state"] == "running"
    assert [stage["id"] for stage in snapshot["stages"]] == STAGE_IDS
    assert snapshot["latency"]["chain_samples"] > 0
    assert snapshot["params"]["denoise.strength_db"] == ctl("get", "denoise.strength_db")["denoise.strength_db"]
    assert (
        ctl("set", "high_pass.cutoff_hz", "123")["high_pass.cutoff_hz"]
        == ctl("get", "high_pass.cutoff_hz")["high_pass.cutoff_hz"]
        == 123
    )
    ctl("bypass", "denoise", "toggle")
    ctl("bypass", "limiter", "on")
    bypassed = {stage["id"]: stage["bypassed"] for stage in ctl("snapshot")["stages"]}
    assert bypassed["denoise"]
    assert bypassed["limiter"]
    for arguments, words in (
        (["get", "nosuch.gain"], "nosuch.gain"),
        (["set", "denoise.strength_db", "loud"], "is a number"),
        (["bypass", "nosuch", "on"], "nosuch"),
        (["preset", "nosuch"], "nosuch"),
    ):
        done = sidetone("ctl", *arguments, env=live)
        assert done.code == 1
        assert words in done.complaint()


def test_ctl_tells_what_it_did_and_what_it_could_not_do(live: dict[str, str], tmp_path: Path) -> None:
    def ctl(*arguments: object) -> Any:
        done = sidetone("ctl", *arguments, "--json", env=live)
        assert (done.code, done.err) == (0, ""), arguments
        return json.loads(done.out)

    for action in ("undo", "redo"):
        done = sidetone("ctl", action, env=live)
        assert done.code == 1
        assert "there is nothing to" in done.complaint()
    done = sidetone("ctl", "set", "high_pass.cutoff_hz", "99999", "--json", env=live)
    assert json.loads(done.out)["high_pass.cutoff_hz"] < 99999
    assert done.code == 0
    assert "99999 is out of range" in done.complaint()
    assert ctl("undo")["undone"] == ctl("redo")["redone"]
    assert ctl("dry", "on") == {"dry": True}
    assert ctl("dry", "off") == {"dry": False}
    assert ctl("save", "mine") == {"saved": "mine"}
    assert ctl("preset", "mine") == {"loaded": "mine"}
    file = tmp_path / "mine.toml"
    assert ctl("export", "mine", file) == {"exported": "mine", "file": str(file)}
    assert ctl("import", file, "--name", "again") == {"imported": "again"}
    assert ctl("remove", "again") == {"removed": "again"}


def test_headless_over_a_file_ends_with_the_file(tmp_path: Path, voice: Path) -> None:
    report = tmp_path / "r.json"
    done = sidetone(
        "headless", "--input", f"simulated:{voice}", "--output", f"simulated:{tmp_path / 'out.wav'}",
        "--bypass", "compressor", "--report", report, env={"SIDETONE_RUNTIME_DIR": str(tmp_path / "run")},
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    content = json.loads(report.read_text())
    check_report(content)
    assert content["state"] == "stopped"
    assert content["hops"] == 300
    out, rate_hz = soundfile.read(tmp_path / "out.wav")
    assert rate_hz == 48_000
    assert 2.8 < len(out) / rate_hz < 3.4
    assert not list((tmp_path / "run").glob("engine.json"))


def test_the_program_runs_from_any_folder(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = sidetone("params", "--json", env=env, cwd=tmp_path)
    assert done.code == 0
    assert sys.executable
