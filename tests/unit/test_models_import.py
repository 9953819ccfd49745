"""Models from elsewhere: let in only as what they were said to be, tried in a process of their own, and never believed."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import random
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from app.cli import parse
from app.engine_process import program
from app.paths import Paths, find_paths
from engine.core.stage import Context, StreamFormat
from engine.errors import ModelError
from engine.inference.catalog import ModelStore
from engine.inference.imported import (
    FILE_NAME,
    ImportedCatalog,
    ImportedModel,
    imported_path,
    read_imported,
    write_imported,
)
from engine.inference.library import ChosenModels
from engine.inference.onnx_contents import read_onnx_contents
from engine.stages.denoise import Denoise, DenoiseParams
from models import importing
from models.importing import import_model, remove_model

STATES = {"h0": 4, "h1": 4}


def small_model(domain: str = "", has_external_data: bool = False, bins: int = 513, op: str = "Sigmoid") -> bytes:
    """A network of NSNet2's form that lets through half, whatever it hears; or one of another form."""
    nodes = [
        helper.make_node("Mul", ["log_power", "zero"], ["nothing"]),
        helper.make_node(op, ["nothing"], ["gain"], domain=domain),
        *(helper.make_node("Identity", [name], [f"{name}_next"]) for name in STATES),
    ]
    zero = numpy_helper.from_array(np.zeros(1, np.float32), "zero")
    if has_external_data:
        zero = onnx.TensorProto(name="zero", data_type=TensorProto.FLOAT, dims=[1])
        zero.data_location = TensorProto.EXTERNAL
        zero.external_data.add(key="location", value="../../secret")
    values: Callable[[str, int], Any] = lambda name, size: helper.make_tensor_value_info(  # noqa: E731
        name, TensorProto.FLOAT, [1, 1, size]
    )
    graph = helper.make_graph(
        nodes,
        "small",
        [values("log_power", bins), *(values(name, size) for name, size in STATES.items())],
        [values("gain", bins), *(values(f"{name}_next", size) for name, size in STATES.items())],
        [zero],
    )
    opsets = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    content: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return content


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def never(shown: str) -> bool:
    raise AssertionError("nobody was to be asked")


def bring(
    folder: Path, content: bytes, name: str = "Small Net.onnx", wanted: str | None = None, **words: str
) -> ImportedModel:
    source = folder / name
    source.write_bytes(content)
    return import_model(
        str(source), folder / "models", wanted or sha256(content), never, program("model-check"), silent, **words
    )


def silent(doing: str, share: float) -> None:
    assert 0.0 <= share <= 1.0


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "models").iterdir()) if (folder / "models").exists() else []


def test_a_model_that_fits_is_let_in_chosen_and_heard(tmp_path: Path, model_store: ModelStore) -> None:
    content = small_model()
    model = bring(tmp_path, content, licence="MIT")
    assert (model.fits, model.kind, model.delay_samples) == ("nsnet2", "denoiser", 480)
    assert (model.id, model.licence) == (f"small-net-{sha256(content)[:8]}", "MIT")
    assert model.cost_ms > 0
    directory = tmp_path / "models"
    assert leftovers(tmp_path) == sorted([FILE_NAME, model.file])
    write_imported(directory, read_imported(directory).choosing("nsnet2", model.id))
    assets = ChosenModels(model_store, read_imported(directory), directory)
    assert assets.model_path("nsnet2") == directory / model.file
    assert assets.model_path("deepfilternet3-20ms") == model_store.model_path("deepfilternet3-20ms")
    stage = Denoise.build(assets)
    stage.expect(DenoiseParams(mode="light"))
    stage.prepare(StreamFormat(48_000, 1, 480))
    noise = (0.1 * np.random.default_rng(2).standard_normal((1, 9600))).astype(np.float32)
    out = noise.copy()
    ctx: Context[DenoiseParams] = Context(DenoiseParams(mode="light"), 2)
    for start in range(0, 9600, 480):
        stage.process(out[:, start : start + 480], ctx)
    np.testing.assert_allclose(out[:, 960:], 0.5 * noise[:, 480:-480], atol=1e-5)


def test_a_model_without_a_use_says_so(tmp_path: Path) -> None:
    model = bring(tmp_path, small_model(bins=100))
    assert (model.kind, model.fits) == ("other", "")
    assert "log_power [1, 1, 100]" in model.card


def test_versions_are_kept_and_one_goes_back_by_choosing(tmp_path: Path) -> None:
    first, second = bring(tmp_path, small_model()), bring(tmp_path, small_model(op="HardSigmoid"))
    directory = tmp_path / "models"
    catalog = read_imported(directory)
    assert {first.id, second.id} == {model.id for model in catalog.model}
    catalog = catalog.choosing("nsnet2", second.id).choosing("nsnet2", first.id)
    assert catalog.chosen == {"nsnet2": first.id}
    assert catalog.choosing("nsnet2", "nsnet2").chosen == {}


