"""`sidetone models`: the catalogue of models, and what of it is on this machine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from app.composition import model_store
from app.engine_process import program
from app.paths import Paths
from app.terminal import announce_progress, is_attended
from engine import ModelError, SidetoneError
from engine.inference.catalog import ModelEntry, ModelStore
from engine.inference.imported import ImportedModel, imported_path, read_imported, write_imported


class ModelState(msgspec.Struct, frozen=True):
    """A model, as `models list --json` lists it.

    Attributes
    ----------
    fits : str
        For an imported one: the model whose place it can take; empty if nothing here can use it.
    replaced_by : str
        For one of the program's own: the imported one that was chosen in its place; else empty.
    cost_ms : float or None
        Of an imported one, per hop, when it was imported.
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
    card: str


def run(command: argparse.Namespace, paths: Paths) -> int:
    """List, build, verify, import, remove or choose models."""
    match command.action:
        case "build":
            store = model_store(paths)
            _build([store.entry(model_id) for model_id in command.models] or list(store.entries), paths)
        case "list":
            _list(_states(command.models, paths), command.json)
        case "verify":
            _verify(_states(command.models, paths), command.json)
        case "import":
            _import(_only(command, "FILE or https address"), command, paths)
        case "remove":
            _remove(_only(command, "ID"), paths)
        case "choose":
            _choose(_only(command, "ID"), paths)
    return 0


def _only(command: argparse.Namespace, what: str) -> str:
    if len(command.models) != 1:
        raise ModelError(f"`sidetone models {command.action}` takes one {what}")
    return str(command.models[0])


def _build(entries: list[ModelEntry], paths: Paths) -> None:
    if getattr(sys, "frozen", False):
        raise ModelError("this program came with its models; install it again if one is damaged")
    from models.build import build

    with announce_progress() as progress:
        for entry in entries:
            print(build(entry, paths.models, progress))


def _import(source: str, command: argparse.Namespace, paths: Paths) -> None:
    if command.sha256 is None and not (is_attended() and sys.stdin.isatty()):
        raise ModelError(f"say with --sha256 what {source} must be; its author publishes that beside the file")
    from models.importing import import_model

    with announce_progress() as progress:
        model = import_model(
            source,
            paths.imported_models,
            command.sha256,
            _confirm,
            program("model-check"),
            progress,
            id=command.id,
            label=command.label,
            version=command.version,
            licence=command.licence,
        )
    if model.fits:
        print(f"{model.id}: can take the place of {model.fits}; `sidetone models choose {model.id}` lets it")
    else:
        print(f"{model.id}: kept, but of no use here: it has not the form of any denoiser that Sidetone can run")


def _confirm(sha256: str) -> bool:
    print(f"sha256 {sha256}")
    try:
        return input("Is this what its author says? (yes/no) ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _remove(model_id: str, paths: Paths) -> None:
    from models.importing import remove_model

    if any(entry.id == model_id for entry in model_store(paths).entries):
        raise ModelError(f"{model_id} belongs to Sidetone and cannot be removed")
    model = remove_model(model_id, paths.imported_models)
    print(f"{model.id}: removed")


def _choose(model_id: str, paths: Paths) -> None:
    catalog = read_imported(paths.imported_models)
    if any(entry.id == model_id for entry in model_store(paths).entries):
        write_imported(paths.imported_models, catalog.choosing(model_id, None))
        print(f"{model_id}: Sidetone's own is used from the next start on")
        return
    model = catalog.find(model_id)
    if model is None:
        raise ModelError(f"there is no model named {model_id!r}; `sidetone models list` shows them")
    if not model.fits:
        raise ModelError(f"{model_id} cannot be chosen: it has not the form of any denoiser that Sidetone can run")
    imported_path(paths.imported_models, model)
    write_imported(paths.imported_models, catalog.choosing(model.fits, model.id))
    print(f"{model_id}: takes the place of {model.fits} from the next start on")
    print(f"`sidetone models choose {model.fits}` goes back to Sidetone's own")


def _states(wanted: list[str], paths: Paths) -> list[ModelState]:
    store = model_store(paths)
    catalog = read_imported(paths.imported_models)
    own = [_own_state(entry, store, catalog.chosen.get(entry.id, "")) for entry in store.entries]
    states = own + [_imported_state(model, paths) for model in catalog.model]
    known = {state.id: state for state in states}
    for model_id in wanted:
        if model_id not in known:
            raise ModelError(f"there is no model named {model_id!r}; known: {', '.join(known)}")
    return [known[model_id] for model_id in wanted] or states


def _own_state(entry: ModelEntry, store: ModelStore, replaced_by: str) -> ModelState:
    path, problem = _found(lambda: store.model_path(entry.id))
    return ModelState(
        id=entry.id,
        label=entry.label,
        kind=entry.kind,
        version=entry.version,
        source=entry.source,
        licence=entry.licence,
        sha256=entry.sha256,
        sample_rate_hz=entry.sample_rate_hz,
        hop_samples=entry.hop_samples,
        delay_samples=entry.delay_samples,
        path=path,
        problem=problem,
        is_imported=False,
        fits="",
        replaced_by=replaced_by,
        cost_ms=None,
        card=entry.card,
    )


def _imported_state(model: ImportedModel, paths: Paths) -> ModelState:
    path, problem = _found(lambda: imported_path(paths.imported_models, model))
    fields = {name: getattr(model, name) for name in ModelState.__struct_fields__ if hasattr(model, name)}
    return ModelState(**fields, path=path, problem=problem, is_imported=True, replaced_by="")


def _found(find: Callable[[], Path]) -> tuple[str | None, str | None]:
    try:
        return str(find()), None
    except SidetoneError as error:
        return None, str(error)


def _list(states: list[ModelState], as_json: bool) -> None:
    if as_json:
        _print_json(states)
        return
    table = Table("model", "kind", "version", "licence", "delay", "here", "use")
    for state in states:
        delay = f"{1000 * state.delay_samples / state.sample_rate_hz:.0f} ms" if state.delay_samples else ""
        table.add_row(state.id, state.kind, state.version, state.licence, delay, _here(state), _use(state))
    Console().print(table)


def _here(state: ModelState) -> str:
    if state.path is not None:
        return "yes"
    return "damaged" if state.is_imported else "no"


def _use(state: ModelState) -> str:
    if state.replaced_by:
        return f"replaced by {state.replaced_by}"
    if not state.is_imported:
        return ""
    return f"can replace {state.fits}" if state.fits else "none: no form that Sidetone can run"


def _verify(states: list[ModelState], as_json: bool) -> None:
    if as_json:
        _print_json(states)
    problems = [state.problem for state in states if state.problem]
    if problems:
        raise ModelError("; ".join(problems))
    if not as_json:
        for state in states:
            print(f"{state.id}: as the catalogue says ({state.sha256[:12]}…)")


def _print_json(states: list[ModelState]) -> None:
    print(msgspec.json.format(msgspec.json.encode(states), indent=2).decode())
