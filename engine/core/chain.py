"""Stages in a row: one frozen set of settings per block, one number for the delay, and a guard at the end.

`set`, `bypass` and `apply` build a new `ChainSettings` and swap one reference, so a block sees all of a change or none,
over all stages, without lock, copy or queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.core.change_over import ChangeOver
from engine.core.params import Params, ParamSpec, Value
from engine.core.side_signals import SideSignals
from engine.core.slot import Slot
from engine.core.stage import Block, Stage, StreamFormat
from engine.errors import ParameterError

TapListener = Callable[[str, Block], None]
"""Takes the id of a tapped stage and the sound after it, shape (channels, frames). Audio thread."""


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """Parameters and bypass of all stages, in chain order.

    `is_dry` takes all of them out at once and leaves `bypassed` as it is, except a stage that is silent for a moment: a
    panic must not open a microphone that somebody has just closed.
    """

    params: tuple[Params, ...]
    bypassed: tuple[bool, ...]
    is_dry: bool = False

    @property
    def unheard(self) -> tuple[bool, ...]:
        """Which stages are out of the sound, be it by their own bypass or because all is dry."""
        if not self.is_dry:
            return self.bypassed
        return tuple(
            is_bypassed or not any(spec.is_momentary and getattr(params, name) for name, spec in params.specs().items())
            for params, is_bypassed in zip(self.params, self.bypassed, strict=True)
        )


class Chain:
    """Runs stages one after the other over a block.

    Parameters
    ----------
    stages : sequence of Stage
        In the order in which they are heard.
    taps : iterable of str
        Ids of the stages after which the sound is kept beside the chain, for the monitor bus and for listeners.
    """

    def __init__(self, stages: Iterable[Stage[Any]], taps: Iterable[str] = ()) -> None:
        stages = tuple(stages)
        self._index = {stage.id: index for index, stage in enumerate(stages)}
        params = tuple(stage.params_type() for stage in stages)
        self._side = SideSignals()
        self.slots = tuple(Slot(stage, own, self._side) for stage, own in zip(stages, params, strict=True))
        self._settings = ChainSettings(params, tuple(stage.starts_bypassed for stage in stages))
        self._tapped = {self._index[stage_id]: stage_id for stage_id in taps if stage_id in self._index}
        self._change: ChangeOver | None = None
        self._retired: list[Slot] = []

    def prepare(self, fmt: StreamFormat) -> None:
        """Prepare every stage, load and warm what they need. Control thread, before the stream opens."""
        if self._change is not None:
            # The stream ended in the middle of it.
            self._put(self._change.index, self._change.new)
        settings = self._settings
        for slot, params, is_bypassed in zip(self.slots, settings.params, settings.unheard, strict=True):
            _prepare(slot, params, is_bypassed, fmt)
        self._change = None
        self.format = fmt
        self._taps = {
            stage_id: np.zeros((fmt.channels, fmt.max_frames), np.float32) for stage_id in self._tapped.values()
        }

    @property
    def latency_samples(self) -> int:
        """Delay of the air bus: the sum over all stages, bypassed or not. Constant while prepared."""
        return sum(slot.latency_samples for slot in self.slots)

    @property
    def wants_prepare(self) -> bool:
        """Whether a stage's parameters now ask for another latency than the one prepared for. Any thread."""
        return any(slot.stage.wants_prepare for slot in self.slots)

    def renew(self) -> bool:
        """Let the first stage whose parameters ask for another latency be followed by one prepared for it.

        Control thread, while the chain runs; the sound goes over by itself, without a gap or a click.

        Returns
        -------
        bool
            Whether a change has begun; False also while one is still going on.
        """
        self._retired.clear()
        if self._change is not None:
            return False
        for index, old in enumerate(self.slots):
            if old.stage.wants_prepare:
                self._lead_over(index, old.stage.successor())
                return True
        return False

    def tend(self) -> None:
        """Let stages build what takes time and is wanted by now. Control thread, while the chain runs."""
        for slot in self.slots:
            slot.stage.tend()

    @property
    def is_changing(self) -> bool:
        """Whether one stage is just taking over from another. Any thread."""
        return self._change is not None

    def replace(self, stage: Stage[Any], is_live: bool) -> None:
        """Let a stage take the place of the one with its id. Control thread; not while `is_changing`.

        Parameters
        ----------
        is_live : bool
            Whether the chain runs: then the sound goes over by itself, without a gap or a click.

        Raises
        ------
        ParameterError
            If there is no such stage.
        """
        index = self._stage_index(stage.id)
        if is_live:
            self._retired.clear()
            self._lead_over(index, stage)
        else:
            self._put(index, Slot(stage, self._settings.params[index], self._side))

    def _lead_over(self, index: int, stage: Stage[Any]) -> None:
        old, params = self.slots[index], self._settings.params[index]
        new = Slot(stage, params, self._side)
        new.fault_count, new.budget_ns = old.fault_count, old.budget_ns
        _prepare(new, params, self._settings.unheard[index], self.format)
        self._change = ChangeOver(index, old, new, self.format)

    def _put(self, index: int, slot: Slot) -> None:
        self.slots = (*self.slots[:index], slot, *self.slots[index + 1 :])

    @property
    def settings(self) -> ChainSettings:
        """The settings that the next block will see."""
        return self._settings

    def process(self, block: Block, music: Block | None = None, listener: TapListener | None = None) -> None:
        """Run all stages over `block` in place, shape (channels, frames), finite and bounded. Audio thread.

        Parameters
        ----------
        music : Block or None
            The second input, as many frames, one or two channels; a stage of the chain mixes it in.
        listener : TapListener or None
            Called at each tap as soon as the sound is there, with the stage's id and what `tap` gives.
        """
        settings = self._settings
        unheard = settings.unheard
        # Slots look for NaN and overflow themselves; numpy's warnings would be printed from the audio thread.
        with np.errstate(all="ignore"):
            self._side.begin_block(music)
            change = self._change
            for index, slot in enumerate(self.slots):
                if change is not None and change.index == index:
                    self._go_over(change, block, settings.params[index], unheard[index])
                else:
                    slot.process(block, settings.params[index], unheard[index])
                tapped = self._tapped.get(index)
                if tapped is not None:
                    tap = self._taps[tapped][:, : block.shape[1]]
                    tap[:] = block
                    if listener is not None:
                        listener(tapped, tap)
            np.clip(block, -1.0, 1.0, out=block)

    def _go_over(self, change: ChangeOver, block: Block, params: Params, is_bypassed: bool) -> None:
        if change.process(block, params, is_bypassed):
            # Kept until the control thread clears it: what it holds must not be freed on the audio thread.
            self._retired.append(change.old)
            self._put(change.index, change.new)
            self._change = None

    def tap(self, stage_id: str, frames: int) -> Block | None:
        """The block just processed as it was after a stage, shape (channels, frames); None if it is not tapped.

        Audio thread.
        """
        tap = self._taps.get(stage_id)
        return None if tap is None else tap[:, :frames]

    def dry(self, stage_id: str, frames: int) -> Block:
        """The block just processed as it was before a stage, delayed by that stage's latency. Audio thread.

        Raises
        ------
        ParameterError
            If there is no such stage.
        """
        return self.slots[self._stage_index(stage_id)].dry(frames)

    def values(self) -> dict[str, Value]:
        """All parameters by id (`stage.field`)."""
        return {
            f"{slot.stage.id}.{name}": getattr(params, name)
            for slot, params in zip(self.slots, self._settings.params, strict=True)
            for name in params.specs()
        }

    def value(self, param_id: str) -> Value:
        """One parameter, by its id.

        Raises
        ------
        ParameterError
            If there is no such parameter.
        """
        index, spec = self._find(param_id)
        value: Value = getattr(self._settings.params[index], spec.name)
        return value

    def spec(self, param_id: str) -> ParamSpec:
        """The declaration of a parameter; raises as `value`."""
        return self._find(param_id)[1]

    def clamped(self, param_id: str, value: Value) -> Value:
        """What `set` would make of `value`; changes nothing.

        Raises
        ------
        ParameterError
            If there is no such parameter or it cannot take the value.
        """
        try:
            return self.spec(param_id).clamp(value)
        except ValueError as error:
            raise ParameterError(f"{param_id}: {error}") from None

    def slot(self, stage_id: str) -> Slot:
        """A stage in its place, by its id.

        Raises
        ------
        ParameterError
            If there is no such stage.
        """
        return self.slots[self._stage_index(stage_id)]

    def bypasses(self) -> dict[str, bool]:
        """Whether each stage is bypassed, by its id."""
        return dict(zip(self._index, self._settings.bypassed, strict=True))

    def set(self, param_id: str, value: Value) -> Value:
        """Set one parameter and return its value after clamping. Control thread.

        Raises
        ------
        ParameterError
            If there is no such parameter or it cannot take the value.
        """
        self.apply({param_id: value})
        return self.value(param_id)

    def bypass(self, stage_id: str, is_bypassed: bool) -> None:
        """Take a stage out of the sound or put it back. Control thread.

        Raises
        ------
        ParameterError
            If there is no such stage.
        """
        index = self._stage_index(stage_id)
        bypassed = list(self._settings.bypassed)
        bypassed[index] = is_bypassed
        self._settings = replace(self._settings, bypassed=tuple(bypassed))

    def set_dry(self, is_dry: bool) -> None:
        """Take all stages out of the sound at once, or bring back those that were in it. Control thread."""
        self._settings = replace(self._settings, is_dry=is_dry)

    def apply(self, values: Mapping[str, Value], bypass: Mapping[str, bool] = MappingProxyType({})) -> None:
        """Set several parameters and bypasses in one swap: a block sees all of them or none. Control thread.

        Raises
        ------
        ParameterError
            If one of them is unknown or out of type; then nothing is changed.
        """
        settings = self._settings
        self._settings = replace(
            settings,
            params=self._changed(settings.params, values),
            bypassed=self._bypassed(settings.bypassed, bypass),
        )

    def load(self, values: Mapping[str, Value], bypass: Mapping[str, bool]) -> None:
        """Set everything in one swap; what is not named takes its default. Control thread.

        Raises
        ------
        ParameterError
            As `apply`.
        """
        defaults = tuple(slot.stage.params_type() for slot in self.slots)
        untouched = tuple(slot.stage.starts_bypassed for slot in self.slots)
        self._settings = replace(
            self._settings, params=self._changed(defaults, values), bypassed=self._bypassed(untouched, bypass)
        )

    def _bypassed(self, before: tuple[bool, ...], changes: Mapping[str, bool]) -> tuple[bool, ...]:
        bypassed = list(before)
        for stage_id, is_bypassed in changes.items():
            bypassed[self._stage_index(stage_id)] = is_bypassed
        return tuple(bypassed)

    def _changed(self, params: Sequence[Params], values: Mapping[str, Value]) -> tuple[Params, ...]:
        changed = list(params)
        by_stage: dict[int, dict[str, Value]] = {}
        for param_id, value in values.items():
            stage_id, _, field = param_id.partition(".")
            by_stage.setdefault(self._stage_index(stage_id), {})[field] = value
        for index, own in by_stage.items():
            try:
                changed[index] = changed[index].with_values(own)
            except ValueError as error:
                raise ParameterError(f"{self.slots[index].stage.id}: {error}") from None
        return tuple(changed)

    def _find(self, param_id: str) -> tuple[int, ParamSpec]:
        stage_id, _, field = param_id.partition(".")
        index = self._stage_index(stage_id)
        spec = self._settings.params[index].specs().get(field)
        if spec is None:
            raise ParameterError(f"there is no parameter {param_id!r}; `sidetone params` lists them")
        return index, spec

    def _stage_index(self, stage_id: str) -> int:
        if stage_id not in self._index:
            raise ParameterError(f"there is no stage named {stage_id!r}; known: {', '.join(self._index)}")
        return self._index[stage_id]


def _prepare(slot: Slot, params: Params, is_bypassed: bool, fmt: StreamFormat) -> None:
    slot.stage.expect(params)
    slot.prepare(fmt)
    slot.snap(is_bypassed)
