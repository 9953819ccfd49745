"""A real part that is absent is a named skip on a person's machine and a failure in CI."""

from __future__ import annotations

import pytest

from tests.conftest import require


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
@pytest.mark.parametrize("part", ["no-such-program", "module:no_such_module"])
def test_an_absent_part_is_named(
    part: str, ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match=part):
        require(part)


def test_a_part_that_is_there_lets_the_test_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    require("module:pytest")
