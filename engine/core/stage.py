"""The one abstraction: a block of audio goes in, is changed in place, and comes out a declared number of samples later.

A new effect is one file in `engine/stages` with a subclass of `Stage` and one line in `STAGES`. `process` runs on the audio
thread and may not wait, log, lock or allocate without bound; everything else runs on the control thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.core.chain_settings import SettingsInUse
from engine.core.params import Params, Value
from engine.core.side_signals import SideSignals

Block = NDArray[np.float32]
"""Planar audio, shape (channels, frames), float32, full scale = 1.0."""

P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What a stage is prepared for.

    Parameters
    ----------
    max_frames : int
        No block is longer than this.
    is_fixed : bool
        True if every block has exactly `max_frames` frames, as on the DSP thread; False if any length up to it may come.
    is_mono_doubled : bool
        True if a single channel will be heard from two sides, as a live microphone is: then it counts twice as loud.
    """

    sample_rate: int
    channels: int
    max_frames: int
    is_fixed: bool = True
    is_mono_doubled: bool = False

    def bridging_samples(self, hop: int) -> int:
        """Delay a stage must add so that it can always serve a block while it works in hops of `hop` frames.

        Block ends fall on multiples of the block length, so at most `hop - gcd(hop, block)` frames wait for the rest of
        their hop; with blocks of any length that is `hop - 1`.
        """
        return hop - gcd(hop, self.max_frames if self.is_fixed else 1)


@dataclass(frozen=True, slots=True)
class MeterSpec:
    """One figure that a stage shows while it works, such as its gain reduction."""

    name: str
    label: str
    unit: str
    minimum: float
    maximum: float


class Context(Generic[P]):
    """What a stage is handed with each block: its parameters now, and the slots of its meters.

    Attributes
    ----------
    params : P
        Frozen; the same object until something changed, so `ctx.params is not self._designed_for` tells when to redesign.
    meters : NDArray[np.float32]
        Shape (len(Stage.meters),); written by the stage, read by anyone.
    budget_ns : int
        Time the stage may take per block; 0 is no limit, as offline, where nothing may depend on time.
    side : SideSignals
        What travels beside the sound, shared by all stages of a chain.
    """

    __slots__ = ("_in_use", "budget_ns", "meters", "params", "side")

    def __init__(
        self, params: P, meter_count: int, side: SideSignals | None = None, in_use: SettingsInUse | None = None
    ) -> None:
        self._in_use = in_use
        self.params = params
        self.meters = np.zeros(meter_count, np.float32)
        self.budget_ns = 0
        self.side = side or SideSignals()

    def renewed(self, field: str) -> P:
        """`params`, as new as they can be once all but `field` is used. Audio thread, within `process`.

        For a stage that works long before it uses a parameter: what was changed meanwhile is heard a block earlier.

        Parameters
        ----------
        field : str
            What the stage has not used of this block's parameters yet; a change of more than it waits for the next block.
        """
        if self._in_use is not None:
            self.params = self._in_use.renewed(field)  # type: ignore[assignment]
        return self.params


class Assets(Protocol):
    """Where a stage finds what it cannot compute: the files of its models, and what they run on."""

    def model_path(self, model_id: str) -> Path:
        """Verified file of a model, built first if need be. Control thread.

        Raises
        ------
        engine.errors.ModelError
            If the model cannot be had; the message says what to do.
        """
        ...

    def provider(self, model_id: str) -> str:
        """Execution provider of onnxruntime that suits a model best on this machine. Control thread."""
        ...


class Stage(ABC, Generic[P]):
    """An effect. Subclasses set `id`, `label`, `params_type` and `help`, and implement `prepare`, `process` and `reset`.

    One that adds a delay declares it in `latency_samples`.
    """

    id: ClassVar[str]
    label: ClassVar[str]
    params_type: ClassVar[type[Params]]
    meters: ClassVar[tuple[MeterSpec, ...]] = ()
    help: ClassVar[str] = ""
    starts_bypassed: ClassVar[bool] = False
    """True for an effect that a user has to ask for."""
    rests_bypassed: ClassVar[bool] = False
    """True for an effect that costs much and soon finds its feet: not fed while it is bypassed, and begun anew after it."""

    @classmethod
    def build(cls, assets: Assets) -> Self:
        """Make the stage. Overridden by stages that need models. Control thread."""
        return cls()

    def expect(self, params: P) -> None:
        """Told which parameters the stream will begin with, before `prepare`. Control thread.

        For stages whose latency depends on a parameter: what is chosen here is what they declare.
        """

    def successor(self) -> Self:
        """Make an unprepared stage of the same kind, which shares what never changes (weights). Control thread."""
        return type(self)()

    @abstractmethod
    def prepare(self, fmt: StreamFormat) -> None:
        """Allocate and compute what `fmt` needs, and warm up. Control thread."""

    @abstractmethod
    def process(self, block: Block, ctx: Context[P]) -> None:
        """Change `block` in place. Audio thread.

        Parameters
        ----------
        block : Block
            Shape (channels, frames), frames <= `StreamFormat.max_frames`; C-contiguous rows.
        """

    @abstractmethod
    def reset(self) -> None:
        """Forget all history, keep parameters and allocations. Audio thread, at a block boundary."""

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags the input; constant while prepared."""
        return 0

    @property
    def providers(self) -> Mapping[str, str]:
        """What each of the stage's models runs on now, by the model's id. Any thread."""
        return {}

    @property
    def wants_prepare(self) -> bool:
        """Whether a parameter now asks for another latency than the one prepared for. Any thread; polled.

        The sound goes on as it is until the chain is prepared again.
        """
        return False

    @property
    def waits_for(self) -> str:
        """What the stage would need to do anything at all, such as a second input; empty while it has it. Any thread."""
        return ""

    def tend(self) -> None:
        """Build what takes time and is wanted by now, and hand it over, while the sound goes on. Control thread; polled.

        For what follows from parameters and is too dear for `process`, such as the design of a long filter.
        """

    def learnt(self) -> Mapping[str, Value]:
        """What the stage has learnt and a later stream shall begin with, as values of its own parameters. Control thread.

        Only what is worth a change; setting it must not be heard in this stream.
        """
        return {}

    def take_notices(self) -> tuple[str, ...]:
        """What the user should be told since the last call, a sentence each. Control thread.

        For what a stage does by itself; it keeps no more than a bounded number.
        """
        return ()
