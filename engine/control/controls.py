"""The one door for every change of sound: slider, MIDI, preset, command line and remote control all come through here.

Writers are control threads and may wait for each other; the audio thread never does, it reads one reference.
"""

from __future__ import annotations

from threading import Lock

from engine.config import ChainConfig
from engine.core.chain import Chain
from engine.core.params import ParamSpec, Value


class Controls:
    """Changes a chain's settings, one writer at a time.

    All methods: Control thread. All raise `ParameterError` for unknown names or values that do not fit, and then change
    nothing.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._writer = Lock()

    def set(self, param_id: str, value: Value) -> Value:
        """Set one parameter; returns the value after clamping."""
        with self._writer:
            return self._chain.set(param_id, value)

    def apply(self, config: ChainConfig) -> None:
        """Set several parameters and bypasses at one block boundary; the rest stays as it is."""
        with self._writer:
            values = {**self._chain.values(), **config.params}
            self._chain.load(values, {**self._chain.bypasses(), **config.bypass})

    def bypass(self, stage_id: str, is_bypassed: bool) -> None:
        """Take a stage out of the sound or put it back."""
        with self._writer:
            self._chain.bypass(stage_id, is_bypassed)

    def load(self, config: ChainConfig) -> None:
        """Bring the whole chain to saved settings, at one block boundary."""
        with self._writer:
            self._chain.load(config.params, config.bypass)

    def known(self, config: ChainConfig) -> ChainConfig:
        """What of `config` this chain can take; settings saved by another version may hold more."""
        specs = {
            f"{slot.stage.id}.{name}": spec
            for slot in self._chain.slots
            for name, spec in slot.stage.params_type.specs().items()
        }
        stages = {slot.stage.id for slot in self._chain.slots}
        return ChainConfig(
            params={
                name: value for name, value in config.params.items() if name in specs and _fits(specs[name], value)
            },
            bypass={stage: is_bypassed for stage, is_bypassed in config.bypass.items() if stage in stages},
        )

    def save(self) -> ChainConfig:
        """All settings, as they are now."""
        with self._writer:
            return ChainConfig(params=self._chain.values(), bypass=self._chain.bypasses())


def _fits(spec: ParamSpec, value: Value) -> bool:
    try:
        spec.clamp(value)
    except ValueError:
        return False
    return True
