"""Execution providers of onnxruntime: which there are on this machine, and which one a model shall run on.

Measured, not guessed: a step of a small recurrent network is often over on the CPU before its data have reached a GPU. What
counts is the slow hop, not the usual one, and a tie goes to the CPU, which cannot vanish.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec
import onnxruntime

CPU = "CPUExecutionProvider"
ACCELERATORS = ("DmlExecutionProvider", "CoreMLExecutionProvider")
PROVIDER_OPTIONS = {"CoreMLExecutionProvider": {"ModelFormat": "MLProgram", "RequireStaticInputShapes": "1"}}
"""What a provider is told. Core ML: the newer of its two formats, which knows more operators; no shape here is open.
DirectML: nothing, so that it takes the first graphics card.
"""
WINNING_SHARE = 0.9
"""Of the CPU's p99: what another provider must stay below to take its place."""


class ProviderCost(msgspec.Struct, frozen=True):
    """What a hop takes on one provider, in milliseconds; `problem` says why it cannot be used, else it is empty."""

    provider: str
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    problem: str = ""


class Measurement(msgspec.Struct, frozen=True):
    """A model on every provider of this machine. `runtime` is the version of onnxruntime that it was measured with."""

    runtime: str
    costs: tuple[ProviderCost, ...]

    @property
    def chosen(self) -> ProviderCost | None:
        """The provider to run on: the CPU, or one that is clearly faster; None if none can be used."""
        able = {cost.provider: cost for cost in self.costs if not cost.problem}
        cpu = able.pop(CPU, None)
        best = min(able.values(), key=lambda cost: cost.p99_ms, default=cpu)
        if cpu is None or best is None or best.p99_ms < WINNING_SHARE * cpu.p99_ms:
            return best
        return cpu


def available_providers() -> tuple[str, ...]:
    """Providers worth measuring here, the CPU last."""
    there = onnxruntime.get_available_providers()
    return (*(name for name in ACCELERATORS if name in there), CPU)


class Measurements:
    """What was measured on this machine, by the sha256 of the model's file; kept in a file that may be lost at any time.

    Control thread; waits for the disk.

    Parameters
    ----------
    path : Path
        Need not exist; one that is damaged counts as empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, Measurement] = {}
        with suppress(OSError, msgspec.DecodeError):
            self._found = msgspec.json.decode(path.read_bytes(), type=dict[str, Measurement])

    def of(self, sha256: str) -> Measurement | None:
        """What is known of a file; None if it was never measured, or with another runtime or other providers."""
        found = self._found.get(sha256)
        if found is None or found.runtime != onnxruntime.__version__:
            return None
        return found if {cost.provider for cost in found.costs} == set(available_providers()) else None

    def provider(self, sha256: str) -> str:
        """What a file shall run on; the CPU as long as nothing is known."""
        found = self.of(sha256)
        return found.chosen.provider if found is not None and found.chosen is not None else CPU

    def keep(self, sha256: str, costs: tuple[ProviderCost, ...]) -> None:
        """Remember what was measured.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        self._found[sha256] = Measurement(onnxruntime.__version__, costs)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".new")
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(self._found), indent=1))
        unfinished.replace(self._path)


def short_name(provider: str) -> str:
    """How a person calls it: CPU, DirectML, CoreML."""
    return {"DmlExecutionProvider": "DirectML"}.get(provider, provider.removesuffix("ExecutionProvider"))
