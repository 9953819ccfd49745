"""`sidetone ctl compare`: A/B, blind A/B/X, and what the denoiser takes away, in the running engine."""

from __future__ import annotations

import argparse

import msgspec

from app.chain_settings import tell_clamped
from engine import AnswerBlind, ChainConfig, Compare, EndComparison, EngineApi, Listen, Source


def compare(engine: EngineApi, command: argparse.Namespace) -> None:
    """Begin, steer or end a comparison, and show how it stands."""
    match command.what:
        case "start":
            bypass = {**dict.fromkeys(command.enabled, False), **dict.fromkeys(command.bypassed, True)}
            chain = ChainConfig(params=dict(command.settings), bypass=bypass)
            engine.send(Compare(command.preset or "", chain, command.model, command.trials))
            tell_clamped(command.settings, engine.describe())
        case "answer-a" | "answer-b":
            engine.send(AnswerBlind(Source(command.what.removeprefix("answer-"))))
        case "end" | "keep-b":
            engine.send(EndComparison(is_b_kept=command.what == "keep-b"))
        case source:
            engine.send(Listen(Source(source)))
    _show(engine, command.json)


def _show(engine: EngineApi, as_json: bool) -> None:
    comparison = engine.snapshot().comparison
    if as_json:
        print(msgspec.json.encode(comparison).decode())
        return
    if comparison is None:
        print("nothing is compared; the chain is heard as ever")
        return
    heard = "nothing yet but the chain as ever" if comparison.heard is Source.NOW else str(comparison.heard)
    print(f"heard: {heard}{' (on the monitor alone)' if comparison.is_private else ''}")
    if comparison.other:
        gains = ", ".join(f"{name} {gain:+.1f} dB" for name, gain in zip("AB", comparison.gains_db, strict=True))
        print(f"A as it is, B with {comparison.other}; {gains}; both {comparison.delay_ms:.0f} ms late")
    if comparison.right is not None and comparison.guessing is not None:
        chance = 100 * comparison.guessing
        print(f"{comparison.right} of {comparison.trials} right; by guessing alone in {chance:.1f} % of all tests")
    elif comparison.trials:
        print(f"blind test: {comparison.answered} of {comparison.trials} answered")