def test_removing_forgets_file_entry_and_choice(tmp_path: Path) -> None:
    model = bring(tmp_path, small_model())
    directory = tmp_path / "models"
    write_imported(directory, read_imported(directory).choosing("nsnet2", model.id))
    remove_model(model.id, directory)
    assert read_imported(directory) == ImportedCatalog()
    assert leftovers(tmp_path) == [FILE_NAME]
    with pytest.raises(ModelError, match="is no imported model"):
        remove_model(model.id, directory)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no operators"),
        (b"not a model at all", "no ONNX model"),
        (small_model(domain="com.microsoft", op="Gelu"), r"not ONNX's own \(com.microsoft.Gelu\)"),
        (small_model(domain="evil.example"), "not ONNX's own"),
        (small_model(has_external_data=True), "keeps data in other files"),
        (small_model(op="NoSuchOperator"), "cannot be loaded"),
        (small_model()[:-40], "refused"),
    ],
    ids=["empty", "text", "microsoft", "stranger", "external", "operator", "cut"],
)
def test_what_may_not_come_in_is_refused_and_leaves_nothing(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(ModelError, match=reason) as caught:
        bring(tmp_path, content)
    assert "\n" not in str(caught.value)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import time; time.sleep(60)", "took more than"),
        ("import os; os._exit(11)", r"ended the process \(code 11\)"),
        ("print('hello')", "ended the process"),
        ('print(\'{"problem": "it smells"}\')', "it smells"),
    ],
)
def test_a_check_that_dies_hangs_or_babbles_is_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    monkeypatch.setattr(importing, "PROBE_S", 1.0)
    with pytest.raises(ModelError, match=reason):
        importing.check(tmp_path, [sys.executable, "-c", script])


def test_another_sha256_is_refused_before_anything_is_tried(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"its sha256 is {sha256(small_model())}"):
        bring(tmp_path, small_model(), wanted="0" * 64)
    with pytest.raises(ModelError, match="64 hexadecimal digits"):
        bring(tmp_path, small_model(), wanted="abc")
    assert leftovers(tmp_path) == []


def test_without_a_sha256_somebody_is_asked_and_may_refuse(tmp_path: Path) -> None:
    source = tmp_path / "x.onnx"
    source.write_bytes(small_model())
    shown: list[str] = []

    def answer(is_right: bool) -> Callable[[str], bool]:
        return lambda found: (shown.append(found), is_right)[1]  # type: ignore[func-returns-value]

    command = program("model-check")
    with pytest.raises(ModelError, match="was not confirmed"):
        import_model(str(source), tmp_path / "models", None, answer(False), command, silent)
    assert leftovers(tmp_path) == []
    import_model(str(source), tmp_path / "models", None, answer(True), command, silent)
    assert shown == [sha256(small_model())] * 2


@pytest.mark.parametrize("name", ["../evil", ".", "UPPER", "a/b", "x" * 200, "a b"])
def test_a_name_that_is_no_plain_one_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match="no name for a model"):
        bring(tmp_path, small_model(), id=name)


def test_the_same_file_or_name_is_not_imported_twice(tmp_path: Path) -> None:
    bring(tmp_path, small_model(), id="mine")
    with pytest.raises(ModelError, match="imported before, as mine"):
        bring(tmp_path, small_model())
    with pytest.raises(ModelError, match="give another name"):
        bring(tmp_path, small_model(op="HardSigmoid"), id="mine")


class Answer(io.BytesIO):
    """What an address answers, without a network."""

    def __init__(self, content: bytes, length: str) -> None:
        super().__init__(content)
        self.headers = http.client.HTTPMessage()
        self.headers["Content-Length"] = length


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes, str], None]:
    def serve(content: bytes, length: str) -> None:
        monkeypatch.setattr(urllib.request.OpenerDirector, "open", lambda *_, **__: Answer(content, length))

    return serve


def test_an_https_address_is_fetched_whole(tmp_path: Path, served: Callable[[bytes, str], None]) -> None:
    content = small_model()
    served(content, str(len(content)))
    address = "https://models.example/net.onnx?download=1"
    model = import_model(address, tmp_path / "models", sha256(content), never, program("model-check"), silent)
    assert model.source == address
    assert model.id.startswith("net-")


@pytest.mark.parametrize(
    ("length", "reason"), [("999999999999", "larger than"), ("100000", "ended after"), ("nonsense", "sha256 is")]
)
def test_an_address_that_gives_too_much_or_too_little_is_refused(
    tmp_path: Path, served: Callable[[bytes, str], None], length: str, reason: str
) -> None:
    served(small_model(), length)
    with pytest.raises(ModelError, match=reason):
        import_model("https://a.example/b", tmp_path / "models", "0" * 64, never, ["false"], silent)
    assert leftovers(tmp_path) == []


