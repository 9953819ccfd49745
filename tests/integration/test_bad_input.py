"""Bad input on the real command line: one clear line, exit code 1, nothing half-written, nothing changed."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.__main__ import main
from engine.inference.catalog import ModelStore
from tests.helpers.engines import wait_until
from tests.helpers.processes import Finished, command, environment, finish, sidetone, started

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of a POSIX system")
pytestmark = pytest.mark.usefixtures("model_store")


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Finished]]:
    """The command line in this process: all of it but the start of Python."""
    root = logging.getLogger()
    handlers, raising = list(root.handlers), logging.raiseExceptions

    def run_command(*arguments: object) -> Finished:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        captured = capfd.readouterr()
        return Finished(code, captured.out, captured.err)

    yield run_command
    for handler in root.handlers[:]:
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    logging.raiseExceptions = raising


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """Two seconds of stereo that nobody has to understand."""
    return write(tmp_path / "in.wav", 2.0, 48_000)


def write(path: Path, seconds: float, rate_hz: int, channels: int = 2, subtype: str = "FLOAT") -> Path:
    rng = np.random.default_rng(3)
    samples = 0.1 * rng.standard_normal((max(1, round(seconds * rate_hz)), channels))
    soundfile.write(path, samples, rate_hz, subtype=subtype)
    return path


def listing(folder: Path) -> dict[str, str]:
    """Every file below a folder with what it holds."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def not_audio(folder: Path) -> Path:
    path = folder / "bad.wav"
    path.write_bytes(b"RIFF but not for long" * 100)
    return path


def empty(folder: Path) -> Path:
    path = folder / "bad.wav"
    path.touch()
    return path


def six_channels(folder: Path) -> Path:
    return write(folder / "bad.wav", 0.1, 48_000, 6)


BAD_FILES: list[tuple[Callable[[Path], Path], str]] = [
    (not_audio, "cannot be read as audio"),
    (empty, "cannot be read as audio"),
    (six_channels, "6 channels"),
    (lambda folder: folder / "missing.wav", "does not exist"),
    (lambda folder: folder / "missing\nfile.wav", "does not exist"),
]


