"""Builds any stage for the contract tests, with its models where it needs some."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.core.stage import Stage, StreamFormat
from engine.inference.catalog import ModelStore
from engine.inference.providers import CPU
from engine.stages.room_correction import RoomCorrection
from tests.helpers.models import model_store  # noqa: F401 - the fixture behind `_Models`
from tests.helpers.rooms import room_impulse, room_of


class _Models:
    """Asks for the models only once a stage wants one, so that a machine without them skips that stage alone."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request

    def model_path(self, model_id: str) -> Path:
        store: ModelStore = self._request.getfixturevalue("model_store")
        return store.model_path(model_id)

    def provider(self, model_id: str) -> str:
        return CPU


@pytest.fixture(scope="session")
def weighted() -> dict[type[Stage[Any]], Stage[Any]]:
    """Stages whose weights are loaded, by their types: once for all tests, which share what never changes."""
    return {}


@pytest.fixture
def prepare(
    request: pytest.FixtureRequest, weighted: dict[type[Stage[Any]], Stage[Any]]
) -> Callable[[type[Stage[Any]], StreamFormat], Stage[Any]]:
    """Make a fresh stage, prepared for a format."""

    def prepared(stage_type: type[Stage[Any]], fmt: StreamFormat) -> Stage[Any]:
        if stage_type not in weighted:
            weighted[stage_type] = stage_type.build(_Models(request))
        stage = weighted[stage_type].successor()
        if isinstance(stage, RoomCorrection):
            # Without a room it would pass every test by doing nothing.
            stage.correct(room_of(room_impulse(boxy_db=12.0)))
        stage.prepare(fmt)
        return stage

    return prepared