def test_a_stream_without_end_is_cut_at_the_limit(
    tmp_path: Path, served: Callable[[bytes, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MOST_BYTES", 100_000)
    served(bytes(200_000), "")
    with pytest.raises(ModelError, match="larger than"):
        import_model("https://a.example/b", tmp_path / "models", "0" * 64, never, ["false"], silent)


@pytest.mark.parametrize("address", ["http://a.example/b", "ftp://a.example/b", "file:///etc/hostname"])
def test_any_other_way_than_https_is_refused_also_by_redirection(tmp_path: Path, address: str) -> None:
    with pytest.raises(ModelError, match="no https address"):
        import_model(address, tmp_path / "models", "0" * 64, never, ["false"], silent)
    request = urllib.request.Request("https://a.example/b")
    with pytest.raises(ModelError, match="no https address"):
        importing._HttpsOnly().redirect_request(request, io.BytesIO(), 302, "", {}, address)


def mutated(content: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] ^= chance.randrange(1, 256)
    return bytes(changed)


def test_a_hundred_changed_bytes_of_a_model_are_all_refused_where_it_is_used(tmp_path: Path) -> None:
    content = small_model()
    directory = tmp_path / "models"
    model = bring(tmp_path, content)
    for seed in range(100):
        (directory / model.file).write_bytes(mutated(content, seed))
        with pytest.raises(ModelError, match=r"is not the small-net-\w+ that was imported; run"):
            imported_path(directory, model)
        with pytest.raises(ModelError, match="is not what was asked for"):
            bring(tmp_path, mutated(content, seed), wanted=sha256(content))


def test_a_hundred_changed_bytes_of_a_model_never_upset_the_one_who_looks_through_it() -> None:
    for seed in range(100):
        with contextlib.suppress(ModelError):
            read_onnx_contents(mutated(small_model(), seed))


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_model_with_its_own_sha256_is_let_in_whole_or_refused(tmp_path: Path, seed: int) -> None:
    with contextlib.suppress(ModelError):
        bring(tmp_path, mutated(small_model(), seed))
    catalog = read_imported(tmp_path / "models")
    assert {model.sha256 for model in catalog.model} <= {sha256(mutated(small_model(), seed))}
    assert len(leftovers(tmp_path)) == 2 * len(catalog.model)


def test_a_hundred_changed_bytes_of_the_list_are_all_refused(tmp_path: Path) -> None:
    bring(tmp_path, small_model())
    path = tmp_path / "models" / FILE_NAME
    content = path.read_bytes()
    for seed in range(100):
        path.write_bytes(mutated(content, seed))
        with pytest.raises(ModelError, match=r"imported\.toml .*import the models again"):
            read_imported(tmp_path / "models")


def test_a_tampered_chosen_model_is_refused_at_load_and_the_others_go_on(
    tmp_path: Path, model_store: ModelStore
) -> None:
    model = bring(tmp_path, small_model())
    directory = tmp_path / "models"
    (directory / model.file).write_bytes(mutated(small_model(), 1))
    catalog = read_imported(directory).choosing("nsnet2", model.id)
    stage = Denoise.build(ChosenModels(model_store, catalog, directory))
    (notice,) = stage.take_notices()
    assert "the mode light is not there" in notice
    assert f"is not the {model.id} that was imported" in notice
    stage.expect(DenoiseParams(mode="light"))
    stage.prepare(StreamFormat(48_000, 1, 480))
    assert stage.latency_samples == 480


def command(paths: Paths, *words: str) -> int:
    parsed = parse(["models", *words])
    return int(parsed.run(parsed, paths))


def test_the_commands_from_import_to_remove(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = find_paths()
    paths = Paths(found.program, tmp_path, found.cache, tmp_path / "log", tmp_path)
    source = tmp_path / "net.onnx"
    source.write_bytes(small_model())
    with pytest.raises(ModelError, match="--sha256"):
        command(paths, "import", str(source))
    command(paths, "import", str(source), "--sha256", sha256(small_model()), "--id", "net-1")
    command(paths, "choose", "net-1")
    command(paths, "list")
    assert "net-1: can take the place of nsnet2" in capsys.readouterr().out
    command(paths, "verify", "net-1")
    command(paths, "list", "net-1", "--json")
    assert '"is_imported": true' in capsys.readouterr().out
    with pytest.raises(ModelError, match="belongs to Sidetone"):
        command(paths, "remove", "nsnet2")
    command(paths, "choose", "nsnet2")
    assert read_imported(paths.imported_models).chosen == {}
    (paths.imported_models / "net-1.onnx").write_bytes(b"tampered")
    with pytest.raises(ModelError, match="that was imported"):
        command(paths, "verify", "net-1")
    with pytest.raises(ModelError, match="that was imported"):
        command(paths, "choose", "net-1")
    command(paths, "remove", "net-1")
    with pytest.raises(ModelError, match="no model named 'net-1'"):
        command(paths, "choose", "net-1")
