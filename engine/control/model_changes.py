"""Changes of models while the sound goes on: another network in the place of the one in use, and back again.

Every change is an event that names both by sha256. Control thread; loading waits for the disk.
"""

from __future__ import annotations

from typing import Any

from engine.commands import ConcludeCanary, ModelCommand, RollBackModel, UseModel
from engine.core.chain import Chain
from engine.core.stage import Stage
from engine.errors import ModelError
from engine.event_log import EventLog
from engine.inference.library import ModelLibrary
from engine.inference.providers import short_name
from engine.snapshot import EventKind, ModelSnapshot


class ModelChanges:
    """Brings models into a chain.

    Parameters
    ----------
    library : ModelLibrary or None
        None in tests without models: then every change is refused.
    """

    def __init__(self, chain: Chain, library: ModelLibrary | None, events: EventLog) -> None:
        self._chain = chain
        self._library = library
        self._events = events
        self._in_use = library.in_use() if library is not None else None

    def carry_out(self, command: ModelCommand, is_live: bool) -> None:
        """Do what a command says.

        Raises
        ------
        ModelError
            If it cannot be done; everything is as before then.
        """
        match command:
            case UseModel(model=model_id, reason=reason):
                self.use(model_id, reason, is_live)
            case RollBackModel(own=own_id):
                self.use(self._expect_library().before(own_id), "rolled back", is_live)
            case ConcludeCanary(model=model_id, is_promoted=True, reason=reason):
                self.use(model_id, reason, is_live)
            case ConcludeCanary(model=model_id, reason=reason):
                library = self._expect_library()
                sha256 = library.with_model(model_id).sha256(library.place_of(model_id))
                self._events.add(EventKind.MODEL, f"{model_id} (sha256 {sha256}) stays out: {reason}")

    def use(self, model_id: str, reason: str, is_live: bool) -> None:
        """Let a model take the place in which it fits; the sound goes over to it without a gap.

        Raises
        ------
        ModelError
            If it cannot be used; everything is as before then.
        """
        library = self._expect_library()
        if self._chain.is_changing:
            raise ModelError("another change is still going on; try again in a moment")
        before = library.in_use()
        stage = self.stage_with(model_id)
        change = library.use(model_id, reason)
        self._in_use = library.in_use()
        self._chain.replace(stage, is_live)
        self._events.add(
            EventKind.MODEL,
            f"{change.model} (sha256 {change.sha256}) takes the place of {change.was} "
            f"(sha256 {before.sha256(change.own)}): {reason or 'it was chosen'}",
        )

    def stage_with(self, model_id: str) -> Stage[Any]:
        """A new stage like the one that runs the model it takes the place of; it is not in the chain.

        Raises
        ------
        ModelError
            If there is no such model, or it cannot be loaded.
        """
        library = self._expect_library()
        place = library.place_of(model_id)
        for slot in self._chain.slots:
            if place in slot.stage.providers:
                stage: Stage[Any] = type(slot.stage).build(library.with_model(model_id))
                if place not in stage.providers:
                    raise ModelError(f"{model_id} cannot be loaded: {'; '.join(stage.take_notices())}")
                return stage
        raise ModelError(f"no stage of this chain uses {place}, so {model_id} cannot be heard")

    def snapshot(self) -> tuple[ModelSnapshot, ...]:
        """What is in use, and what it runs on."""
        chosen = self._in_use
        if chosen is None:
            return ()
        return tuple(
            ModelSnapshot(
                place=place,
                id=chosen.catalog.chosen.get(place, place),
                sha256=chosen.sha256(place),
                provider=short_name(provider),
            )
            for slot in self._chain.slots
            for place, provider in slot.stage.providers.items()
        )

    def _expect_library(self) -> ModelLibrary:
        if self._library is None:
            raise ModelError("this engine has no models to choose from")
        return self._library
