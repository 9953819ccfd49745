"""An OBS that is none, and a connection to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.integrations.obs_connection import ObsConnection
from tests.helpers.fake_obs import FakeObs, connected


@pytest.fixture
def fake_obs() -> FakeObs:
    """Not running; `obs` runs it."""
    return FakeObs()


@pytest.fixture
def obs(fake_obs: FakeObs) -> Iterator[ObsConnection]:
    """Connected to `fake_obs`."""
    with connected(fake_obs) as connection:
        yield connection