@pytest.mark.parametrize(("make", "words"), BAD_FILES, ids=["no audio", "0 bytes", "6 channels", "missing", "newline"])
def test_a_bad_file(run: Callable[..., Finished], tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
    source = make(tmp_path)
    (tmp_path / "out.wav").write_bytes(b"before")
    before = listing(tmp_path)
    done = run("process", source, tmp_path / "out.wav", "--report", tmp_path / "report.json")
    assert done.code == 1
    assert words in done.complaint()
    assert done.out == ""
    assert listing(tmp_path) == before


BAD_OPTIONS = [
    (["--set", "denoise.strength_db=loud"], "is a number"),
    (["--set", "denoise.strength_db=nan"], "NaN"),
    (["--set", "nosuch.gain_db=3"], "no stage named 'nosuch'"),
    (["--set", "denoise.nosuch=3"], "no parameter named 'nosuch'"),
    (["--set", "denoise=3"], "denoise"),
    (["--bypass", "nosuch"], "no stage named 'nosuch'"),
    (["--preset", "nosuch"], "no preset 'nosuch'"),
    (["--preset", "PRESETS/damaged.toml"], "no preset that Sidetone understands"),
    (["--preset", "PRESETS/binary.toml"], "no preset that Sidetone understands"),
    (["--preset", "PRESETS/shape.toml"], "no preset that Sidetone understands"),
    (["--preset", "PRESETS/missing.toml"], "missing.toml cannot be read"),
    (["--preset", "PRESETS/empty.toml"], "empty.toml is empty"),
    (["--report", "missing/folder/report.json"], "could not be written"),
    (["--report", "PRESETS"], "could not be written"),
    (["--report", "SOURCE"], "name of its own"),
    (["--report", "TARGET"], "name of its own"),
]


@pytest.mark.parametrize(("options", "words"), BAD_OPTIONS, ids=[" ".join(options) for options, _ in BAD_OPTIONS])
def test_a_bad_option(
    run: Callable[..., Finished], tmp_path: Path, voice: Path, options: list[str], words: str
) -> None:
    presets = tmp_path / "presets"
    presets.mkdir()
    (presets / "empty.toml").touch()
    (presets / "damaged.toml").write_text("[denoise\nstrength")
    (presets / "binary.toml").write_bytes(b"\xff\0\xfe")
    (presets / "shape.toml").write_text("bypass = [1, 2]\n")
    target = tmp_path / "out.wav"
    for word, path in (("PRESETS", presets), ("SOURCE", voice), ("TARGET", target)):
        options = [option.replace(word, str(path)) for option in options]
    before = listing(tmp_path)
    done = run("process", voice, target, *options)
    assert done.code == 1
    assert words in done.complaint()
    assert listing(tmp_path) == before


def test_what_a_preset_holds_beyond_this_version_is_told_and_the_rest_is_done(
    run: Callable[..., Finished], tmp_path: Path, voice: Path
) -> None:
    preset = tmp_path / "later.toml"
    preset.write_text("news = [1]\n[gone]\ngain_db = 3\n[denoise]\ngone = 3\n[bypass]\nlimiter = true\n")
    report = tmp_path / "report.json"
    done = run("process", voice, tmp_path / "out.wav", "--preset", preset, "--report", report)
    assert done.code == 0
    assert done.err == "sidetone: preset later: not known here and left as it is: gone.gain_db, denoise.gone, news\n"
    assert {stage["id"] for stage in json.loads(report.read_text())["stages"] if stage["bypassed"]} >= {"limiter"}


def test_a_number_out_of_range_is_taken_at_its_limit_and_told(
    run: Callable[..., Finished], tmp_path: Path, voice: Path
) -> None:
    preset = tmp_path / "loud.toml"
    preset.write_text("[compressor]\nthreshold_db = 5\n")
    settings = ["--set", "denoise.strength_db=500", "--set", "high_pass.cutoff_hz=100"]
    done = run("process", voice, tmp_path / "out.wav", "--preset", preset, *settings)
    assert done.code == 0
    assert done.err.splitlines() == [
        "sidetone: preset loud: compressor.threshold_db: 5.0 is out of range (-60.0 dB to 0.0 dB), so 0.0 dB is taken",
        "sidetone: denoise.strength_db: 500 is out of range (0 dB to 100 dB), so 100 dB is taken",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--input", "no such microphone", "--output", "simulated:out"], "microphone"),
        (["--input", "simulated:missing.wav", "--output", "simulated:out"], "missing.wav"),
        (["--input", "simulated:FILE", "--output", "simulated:missing/out.wav"], "out.wav"),
        (["--input", "simulated:FILE", "--output", "simulated:out.xyz"], "out.xyz"),
        (["--input", "simulated:FILE", "--output", "nosuch"], "no output 'nosuch'"),
        (["--input", "simulated:FILE", "--monitor", "nosuch"], "no monitor output 'nosuch'"),
        (["--input", "simulated:FILE", "--music", "nosuch"], "no second input 'nosuch'"),
        (["--input", "simulated:FILE", "--report", "missing/report.json"], "report.json"),
        (["--input", "simulated:FILE", "--set", "nosuch.gain=1"], "nosuch"),
        (["--input", "simulated:FILE", "--bypass", "nosuch"], "nosuch"),
    ],
    ids=[
        "device",
        "input file",
        "output folder",
        "output format",
        "output",
        "monitor",
        "music",
        "report",
        "parameter",
        "stage",
    ],
)
def test_headless_with_what_is_not_there(tmp_path: Path, voice: Path, arguments: list[str], words: str) -> None:
    before = listing(tmp_path)
    arguments = [argument.replace("FILE", str(voice)) for argument in arguments]
    done = sidetone("headless", "--duration", "5", *arguments, cwd=tmp_path)
    assert done.code == 1
    assert words in done.complaint()
    assert listing(tmp_path) == before


def test_captions_of_what_is_not_there_leave_the_file_that_is(run: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "captions.json").write_text("before")
    done = run("captions", tmp_path / "missing.wav", "--json", tmp_path / "captions.json")
    assert done.code == 1
    assert "missing.wav does not exist" in done.complaint()
    assert (tmp_path / "captions.json").read_text() == "before"


def test_ctl_without_an_engine(run: Callable[..., Finished]) -> None:
    done = run("ctl", "snapshot")
    assert done.code == 1
    assert "no engine is running" in done.complaint()


def test_models_with_an_unknown_name(run: Callable[..., Finished]) -> None:
    done = run("models", "verify", "nosuch")
    assert done.code == 1
    assert "nosuch" in done.complaint()


def test_an_unknown_command(run: Callable[..., Finished]) -> None:
    done = run("nonsense")
    assert done.code == 2
    assert "nonsense" in done.complaint()


