"""What `models list` and `models verify` tell of every model: the program's own and the imported ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.table import Column, Table

from app.paths import Paths
from engine import ModelError, SidetoneError
from engine.inference.catalog import ModelEntry, ModelKind, ModelStore
from engine.inference.imported import ImportedModel, imported_path, read_imported
from engine.inference.providers import Measurements, short_name


class ModelState(msgspec.Struct, frozen=True):
    """A model, as `models list --json` lists it.

    Attributes
    ----------
    fits : str
        For an imported one: the model whose place it can take; empty if nothing here can use it. For one of the program's own:
        the model in whose place it is used where every hop has a deadline; empty if it has a place of its own.
    replaced_by : str
        For one of the program's own: the imported one that was chosen in its place; else empty.
    cost_ms, cost_p99_ms : float or None
        Per hop, as measured on this machine; None if it was not.
    provider : str or None
        Execution provider that won that measurement.
    """

    id: str
    label: str
    kind: str
    version: str
    source: str
    licence: str
    sha256: str
    sample_rate_hz: int
    hop_samples: int
    delay_samples: int
    path: str | None
    problem: str | None
    is_imported: bool
    fits: str
    replaced_by: str
    cost_ms: float | None
    cost_p99_ms: float | None
    provider: str | None
    card: str


def model_states(wanted: list[str], store: ModelStore, paths: Paths) -> list[ModelState]:
    """States of the models that are `wanted` by id, of all if there are none.

    Raises
    ------
    ModelError
        If one is unknown, or the list of imported models is damaged.
    """
    catalog = read_imported(paths.imported_models)
    states = [_own_state(entry, store, catalog.chosen.get(entry.id, "")) for entry in store.entries]
    states += [_imported_state(model, store, paths) for model in catalog.model]
    known = {state.id: state for state in states}
    for model_id in wanted:
        if model_id not in known:
            raise ModelError(f"there is no model named {model_id!r}; known: {', '.join(known)}")
    return [known[model_id] for model_id in wanted] or states


def model_table(states: list[ModelState]) -> Table:
    """The states for a terminal."""
    # An id is there to be typed again: the words beside it are what wraps, and nothing is cut off.
    words = (Column(name, overflow="fold") for name in ("kind", "version", "licence", "delay", "a hop takes", "here"))
    table = Table(Column("model", no_wrap=True), *words, Column("use", overflow="fold"), padding=0)
    for state in states:
        delay = f"{1000 * state.delay_samples / state.sample_rate_hz:.0f} ms" if state.delay_samples else ""
        cost = f"{state.cost_ms:.2f} ms, {state.provider}" if state.cost_ms is not None else ""
        table.add_row(state.id, state.kind, state.version, state.licence, delay, cost, _here(state), _use(state))
    return table


def _own_state(entry: ModelEntry, store: ModelStore, replaced_by: str) -> ModelState:
    return _state(
        entry,
        _found(lambda: store.model_path(entry.id)),
        store.measurements,
        is_imported=False,
        fits=entry.live_place,
        replaced_by=replaced_by,
    )


def _imported_state(model: ImportedModel, store: ModelStore, paths: Paths) -> ModelState:
    found = _found(lambda: imported_path(paths.imported_models, model))
    state = _state(model, found, store.measurements, is_imported=True, fits=model.fits)
    # What it cost when it was imported, until it is measured.
    return state if state.cost_ms is not None else msgspec.structs.replace(state, cost_ms=model.cost_ms, provider="CPU")


def _state(
    model: ModelEntry | ImportedModel,
    found: tuple[str | None, str | None],
    measurements: Measurements | None,
    is_imported: bool,
    fits: str = "",
    replaced_by: str = "",
) -> ModelState:
    measured = measurements.of(model.sha256) if measurements is not None else None
    cost = measured.chosen if measured is not None else None
    return ModelState(
        id=model.id,
        label=model.label,
        kind=model.kind,
        version=model.version,
        source=model.source,
        licence=model.licence,
        sha256=model.sha256,
        sample_rate_hz=model.sample_rate_hz,
        hop_samples=model.hop_samples,
        delay_samples=model.delay_samples,
        path=found[0],
        problem=found[1],
        is_imported=is_imported,
        fits=fits,
        replaced_by=replaced_by,
        cost_ms=cost.p50_ms if cost else None,
        cost_p99_ms=cost.p99_ms if cost else None,
        provider=short_name(cost.provider) if cost else None,
        card=model.card,
    )


def _found(find: Callable[[], Path]) -> tuple[str | None, str | None]:
    try:
        return str(find()), None
    except SidetoneError as error:
        return None, str(error)


def _here(state: ModelState) -> str:
    if state.path is not None:
        return "yes"
    return "damaged" if state.is_imported else "no"


def _use(state: ModelState) -> str:
    if state.replaced_by:
        return f"replaced by {state.replaced_by}"
    if not state.is_imported:
        return f"{state.fits} while live" if state.fits else ""
    return f"can replace {state.fits}" if state.fits else "none: no form that Sidetone can run"


def is_measurable(state: ModelState) -> bool:
    """Whether it is here and something that takes time with every hop."""
    return state.path is not None and state.kind == ModelKind.DENOISER
