"""What the documents name is there, what they say to type is known, and the effect that they make step by step works."""

from __future__ import annotations

import argparse
import importlib.util
import re
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from app.cli import make_parser
from engine.core.stage import Stage, StreamFormat
from tests.helpers.stages import BLOCK, SAMPLE_RATE, clicks, run, run_through, tone, voice_like, with_values

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/**/*.md", "models/*.md", "installer/*.md") for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\(([^)#:]+)\)")
FILE = re.compile(r"`((?:app|benchmarks|docs|engine|installer|resources|scripts|tests)/[\w./*-]+)`")
MODULE = re.compile(r"python -m ((?:benchmarks|models|scripts)\.[a-z_]+)")
TYPED = re.compile(r"`(?:\./)?sidetone ([a-z][^`]*)`")

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


@every_document
def test_links_files_and_modules_are_there(path: Path) -> None:
    text = path.read_text("utf-8")
    links = [path.parent / link for link in LINK.findall(text)]
    modules = [ROOT / module.replace(".", "/") for module in MODULE.findall(text)]
    assert [str(link) for link in links if not link.exists()] == []
    assert [name for name in FILE.findall(text) if not list(ROOT.glob(name))] == []
    assert [str(file) for file in modules if not (file.with_suffix(".py").exists() or file.is_dir())] == []


@every_document
def test_commands_are_known(path: Path) -> None:
    typed = [line.replace("\\|", "|").replace("…", "").split() for line in TYPED.findall(path.read_text("utf-8"))]
    assert [" ".join(words) for words in typed if not is_known(words, make_parser())] == []


def is_known(words: list[str], parser: argparse.ArgumentParser) -> bool:
    """Whether the first words name a command and, if it has several, its actions; ``a | b`` names both."""
    choices = next((action.choices for action in parser._actions if action.choices and not action.option_strings), None)
    if not words or choices is None:
        return True
    if words[1:2] == ["|"]:
        return set(words) - {"|"} <= set(choices)
    if words[0] not in choices:
        return parser.prog == "sidetone bench" and words[0].startswith("-")
    below = choices[words[0]] if isinstance(choices, dict) else None
    return below is None or is_known(words[1:], below)


@pytest.fixture(scope="module")
def documented_effect(tmp_path_factory: pytest.TempPathFactory) -> type[Stage[Any]]:
    """The stage that docs/add-an-effect.md makes."""
    code = (ROOT / "docs" / "add-an-effect.md").read_text("utf-8").partition("```python\n")[2].partition("```")[0]
    file = tmp_path_factory.mktemp("effect") / "width.py"
    file.write_text(code, "utf-8")
    spec = importlib.util.spec_from_file_location("width", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        # What is compiled of it goes with it.
        patch.setattr(numba.config, "CACHE_DIR", str(file.parent))
        spec.loader.exec_module(module)
    stage_type: type[Stage[Any]] = module.Width
    return stage_type


def prepared(stage_type: type[Stage[Any]]) -> Stage[Any]:
    stage = stage_type()
    stage.prepare(StreamFormat(SAMPLE_RATE, 2, BLOCK, is_fixed=False))
    return stage


def test_the_documented_effect_does_what_it_says(documented_effect: type[Stage[Any]]) -> None:
    sound = voice_like(0.5, channels=2)
    stage, params = prepared(documented_effect), documented_effect.params_type
    assert stage.help.endswith(".")
    np.testing.assert_array_equal(run(stage, sound, params()), sound)
    stage.reset()
    mono = run(stage, sound, with_values(params, {"width": 0.0}))
    np.testing.assert_allclose(mono[0], mono[1], atol=1e-6)
    np.testing.assert_allclose(mono[0], sound.mean(axis=0), atol=1e-6)


def test_the_documented_effect_keeps_the_contract(documented_effect: type[Stage[Any]]) -> None:
    """What of it can go wrong: the result depends on the cuts, or a change clicks."""
    stage, params = prepared(documented_effect), documented_effect.params_type
    sound = np.concatenate([voice_like(0.2, channels=2), voice_like(0.2, channels=2, seed=2)], axis=1)
    half = sound.shape[1] // 2
    narrow, wide = with_values(params, {"width": 0.2}), with_values(params, {"width": 2.0})

    def output(lengths: list[int]) -> Any:
        stage.reset()
        parts = run(stage, sound[:, :half], narrow, lengths), run(stage, sound[:, half:], wide, lengths)
        return np.concatenate(parts, axis=1)

    np.testing.assert_allclose(output([7, 480, 1, 333]), output([BLOCK]), atol=1e-6)
    stage.reset()
    sides = tone(1.0, -6.0, channels=2) * np.array([[1.0], [-1.0]], np.float32)
    changing = run_through(stage, sides, [narrow] * 50 + [wide])
    assert 20 * np.log10(clicks(changing[0])[BLOCK * 2 : -BLOCK * 2].max()) < -60.0
