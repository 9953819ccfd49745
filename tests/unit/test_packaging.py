"""What the locks promise, and that nothing installed shadows the program's own packages."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from app.cli import parse

ROOT = Path(__file__).resolve().parents[2]
OWN_PACKAGES = {"app", "engine", "models", "scripts", "tests"}
PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+?))? \\$", re.MULTILINE)


def pins(level: str) -> dict[str, set[str]]:
    """Locked versions of every package of a level; more than one where they differ by Python."""
    found: dict[str, set[str]] = {}
    for pin in PIN.finditer((ROOT / "requirements" / f"{level}.txt").read_text("utf-8")):
        found.setdefault(pin["name"], set()).add(pin["version"])
    return found


def declared(*groups: str) -> list[Requirement]:
    """Requirements in pyproject.toml: the program's own, or those of dependency groups."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    if not groups:
        return [Requirement(text) for text in project["project"]["dependencies"]]
    return [Requirement(text) for group in groups for text in project["dependency-groups"][group]]


def test_no_installed_package_has_a_name_of_ours() -> None:
    taken = {
        (distribution.name, file.parts[0])
        for distribution in distributions()
        for file in distribution.files or ()
        if file.parts[0].removesuffix(".py") in OWN_PACKAGES
    }
    assert not taken


@pytest.mark.parametrize(
    ("level", "groups"), [("uv", ("setup",)), ("app", ()), ("dev", ("dev",)), ("bench", ("dev", "bench"))]
)
def test_every_declared_requirement_is_locked_to_a_version_that_satisfies_it(
    level: str, groups: tuple[str, ...]
) -> None:
    locked = pins(level)
    for requirement in declared(*groups):
        name = requirement.name.lower().replace("_", "-")
        assert name in locked, f"{name} is not in requirements/{level}.txt: run scripts/lock"
        for version in locked[name]:
            assert requirement.specifier.contains(version), f"{name}=={version}: run scripts/lock"


def test_the_program_says_the_version_that_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--version"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert capsys.readouterr().out.split() == ["sidetone", project["version"]]


def test_a_higher_level_contains_the_lower_at_the_same_versions() -> None:
    assert pins("app").items() <= pins("dev").items() <= pins("bench").items()


@pytest.mark.parametrize("level", ["uv", "app", "dev", "bench"])
def test_every_pin_has_a_hash_and_no_lock_names_a_host(level: str) -> None:
    text = (ROOT / "requirements" / f"{level}.txt").read_text("utf-8")
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert len(blocks) == len(PIN.findall(text))
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "--index" not in text


def test_every_package_of_the_program_is_named_in_the_notice() -> None:
    notice = (ROOT / "NOTICE").read_text("utf-8").lower()
    assert [name for name in pins("app") if name not in notice and name != "pyside6-essentials"] == []


def test_imports_find_the_checkout_itself() -> None:
    import engine

    assert Path(str(engine.__file__)).is_relative_to(ROOT)
    assert sys.path.count(str(ROOT)) >= 1
