"""A denoiser of one rate in a stream of another: its input and output are resampled, and the delay of that is declared.

Works wherever 10 ms are a whole number of samples in both rates, so at 8, 16, 32, 44.1, 48, 88.2, 96 and 192 kHz: then each
hop of one rate is exactly a hop of the other. The filters are windowed sinc functions in polyphase form, linear in phase, so
that the delay is the same for every frequency. What is left of the noisy signal is mixed in at the rate of the stream: it
keeps what lies above the denoiser's band.

Source: R. E. Crochiere, L. R. Rabiner, "Multirate Digital Signal Processing", 1983, sections 2.3 and 2.4; Kaiser window.
"""

from __future__ import annotations

from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels, kernel
from engine.errors import ModelError
from engine.inference.dry_mix import DryMix
from engine.inference.frame_denoiser import DenoiserStream, FrameDenoiser, Residual, no_residual
from engine.inference.rehopped import Rehopped

HOPS_PER_S = 100
HALF_LENGTH = 32
"""Of the filter, in samples of the lower rate."""
KAISER_BETA = 8.0
PASSBAND = 0.92
"""Of half the lower rate; what lies above its half is 80 dB down."""


class _Resampler:
    """Turns hops of one rate into hops of another. One stream."""

    def __init__(self, from_hz: int, to_hz: int, hop_in: int) -> None:
        compile_kernels(_resample)
        common = gcd(from_hz, to_hz)
        up, self._down = to_hz // common, from_hz // common
        self._phases = _polyphase(up, self._down)
        self._line = np.zeros(self._phases.shape[1] - 1 + hop_in, np.float32)
        self._hop_in = hop_in

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32]) -> None:
        """Audio thread."""
        past = self._line.size - self._hop_in
        self._line[:past] = self._line[self._hop_in :]
        self._line[past:] = hop_in
        _resample(self._line, self._phases, self._down, hop_out)

    def reset(self) -> None:
        self._line.fill(0.0)

    def copy_from(self, other: _Resampler) -> None:
        self._line[:] = other._line


def _polyphase(up: int, down: int) -> NDArray[np.float32]:
    """Filter by phase, shape (up, taps), each row reversed: the newest sample last."""
    widest = max(up, down)
    time = np.arange(-HALF_LENGTH * widest, HALF_LENGTH * widest + 1) / widest
    prototype = PASSBAND * np.sinc(PASSBAND * time) * np.kaiser(time.size, KAISER_BETA) * up / widest
    taps = -(-prototype.size // up)
    padded = np.zeros(taps * up)
    padded[: prototype.size] = prototype
    return np.ascontiguousarray(padded.reshape(taps, up).T[:, ::-1].astype(np.float32))


@kernel("void(float32[::1], float32[:, ::1], int64, float32[::1])")
def _resample(line: NDArray[np.float32], phases: NDArray[np.float32], down: int, out: NDArray[np.float32]) -> None:
    up, taps = phases.shape
    for index in range(out.size):
        place = index * down
        start = place // up
        phase = phases[place % up]
        total = np.float32(0.0)
        for tap in range(taps):
            total += phase[tap] * line[start + tap]
        out[index] = total


class Resampled:
    """A denoiser at another rate. Implements `FrameDenoiser`.

    Parameters
    ----------
    denoiser : FrameDenoiser
    sample_rate : int
        Of the stream.

    Raises
    ------
    ModelError
        If a hop of the denoiser is no whole number of samples at that rate.
    """

    def __init__(self, denoiser: FrameDenoiser, sample_rate: int) -> None:
        if denoiser.hop_samples * sample_rate % denoiser.sample_rate:
            raise ModelError(
                f"the denoiser works at {denoiser.sample_rate} Hz and cannot follow {sample_rate} Hz; "
                f"set the engine's sample rate to {denoiser.sample_rate} Hz"
            )
        self._denoiser = denoiser
        self.sample_rate = sample_rate
        self.hop_samples = denoiser.hop_samples * sample_rate // denoiser.sample_rate
        filters_s = 2 * HALF_LENGTH / min(sample_rate, denoiser.sample_rate)
        self.delay_samples = round(sample_rate * (denoiser.delay_samples / denoiser.sample_rate + filters_s))
        self.warm_up_hops = denoiser.warm_up_hops

    def stream(self) -> ResampledStream:
        """A new stream, warmed up. Control thread."""
        return ResampledStream(self._denoiser, self.sample_rate, self.hop_samples, self.delay_samples)


def at_rate(denoiser: FrameDenoiser, sample_rate: int) -> FrameDenoiser:
    """The denoiser itself, or one of another rate, in hops of 10 ms, around it.

    Raises
    ------
    ModelError
        If 10 ms are no whole number of samples at one of the rates.
    """
    if denoiser.hop_samples * HOPS_PER_S != denoiser.sample_rate:
        denoiser = Rehopped(denoiser, HOPS_PER_S)
    return denoiser if denoiser.sample_rate == sample_rate else Resampled(denoiser, sample_rate)


class ResampledStream:
    """State of one source. Implements `DenoiserStream`."""

    def __init__(self, denoiser: FrameDenoiser, sample_rate: int, hop_samples: int, delay_samples: int) -> None:
        self._stream: DenoiserStream = denoiser.stream()
        self._mix = DryMix(delay_samples, hop_samples)
        self._in = _Resampler(sample_rate, denoiser.sample_rate, hop_samples)
        self._out = _Resampler(denoiser.sample_rate, sample_rate, denoiser.hop_samples)
        self._hop = np.zeros(denoiser.hop_samples, np.float32)

    @property
    def noisy_power(self) -> float:
        """Power of the hop last put out, as it came in."""
        return self._mix.dry_power

    @property
    def clean_power(self) -> float:
        """Power of the hop last put out, as it went out."""
        return self._mix.mixed_power

    @property
    def speech_snr_db(self) -> float:
        """As of the denoiser's own stream."""
        return self._stream.speech_snr_db

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
        """Denoise one hop, `Resampled.delay_samples` late. Audio thread; see `DenoiserStream.process`."""
        self._mix.keep(hop_in)
        self._in.process(hop_in, self._hop)
        self._stream.process(self._hop, self._hop, no_residual)
        self._out.process(self._hop, hop_out)
        self._mix.ease(hop_out, residual())

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._stream.reset()
        self._mix.reset()
        self._in.reset()
        self._out.reset()

    def copy_from(self, other: ResampledStream) -> None:
        """Become a copy of another stream. Audio thread."""
        # Both are of one denoiser, which the type of a stream does not tell.
        inner: Any = self._stream
        inner.copy_from(other._stream)
        self._copy_lines(other)

    def take_over(self, other: object) -> bool:
        """Go on from the past of another stream that is as late, where both networks keep the same past. Audio thread."""
        if not isinstance(other, ResampledStream) or self._mix.delay_samples != other._mix.delay_samples:
            return False
        if not self._stream.take_over(other._stream):
            return False
        self._copy_lines(other)
        return True

    def _copy_lines(self, other: ResampledStream) -> None:
        self._mix.copy_from(other._mix)
        self._in.copy_from(other._in)
        self._out.copy_from(other._out)
