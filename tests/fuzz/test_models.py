"""A hundred changed bytes each in a catalogue and in a model: refused with a reason, every time, and the sound goes on."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from app.engine_process import program
from engine.core.stage import Context, StreamFormat
from engine.errors import ModelError
from engine.inference.catalog import ModelStore, read_catalog, seal_of
from engine.inference.providers import CPU
from engine.stages.denoise import Denoise, DenoiseParams
from models.build import CATALOG_PATH
from models.importing import check

MUTATIONS = 100
STRANGERS = 6


def mutations(content: bytes, seed: int) -> Iterator[bytes]:
    """`content` with one byte changed, anew each time."""
    chance = random.Random(seed)
    for _ in range(MUTATIONS):
        position = chance.randrange(len(content))
        yield content[:position] + bytes([content[position] ^ chance.randrange(1, 256)]) + content[position + 1 :]


def refusal(work: Callable[[], object]) -> str:
    """Why `work` was refused; empty if it was done."""
    try:
        work()
    except ModelError as error:
        return str(error)
    return ""


def test_a_changed_byte_in_the_catalogue_is_always_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    for changed in mutations(CATALOG_PATH.read_bytes(), 1):
        path.write_bytes(changed)
        assert re.fullmatch(r".* catalogue .*; install Sidetone again", refusal(lambda: read_catalog(path)))


def test_even_a_sealed_catalogue_full_of_errors_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    for changed in mutations(CATALOG_PATH.read_bytes(), 2):
        path.write_bytes(changed)
        seal = seal_of(changed.decode("utf-8", "replace"))
        assert "\n" not in refusal(lambda seal=seal: read_catalog(path, seal))  # type: ignore[misc]


def test_a_changed_byte_in_a_model_is_always_refused_and_the_ladder_goes_on(
    tmp_path: Path, model_store: ModelStore
) -> None:
    entry = model_store.entry("deepfilternet3-20ms")
    content = model_store.model_path(entry.id).read_bytes()
    for changed in mutations(content, 3):
        (tmp_path / entry.file).write_bytes(changed)
        assert "is not the DeepFilterNet3" in refusal(lambda: ModelStore([entry], [tmp_path]).model_path(entry.id))

    class Tampered:
        def model_path(self, model_id: str) -> Path:
            store = ModelStore([entry], [tmp_path]) if model_id == entry.id else model_store
            return store.model_path(model_id)

        def provider(self, model_id: str) -> str:
            return CPU

    stage = Denoise.build(Tampered())
    stage.prepare(StreamFormat(48_000, 1, 480))
    block = np.full((1, 480), 0.1, np.float32)
    stage.process(block, Context(DenoiseParams(), len(Denoise.meters)))
    assert np.isfinite(block).all()
    assert "the mode balanced is not there" in stage.take_notices()[0]


def test_a_stranger_full_of_errors_is_tried_in_a_process_of_its_own(tmp_path: Path, model_store: ModelStore) -> None:
    """Whoever vouches for such a file by its sha256: it is found to run, or refused, even if it took the process along."""
    content = model_store.model_path("nsnet2").read_bytes()
    path = tmp_path / "stranger.onnx"
    # Weights are most of a file and forgive any change; the graph around them stands at its beginning and at its end.
    for number, (head, tail) in enumerate(
        zip(mutations(content[:2000], 4), mutations(content[-6000:], 5), strict=True)
    ):
        if number == STRANGERS:
            break
        path.write_bytes(head + content[2000:-6000] + tail)
        assert "\n" not in refusal(lambda: check(path, program("model-check")))
