"""Which stages and parameters a chain has, and how its settings are read and made by their ids.

Control thread, unless it says otherwise; nothing here waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from engine.core.chain_settings import ChainSettings
from engine.core.params import ParamSpec, Value
from engine.core.stage import Stage
from engine.errors import ParameterError


class SettingsSchema:
    """Reads and makes the settings of a chain of these stages.

    Parameters
    ----------
    stages : sequence of Stage
        In chain order.
    """

    def __init__(self, stages: Sequence[Stage[Any]]) -> None:
        self._index = {stage.id: index for index, stage in enumerate(stages)}
        self._ids = tuple(self._index)
        self._specs = tuple(stage.params_type.specs() for stage in stages)
        self.defaults = ChainSettings(
            tuple(stage.params_type() for stage in stages), tuple(stage.starts_bypassed for stage in stages)
        )

    def index(self, stage_id: str) -> int:
        """Place of a stage in the chain. Any thread.

        Raises
        ------
        ParameterError
            If there is no such stage.
        """
        if stage_id not in self._index:
            raise ParameterError(f"there is no stage named {stage_id!r}; known: {', '.join(self._ids)}")
        return self._index[stage_id]

    def known(self, stage_ids: Iterable[str]) -> dict[int, str]:
        """Those of the stages that are there, by their place."""
        return {self._index[stage_id]: stage_id for stage_id in stage_ids if stage_id in self._index}

    def spec(self, param_id: str) -> ParamSpec:
        """The declaration of a parameter (`stage.field`). Any thread.

        Raises
        ------
        ParameterError
            If there is no such parameter.
        """
        return self._find(param_id)[1]

    def clamped(self, param_id: str, value: Value) -> Value:
        """What a parameter would make of `value`.

        Raises
        ------
        ParameterError
            If there is no such parameter or it cannot take the value.
        """
        try:
            return self.spec(param_id).clamp(value)
        except ValueError as error:
            raise ParameterError(f"{param_id}: {error}") from None

    def value(self, settings: ChainSettings, param_id: str) -> Value:
        """One parameter, by its id; raises as `spec`. Any thread."""
        index, spec = self._find(param_id)
        value: Value = getattr(settings.params[index], spec.name)
        return value

    def values(self, settings: ChainSettings) -> dict[str, Value]:
        """All parameters by id. Any thread."""
        return {
            f"{stage_id}.{name}": getattr(params, name)
            for stage_id, params, specs in zip(self._ids, settings.params, self._specs, strict=True)
            for name in specs
        }

    def bypasses(self, settings: ChainSettings) -> dict[str, bool]:
        """Whether each stage is bypassed, by its id. Any thread."""
        return dict(zip(self._ids, settings.bypassed, strict=True))

    def changed(
        self, settings: ChainSettings, values: Mapping[str, Value], bypass: Mapping[str, bool] = MappingProxyType({})
    ) -> ChainSettings:
        """Other settings: `values` by parameter and `bypass` by stage, the rest as in `settings`.

        Raises
        ------
        ParameterError
            If one of them is unknown or out of type.
        """
        params = list(settings.params)
        for index, own in self._by_stage(values).items():
            try:
                params[index] = params[index].with_values(own)
            except ValueError as error:
                raise ParameterError(f"{self._ids[index]}: {error}") from None
        bypassed = list(settings.bypassed)
        for stage_id, is_bypassed in bypass.items():
            bypassed[self.index(stage_id)] = is_bypassed
        return replace(settings, params=tuple(params), bypassed=tuple(bypassed))

    def _by_stage(self, values: Mapping[str, Value]) -> dict[int, dict[str, Value]]:
        by_stage: dict[int, dict[str, Value]] = {}
        for param_id, value in values.items():
            stage_id, _, field = param_id.partition(".")
            by_stage.setdefault(self.index(stage_id), {})[field] = value
        return by_stage

    def _find(self, param_id: str) -> tuple[int, ParamSpec]:
        stage_id, _, field = param_id.partition(".")
        index = self.index(stage_id)
        spec = self._specs[index].get(field)
        if spec is None:
            raise ParameterError(f"there is no parameter {param_id!r}; `sidetone params` lists them")
        return index, spec
