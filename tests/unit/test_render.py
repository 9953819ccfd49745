"""The chain over a file: same length, rate and channels, aligned when asked; IN untouched, OUT whole or not at all."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from engine import AudioFileError
from engine.core.chain import Chain
from engine.render import render
from tests.helpers.small_stages import AnyStage, Factor, Late

Samples = NDArray[np.float64]


def sound(seconds: float, rate_hz: int, channels: int = 1) -> Samples:
    """Noise below a fifth of the rate, so that resampling there and back can keep it."""
    rng = np.random.default_rng(9)
    frames = max(1, round(seconds * rate_hz))
    spectrum = np.fft.rfft(rng.standard_normal((channels, frames)))
    spectrum[:, int(0.4 * spectrum.shape[1]) :] = 0.0
    samples = np.fft.irfft(spectrum, frames)
    return np.asarray(0.25 * samples / max(1e-9, np.abs(samples).max()))


def write(path: Path, samples: Samples, rate_hz: int, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, samples.T, rate_hz, subtype=subtype)
    return path


def rendered(
    folder: Path, source: Path, *stages: AnyStage, is_compensated: bool = True, name: str = "out.wav"
) -> Samples:
    target = folder / name
    render(Chain(stages or (Factor(), Late(1440))), source, target, is_compensated)
    samples, rate_hz = soundfile.read(target, always_2d=True)
    assert rate_hz == soundfile.info(source).samplerate
    return np.asarray(samples.T)


@pytest.mark.parametrize("frames", [1, 2, 479, 480, 481, 47_999, 96_001])
@pytest.mark.parametrize("channels", [1, 2])
def test_of_an_aligned_chain_the_output_is_the_input_to_the_bit(tmp_path: Path, frames: int, channels: int) -> None:
    samples = sound(frames / 48_000, 48_000, channels)
    source = write(tmp_path / "in.wav", samples, 48_000)
    out = rendered(tmp_path, source)
    np.testing.assert_array_equal(out, samples.astype(np.float32))


def test_without_compensation_the_output_lags_as_it_does_live(tmp_path: Path) -> None:
    samples = sound(1.0, 48_000)
    out = rendered(tmp_path, write(tmp_path / "in.wav", samples, 48_000), is_compensated=False)
    assert out.shape == samples.shape
    assert not out[:, :1440].any()
    np.testing.assert_array_equal(out[:, 1440:], samples[:, :-1440].astype(np.float32))


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 22_050, 44_100, 88_200, 96_000, 192_000])
@pytest.mark.parametrize("seconds", [0.0001, 0.01, 1.3])
def test_any_rate_comes_back_with_its_length_and_in_its_place(tmp_path: Path, rate_hz: int, seconds: float) -> None:
    samples = sound(seconds, rate_hz, 2)
    # Above 24 kHz the engine hears nothing.
    keep = min(1.0, 2 * 9_000 / rate_hz) if rate_hz > 48_000 else 1.0
    spectrum = np.fft.rfft(samples)
    spectrum[:, int(keep * spectrum.shape[1]) :] = 0.0
    samples = np.fft.irfft(spectrum, samples.shape[1])
    out = rendered(tmp_path, write(tmp_path / "in.wav", samples, rate_hz))
    assert out.shape == samples.shape
    if seconds > 1:
        middle = slice(rate_hz // 10, -rate_hz // 10)
        error = out[:, middle] - samples[:, middle]
        # One sample of shift would leave -10 dB of the signal.
        assert 20 * np.log10(np.std(error) / np.std(samples)) < -80.0


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "DOUBLE", "PCM_U8"])
def test_the_way_samples_are_stored_is_kept(tmp_path: Path, subtype: str) -> None:
    source = write(tmp_path / "in.wav", sound(0.2, 48_000), 48_000, subtype)
    rendered(tmp_path, source)
    assert soundfile.info(tmp_path / "out.wav").subtype == subtype


@pytest.mark.parametrize(
    ("source_name", "target_name"),
    [
        ("in.flac", "out.wav"),
        ("in.ogg", "out.wav"),
        ("in.mp3", "out.wav"),
        ("in.aiff", "out.flac"),
        ("in.wav", "out.ogg"),
        ("in.wav", "out.mp3"),
        ("in.mp3", "out.mp3"),
        ("in.wav", "out.FLAC"),
        ("in.wav", "out.aif"),
        ("in.wav", "out.oga"),
    ],
)
def test_formats_are_read_and_written(tmp_path: Path, source_name: str, target_name: str) -> None:
    source = tmp_path / source_name
    soundfile.write(source, sound(1.0, 48_000, 2).T, 48_000)
    out = rendered(tmp_path, source, name=target_name)
    before, _ = soundfile.read(source, always_2d=True)
    assert out.shape == before.T.shape
    assert np.corrcoef(out[0], before.T[0])[0, 1] > 0.8


def test_what_is_no_number_becomes_silence_and_nothing_else(tmp_path: Path) -> None:
    for rate_hz in (48_000, 44_100):
        samples = sound(1.0, rate_hz)
        bad = samples.copy()
        bad[0, 1000:1100] = np.nan
        bad[0, 5000], bad[0, 5001] = np.inf, -np.inf
        out = rendered(tmp_path, write(tmp_path / "in.wav", bad, rate_hz))
        assert np.isfinite(out).all()
        assert 20 * np.log10(np.abs(out - samples)[0, rate_hz // 2 : -500].max()) < -80.0


@pytest.mark.parametrize("channels", [1, 2])
def test_the_input_is_not_touched(tmp_path: Path, channels: int) -> None:
    source = write(tmp_path / "in.wav", sound(0.5, 44_100, channels), 44_100, "PCM_16")
    before = hashlib.sha256(source.read_bytes()).hexdigest(), source.stat().st_mtime_ns
    rendered(tmp_path, source, Factor(), Late(7))
    assert (hashlib.sha256(source.read_bytes()).hexdigest(), source.stat().st_mtime_ns) == before


def no_sound(folder: Path) -> Path:
    path = folder / "in.wav"
    path.write_text("this is no sound, whatever it is called")
    return path


def nothing(folder: Path) -> Path:
    path = folder / "in.wav"
    path.touch()
    return path


def no_frames(folder: Path) -> Path:
    return write(folder / "in.wav", np.zeros((1, 0)), 48_000)


def three_channels(folder: Path) -> Path:
    return write(folder / "in.wav", sound(0.1, 48_000, 3), 48_000)


def impossible_rate(folder: Path) -> Path:
    return write(folder / "in.wav", sound(0.1, 48_000), 1)


def cut_in_half(folder: Path) -> Path:
    path = folder / "in.flac"
    soundfile.write(path, sound(2.0, 48_000).T, 48_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


BAD_SOURCES: list[tuple[Callable[[Path], Path], str]] = [
    (no_sound, "cannot be read as audio"),
    (nothing, "cannot be read as audio"),
    (no_frames, "no sound at all"),
    (three_channels, "3 channels"),
    (impossible_rate, "1 Hz"),
    (cut_in_half, "damaged"),
    (lambda folder: folder / "missing.wav", "does not exist"),
    (lambda folder: folder, "no file"),
]


@pytest.mark.parametrize(("make", "words"), BAD_SOURCES, ids=[words for _, words in BAD_SOURCES])
def test_a_bad_input_is_a_sentence_and_leaves_nothing(tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
    source, target = make(tmp_path), tmp_path / "out.wav"
    target.write_bytes(b"what was there before")
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(AudioFileError, match=words):
        render(Chain([Factor()]), source, target)
    assert target.read_bytes() == b"what was there before"
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("link", ["symlink", "hardlink", "itself"])
def test_the_input_is_never_the_output(tmp_path: Path, link: str) -> None:
    source = write(tmp_path / "in.wav", sound(0.1, 48_000), 48_000)
    before = source.read_bytes()
    target = tmp_path / "out.wav"
    if link == "symlink":
        target.symlink_to(source)
    elif link == "hardlink":
        target.hardlink_to(source)
    else:
        target = tmp_path / "." / "in.wav"
    with pytest.raises(AudioFileError, match="is the input itself"):
        render(Chain([Factor()]), source, target)
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("out.txt", "no audio format"),
        ("out", "no audio format"),
        ("out.raw", "no audio format"),
        ("missing/out.wav", "folder does not exist"),
        ("a folder.wav", "folder does not exist|is a folder"),
        ("out.mp3", "sample rates"),
    ],
)
def test_a_bad_output_is_a_sentence_and_leaves_nothing(tmp_path: Path, name: str, words: str) -> None:
    source = write(tmp_path / "in.wav", sound(0.1, 96_000), 96_000)
    (tmp_path / "a folder.wav").mkdir()
    with pytest.raises(AudioFileError, match=words):
        render(Chain([Factor()]), source, tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"in.wav", "a folder.wav"}


def test_an_interruption_leaves_what_was_there(tmp_path: Path) -> None:
    class Interrupted(Factor):
        def process(self, block: object, ctx: object) -> None:
            raise KeyboardInterrupt

    source, target = write(tmp_path / "in.wav", sound(0.1, 48_000), 48_000), tmp_path / "out.wav"
    target.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt):
        render(Chain([Interrupted()]), source, target)
    assert target.read_bytes() == b"before"
    assert {path.name for path in tmp_path.iterdir()} == {"in.wav", "out.wav"}


def test_figures_of_the_run(tmp_path: Path) -> None:
    source = write(tmp_path / "in.wav", sound(1.0, 48_000), 48_000)
    processor = render(Chain([Factor(), Late(100)]), source, tmp_path / "out.wav")
    assert processor.durations.total >= 100
    assert processor.loudness.true_peak_dbtp == pytest.approx(-12.04, abs=0.5)


def test_a_file_system_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "in.wav", sound(0.1, 48_000), 48_000)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(AudioFileError, match="Read-only file system"):
        render(Chain([Factor()]), source, tmp_path / "out.wav")
