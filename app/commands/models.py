"""`sidetone models`: the catalogue of models, and what of it is on this machine."""

from __future__ import annotations

import argparse
import sys

import msgspec
from rich.console import Console
from rich.table import Table

from app.composition import model_store
from app.paths import Paths
from app.terminal import announce_progress
from engine import ModelError, SidetoneError
from engine.inference.catalog import ModelEntry, ModelStore


class ModelState(msgspec.Struct, frozen=True):
    """A model, as `models list --json` lists it."""

    id: str
    label: str
    kind: str
    version: str
    licence: str
    sha256: str
    sample_rate_hz: int
    hop_samples: int
    delay_samples: int
    path: str | None
    problem: str | None


def run(command: argparse.Namespace, paths: Paths) -> int:
    """List, build or verify models."""
    store = model_store(paths)
    entries = [store.entry(model_id) for model_id in command.models] or list(store.entries)
    match command.action:
        case "build":
            _build(entries, paths)
        case "list":
            _list(entries, store, command.json)
        case "verify":
            return _verify(entries, store, command.json)
    return 0


def _build(entries: list[ModelEntry], paths: Paths) -> None:
    if getattr(sys, "frozen", False):
        raise ModelError("this program came with its models; install it again if one is damaged")
    from models.build import build

    with announce_progress() as progress:
        for entry in entries:
            print(build(entry, paths.models, progress))


def _list(entries: list[ModelEntry], store: ModelStore, as_json: bool) -> None:
    states = [_state(entry, store) for entry in entries]
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(states), indent=2).decode())
        return
    table = Table("model", "version", "licence", "delay", "here")
    for state in states:
        delay = f"{1000 * state.delay_samples / state.sample_rate_hz:.0f} ms" if state.delay_samples else ""
        table.add_row(state.id, state.version, state.licence, delay, "no" if state.path is None else "yes")
    Console().print(table)


def _verify(entries: list[ModelEntry], store: ModelStore, as_json: bool) -> int:
    states = [_state(entry, store) for entry in entries]
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(states), indent=2).decode())
    problems = [state.problem for state in states if state.problem]
    if problems:
        raise ModelError("; ".join(problems))
    if not as_json:
        for state in states:
            print(f"{state.id}: as the catalogue says ({state.sha256[:12]}…)")
    return 0


def _state(entry: ModelEntry, store: ModelStore) -> ModelState:
    try:
        path, problem = str(store.model_path(entry.id)), None
    except SidetoneError as error:
        path, problem = None, str(error)
    return ModelState(
        entry.id,
        entry.label,
        entry.kind,
        entry.version,
        entry.licence,
        entry.sha256,
        entry.sample_rate_hz,
        entry.hop_samples,
        entry.delay_samples,
        path,
        problem,
    )
