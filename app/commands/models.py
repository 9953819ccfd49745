"""`sidetone models`: the catalogue of models, and what of it is on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from app.composition import model_library, model_store, rendezvous
from app.engine_process import find_engine, program
from app.model_listing import ModelState, is_measurable, model_states, model_table
from app.paths import Paths
from app.terminal import announce_progress, console, is_attended
from engine import CanaryConfig, ModelError, SetService, UseModel
from engine.inference.catalog import ModelEntry, ModelStore
from engine.remote import connect


def run(command: argparse.Namespace, paths: Paths) -> int:
    """List, build, verify, measure, import, remove, choose or roll back models."""
    match command.action:
        case "build":
            store = model_store(paths)
            _build([store.entry(model_id) for model_id in command.models] or list(store.entries), paths)
        case "list":
            _list(model_states(command.models, model_store(paths), paths), command.json)
        case "verify":
            _verify(model_states(command.models, model_store(paths), paths), command.json)
        case "measure":
            store = model_store(paths)
            _measure(model_states(command.models, store, paths), store)
            _list(model_states(command.models, store, paths), command.json)
        case "import":
            _import(command.model, command, paths)
        case "remove":
            _remove(command.model, paths)
        case "choose":
            _choose(command.model, paths)
        case "rollback":
            _roll_back(command.model, paths)
        case "canary":
            _canary(command.model, command.seconds, paths)
        case "history":
            _history(paths, command.json)
    return 0


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
        print(f"{model.id}: kept, but of no use here: it has not the form of any model that Sidetone can run")


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
    library = model_library(paths)
    place = library.place_of(model_id)
    engine = find_engine(rendezvous(paths))
    if engine is not None:
        engine.send(UseModel(model_id))
    else:
        library.use(model_id, "")
    since = "from now on" if engine is not None else "from the next start on"
    if model_id == place:
        print(f"{model_id}: Sidetone's own is used {since}")
    else:
        print(f"{model_id}: takes the place of {place} {since}; `sidetone models rollback {place}` goes back")


def _roll_back(place: str, paths: Paths) -> None:
    library = model_library(paths)
    _choose(library.before(library.place_of(place)), paths)


def _canary(model_id: str, seconds: float, paths: Paths) -> None:
    model_library(paths).with_model(model_id)
    connect(rendezvous(paths)).send(SetService(CanaryConfig(model=model_id, seconds=seconds)))
    print(
        f"{model_id}: runs unheard beside the one in use for {seconds:.0f} s of sound; the events tell what comes of it"
    )


def _history(paths: Paths, as_json: bool) -> None:
    changes = model_library(paths).history
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(changes), indent=2).decode())
        return
    if not changes:
        print("No model was ever changed; `sidetone models choose ID` does.")
    for change in changes:
        print(f"{change.at}  {change.own}: {change.model} (sha256 {change.sha256}) after {change.was}  {change.reason}")


def _measure(states: list[ModelState], store: ModelStore) -> None:
    from models.measuring import measure_model

    if store.measurements is None:
        return
    with announce_progress() as progress:
        for state in states:
            if state.path is not None and is_measurable(state):
                path = Path(state.path)
                measure_model(state.id, path, state.sha256, store.measurements, program("model-check"), progress)


def _list(states: list[ModelState], as_json: bool) -> None:
    if as_json:
        _print_json(states)
    else:
        console().print(model_table(states))


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
