"""A network of another rate and hop, that brings its own transforms along: imported, tried as a canary, used."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine_process import program
from app.services import canary as canary_module
from app.services.canary import CanaryService
from engine import CanaryConfig
from engine.core.stage import Context, StreamFormat
from engine.errors import ModelError
from engine.inference.catalog import ModelStore
from engine.inference.imported import ImportedModel, read_imported, write_imported
from engine.inference.library import ChosenModels, ModelLibrary
from engine.inference.resampled import at_rate
from engine.inference.session import open_model
from engine.inference.waveform import Waveform
from engine.stages.denoise import MODELS, Denoise, DenoiseParams
from models.importing import import_model
from tests.helpers.microphone import Microphone
from tests.helpers.small_denoisers import small_waveform_model

Sound = NDArray[np.float32]
RATE, HOP = 48_000, 480
FORMS = [(16_000, 160, 40), (16_000, 128, 40), (16_000, 256, 40), (48_000, 480, 100), (44_100, 441, 7)]
"""Rate, hop and delay of the network."""
PLACES = {
    (16_000, 160, 40): ("fast", 312),
    (16_000, 128, 40): ("balanced", 312 + 3 * 96),
    (16_000, 256, 40): ("quality", 312 + 3 * 224),
    (48_000, 480, 100): ("fast", 100),
    (44_100, 441, 7): ("fast", 77),
}
"""The mode each takes the place of, and its delay in samples at 48 kHz: network, waiting for its hop, and both filters."""


def a_tenth() -> float:
    return 0.1


def bring(folder: Path, content: bytes) -> ImportedModel:
    source = folder / "gate.onnx"
    source.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    return import_model(
        str(source), folder / "models", sha256, lambda _: False, program("model-check"), lambda *_: None, id="gate"
    )


def chosen(folder: Path, model: ImportedModel, store: ModelStore) -> ChosenModels:
    directory = folder / "models"
    write_imported(directory, read_imported(directory).choosing(model.fits, model.id))
    return ChosenModels(store, read_imported(directory), directory)


def prepared(assets: ChosenModels, params: DenoiseParams, channels: int = 1) -> Denoise:
    stage = Denoise.build(assets)
    assert stage.take_notices() == ()
    stage.expect(params)
    stage.prepare(StreamFormat(RATE, channels, HOP))
    return stage


def through(stage: Denoise, params: DenoiseParams, sound: Sound) -> Sound:
    out = np.atleast_2d(sound).copy()
    ctx: Context[DenoiseParams] = Context(params, len(Denoise.meters))
    for start in range(0, out.shape[1] - HOP + 1, HOP):
        stage.process(out[:, start : start + HOP], ctx)
    assert np.isfinite(ctx.meters).all()
    return out


def lag(out: Sound, sound: Sound) -> int:
    size = 2 * sound.size
    return int(np.argmax(np.fft.irfft(np.fft.rfft(out, size) * np.conj(np.fft.rfft(sound, size)))))


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_it_is_imported_chosen_and_heard_as_late_as_the_stage_declares(
    tmp_path: Path, model_store: ModelStore, noisy_speech: Sound, form: tuple[int, int, int]
) -> None:
    mode, delay_samples = PLACES[form]
    model = bring(tmp_path, small_waveform_model(*form))
    assert (model.kind, model.fits) == ("denoiser", MODELS[mode])
    assert (model.sample_rate_hz, model.hop_samples) == form[:2]
    assert model.delay_samples == round(delay_samples * form[0] / RATE)
    params = DenoiseParams(mode=mode)
    stage = prepared(chosen(tmp_path, model, model_store), params)
    sound = noisy_speech[: 4 * RATE]
    out = through(stage, params, sound)[0]
    assert stage.latency_samples == delay_samples
    assert lag(out, sound) == delay_samples


def test_at_no_strength_the_whole_band_comes_out_as_it_went_in(
    tmp_path: Path, model_store: ModelStore, noisy_speech: Sound
) -> None:
    model = bring(tmp_path, small_waveform_model(16_000, 256, 40))
    params = DenoiseParams(0.0, mode="quality")
    stage = prepared(chosen(tmp_path, model, model_store), params, channels=2)
    sound = np.stack([noisy_speech[: 2 * RATE], noisy_speech[RATE : 3 * RATE]])
    out = through(stage, params, sound)
    late = stage.latency_samples
    np.testing.assert_allclose(out[:, late : 2 * RATE - HOP], sound[:, : 2 * RATE - HOP - late], atol=1e-6)


def test_as_a_canary_it_is_held_against_the_network_in_whose_place_it_would_be(
    tmp_path: Path, model_store: ModelStore, noisy_speech: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bring(tmp_path, small_waveform_model(16_000, 128, 40))
    monkeypatch.setattr(canary_module, "_LOOK_INTERVAL_S", 0.001)
    monkeypatch.setattr(canary_module, "_MOST_TIMES", 1000.0)
    is_over = threading.Event()
    engine = Microphone(noisy_speech, CanaryConfig(model=model.id, seconds=9.0), is_over)
    CanaryService(ModelLibrary(model_store, tmp_path / "models")).run(engine, is_over)  # type: ignore[arg-type]
    verdict = engine.sent[-1]
    assert verdict.is_promoted, verdict.reason
    assert "held for its time" in verdict.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (small_waveform_model(16_000, 160, 40, {"sample_rate": "sixteen"}), "need sample_rate, from 8000 to 192000"),
        (small_waveform_model(16_000, 160, 40, {"sample_rate": "16000"}), "need delay_samples, from 0 to 8000"),
        (small_waveform_model(16_000, 160, 400, {"sample_rate": "16000", "delay_samples": "40"}), "but it is 400"),
        (small_waveform_model(22_050, 220, 40), "works at 22050 Hz, where 10 ms are no whole number"),
        (small_waveform_model(16_000, 3200, 40), "hop of 3200 samples is longer than 100 ms"),
        (small_waveform_model(16_000, 160, 40, state_rows=2), "not states of equal shapes"),
    ],
    ids=["rate", "delay", "wrong delay", "22050", "long hop", "states"],
)  # fmt: skip
def test_what_says_too_little_or_something_wrong_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(ModelError, match=reason) as caught:
        bring(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_a_copied_stream_goes_on_as_the_first_one(tmp_path: Path, noisy_speech: Sound) -> None:
    path = tmp_path / "gate.onnx"
    path.write_bytes(small_waveform_model(16_000, 256, 40))
    denoiser = at_rate(Waveform(open_model(path)), RATE)
    first, second = denoiser.stream(), denoiser.stream()
    hops = noisy_speech[: 100 * HOP].reshape(-1, HOP)
    outs = np.zeros((2, HOP), np.float32)
    for index, hop in enumerate(hops):
        first.process(hop, outs[0], a_tenth)
        if index > 37:
            second.process(hop, outs[1], a_tenth)
            np.testing.assert_array_equal(outs[0], outs[1])
        elif index == 37:
            second.copy_from(first)
    first.reset()
    fresh = denoiser.stream()
    for hop in hops[:5]:
        first.process(hop, outs[0], a_tenth)
        fresh.process(hop, outs[1], a_tenth)
        np.testing.assert_array_equal(outs[0], outs[1])
