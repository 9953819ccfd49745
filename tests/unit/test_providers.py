"""Which provider a model runs on is measured, remembered by its sha256, and measured anew when the runtime changes."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest

from engine.inference.providers import CPU, Measurement, Measurements, ProviderCost, available_providers, short_name

DML = "DmlExecutionProvider"


@pytest.mark.parametrize(
    ("other", "chosen"),
    [
        (ProviderCost(DML, 0.1, 0.5), DML),
        (ProviderCost(DML, 0.1, 0.95), CPU),
        (ProviderCost(DML, 0.1, 5.0), CPU),
        (ProviderCost(DML, problem="it gives another result than the CPU"), CPU),
    ],
)
def test_the_cpu_gives_way_only_to_what_is_clearly_faster_in_the_slow_hops(other: ProviderCost, chosen: str) -> None:
    found = Measurement("1", (ProviderCost(CPU, 0.4, 1.0), other)).chosen
    assert found is not None
    assert found.provider == chosen


def test_where_nothing_works_nothing_is_chosen() -> None:
    assert Measurement("1", (ProviderCost(CPU, problem="no"),)).chosen is None


def test_what_was_measured_is_remembered_until_the_runtime_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "models" / "measured.json"
    costs = (ProviderCost(CPU, 0.4, 1.0),)
    assert Measurements(path).provider("ab") == CPU
    Measurements(path).keep("ab", costs)
    found = Measurements(path).of("ab")
    assert found is not None
    assert found.costs == costs
    assert Measurements(path).of("cd") is None
    monkeypatch.setattr(onnxruntime, "__version__", "99")
    assert Measurements(path).of("ab") is None


def test_a_new_provider_makes_it_measure_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "measured.json"
    Measurements(path).keep("ab", (ProviderCost(CPU, 0.4, 1.0),))
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [DML, CPU, "AzureExecutionProvider"])
    assert available_providers() == (DML, CPU)
    assert Measurements(path).of("ab") is None
    Measurements(path).keep("ab", (ProviderCost(CPU, 0.4, 1.0), ProviderCost(DML, 0.2, 0.3)))
    assert Measurements(path).provider("ab") == DML


def test_a_damaged_memory_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    path.write_text("{nonsense", "utf-8")
    assert Measurements(path).of("ab") is None


def test_names_as_people_say_them() -> None:
    assert [short_name(name) for name in (DML, "CoreMLExecutionProvider", CPU)] == ["DirectML", "CoreML", "CPU"]
