"""The way from one set of settings to another, walked in small steps: what can glide glides, the rest changes over half-way.

Numbers move along their control's travel, so a frequency moves by octaves. A stage that comes in does so at the beginning,
with its parameters where they shall be; one that goes out does so at the end. Pure computation; control thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.config import ChainConfig
from engine.control.history import difference
from engine.core.params import ParamKind, ParamSpec, Value

_HALF = 0.5


class Morph:
    """From `start`, which is whole settings, to `target`, which may name only some.

    Parameters
    ----------
    spec_of : callable
        Gives the declaration of a parameter by its id.
    """

    def __init__(self, start: ChainConfig, target: ChainConfig, spec_of: Callable[[str], ParamSpec]) -> None:
        self._before, self._after = difference(start, target)
        self._specs: Mapping[str, ParamSpec] = {name: spec_of(name) for name in self._after.params}
        self._out_at_start = frozenset(stage for stage, is_bypassed in start.bypass.items() if is_bypassed)
        self._left: set[str] = set()

    def leave(self, changed: ChainConfig) -> None:
        """Let go of what somebody else changes meanwhile: the hand on the knob wins."""
        self._left |= changed.params.keys() | changed.bypass.keys()

    def at(self, part: float) -> ChainConfig:
        """What is to be set when `part` (0…1) of the time is over."""
        return ChainConfig(
            params={name: self._value(name, part) for name in self._after.params if name not in self._left},
            bypass={
                stage: is_bypassed if part >= 1.0 else False
                for stage, is_bypassed in self._after.bypass.items()
                if stage not in self._left
            },
        )

    def _value(self, param_id: str, part: float) -> Value:
        spec, before, after = self._specs[param_id], self._before.params[param_id], self._after.params[param_id]
        if part >= 1.0 or param_id.partition(".")[0] in self._out_at_start:
            return after
        if spec.kind is not ParamKind.NUMBER:
            return after if part >= _HALF else before
        start, end = spec.to_travel(before), spec.to_travel(after)
        return spec.from_travel(start + part * (end - start))