def test_samples_that_are_no_numbers_are_worked_on_like_silence(run: Callable[..., Finished], tmp_path: Path) -> None:
    samples = 0.1 * np.random.default_rng(0).standard_normal((48_000, 2))
    samples[10_000:10_500] = np.nan
    samples[20_000], samples[20_001] = np.inf, -np.inf
    samples[30_000] = 3e38
    soundfile.write(tmp_path / "in.wav", samples.astype(np.float32), 48_000, subtype="FLOAT")
    done = run("process", tmp_path / "in.wav", tmp_path / "out.wav")
    assert (done.code, done.err) == (0, "")
    out, _ = soundfile.read(tmp_path / "out.wav")
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 1.0


@posix_only
def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """A limit on the size of any file that the command writes stands for the disk."""
    source = write(tmp_path / "in.wav", 8.0, 48_000)
    target = tmp_path / "out.wav"
    target.write_bytes(b"before")
    before = listing(tmp_path)
    limit = 1_500_000

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        command("process", source, target), env=environment(), capture_output=True, preexec_fn=bound, check=False
    )
    finished = Finished(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert source.stat().st_size > limit
    assert finished.code == 1
    assert "out.wav could not be written" in finished.complaint()
    assert listing(tmp_path) == before


@posix_only
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux")
def test_output_that_finds_no_room_is_a_failure() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command("params", "--json"), env=environment(), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert "no room" in Finished(done.returncode, "", done.stderr.decode()).complaint()
    assert done.returncode == 1


@posix_only
@pytest.mark.parametrize("arguments", [["params", "--json"], ["params"], ["--help"]], ids=" ".join)
def test_a_reader_who_has_seen_enough_is_no_failure(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody:
        done = subprocess.run(
            command(*arguments), env=environment(), stdout=nobody, stderr=subprocess.PIPE, check=False
        )
    assert done.stderr == b""
    assert done.returncode == 0


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_process_leaves_what_was_there(tmp_path: Path, number: int) -> None:
    source = write(tmp_path / "in.wav", 300.0, 48_000, 1, "PCM_16")
    (tmp_path / "out.wav").write_bytes(b"before")
    before = listing(tmp_path)
    with started("process", source, tmp_path / "out.wav") as process:
        wait_until(lambda: list(tmp_path.glob(".out.unfinished-*")), bool)
        done = finish(process, number)
    assert done.code == 130
    assert done.err == ""
    assert listing(tmp_path) == before


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_headless_with_its_report_and_recording(tmp_path: Path, voice: Path, number: int) -> None:
    recording, report = tmp_path / "out.wav", tmp_path / "report.json"
    arguments = ["--input", f"simulated:loop:{voice}", "--output", f"simulated:{recording}", "--report", str(report)]
    with started("headless", *arguments, env={"SIDETONE_RUNTIME_DIR": str(tmp_path / "run")}) as process:
        wait_until(lambda: list(tmp_path.glob(".out.*.wav")), bool)
        # Long enough that there is something in it.
        wait_until(
            lambda: max((path.stat().st_size for path in tmp_path.glob(".out.*.wav")), default=0),
            lambda size: size > 200_000,
        )
        ended_s = time.monotonic()
        done = finish(process, number)
    assert time.monotonic() - ended_s < 15.0
    assert (done.code, done.err) == (0, "")
    assert b'"hop_ms"' in report.read_bytes()
    assert soundfile.info(recording).frames > 20_000
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"in.wav", "out.wav", "report.json"}


@posix_only
def test_a_headless_session_whose_disk_fills_up_says_so_and_ends(tmp_path: Path, voice: Path) -> None:
    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    arguments = ["--input", f"simulated:loop:{voice}", "--output", f"simulated:{tmp_path / 'out.wav'}"]
    done = subprocess.run(
        command("headless", *arguments),
        env=environment(),
        capture_output=True,
        preexec_fn=bound,
        check=False,
        timeout=60,
    )
    finished = Finished(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert finished.code == 1
    assert "out.wav" in finished.complaint()
    assert {path.name for path in tmp_path.iterdir()} == {"in.wav"}


def test_any_name_can_be_printed_on_any_terminal(tmp_path: Path) -> None:
    (tmp_path / "voilà ☃.wav").touch()
    done = sidetone("process", tmp_path / "voilà ☃.wav", tmp_path / "out.wav", env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 1
    assert "cannot be read" in done.complaint()


def test_without_a_place_for_logs_and_settings_the_work_is_done(
    voice: Path, tmp_path: Path, model_store: ModelStore
) -> None:
    (tmp_path / "file").touch()
    places = {f"SIDETONE_{name}_DIR": str(tmp_path / "file" / "x") for name in ("CONFIG", "RUNTIME")}
    done = sidetone("process", voice, tmp_path / "out.wav", env=places)
    assert (done.code, done.err) == (0, "")
