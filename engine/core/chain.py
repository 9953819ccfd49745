"""Stages in a row: one frozen set of settings per block, one number for the delay, and a guard at the end.

`set`, `bypass` and `apply` build a new `ChainSettings` and swap one reference, so a block sees all of a change or none,
over all stages, without lock, copy or queue. A change that comes while a block is on its way and touches only what it has
still before it is heard in that very block; any other waits for the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.core.chain_settings import ChainSettings, SettingsInUse
from engine.core.change_over import ChangeOver
from engine.core.params import Params, ParamSpec, Value
from engine.core.settings_schema import SettingsSchema
from engine.core.side_signals import SideSignals
from engine.core.slot import Slot
from engine.core.stage import Block, Stage, StreamFormat

TapListener = Callable[[str, Block], None]
"""Takes the id of a tapped stage and the sound after it, shape (channels, frames). Audio thread."""


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
        self._schema = SettingsSchema(stages)
        self._in_use = SettingsInUse(self._schema.defaults)
        self._side = SideSignals()
        self.slots = tuple(
            self._slot(stage, params) for stage, params in zip(stages, self._in_use.newest.params, strict=True)
        )
        self._tapped = self._schema.known(taps)
        self._change: ChangeOver | None = None
        self._retired: list[Slot] = []

    def prepare(self, fmt: StreamFormat) -> None:
        """Prepare every stage, load and warm what they need. Control thread, before the stream opens."""
        if self._change is not None:
            # The stream ended in the middle of it.
            self._put(self._change.index, self._change.new)
        settings = self._in_use.newest
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
        index = self._schema.index(stage.id)
        if is_live:
            self._retired.clear()
            self._lead_over(index, stage)
        else:
            self._put(index, self._slot(stage, self._in_use.newest.params[index]))

    def _lead_over(self, index: int, stage: Stage[Any]) -> None:
        old, params = self.slots[index], self._in_use.newest.params[index]
        new = self._slot(stage, params)
        new.fault_count, new.budget_ns = old.fault_count, old.budget_ns
        _prepare(new, params, self._in_use.newest.unheard[index], self.format)
        self._change = ChangeOver(index, old, new, self.format)

    def _slot(self, stage: Stage[Any], params: Params) -> Slot:
        return Slot(stage, params, self._side, self._in_use)

    def _put(self, index: int, slot: Slot) -> None:
        self.slots = (*self.slots[:index], slot, *self.slots[index + 1 :])

    @property
    def settings(self) -> ChainSettings:
        """The settings that the next block will see, and this one where it can still see all that is new in them."""
        return self._in_use.newest

    def process(self, block: Block, music: Block | None = None, listener: TapListener | None = None) -> None:
        """Run all stages over `block` in place, shape (channels, frames), finite and bounded. Audio thread.

        Parameters
        ----------
        music : Block or None
            The second input, as many frames, one or two channels; a stage of the chain mixes it in.
        listener : TapListener or None
            Called at each tap as soon as the sound is there, with the stage's id and what `tap` gives.
        """
        in_use = self._in_use
        in_use.begin_block()
        # Slots look for NaN and overflow themselves; numpy's warnings would be printed from the audio thread.
        with np.errstate(all="ignore"):
            self._side.begin_block(music)
            change = self._change
            for index, slot in enumerate(self.slots):
                in_use.reach(index)
                params, is_bypassed = in_use.settings.params[index], in_use.unheard[index]
                if change is not None and change.index == index:
                    self._go_over(change, block, params, is_bypassed)
                else:
                    slot.process(block, params, is_bypassed)
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
        return self.slots[self._schema.index(stage_id)].dry(frames)

    def values(self) -> dict[str, Value]:
        """All parameters by id (`stage.field`)."""
        return self._schema.values(self._in_use.newest)

    def value(self, param_id: str) -> Value:
        """One parameter, by its id.

        Raises
        ------
        ParameterError
            If there is no such parameter.
        """
        return self._schema.value(self._in_use.newest, param_id)

    def spec(self, param_id: str) -> ParamSpec:
        """The declaration of a parameter; raises as `value`."""
        return self._schema.spec(param_id)

    def clamped(self, param_id: str, value: Value) -> Value:
        """What `set` would make of `value`; changes nothing.

        Raises
        ------
        ParameterError
            If there is no such parameter or it cannot take the value.
        """
        return self._schema.clamped(param_id, value)

    def slot(self, stage_id: str) -> Slot:
        """A stage in its place, by its id.

        Raises
        ------
        ParameterError
            If there is no such stage.
        """
        return self.slots[self._schema.index(stage_id)]

    def bypasses(self) -> dict[str, bool]:
        """Whether each stage is bypassed, by its id."""
        return self._schema.bypasses(self._in_use.newest)

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
        self.apply({}, {stage_id: is_bypassed})

    def set_dry(self, is_dry: bool) -> None:
        """Take all stages out of the sound at once, or bring back those that were in it. Control thread."""
        self._put_in_use(replace(self._in_use.newest, is_dry=is_dry))

    def apply(self, values: Mapping[str, Value], bypass: Mapping[str, bool] = MappingProxyType({})) -> None:
        """Set several parameters and bypasses in one swap: a block sees all of them or none. Control thread.

        Raises
        ------
        ParameterError
            If one of them is unknown or out of type; then nothing is changed.
        """
        self._put_in_use(self._schema.changed(self._in_use.newest, values, bypass))

    def keep_learnt(self, values: Mapping[str, Value]) -> None:
        """Write what stages have learnt into their parameters. Control thread.

        Raises
        ------
        ParameterError
            As `apply`.
        """
        self._in_use.newest = self._schema.changed(self._in_use.newest, values)

    def load(self, values: Mapping[str, Value], bypass: Mapping[str, bool]) -> None:
        """Set everything in one swap; what is not named takes its default. Control thread.

        Raises
        ------
        ParameterError
            As `apply`.
        """
        defaults = replace(self._schema.defaults, is_dry=self._in_use.newest.is_dry)
        self._put_in_use(self._schema.changed(defaults, values, bypass))

    def _put_in_use(self, settings: ChainSettings) -> None:
        self._in_use.newest = replace(settings, edition=self._in_use.newest.edition + 1)


def _prepare(slot: Slot, params: Params, is_bypassed: bool, fmt: StreamFormat) -> None:
    slot.stage.expect(params)
    slot.prepare(fmt)
    slot.snap(is_bypassed)
