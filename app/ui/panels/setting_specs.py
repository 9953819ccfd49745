"""Declarations of services' settings, so that the controls of parameters serve them too. GUI thread."""

from __future__ import annotations

from engine import ParamKind, ParamSpec


def choice(name: str, label: str, options: tuple[str, ...], help: str) -> ParamSpec:
    """One of a few options; the first is the default."""
    last = len(options) - 1.0
    return ParamSpec(name, label, ParamKind.CHOICE, options[0], 0.0, last, "", False, 1.0, options, help, False)


def number(name: str, label: str, default: float, least: float, most: float, unit: str, help: str) -> ParamSpec:
    """A number in steps of one."""
    return ParamSpec(name, label, ParamKind.NUMBER, default, least, most, unit, False, 1.0, (), help, False)
