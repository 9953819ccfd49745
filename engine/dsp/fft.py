"""Fourier transforms of real samples inside kernels.

numpy's are as fast by themselves; but in a live program the processor's cache is full of other things between two hops, and
then the way through Python to one small transform costs more than the transform. In a kernel there is no such way.

Source: Stockham's self-sorting algorithm, Van Loan, "Computational Frameworks for the Fast Fourier Transform", 1992, section
1.7; a real transform from a complex one of half the length, Press et al., "Numerical Recipes", section 12.3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import inline

FFT_TYPE = "Tuple((int64[::1], complex64[::1], complex64[::1], complex64[:, ::1]))"
"""How signatures of kernels write `FftTables`."""


FftTables = tuple[NDArray[np.int64], NDArray[np.complex64], NDArray[np.complex64], NDArray[np.complex64]]
"""Radices, roots of one for half the size and for the whole, and memory to work in: one per user."""


def plan_fft(size: int) -> FftTables:
    """Tables for transforms of `size` real samples.

    Raises
    ------
    ValueError
        If `size` is odd, or half of it has other factors than 2, 3 and 5.
    """
    half = size // 2
    radices = []
    rest = half
    for radix in (4, 2, 3, 5):
        while rest % radix == 0 and rest > 1:
            radices.append(radix)
            rest //= radix
    if size % 2 or rest != 1:
        raise ValueError(f"no transform of {size} samples: half of it must be made of 2, 3 and 5")
    roots = np.exp(-2j * np.pi * np.arange(half) / half).astype(np.complex64)
    half_roots = np.exp(-2j * np.pi * np.arange(half + 1) / size).astype(np.complex64)
    return np.array(radices, np.int64), roots, half_roots, np.zeros((2, half), np.complex64)


@inline
def _transform(plan: FftTables) -> int:
    """Complex transform of memory[0]; returns the row that holds the result."""
    radices, roots, _, memory = plan
    half = roots.size
    length = half
    stride = 1
    row = 0
    i = np.complex64(-1j)
    for stage in range(radices.size):
        radix = radices[stage]
        x = memory[row]
        y = memory[1 - row]
        part = length // radix
        for p in range(part):
            w1 = roots[p * stride]
            if radix == 4:
                w2 = roots[2 * p * stride]
                w3 = w1 * w2
                for q in range(stride):
                    a = x[q + stride * p]
                    b = x[q + stride * (p + part)]
                    c = x[q + stride * (p + 2 * part)]
                    d = x[q + stride * (p + 3 * part)]
                    ac, a_c, bd, b_d = a + c, a - c, b + d, i * (b - d)
                    at = q + stride * 4 * p
                    y[at] = ac + bd
                    y[at + stride] = w1 * (a_c + b_d)
                    y[at + 2 * stride] = w2 * (ac - bd)
                    y[at + 3 * stride] = w3 * (a_c - b_d)
            elif radix == 2:
                for q in range(stride):
                    a = x[q + stride * p]
                    b = x[q + stride * (p + part)]
                    at = q + stride * 2 * p
                    y[at] = a + b
                    y[at + stride] = w1 * (a - b)
            elif radix == 3:
                w2 = roots[2 * p * stride]
                for q in range(stride):
                    a = x[q + stride * p]
                    b = x[q + stride * (p + part)]
                    c = x[q + stride * (p + 2 * part)]
                    both = b + c
                    middle = a - np.float32(0.5) * both
                    aside = i * (np.float32(0.8660254037844386) * (b - c))
                    at = q + stride * 3 * p
                    y[at] = a + both
                    y[at + stride] = w1 * (middle + aside)
                    y[at + 2 * stride] = w2 * (middle - aside)
            else:
                w2 = roots[2 * p * stride]
                w3 = w1 * w2
                w4 = w2 * w2
                c1, c2 = np.float32(0.30901699437494745), np.float32(-0.8090169943749475)
                s1, s2 = np.float32(0.9510565162951535), np.float32(0.5877852522924731)
                for q in range(stride):
                    a = x[q + stride * p]
                    b = x[q + stride * (p + part)]
                    c = x[q + stride * (p + 2 * part)]
                    d = x[q + stride * (p + 3 * part)]
                    e = x[q + stride * (p + 4 * part)]
                    be, b_e, cd, c_d = b + e, b - e, c + d, c - d
                    m1, m2 = a + c1 * be + c2 * cd, a + c2 * be + c1 * cd
                    n1, n2 = i * (s1 * b_e + s2 * c_d), i * (s2 * b_e - s1 * c_d)
                    at = q + stride * 5 * p
                    y[at] = a + be + cd
                    y[at + stride] = w1 * (m1 + n1)
                    y[at + 2 * stride] = w2 * (m2 + n2)
                    y[at + 3 * stride] = w3 * (m2 - n2)
                    y[at + 4 * stride] = w4 * (m1 - n1)
        row = 1 - row
        length = part
        stride *= radix
    return row


@inline
def real_fft(plan: FftTables, samples: NDArray[np.float32], scale: float, spectrum: NDArray[np.complex64]) -> None:
    """Write `scale` times the spectrum of `samples`, shape (size,), to `spectrum`, shape (size / 2 + 1,). In kernels."""
    half_roots = plan[2]
    memory = plan[3]
    half = memory.shape[1]
    for n in range(half):
        memory[0, n] = complex(samples[2 * n], samples[2 * n + 1])
    z = memory[_transform(plan)]
    share = np.float32(0.5 * scale)
    i = np.complex64(-1j)
    for k in range(half + 1):
        a = z[k % half]
        b = z[(half - k) % half].conjugate()
        spectrum[k] = share * ((a + b) + half_roots[k] * (i * (a - b)))


@inline
def inverse_real_fft(
    plan: FftTables, spectrum: NDArray[np.complex64], scale: float, samples: NDArray[np.float32]
) -> None:
    """Write `scale` times the sum over all `spectrum` stands for to `samples`: undoes `real_fft` of 1 / (size * scale).

    In kernels. The first and last bin count as real.
    """
    half_roots = plan[2]
    memory = plan[3]
    half = memory.shape[1]
    i = np.complex64(1j)
    for k in range(half):
        a = spectrum[k]
        b = spectrum[half - k].conjugate()
        if k == 0:
            a, b = np.complex64(a.real), np.complex64(b.real)
        # The complex conjugate, so that the forward transform goes back.
        memory[0, k] = ((a + b) + i * (half_roots[k].conjugate() * (a - b))).conjugate()
    z = memory[_transform(plan)]
    share = np.float32(scale)
    for n in range(half):
        samples[2 * n] = share * z[n].real
        samples[2 * n + 1] = -share * z[n].imag
