"""A step carries its state by itself, and each stream has its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from engine.core.stage import Context, StreamFormat
from engine.errors import ModelError
from engine.inference.catalog import ModelStore
from engine.inference.deepfilternet3 import DeepFilterNet3
from engine.inference.frame_denoiser import no_residual
from engine.inference.providers import CPU
from engine.inference.session import ModelSession, StatefulStep, open_model, open_session
from engine.stages.denoise import Denoise, DenoiseParams


def write_running_sum(path: Path, size: int | str = 3) -> Path:
    """A model whose output is the sum of all its inputs so far."""
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [size]) for name in ("x", "s", "y", "s_next")
    }
    nodes = [helper.make_node("Add", ["x", "s"], ["y"]), helper.make_node("Identity", ["y"], ["s_next"])]
    graph = helper.make_graph(nodes, "sum", [values["x"], values["s"]], [values["y"], values["s_next"]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
    onnx.save(model, path)
    return path


def test_state_is_carried_from_step_to_step(tmp_path: Path) -> None:
    step = StatefulStep(open_model(write_running_sum(tmp_path / "sum.onnx")))
    assert set(step.inputs) == {"x"}
    assert set(step.outputs) == {"y"}
    for turn in range(1, 6):
        step.inputs["x"][:] = [1.0, 2.0, 3.0]
        step.run()
        np.testing.assert_array_equal(step.outputs["y"], np.array([1.0, 2.0, 3.0]) * turn)


@pytest.mark.parametrize("steps_before", [1, 2])
def test_streams_of_one_session_are_apart_until_one_is_copied(tmp_path: Path, steps_before: int) -> None:
    session = open_model(write_running_sum(tmp_path / "sum.onnx"))
    first, second = StatefulStep(session), StatefulStep(session)
    first.inputs["x"][:] = 1.0
    for _ in range(steps_before):
        first.run()
    second.run()
    assert second.outputs["y"].tolist() == [0.0] * 3
    second.copy_from(first)
    first.run()
    second.run()
    assert second.outputs["y"].tolist() == first.outputs["y"].tolist() == [steps_before + 1.0] * 3


@pytest.mark.parametrize("steps_before", [1, 2])
def test_reset_is_as_good_as_new(tmp_path: Path, steps_before: int) -> None:
    step = StatefulStep(open_model(write_running_sum(tmp_path / "sum.onnx")))
    step.inputs["x"][:] = 1.0
    for _ in range(steps_before):
        step.run()
    step.reset()
    step.run()
    assert step.outputs["y"].tolist() == [0.0] * 3


def test_shapes_that_are_not_fixed_are_refused(tmp_path: Path) -> None:
    session = open_model(write_running_sum(tmp_path / "sum.onnx", "any"))
    with pytest.raises(ModelError, match="no fixed shape"):
        StatefulStep(session)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08" * 100])
def test_a_file_that_is_no_model_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx cannot be loaded .* models build") as caught:
        open_model(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_model(tmp_path / "gone.onnx")


def test_another_model_is_no_deepfilternet(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no streaming DeepFilterNet3"):
        DeepFilterNet3(open_model(write_running_sum(tmp_path / "sum.onnx"))).stream()


class Vanishing:
    """A runtime whose provider is gone after some steps."""

    def __init__(self, runtime: Any, steps: int) -> None:
        self._runtime = runtime
        self._steps_left = steps

    def run_with_iobinding(self, binding: Any) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise RuntimeError("the device was removed\nat line 7")
        self._runtime.run_with_iobinding(binding)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)


def vanishing(path: Path, steps: int) -> ModelSession:
    runtimes = (Vanishing(open_session(path), steps), open_session(path))
    return ModelSession(runtimes, ("DmlExecutionProvider", CPU))


def test_a_provider_that_vanishes_is_followed_by_the_cpu_within_the_same_step(tmp_path: Path) -> None:
    session = vanishing(write_running_sum(tmp_path / "sum.onnx"), 7)
    first, second = StatefulStep(session), StatefulStep(session)
    for turn in range(1, 11):
        for step in (first, second):
            step.inputs["x"][:] = [1.0, 2.0, 3.0]
            step.run()
            np.testing.assert_array_equal(step.outputs["y"], np.array([1.0, 2.0, 3.0]) * turn)
    assert session.provider == CPU
    assert session.take_fault() == "DirectML failed (the device was removed); it runs on CPU now"
    assert session.take_fault() == ""


def test_a_vanishing_provider_leaves_no_trace_in_the_sound(
    model_store: ModelStore, noisy_speech: NDArray[np.float32]
) -> None:
    heard = []
    for steps in (10**9, 150):
        denoiser = DeepFilterNet3(vanishing(model_store.model_path("deepfilternet3-20ms"), steps), 1)
        stage = Denoise({"balanced": denoiser}, sessions={"deepfilternet3-20ms": denoiser.session})
        stage.prepare(StreamFormat(48_000, 1, 480))
        out = noisy_speech[None, : 300 * 480].copy()
        ctx: Context[DenoiseParams] = Context(DenoiseParams(), len(Denoise.meters))
        for start in range(0, out.shape[1], 480):
            stage.process(out[:, start : start + 480], ctx)
        heard.append(out)
    np.testing.assert_array_equal(heard[0], heard[1])
    assert stage.providers == {"deepfilternet3-20ms": CPU}
    assert stage.take_notices() == (
        "deepfilternet3-20ms: DirectML failed (the device was removed); it runs on CPU now",
    )


DML, COREML = "DmlExecutionProvider", "CoreMLExecutionProvider"


class Accelerator:
    """What onnxruntime is where there is an accelerator: the CPU does the work, and what is asked of it is kept."""

    def __init__(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._name = name
        self._make = onnxruntime.InferenceSession
        self.options: dict[str, onnxruntime.SessionOptions] = {}
        self.told: dict[str, dict[str, str]] = {}
        self.steps = 0
        self.refusal: dict[str, str] = {}
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [name, CPU])
        monkeypatch.setattr(onnxruntime, "InferenceSession", self.open)

    def open(self, model: Any, options: onnxruntime.SessionOptions, providers: list[tuple[str, dict[str, str]]]) -> Any:
        ((provider, told),) = providers
        self.options[provider], self.told[provider] = options, told
        if "open" in self.refusal and provider == self._name:
            raise RuntimeError(self.refusal["open"])
        runtime = self._make(model, options, providers=[CPU])
        return Accelerated(self, runtime) if provider == self._name else runtime

    def providers(self) -> list[str]:
        return [CPU] if "nodes" in self.refusal else [self._name, CPU]

    def step(self) -> None:
        if "run" in self.refusal:
            raise RuntimeError(self.refusal["run"])
        self.steps += 1


class Accelerated:
    """A session on it."""

    def __init__(self, accelerator: Accelerator, runtime: onnxruntime.InferenceSession) -> None:
        self._accelerator = accelerator
        self._runtime = runtime

    def get_providers(self) -> list[str]:
        return self._accelerator.providers()

    def run(self, *words: Any) -> Any:
        self._accelerator.step()
        return self._runtime.run(*words)

    def run_with_iobinding(self, binding: Any) -> None:
        self._accelerator.step()
        self._runtime.run_with_iobinding(binding)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)


@pytest.mark.parametrize(
    ("name", "told"),
    [(DML, {}), (COREML, {"ModelFormat": "MLProgram", "RequireStaticInputShapes": "1"})],
)
def test_each_provider_is_opened_as_its_documentation_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: dict[str, str]
) -> None:
    accelerator = Accelerator(name, monkeypatch)
    session = open_model(write_running_sum(tmp_path / "sum.onnx"), name)
    assert session.provider == name
    assert accelerator.told == {CPU: {}, name: told}
    for provider, options in accelerator.options.items():
        assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        assert options.enable_mem_pattern == (provider == CPU)
    # The first step, which takes long, is behind it.
    assert accelerator.steps == 1


def test_a_new_stream_stays_out_of_a_session_that_another_thread_may_be_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_store: ModelStore
) -> None:
    accelerator = Accelerator(DML, monkeypatch)
    denoiser = DeepFilterNet3(open_model(model_store.model_path("deepfilternet3-20ms"), DML), 1)
    first = denoiser.stream()
    assert accelerator.steps == 1
    hop = np.zeros(480, np.float32)
    first.process(hop, hop, no_residual)
    assert accelerator.steps == 2
    denoiser.stream()
    assert accelerator.steps == 2


@pytest.mark.parametrize("where", ["open", "nodes", "run"])
def test_an_accelerator_that_refuses_leaves_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    accelerator = Accelerator(DML, monkeypatch)
    accelerator.refusal = {where: "no device"}
    step = StatefulStep(session := open_model(write_running_sum(tmp_path / "sum.onnx"), DML))
    assert session.provider == CPU
    step.inputs["x"][:] = 1.0
    step.run()
    assert step.outputs["y"].tolist() == [1.0] * 3


def test_a_provider_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    path = write_running_sum(tmp_path / "sum.onnx")
    assert open_model(path, "DmlExecutionProvider").provider == CPU
    with pytest.raises(ModelError, match="DirectML is not there"):
        open_session(path, "DmlExecutionProvider")
