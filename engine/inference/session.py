"""Sessions of onnxruntime, and steps that carry a model's state from one call to the next.

A session holds weights: immutable, shared by all streams. A `StatefulStep` holds one stream's state and is bound once
to all its memory, so that a step copies nothing and allocates nothing but what onnxruntime does itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from engine.errors import ModelError
from engine.inference.providers import CPU, PROVIDER_OPTIONS, short_name


class ModelSession:
    """A model's weights on the provider that was chosen for it, and on the CPU standing by where that is another one.

    A provider may vanish at any time: a driver is updated, a graphics card unplugged. All streams of the session then go on
    on the CPU, each from the state it had.

    Parameters
    ----------
    runtimes : sequence of onnxruntime.InferenceSession
        One, or two of the same model; the second stands by.
    providers : tuple of str
        What each runs on.

    Attributes
    ----------
    rank : int
        Which of them is in use. Written by the audio thread.
    """

    def __init__(self, runtimes: tuple[onnxruntime.InferenceSession, ...], providers: tuple[str, ...]) -> None:
        self.runtimes = runtimes
        self.rank = 0
        self._providers = providers
        self._fault = ""

    @property
    def provider(self) -> str:
        """What it runs on now. Any thread."""
        return self._providers[self.rank]

    def give_way(self, rank: int, error: Exception) -> bool:
        """Note that the runtime of that rank failed; False if nothing stands by. Audio thread."""
        if rank + 1 == len(self.runtimes):
            return False
        if self.rank == rank:
            reason = str(error).partition("\n")[0] or type(error).__name__
            names = [short_name(name) for name in self._providers[rank : rank + 2]]
            self._fault = f"{names[0]} failed ({reason}); it runs on {names[1]} now"
            self.rank = rank + 1
        return True

    def take_fault(self) -> str:
        """Why the provider was left, told once; empty if there is nothing to tell. Control thread."""
        fault, self._fault = self._fault, ""
        return fault


def open_model(path: Path, provider: str = CPU) -> ModelSession:
    """Load a model to be stepped by streams. Control thread; waits for the disk.

    Raises
    ------
    ModelError
        If the file is no model that this onnxruntime can run. A provider that cannot be had is passed over for the CPU.
    """
    cpu = open_session(path)
    if provider != CPU:
        try:
            accelerated = open_session(path, provider)
            _run_once(accelerated)
            return ModelSession((accelerated, cpu), (provider, CPU))
        except ModelError:
            # Measured once and gone since; the CPU is always there.
            pass
    return ModelSession((cpu,), (CPU,))


def _run_once(runtime: onnxruntime.InferenceSession) -> None:
    """Make a step on zeros: the first one takes long, and no stream may make it (`StatefulStep.warming`)."""
    try:
        runtime.run(None, {value.name: np.zeros(value.shape, np.float32) for value in runtime.get_inputs()})
    except Exception as error:  # onnxruntime's own exceptions share no other base
        raise ModelError(f"it does not run there ({error})".partition("\n")[0]) from error


def open_session(
    model: Path | bytes, provider: str = CPU, has_fixed_shapes: bool = True
) -> onnxruntime.InferenceSession:
    """Load a model to be run on one thread. Control thread; waits for the disk.

    Models of one frame are too small to share out: a second thread costs more than it brings, and a spinning one takes
    the core from the rest of the program.

    Parameters
    ----------
    model : Path or bytes
        A file or its content.
    provider : str
        What it shall run on, and on nothing else.
    has_fixed_shapes : bool
        Whether it is always given as much at a time.

    Raises
    ------
    ModelError
        If the file is no model that this onnxruntime can run there.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    # DirectML cannot plan memory ahead; and where shapes change, the plans for all of them would be kept for ever.
    options.enable_mem_pattern = has_fixed_shapes and provider == CPU
    # What was taken once for the longest input is not given back by an arena, and is cut up by all the shorter ones.
    options.enable_cpu_mem_arena = has_fixed_shapes
    try:
        if provider not in onnxruntime.get_available_providers():
            raise RuntimeError(f"{short_name(provider)} is not there")
        runtime = onnxruntime.InferenceSession(
            model, options, providers=[(provider, PROVIDER_OPTIONS.get(provider, {}))]
        )
        if runtime.get_providers()[0] != provider:
            raise RuntimeError(f"{short_name(provider)} refuses it")
        runtime.disable_fallback()
        return runtime
    except Exception as error:  # onnxruntime's own exceptions share no other base
        reason = str(error).partition("\n")[0]
        name = model.name if isinstance(model, Path) else "a model"
        raise ModelError(f"{name} cannot be loaded ({reason}); run ./sidetone models build to replace it") from error


