"""Types of the command line's arguments: what is typed becomes a value, or a sentence that says why not. No state."""

from __future__ import annotations

import argparse

from engine.commands import MOST_MORPH_MS


def positive(text: str) -> float:
    """A number above zero."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return value


def count(text: str) -> int:
    """A whole number above zero."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above zero")
    return int(text)


def milliseconds(text: str) -> float:
    """A time in which a preset may be reached."""
    value = positive(text)
    if value > MOST_MORPH_MS:
        raise argparse.ArgumentTypeError(f"{text} ms is too long; at most {MOST_MORPH_MS:.0f}")
    return value


def port(text: str) -> int:
    """A TCP port."""
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; one is from 1 to 65535")
    return int(text)


def assignment(text: str) -> tuple[str, str]:
    """A parameter and its value, as `stage.parameter=value`."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form stage.parameter=value")
    return name, value
