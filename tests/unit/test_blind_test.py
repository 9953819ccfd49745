"""The blind test counts right and tells only at the end."""

from __future__ import annotations

from itertools import cycle

import pytest

from engine.comparison import Source
from engine.control.blind_test import BlindTest


def test_nothing_is_told_before_the_last_answer() -> None:
    draws = cycle([Source.A, Source.B])
    test = BlindTest(4, lambda: next(draws))
    for answered in range(4):
        assert (test.answered, test.right, test.guessing) == (answered, None, None)
        test.answer(Source.A)
    assert test.is_over
    assert test.right == 2
    test.answer(Source.A)
    assert test.answered == 4


@pytest.mark.parametrize(("right", "probability"), [(10, 1 / 1024), (9, 11 / 1024), (5, 638 / 1024), (0, 1.0)])
def test_the_probability_of_guessing_is_the_binomial_one(right: int, probability: float) -> None:
    test = BlindTest(10, lambda: Source.A)
    for number in range(10):
        test.answer(Source.A if number < right else Source.B)
    assert test.guessing == pytest.approx(probability)


def test_x_is_drawn_both_ways() -> None:
    assert {BlindTest(1).x for _ in range(100)} == {Source.A, Source.B}
