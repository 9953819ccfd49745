"""Building a file: whole and checked in its place, or one sentence and everything as before."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from engine.errors import ModelError
from engine.inference.catalog import Carrier, ModelEntry, ModelKind, ModelStore
from models.build import _archived, build, build_missing
from models.build.__main__ import main
from models.build.carrier import _packed

CONTENT = b"weights" * 1000
MEMBER = "a_package/models/weights.bin"


def unheard(doing: str, share: float) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    directory = tmp_path / "wheels"
    directory.mkdir()
    with zipfile.ZipFile(directory / "a_package-1.0-py3-none-some_machine.whl", "w") as wheel:
        wheel.writestr(MEMBER, CONTENT)
    return directory


@pytest.fixture
def entry(wheels: Path) -> ModelEntry:
    wheel = next(wheels.iterdir()).read_bytes()
    content_sha256 = hashlib.sha256(CONTENT).hexdigest()
    return ModelEntry(
        id="a-model",
        kind=ModelKind.DENOISER,
        label="A model",
        version="1",
        source="",
        licence="MIT",
        recipe="copy",
        file="a-model.bin",
        sha256=content_sha256,
        sample_rate_hz=48_000,
        hop_samples=480,
        delay_samples=480,
        card="",
        carrier=Carrier(
            "a-package", "1.0", "some_machine", "311", hashlib.sha256(wheel).hexdigest(), MEMBER, content_sha256
        ),
    )


def with_carrier(entry: ModelEntry, **changes: str) -> ModelEntry:
    return dataclasses.replace(entry, carrier=dataclasses.replace(entry.carrier, **changes))


def test_a_file_is_built_from_a_wheel_at_hand(entry: ModelEntry, wheels: Path, tmp_path: Path) -> None:
    steps: list[tuple[str, float]] = []
    target = tmp_path / "new" / "folder"
    path = build(entry, target, lambda doing, share: steps.append((doing, share)), wheels)
    assert path.read_bytes() == CONTENT
    assert list(target.iterdir()) == [path]
    assert steps == [("building A model", 0.0), ("built A model", 1.0)]
    assert ModelStore([entry], [target]).model_path("a-model") == path


def test_a_folder_becomes_an_archive_of_always_the_same_bytes(entry: ModelEntry, tmp_path: Path) -> None:
    expected = hashlib.sha256()
    for turn, names in enumerate((("b.bin", "a.bin"), ("a.bin", "b.bin"))):
        wheels = tmp_path / f"wheels-{turn}"
        wheels.mkdir()
        with zipfile.ZipFile(wheels / "a_package-1.0-py3-none-some_machine.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
            for name in names:
                wheel.writestr(zipfile.ZipInfo(f"a_package/parts/{name}", (2000 + turn, 1, 1, 0, 0, 0)), name)
            wheel.writestr("a_package/other.bin", b"")
        wheel_sha256 = hashlib.sha256(next(wheels.iterdir()).read_bytes()).hexdigest()
        packed = with_carrier(entry, member="a_package/parts/", wheel_sha256=wheel_sha256)
        if not turn:
            with zipfile.ZipFile(next(wheels.iterdir())) as wheel:
                expected.update(_packed(wheel, "a_package/parts/"))
        known = with_carrier(packed, member_sha256=expected.hexdigest())
        path = build(dataclasses.replace(known, sha256=expected.hexdigest()), tmp_path / "models", unheard, wheels)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["a.bin", "b.bin"]
        assert archive.read("a.bin") == b"a.bin"


def test_only_what_is_missing_is_built(entry: ModelEntry, tmp_path: Path) -> None:
    (tmp_path / entry.file).write_bytes(CONTENT)
    unreachable = with_carrier(entry, package="no-such-package")
    assert build_missing(ModelStore([unreachable], [tmp_path]), tmp_path, unheard) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"wheel_sha256": "0" * 64}, "is not the file that Sidetone's catalogue describes"),
        ({"member_sha256": "0" * 64}, "is not the file that Sidetone's catalogue describes"),
        ({"member": "a_package/other.bin"}, r"holds no readable a_package/other\.bin"),
    ],
)
def test_a_carrier_that_is_not_the_catalogues_is_not_used(
    entry: ModelEntry, wheels: Path, tmp_path: Path, changes: dict[str, str], reason: str
) -> None:
    target = tmp_path / "models"
    with pytest.raises(ModelError, match=reason):
        build(with_carrier(entry, **changes), target, unheard, wheels)
    assert list(target.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"sha256": "0" * 64}, "not the A model of the catalogue"), ({"recipe": "soup"}, "does not know how to build")],
)
def test_a_result_that_is_not_the_catalogues_is_thrown_away(
    entry: ModelEntry, wheels: Path, tmp_path: Path, changes: dict[str, str], reason: str
) -> None:
    target = tmp_path / "models"
    target.mkdir()
    (target / entry.file).write_bytes(b"what was there")
    with pytest.raises(ModelError, match=reason):
        build(dataclasses.replace(entry, **changes), target, unheard, wheels)  # type: ignore[arg-type]
    assert [path.read_bytes() for path in target.iterdir()] == [b"what was there"]


def test_a_wheel_that_is_no_archive_is_refused(entry: ModelEntry, wheels: Path, tmp_path: Path) -> None:
    next(wheels.iterdir()).write_bytes(b"no zip")
    broken = with_carrier(entry, wheel_sha256=hashlib.sha256(b"no zip").hexdigest())
    with pytest.raises(ModelError, match="holds no readable"):
        build(broken, tmp_path / "models", unheard, wheels)


def test_a_full_disk_is_said_and_leaves_what_was_there(
    entry: ModelEntry, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "models"
    target.mkdir()
    (target / entry.file).write_bytes(b"what was there")

    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(ModelError, match="the disk is full"):
        build(entry, target, unheard, wheels)
    assert [path.read_bytes() for path in target.iterdir()] == [b"what was there"]


def test_a_folder_that_cannot_be_made_is_said(entry: ModelEntry, wheels: Path, tmp_path: Path) -> None:
    (tmp_path / "models").write_bytes(b"a file")
    with pytest.raises(ModelError, match="cannot write A model"):
        build(entry, tmp_path / "models", unheard, wheels)


def test_without_an_index_the_user_is_told_to_check_the_network(
    entry: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(ModelError, match=r"cannot fetch a-package 1\.0 .* check the network") as caught:
        build(entry, tmp_path / "models", unheard)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_frozen_program_never_fetches(entry: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(ModelError, match="install Sidetone again"):
        build(entry, tmp_path, unheard)


def an_archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(name)
            tar.addfile(info, io.BytesIO(name.encode()))
        link = tarfile.TarInfo("export/link.onnx")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    return buffer.getvalue()


def test_an_archives_paths_never_reach_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = _archived(an_archive("../../enc.onnx", "other.txt"), ["enc.onnx"])
    assert found == {"enc.onnx": b"../../enc.onnx"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wanted", ["df_dec.onnx", "link.onnx"])
def test_what_an_archive_lacks_is_named(wanted: str) -> None:
    with pytest.raises(ModelError, match=f"lacks {wanted}"):
        _archived(an_archive("export/enc.onnx"), [wanted])


def test_the_command_says_what_is_wrong_and_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["choir", "--directory", str(tmp_path)]) == 1
    assert "no model named 'choir'" in capsys.readouterr().err
