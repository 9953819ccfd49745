"""Words that stand: for how long hypotheses must agree, and that nothing which stands ever changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.captions.stable_prefix import DOUBTED_TIMES, StablePrefix, continued
from engine.inference.tokens import Word
from tests.helpers.scripted_speech import said


def text_of(words: tuple[Word, ...]) -> str:
    return "".join(word.text + word.mark for word in words).strip()


def stands_after_s(confidence: float, others: float = 0.99) -> float:
    """For how long the same hypothesis must be heard, every 50 ms, until the last but one of its words stands."""
    prefix = StablePrefix()
    words = (*said("yes well then", others), *said("perhaps", confidence), *said("so", others))
    for number in range(100):
        prefix.hear(words, number * 0.05)
        prefix.committed = prefix.stable(is_pause=False)
        if prefix.committed == 4:
            return number * 0.05
    return float("inf")


def test_the_more_the_model_doubts_a_word_the_longer_hypotheses_must_agree_on_it() -> None:
    assert [stands_after_s(value) for value in (0.99, 0.9, 0.6)] == pytest.approx([0.2, 0.3, 0.5])


def test_where_the_model_doubts_all_words_agreement_must_last_longer() -> None:
    assert stands_after_s(0.86, others=0.86) == pytest.approx(DOUBTED_TIMES * stands_after_s(0.9, others=0.9))


def test_the_last_word_stands_only_in_a_pause() -> None:
    prefix = StablePrefix()
    for number in range(20):
        prefix.hear(said("wait for"), number * 0.1)
    assert (prefix.stable(is_pause=False), prefix.stable(is_pause=True)) == (1, 2)


def test_what_is_heard_otherwise_later_begins_anew() -> None:
    prefix = StablePrefix()
    prefix.hear(said("ice cream now"), 0.0)
    prefix.hear(said("I scream now"), 0.5)
    assert prefix.stable(is_pause=False) == 0


@pytest.mark.parametrize(
    ("stands", "heard", "whole"),
    [
        ("", "good evening", "good evening"),
        ("good", "good evening all", "good evening all"),
        ("good evening", "Good evening, all", "good evening, all"),
        ("could evening", "good evening all", "could evening all"),
        ("good even", "good evening all", "good even all"),
        ("well good evening", "good evening all", "well good evening all"),
        ("good evening", "good", "good evening"),
        ("good evening", "", "good evening"),
    ],
)
def test_what_follows_on_words_that_stand(stands: str, heard: str, whole: str) -> None:
    assert text_of(continued(said(stands), said(heard))) == whole


@given(st.lists(st.text("abc", max_size=6).map(" ".join), min_size=1, max_size=12))
def test_what_stands_never_changes(hypotheses: list[str]) -> None:
    prefix = StablePrefix()
    stood: tuple[str, ...] = ()
    for number, text in enumerate(hypotheses):
        prefix.hear(said(text), number * 0.1)
        prefix.committed = prefix.stable(is_pause=number % 5 == 4)
        standing = tuple(word.text for word in prefix.words[: prefix.committed])
        assert standing[: len(stood)] == stood
        stood = standing
