"""Declarations of services' settings as parameters, so that the controls of these serve them too. GUI thread; nothing waits.

Default and range are those that the settings' own struct declares.
"""

from __future__ import annotations

from typing import get_args

import msgspec

from engine import ParamKind, ParamSpec


def choice(config: type[msgspec.Struct], name: str, label: str, help: str) -> ParamSpec:
    """One of a few options, which `config` has as an enum."""
    field = _field(config, name)
    options = tuple(str(option) for option in field.type)
    last = len(options) - 1.0
    return ParamSpec(name, label, ParamKind.CHOICE, str(field.default), 0.0, last, "", False, 1.0, options, help, False)


def number(config: type[msgspec.Struct], name: str, label: str, unit: str, help: str) -> ParamSpec:
    """A number in steps of one, which `config` bounds on both sides."""
    field = _field(config, name)
    bounds = next(part for part in get_args(field.type) if isinstance(part, msgspec.Meta))
    least, most = float(bounds.ge or 0.0), float(bounds.le or 0.0)
    default = float(field.default)
    return ParamSpec(name, label, ParamKind.NUMBER, default, least, most, unit, False, 1.0, (), help, False)


def _field(config: type[msgspec.Struct], name: str) -> msgspec.structs.FieldInfo:
    return next(field for field in msgspec.structs.fields(config) if field.name == name)
