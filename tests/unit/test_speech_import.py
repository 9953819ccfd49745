"""A speech model from elsewhere, of another tokenizer: looked through, tried, and used in the place of Sidetone's own."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from engine.inference.moonshine import Moonshine
from engine.inference.probe import probe
from tests.helpers.speech_models import speech_archive


def test_a_speech_model_is_known_by_its_parts(tmp_path: Path) -> None:
    path = tmp_path / "small.zip"
    path.write_bytes(speech_archive())
    finding = probe(path)
    assert (finding.problem, finding.fits, finding.sample_rate_hz) == ("", "moonshine-tiny-en", 16_000)
    assert finding.cost_ms > 0.0
    assert len(Moonshine(path).tokenizer) == 10


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("encoder_model.ort", b"ORTM", "cannot be looked through"),
        ("more.py", b"import os", "cannot be looked through"),
        ("encoder_model.onnx", b"\xff\xff", ""),
    ],
)
def test_an_archive_with_strange_parts_is_refused(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    path = tmp_path / "strange.zip"
    whole = zipfile.ZipFile(io.BytesIO(speech_archive()))
    with zipfile.ZipFile(path, "w") as strange:
        for member in whole.namelist():
            if not member.endswith(name):
                strange.writestr(member, whole.read(member))
        strange.writestr(name, content)
    finding = probe(path)
    assert finding.fits == ""
    assert problem in finding.problem
    assert finding.problem
