"""A denoiser that brings its own transforms along: sound goes in, sound comes out, at whatever rate and hop it was made for.

The form in which streaming networks are usually handed on. The graph's first input and first output are a hop of sound; all
others are state, in the same order and of the same shapes, zero at the beginning. What no shape can tell stands in the
file's metadata: `sample_rate`, in Hz, and `delay_samples`, by which sound comes out late when hops go in and come out one
for one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelError
from engine.inference.dry_mix import DryMix
from engine.inference.frame_denoiser import Residual, let_through_db, no_residual
from engine.inference.session import ModelSession, StatefulStep

RATE_KEY, DELAY_KEY = "sample_rate", "delay_samples"
LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000
LONGEST_HOP_S, LONGEST_DELAY_S = 0.1, 0.5


def is_waveform(session: ModelSession) -> bool:
    """Whether a graph says that it is of this form. Control thread."""
    return RATE_KEY in _metadata(session)


class Waveform:
    """Weights of such a network. Implements `FrameDenoiser`.

    Raises
    ------
    ModelError
        If the graph is not of this form, or says what cannot be.
    """

    warm_up_hops = 100

    def __init__(self, session: ModelSession) -> None:
        self.session = session
        metadata = _metadata(session)
        self.sample_rate = _whole_number(metadata, RATE_KEY, LOWEST_RATE, HIGHEST_RATE)
        self.delay_samples = _whole_number(metadata, DELAY_KEY, 0, round(LONGEST_DELAY_S * self.sample_rate))
        self._successors = _successors(session)
        self.hop_samples = StatefulStep(session, self._successors).inputs[self._names[0]].size
        if not 0 < self.hop_samples <= LONGEST_HOP_S * self.sample_rate:
            raise ModelError(f"its hop of {self.hop_samples} samples is longer than {1000 * LONGEST_HOP_S:.0f} ms")

    @property
    def _names(self) -> tuple[str, str]:
        runtime = self.session.runtimes[0]
        return runtime.get_inputs()[0].name, runtime.get_outputs()[0].name

    def stream(self) -> WaveformStream:
        """A new stream, warmed up: its first hop costs no more than the others. Control thread."""
        step = StatefulStep(self.session, self._successors)
        stream = WaveformStream(step, *self._names, self.delay_samples)
        hop = np.zeros(self.hop_samples, np.float32)
        with step.warming():
            for _ in range(2):
                stream.process(hop, hop, no_residual)
        stream.reset()
        return stream


class WaveformStream:
    """State of one source. Implements `DenoiserStream`."""

    def __init__(self, step: StatefulStep, name_in: str, name_out: str, delay_samples: int) -> None:
        self._step = step
        self._in = step.inputs[name_in].reshape(-1)
        self._out = step.outputs[name_out].reshape(-1)
        self._mix = DryMix(delay_samples, self._in.size)

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
        """Power let through over power taken away, -15 to 35 dB; the network has no word of its own on it."""
        return let_through_db(self.noisy_power, self.clean_power)

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
        """Denoise one hop, `Waveform.delay_samples` late. Audio thread; see `DenoiserStream.process`."""
        self._in[:] = hop_in
        self._mix.keep(hop_in)
        self._step.run()
        hop_out[:] = self._out
        self._mix.ease(hop_out, residual())

    def reset(self) -> None:
        """Forget the past; as good as new. Audio thread."""
        self._step.reset()
        self._mix.reset()

    def copy_from(self, other: WaveformStream) -> None:
        """Become a copy of another stream. Audio thread."""
        self._step.copy_from(other._step)
        self._mix.copy_from(other._mix)

    def take_over(self, other: object) -> bool:
        """There is no telling whether another network keeps the same past. Audio thread."""
        return False


def _metadata(session: ModelSession) -> Mapping[str, str]:
    found: dict[str, str] = session.runtimes[0].get_modelmeta().custom_metadata_map
    return found


def _whole_number(metadata: Mapping[str, str], key: str, least: int, most: int) -> int:
    text = metadata.get(key, "")
    if text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most:
        return int(text)
    raise ModelError(
        f"its metadata need {key}, from {least} to {most}, and say {text[:20]!r}; write that into the file"
    )


def _successors(session: ModelSession) -> dict[str, str]:
    """Which output each state comes out as, by the state's name."""
    values_in, values_out = session.runtimes[0].get_inputs(), session.runtimes[0].get_outputs()
    if any(value.type != "tensor(float)" for value in (*values_in, *values_out)):
        raise ModelError("it takes or gives something else than float32; convert it")
    shapes_in, shapes_out = ([value.shape for value in values] for values in (values_in, values_out))
    is_sound = math.prod(_fixed(shapes_in[0])) == math.prod(_fixed(shapes_out[0]))
    if not is_sound or shapes_in[1:] != shapes_out[1:]:
        raise ModelError(
            "its first input and output are not a hop of sound each, or the others are not states of equal shapes"
        )
    return {before.name: after.name for before, after in zip(values_in[1:], values_out[1:], strict=True)}


def _fixed(shape: list[int | str | None]) -> list[int]:
    if not all(isinstance(size, int) for size in shape):
        raise ModelError("its shapes are not all fixed; export it for one hop")
    return [int(size) for size in shape if size is not None]
