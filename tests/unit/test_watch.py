"""What a watched run tells, and how often."""

from __future__ import annotations

import pytest

from engine import watch
from engine.watch import Losses


def test_losses_are_told_once_a_second_at_most_and_none_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(watch, "monotonic", lambda: now_s)
    losses = Losses()
    assert losses.more(0) == 0
    assert losses.more(1) == 1
    now_s += 0.05
    assert losses.more(20) == 0
    now_s += 1.0
    assert losses.more(21) == 20
    assert losses.more(21) == 0
