"""Where every hop has a deadline, a mode may have lighter weights than where there is none; nothing else may differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from app.cli import parse
from app.composition import chosen_models
from app.paths import find_paths
from engine.core.stage import Assets
from engine.errors import ModelError
from engine.inference.catalog import ModelStore
from engine.inference.imported import ImportedCatalog, ImportedModel
from engine.inference.library import ChosenModels, ModelLibrary
from engine.stages.denoise import MODELS, Denoise

EXACT, LIGHTER = "deepfilternet3", "deepfilternet3-int8"


def test_a_variant_has_rate_hop_and_delay_of_the_model_it_stands_for(model_store: ModelStore) -> None:
    variants = {entry.id: entry for entry in model_store.entries if entry.live_place}
    assert set(variants) == {LIGHTER}
    for variant in variants.values():
        own = model_store.entry(variant.live_place)
        assert not own.live_place
        assert (variant.kind, variant.sample_rate_hz, variant.hop_samples, variant.delay_samples) == (
            own.kind,
            own.sample_rate_hz,
            own.hop_samples,
            own.delay_samples,
        )
    assert not set(variants) & set(MODELS.values())


def test_only_quality_has_other_weights_where_there_is_a_deadline(model_store: ModelStore) -> None:
    live, offline = ChosenModels(model_store), ChosenModels(model_store, is_live=False)
    assert {place for place in MODELS.values() if live.sha256(place) != offline.sha256(place)} == {EXACT}
    assert live.model_path(EXACT) == model_store.model_path(LIGHTER)
    assert live.sha256(EXACT) == model_store.entry(LIGHTER).sha256
    assert offline.model_path(EXACT) == model_store.model_path(EXACT)
    assert offline.sha256(EXACT) == model_store.entry(EXACT).sha256


def test_an_imported_model_takes_the_place_of_both(model_store: ModelStore, tmp_path: Path) -> None:
    content = model_store.model_path(LIGHTER).read_bytes()
    (tmp_path / "mine.onnx").write_bytes(content)
    mine = ImportedModel(
        id="mine", kind="denoiser", label="Mine", version="2", source="", licence="", file="mine.onnx",
        sha256=model_store.entry(LIGHTER).sha256, fits=EXACT, sample_rate_hz=48_000, hop_samples=480,
        delay_samples=1440, cost_ms=0.2, card="",
    )  # fmt: skip
    catalog = ImportedCatalog(model=(mine,), chosen={EXACT: "mine"})
    for is_live in (True, False):
        assert ChosenModels(model_store, catalog, tmp_path, is_live).model_path(EXACT) == tmp_path / "mine.onnx"


def test_a_variant_is_not_chosen_by_itself(model_store: ModelStore, tmp_path: Path) -> None:
    library = ModelLibrary(model_store, tmp_path)
    with pytest.raises(ModelError, match=f"is what {EXACT} is while the sound is live; choose {EXACT}"):
        library.use(LIGHTER, "")
    assert library.use(EXACT, "").sha256 == model_store.entry(LIGHTER).sha256


def test_a_damaged_variant_costs_no_more_than_its_mode(model_store: ModelStore, tmp_path: Path) -> None:
    for entry in model_store.entries:
        if entry.id in MODELS.values():
            (tmp_path / entry.file).write_bytes(model_store.model_path(entry.id).read_bytes())
    (tmp_path / model_store.entry(LIGHTER).file).write_bytes(b"tampered")
    (notice,) = Denoise.build(ChosenModels(ModelStore(model_store.entries, [tmp_path]))).take_notices()
    assert "the mode quality is not there" in notice
    assert "is not the DeepFilterNet3, 8 bits that Sidetone was made with" in notice


def test_a_file_is_processed_with_the_exact_weights_and_the_engine_takes_the_lighter_ones(
    model_store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Path] = []
    build: Callable[[Assets], Any] = Denoise.build

    def watched(assets: Assets) -> Any:
        used.append(assets.model_path(EXACT))
        return build(assets)

    monkeypatch.setattr(Denoise, "build", watched)
    source = tmp_path / "in.wav"
    soundfile.write(source, np.zeros(4800, np.float32), 48_000)
    command = parse(["process", str(source), str(tmp_path / "out.wav")])
    assert command.run(command, find_paths()) == 0
    assert used == [model_store.model_path(EXACT)]
    assert chosen_models(find_paths()).model_path(EXACT) == model_store.model_path(LIGHTER)
