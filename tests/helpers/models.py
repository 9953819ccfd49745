"""The real models for tests: built once into the user's cache, then found there by every later run."""

from __future__ import annotations

import os

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from app.paths import find_paths
from engine.errors import ModelError
from engine.inference.catalog import ModelStore, read_catalog
from models.build import build_missing


@pytest.fixture(scope="session")
def model_store() -> ModelStore:
    """Every model of the catalogue, built if need be; a named skip without network, a failure in CI."""
    paths = find_paths()
    store = ModelStore(read_catalog(paths.catalog), [paths.bundled_models, paths.models])
    try:
        build_missing(store, paths.models, lambda doing, share: None)
    except ModelError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"models: {error}")
    return store


@pytest.fixture(scope="session")
def speech(model_store: ModelStore) -> NDArray[np.float32]:
    """Ten seconds of a real voice, mono, 48 kHz. Copy before changing."""
    samples, sample_rate = soundfile.read(model_store.model_path("two-cities"), frames=480_000, dtype="float32")
    assert sample_rate == 48_000
    return np.asarray(samples, np.float32)


@pytest.fixture(scope="session")
def noisy_speech(speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """`speech` in steady noise at -40 dBFS. Copy before changing."""
    noise = np.random.default_rng(1).standard_normal(speech.size)
    return (speech + 0.01 * noise).astype(np.float32)