class StatefulStep:
    """One stream's state and buffers, bound to a session.

    Each state has two places in memory that change roles with every step, so that what came out is in place to go in
    again.

    Parameters
    ----------
    session : ModelSession
    successors : Mapping[str, str], optional
        Name of each state, and the output as which it comes out; where not given, a state `name` comes out as `name_next`.

    Attributes
    ----------
    inputs, outputs : dict[str, NDArray[np.float32]]
        What is no state, by name; write the one before `run`, read the other after it.

    Raises
    ------
    ModelError
        If the model's shapes are not all fixed, or a state has no counterpart.
    """

    def __init__(self, session: ModelSession, successors: Mapping[str, str] | None = None) -> None:
        shapes_in = {value.name: value.shape for value in session.runtimes[0].get_inputs()}
        shapes_out = {value.name: value.shape for value in session.runtimes[0].get_outputs()}
        if successors is None:
            successors = {name: f"{name}_next" for name in shapes_in if f"{name}_next" in shapes_out}
        for name, shape in (shapes_in | shapes_out).items():
            if not all(isinstance(size, int) for size in shape):
                raise ModelError(f"the model's {name} has no fixed shape; choose another model")
        self.inputs = {name: np.zeros(shape, np.float32) for name, shape in shapes_in.items() if name not in successors}
        next_names = frozenset(successors.values())
        self.outputs = {
            name: np.zeros(shape, np.float32) for name, shape in shapes_out.items() if name not in next_names
        }
        self._successors = successors
        self._states = tuple({name: np.zeros(shapes_in[name], np.float32) for name in successors} for _ in range(2))
        self._session = session
        # One pair for each runtime, over the same memory: whichever makes the next step finds the state in place.
        self._bindings = tuple(
            (self._bind(runtime, *self._states), self._bind(runtime, *reversed(self._states)))
            for runtime in session.runtimes
        )
        self._turn = 0
        self._is_warming = False

    def _bind(
        self,
        runtime: onnxruntime.InferenceSession,
        states: dict[str, NDArray[np.float32]],
        next_states: dict[str, NDArray[np.float32]],
    ) -> onnxruntime.IOBinding:
        binding = runtime.io_binding()
        for name, array in (self.inputs | states).items():
            binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
        for name, array in (
            self.outputs | {self._successors[name]: array for name, array in next_states.items()}
        ).items():
            binding.bind_ortvalue_output(name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
        return binding

    def run(self) -> None:
        """Make one step. Audio thread; lets go of the GIL.

        Raises
        ------
        RuntimeError
            If onnxruntime fails and nothing stands by; the state is then as before.
        """
        rank = len(self._bindings) - 1 if self._is_warming else self._session.rank
        try:
            self._step(rank)
        except Exception as error:  # onnxruntime's own exceptions share no other base
            if not self._session.give_way(rank, error):
                raise
            # What came in is untouched by a step that failed, so the same step is made again.
            self._step(rank + 1)
        self._turn = 1 - self._turn

    def _step(self, rank: int) -> None:
        self._session.runtimes[rank].run_with_iobinding(self._bindings[rank][self._turn])

    @contextmanager
    def warming(self) -> Iterator[None]:
        """First steps of a new stream, on the control thread, while others of the session may be heard.

        They are made on the runtime that stands by: DirectML lets only one thread at a time into a session.
        """
        self._is_warming = True
        try:
            yield
        finally:
            self._is_warming = False

    def reset(self) -> None:
        """Forget the past: all state and inputs zero. Audio thread."""
        for array in (*self.inputs.values(), *self._states[self._turn].values()):
            array.fill(0.0)

    def copy_from(self, other: StatefulStep) -> None:
        """Take over state and inputs of another stream of the same session. Audio thread."""
        for name, array in self.inputs.items():
            array[:] = other.inputs[name]
        self.copy_state_from(other)

    def copy_state_from(self, other: StatefulStep) -> None:
        """Take over the state of a stream whose model keeps the same one. Audio thread."""
        for name, array in self._states[self._turn].items():
            array[:] = other._states[other._turn][name]
