"""Per-sample loops, compiled to machine code before the stream opens and never on the audio thread.

A *kernel* is what a stage calls with a whole block; it has a declared signature. An *inline* function is a piece of
mathematics that kernels share. `compile_kernels` belongs in `Stage.prepare` and may take seconds on the first start of a
new version (later ones read a cache); calling a compiled kernel never waits, locks or allocates.

Arrays in signatures are written `float32[:, :]` for blocks, whose rows may lie apart in memory, and `float64[::1]` for
state, which is contiguous.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

from engine.user_folders import cache_folder

_Function = TypeVar("_Function", bound=Callable[..., Any])
_REORDER = {"reassoc", "contract", "nsz"}


def _source_fingerprint() -> str:
    digest = hashlib.sha256()
    own = Path(__file__)
    for path in [own, *sorted((own.parents[1] / "dsp").glob("*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# Numba notices a change in a kernel's own file, not in an inline function it took from another one, and those lie in `dsp`;
# and a program folder may be read-only. So the cache lies in the user's folder, under a name that changes with these sources.
_config = cast(Any, numba.config)
if not _config.CACHE_DIR:
    _config.CACHE_DIR = str(cache_folder() / "kernels" / _source_fingerprint())


def are_compiled() -> bool:
    """Whether an earlier run of this version has left its compiled kernels; without them the first `prepare` takes long."""
    folder = Path(_config.CACHE_DIR)
    return folder.is_dir() and any(folder.iterdir())


def inline(function: _Function) -> _Function:
    """Make a function callable from kernels; it is compiled as part of each of them."""
    return cast(_Function, numba.njit()(function))


def kernel(signature: str, *, may_reorder: bool = False) -> Callable[[_Function], _Function]:
    """Make a function a kernel with a declared signature such as ``"void(float32[:, :], float64[::1], float64)"``.

    `may_reorder` lets sums be taken in any order, so that long ones run in vector registers.
    """

    def decorate(function: _Function) -> _Function:
        # The GIL is kept: a kernel takes microseconds, but to get the GIL back from a thread that took it meanwhile takes
        # hundreds, and a hop calls some thirty kernels.
        dispatcher = cast(Any, numba.njit(cache=True, fastmath=_REORDER if may_reorder else False)(function))
        dispatcher.declared_signature = signature
        dispatcher.is_ready = False
        return cast(_Function, dispatcher)

    return decorate


def compile_kernels(*kernels: Callable[..., Any]) -> None:
    """Compile kernels for their declared signatures, so that no later call can compile anything. Control thread."""
    for function in kernels:
        dispatcher = cast(Any, function)
        if not dispatcher.is_ready:
            dispatcher.is_ready = True
            dispatcher.compile(dispatcher.declared_signature)
            # From here on a call with other types is an error at once, not seconds of compiling between two blocks.
            dispatcher.disable_compile()
