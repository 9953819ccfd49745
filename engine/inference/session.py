"""Sessions of onnxruntime, and steps that carry a model's state from one call to the next.

A session holds weights: immutable, shared by all streams. A `StatefulStep` holds one stream's state and is bound once
to all its memory, so that a step copies nothing and allocates nothing but what onnxruntime does itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from engine.errors import ModelError

CPU_ONLY = ("CPUExecutionProvider",)


def open_session(model: Path | bytes, providers: Sequence[str] = CPU_ONLY) -> onnxruntime.InferenceSession:
    """Load a model to be stepped on one thread. Control thread; waits for the disk.

    Models of one frame are too small to share out: a second thread costs more than it brings, and a spinning one takes
    the core from the rest of the program.

    Parameters
    ----------
    model : Path or bytes
        A file or its content.

    Raises
    ------
    ModelError
        If the file is no model that this onnxruntime can run.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=list(providers))
    except Exception as error:  # onnxruntime's own exceptions share no other base
        reason = str(error).partition("\n")[0]
        name = model.name if isinstance(model, Path) else "a model"
        raise ModelError(f"{name} cannot be loaded ({reason}); run ./sidetone models build to replace it") from error


class StatefulStep:
    """One stream's state and buffers, bound to a session whose state goes in as `name` and comes out as `name_next`.

    Each state has two places in memory that change roles with every step, so that what came out is in place to go in
    again.

    Attributes
    ----------
    inputs, outputs : dict[str, NDArray[np.float32]]
        What is no state, by name; write the one before `run`, read the other after it.

    Raises
    ------
    ModelError
        If the model's shapes are not all fixed, or a state has no counterpart.
    """

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        shapes_in = {value.name: value.shape for value in session.get_inputs()}
        shapes_out = {value.name: value.shape for value in session.get_outputs()}
        states = [name for name in shapes_in if f"{name}_next" in shapes_out]
        for name, shape in (shapes_in | shapes_out).items():
            if not all(isinstance(size, int) for size in shape):
                raise ModelError(f"the model's {name} has no fixed shape; choose another model")
        self.inputs = {name: np.zeros(shape, np.float32) for name, shape in shapes_in.items() if name not in states}
        self.outputs = {
            name: np.zeros(shape, np.float32)
            for name, shape in shapes_out.items()
            if name.removesuffix("_next") not in states
        }
        self._states = tuple({name: np.zeros(shapes_in[name], np.float32) for name in states} for _ in range(2))
        self._session = session
        self._bindings = (self._bind(*self._states), self._bind(*reversed(self._states)))
        self._turn = 0

    def _bind(
        self, states: dict[str, NDArray[np.float32]], next_states: dict[str, NDArray[np.float32]]
    ) -> onnxruntime.IOBinding:
        binding = self._session.io_binding()
        for name, array in (self.inputs | states).items():
            binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
        for name, array in (self.outputs | {f"{name}_next": array for name, array in next_states.items()}).items():
            binding.bind_ortvalue_output(name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
        return binding

    def run(self) -> None:
        """Make one step. Audio thread; lets go of the GIL.

        Raises
        ------
        RuntimeError
            If onnxruntime fails; the state is then as before.
        """
        self._session.run_with_iobinding(self._bindings[self._turn])
        self._turn = 1 - self._turn

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
