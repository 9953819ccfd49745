"""A frozen program's own libraries are kept from programs of the system."""

from __future__ import annotations

import os
import sys

import pytest

from engine.system_programs import system_environment


def test_from_a_checkout_the_environment_is_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/somebody/lib")
    assert system_environment() == dict(os.environ)


@pytest.mark.parametrize("before", [None, "/somebody/lib"])
def test_from_a_frozen_program_it_is_as_before_its_start(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/sidetone/_internal")
    monkeypatch.delenv("LD_LIBRARY_PATH_ORIG", raising=False)
    if before is not None:
        monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", before)
    found = system_environment()
    assert found.get("LD_LIBRARY_PATH") == before
    assert "LD_LIBRARY_PATH_ORIG" not in found
    assert found["PATH"] == os.environ["PATH"]
