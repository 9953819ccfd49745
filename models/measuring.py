"""Measures what a model costs on this machine, on every execution provider there is, each in a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.errors import ModelError
from engine.inference.providers import CPU, Measurements, ProviderCost, available_providers, short_name
from models.importing import Progress, check

MOST_DIFFERENCE_DB = 0.5
"""Between the levels of what a provider and the CPU make of the same noise: more is another result, not another rounding."""


def measure_model(
    name: str, path: Path, sha256: str, measurements: Measurements, check_command: Sequence[str], progress: Progress
) -> None:
    """Measure one file and remember it. Control thread; waits for the processes.

    Parameters
    ----------
    check_command : Sequence[str]
        Starts a process that prints a `Finding` for the path appended to it.

    Raises
    ------
    ModelError
        If it cannot be remembered, because the disk refuses.
    """
    costs: list[ProviderCost] = []
    level_dbfs = 0.0
    # The CPU first: others are held against it.
    for provider in reversed(available_providers()):
        progress(f"measuring {name} on {short_name(provider)}", 0.0)
        try:
            finding = check(path, [*check_command, "--provider", provider])
        except ModelError as error:
            costs.append(ProviderCost(provider, problem=str(error)))
            continue
        if provider == CPU:
            level_dbfs = finding.level_dbfs
        is_other = abs(finding.level_dbfs - level_dbfs) > MOST_DIFFERENCE_DB
        problem = "it gives another result than the CPU" if is_other else "" if finding.fits else "it is no denoiser"
        costs.append(ProviderCost(provider, finding.cost_ms, finding.cost_p99_ms, problem))
    try:
        measurements.keep(sha256, tuple(costs))
    except OSError as error:
        raise ModelError(f"what {name} costs cannot be remembered ({error.strerror or error}); make room") from None
    progress(f"measured {name}", 1.0)
