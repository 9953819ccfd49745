"""One sample that is no number is found, wherever it is."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.finite import is_finite
from engine.core.kernel import compile_kernels


@pytest.mark.parametrize("worst", [np.nan, np.inf, -np.inf])
def test_one_sample_that_is_no_number_is_found(worst: float) -> None:
    compile_kernels(is_finite)
    # Their sum would be no number either.
    block = np.full((2, 480), 3e38, np.float32)
    assert is_finite(block)
    assert is_finite(block[:, ::2])
    block[1, 479] = worst
    assert not is_finite(block)
