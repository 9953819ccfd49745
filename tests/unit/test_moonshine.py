"""Speech is written down: as a published model and as one of another tokenizer do it; what was committed stays."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import soxr
from numpy.typing import NDArray

from engine.errors import ModelError
from engine.inference.catalog import ModelStore
from engine.inference.moonshine import Moonshine, MoonshineStream
from engine.inference.tokens import Word, read_tokenizer
from engine.inference.vad import HOP_SAMPLES, SileroVad
from tests.helpers.speech_models import STRIDE, speech_archive


def text_of(words: tuple[Word, ...]) -> str:
    return "".join(word.text + word.mark for word in words).strip()


@pytest.fixture(scope="module")
def moonshine(model_store: ModelStore) -> Moonshine:
    return Moonshine(model_store.model_path("moonshine-tiny-en"))


@pytest.fixture(scope="module")
def sentence(speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """The reader begins: It was the best of times, it was the worst of times. At 16 kHz."""
    return np.asarray(soxr.resample(speech, 48_000, 16_000), np.float32)[: 5 * 16_000]


@pytest.fixture
def small(tmp_path: Path) -> MoonshineStream:
    path = tmp_path / "small.zip"
    path.write_bytes(speech_archive())
    return Moonshine(path).stream()


def test_the_published_model_writes_down_a_real_voice(moonshine: Moonshine, sentence: NDArray[np.float32]) -> None:
    stream = moonshine.stream()
    stream.accept(sentence)
    words = stream.hypothesis()
    assert text_of(words).lower().startswith("it was the best of times")
    assert all(0.0 < word.confidence <= 1.0 for word in words)
    assert np.mean([word.confidence for word in words[:5]]) > 0.8


def test_streams_share_weights_and_nothing_else(moonshine: Moonshine, sentence: NDArray[np.float32]) -> None:
    one, other = moonshine.stream(), moonshine.stream()
    one.accept(sentence)
    other.accept(np.zeros(16_000, np.float32))
    alone = text_of(one.hypothesis())
    other.hypothesis()
    assert text_of(one.hypothesis()) == alone
    one.reset()
    assert one.hypothesis() == ()


class CountingDecoder:
    """A decoder that counts its steps."""

    def __init__(self, decoder: onnxruntime.InferenceSession) -> None:
        self._decoder = decoder
        self.steps = 0

    def run(self, *arguments: object) -> list[NDArray[np.float32]]:
        self.steps += 1
        return self._decoder.run(*arguments)  # type: ignore[no-any-return]


def test_the_last_hypothesis_saves_steps_and_leaves_this_sentence_as_it_is_without(
    moonshine: Moonshine, sentence: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = CountingDecoder(moonshine.decoder)
    monkeypatch.setattr(moonshine, "decoder", decoder)
    growing = moonshine.stream()
    steps, said = {"growing": 0, "fresh": 0}, {"growing": "", "fresh": ""}
    for part in np.array_split(sentence, 10):
        growing.accept(part)
        fresh = moonshine.stream()
        fresh.accept(np.concatenate(growing._sound))
        for name, stream in (("growing", growing), ("fresh", fresh)):
            decoder.steps = 0
            said[name] = text_of(stream.hypothesis())
            steps[name] += decoder.steps
    # Of the whole sentence; readings of other sounds may differ, for a draft weighs on how the decoder quantises.
    assert said["growing"] == said["fresh"]
    assert steps["growing"] < 0.7 * steps["fresh"]


def test_another_models_tokens_are_read_by_its_own_tokenizer(small: MoonshineStream) -> None:
    said = []
    for _ in range(8):
        small.accept(np.zeros(STRIDE, np.float32))
        said.append(text_of(small.hypothesis()))
    assert said[0] == "Guten"
    assert said[2:4] == ["Guten Morgen,", "Guten Morgen, Welt"]
    assert said[-1] == "Guten Morgen, Weltä!"


def test_a_mark_is_told_apart_from_its_word(small: MoonshineStream) -> None:
    small.accept(np.zeros(4 * STRIDE, np.float32))
    words = small.hypothesis()
    assert [(word.text, word.mark) for word in words] == [(" Guten", ""), (" Morgen", ","), (" Welt", "")]


def test_too_little_sound_says_nothing(small: MoonshineStream) -> None:
    small.accept(np.zeros(100, np.float32))
    assert small.hypothesis() == ()


@pytest.mark.parametrize("lost", ["encoder_model.onnx", "decoder_model_merged.onnx", "tokenizer.json"])
def test_an_archive_that_lacks_a_part_is_refused(tmp_path: Path, lost: str) -> None:
    whole = zipfile.ZipFile(io.BytesIO(speech_archive()))
    path = tmp_path / "part.zip"
    with zipfile.ZipFile(path, "w") as part:
        for name in whole.namelist():
            if not name.endswith(lost):
                part.writestr(name, whole.read(name))
    with pytest.raises(ModelError, match=r"archive of a speech model lacks .*" + lost):
        Moonshine(path)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    path.write_bytes(b"no archive")
    with pytest.raises(ModelError, match=r"model\.zip cannot be read .*models build"):
        Moonshine(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.bin", b"\x05abc"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b"not json"),
        ("tokenizer.bin", b"\x80"),
    ],
)
def test_a_damaged_tokenizer_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(ModelError, match="no list of word pieces"):
        read_tokenizer(name, content)


def test_long_pieces_are_read() -> None:
    long = b"x" * 300
    tokenizer = read_tokenizer("tokenizer.bin", bytes([300 % 128 + 128, 300 // 128]) + long + b"\x03abc")
    assert (len(tokenizer), tokenizer.text([0])) == (2, long.decode())


def test_a_script_without_spaces_has_words_too() -> None:
    content = "".join(chr(len(piece.encode())) + piece for piece in ("今", "日", "は")).encode()
    words = read_tokenizer("tokenizer.bin", content).words([0, 1, 2], [1.0, 0.5, 0.5])
    assert [word.text for word in words] == ["今", "日", "は"]


def test_the_voice_detector_hears_speech_and_nothing_else(
    model_store: ModelStore, sentence: NDArray[np.float32]
) -> None:
    stream = SileroVad(model_store.model_path("silero-vad")).stream()

    def share_of_speech(sound: NDArray[np.float32]) -> float:
        stream.reset()
        hops = sound[: sound.size // HOP_SAMPLES * HOP_SAMPLES].reshape(-1, HOP_SAMPLES)
        return float(np.mean([stream.process(hop) > 0.5 for hop in hops]))

    noise = 0.05 * np.random.default_rng(1).standard_normal(80_000).astype(np.float32)
    assert share_of_speech(sentence[16_000:]) > 0.6
    assert share_of_speech(noise) < 0.05
    assert share_of_speech(np.zeros(80_000, np.float32)) == 0.0
