"""The one place where objects are built and joined.

Heavy parts are imported when they are needed, so that a face or a `ctl` call does not wait for compilers and models.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.engine_process import program
from app.paths import Paths
from app.terminal import announce_progress, is_attended
from engine import Description, ModelError

if TYPE_CHECKING:
    from app.rooms import RoomFolder
    from app.services.runner import Service
    from engine.control.midi_map_library import MapLibrary
    from engine.control.preset_library import PresetLibrary
    from engine.core.chain import Chain
    from engine.core.stage import Assets, Stage
    from engine.facade import Engine
    from engine.inference.catalog import ModelStore
    from engine.inference.library import ModelLibrary
    from engine.rendezvous import Rendezvous

DEMO_SPEECH = "two-cities"


def model_store(paths: Paths) -> ModelStore:
    """The model catalogue and where its files are; builds nothing."""
    from engine.inference.catalog import ModelStore, read_catalog
    from engine.inference.providers import Measurements

    directories = (paths.bundled_models, paths.models)
    return ModelStore(read_catalog(paths.catalog), directories, Measurements(paths.measured_models))


def model_library(paths: Paths) -> ModelLibrary:
    """The program's models and the user's own."""
    from engine.inference.library import ModelLibrary

    return ModelLibrary(model_store(paths), paths.imported_models)


def ensure_models(paths: Paths, *needed: str, progress: Callable[[str, float], None] | None = None) -> ModelStore:
    """The store, after what the chain needs (or `needed`) was built if it was missing; shows progress.

    Parameters
    ----------
    progress : Callable[[str, float], None] or None
        Told what is being done and the share that is done; None shows it on the terminal.

    Raises
    ------
    ModelError
        If something is missing and cannot be built.
    """
    store = model_store(paths)
    missing = store.missing(needed or chain_models(store))
    if missing and getattr(sys, "frozen", False):
        raise ModelError(f"{missing[0].label} belongs to this program and is gone; install Sidetone again")
    if missing:
        from models.build import build

        with announce_progress() as announce:
            for entry in missing:
                build(entry, paths.models, progress or announce)
    return store


def chosen_models(paths: Paths, is_live: bool = True) -> Assets:
    """What a chain is built from: the program's models, or the imported ones in their place.

    Parameters
    ----------
    is_live : bool
        Whether every hop has a deadline: some models are made for that.

    Raises
    ------
    ModelError
        If there is not a single denoiser.
    """
    from engine.inference.library import ModelLibrary

    store = model_store(paths)
    try:
        store = ensure_models(paths)
    except ModelError:
        # With one of them the sound is good already; the stage itself tells what is wrong with the others.
        if len(store.missing(chain_models(store))) == len(chain_models(store)):
            raise
    _measure_providers(store)
    library = ModelLibrary(store, paths.imported_models)
    if problem := library.problem:
        logging.getLogger("sidetone.models").warning("%s", problem)
    return library.in_use(is_live)


def _measure_providers(store: ModelStore) -> None:
    """Measure what was not yet, where there is more than one provider to choose from."""
    from engine.inference.providers import available_providers

    if store.measurements is None or len(available_providers()) == 1:
        return
    from models.measuring import measure_model

    missing = {entry.id for entry in store.missing(chain_models(store))}
    with announce_progress() as progress:
        for model_id in chain_models(store):
            entry = store.entry(model_id)
            if model_id not in missing and store.measurements.of(entry.sha256) is None:
                path = store.model_path(model_id)
                check = program("model-check")
                measure_model(entry.label, path, entry.sha256, store.measurements, check, progress)


def chain_models(store: ModelStore) -> tuple[str, ...]:
    """Ids of the models that a live chain needs."""
    from engine.inference.catalog import ModelKind

    return tuple(entry.id for entry in store.entries if entry.kind is ModelKind.DENOISER)


def _built_stages(paths: Paths, is_live: bool) -> list[Stage[Any]]:
    from engine.core.kernel import are_compiled
    from engine.stages import STAGES

    models = chosen_models(paths, is_live)
    if is_attended() and not are_compiled():
        print(
            "Compiling the sound kernels for this machine, once; it takes up to a minute.", file=sys.stderr, flush=True
        )
    return [stage.build(models) for stage in STAGES]


def make_chain(paths: Paths, is_live: bool) -> Chain:
    """All stages in a row, not yet prepared; of models for hops that have a deadline, or for hops that have none."""
    from engine.core.chain import Chain
    from engine.hop import TAPPED_STAGES

    return Chain(_built_stages(paths, is_live), TAPPED_STAGES)


def make_engine(paths: Paths) -> Engine:
    """The engine on this machine's devices."""
    from app.device_listing import list_devices_anew
    from engine.control.midi_rtmidi import RtMidiSystem
    from engine.facade import Engine
    from engine.io.system import SystemBackend
    from engine.io.virtual_device import open_virtual_microphone

    return Engine(
        _built_stages(paths, is_live=True),
        SystemBackend(),
        open_virtual_microphone,
        library=preset_library(paths),
        models=model_library(paths),
        load_room=room_folder(paths).room,
        midi_system=RtMidiSystem(),
        midi_maps=midi_maps(paths),
        # On Linux without a sound server, another process does not see the devices that this one has open.
        list_devices_anew=None if sys.platform == "linux" else list_devices_anew,
    )


def midi_maps(paths: Paths) -> MapLibrary:
    """The maps of MIDI devices, the program's and the user's."""
    from engine.control.midi_map_library import MapLibrary

    return MapLibrary(paths.resources / "midi", paths.midi_maps)


def room_folder(paths: Paths) -> RoomFolder:
    """The user's room profiles."""
    from app.rooms import RoomFolder

    return RoomFolder(paths.rooms)


def preset_library(paths: Paths) -> PresetLibrary:
    """The user's presets, and those that come with the program."""
    from engine.control.preset_library import PresetLibrary

    return PresetLibrary(paths.presets, (paths.resources / "presets",))


def make_services(paths: Paths) -> tuple[Service, ...]:
    """What runs in the services process."""
    from app.obs_password import ObsPassword
    from app.services.canary import CanaryService
    from app.services.caption_models import load_caption_models
    from app.services.captions import CaptionsService
    from app.services.keys import KeysService
    from app.services.latency import LatencyService
    from app.services.obs import ObsService
    from app.services.overlay import OverlayService
    from app.services.remote import RemoteService
    from engine.integrations.obs_ledger import ObsLedger
    from engine.integrations.token_file import TokenFile

    return (
        LatencyService(),
        OverlayService(TokenFile(paths.overlay_token), paths.resources / "overlay"),
        ObsService(ObsLedger(paths.obs_ledger), ObsPassword()),
        RemoteService(TokenFile(paths.remote_token)),
        KeysService(),
        CanaryService(model_library(paths)),
        CaptionsService(lambda progress: load_caption_models(paths, progress), paths.transcripts),
    )


def description() -> Description:
    """Stages and parameters, without an engine."""
    from engine.description import describe
    from engine.stages import STAGES

    return describe(STAGES)


def rendezvous(paths: Paths) -> Rendezvous:
    """Where this user's running engine is found."""
    from engine.rendezvous import Rendezvous

    return Rendezvous(paths.runtime)
