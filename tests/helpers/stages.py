"""What the contract asks of any stage, said once: how it is built, run over a signal in cuts, and how clicks are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from engine.core.params import Params
from engine.core.stage import Block, Context, Stage, StreamFormat

SAMPLE_RATE = 48_000
BLOCK = 480

# Parameters with which a stage leaves a signal as it is but for its delay; a stage that is not named needs none.
TRANSPARENT: dict[str, dict[str, Any]] = {
    "compressor": {"ratio": 1.0},
    "denoise": {"strength_db": 0.0},
    "dereverb": {"strength_db": 0.0},
    "gate": {"depth_db": 0.0},
    "leveller": {"boost_db": 0.0, "cut_db": 0.0},
    "room_correction": {"strength": 0.0},
}

# Loud enough, and with parameters such, that each stage does something to a tone of -3 dBFS that can be heard.
AUDIBLE: dict[str, dict[str, Any]] = {
    "input_gain": {"gain_db": -9.0},
    "output_gain": {"gain_db": -6.0},
    "high_pass": {"cutoff_hz": 400.0, "slope": "24 dB/oct"},
    "limiter": {"ceiling_dbtp": -12.0},
    "leveller": {"start_db": -12.0},
    "de_esser": {"threshold_db": -40.0, "split_hz": 2000.0},
    "equalizer": {
        "preamp_db": -18.0,
        "bass_db": 6.0,
        "treble_db": -6.0,
        **{f"band{band}_db": 6.0 for band in range(1, 11)},
    },
}

Prepare = Callable[[StreamFormat], Stage[Any]]


def mono_format(is_fixed: bool = True) -> StreamFormat:
    """One channel in blocks of (up to) 10 ms."""
    return StreamFormat(SAMPLE_RATE, 1, BLOCK, is_fixed)


def with_values(params_type: type[Params], values: dict[str, Any]) -> Params:
    """Default parameters but for `values`."""
    return params_type().with_values(values)


def blocks_of(frames: int, lengths: Sequence[int] = (BLOCK,)) -> Iterator[slice]:
    """Slices that cover `frames`, with these lengths over and over."""
    start = turn = 0
    while start < frames:
        end = min(start + lengths[turn % len(lengths)], frames)
        yield slice(start, end)
        start, turn = end, turn + 1


def run(
    stage: Stage[Any], samples: Block, params: Params, lengths: Sequence[int] = (BLOCK,), music: Block | None = None
) -> Block:
    """Output for `samples`, shape (channels, frames), with parameters that stand still, and `music` as second input."""
    context: Context[Any] = Context(params, len(stage.meters))
    out = samples.copy()
    for cut in blocks_of(samples.shape[1], lengths):
        context.side.music = None if music is None else music[:, cut]
        # A row of a longer array, as the engine hands over: a stage must not count on one contiguous block.
        stage.process(out[:, cut], context)
    return out


def run_through(stage: Stage[Any], samples: Block, settings: Sequence[Params], music: Block | None = None) -> Block:
    """Output for `samples` with one set of parameters per block; the last one stays."""
    context: Context[Any] = Context(settings[0], len(stage.meters))
    out = samples.copy()
    for index, cut in enumerate(blocks_of(samples.shape[1])):
        context.params = settings[min(index, len(settings) - 1)]
        context.side.music = None if music is None else music[:, cut]
        stage.process(out[:, cut], context)
    return out


def tone(seconds: float, level_dbfs: float, frequency_hz: float = 1000.0, channels: int = 1) -> Block:
    """A sine of this peak level, shape (channels, frames)."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    # Blocks of 10 ms must not begin where the tone is zero, or a step between two of them would pass unheard.
    samples = 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * frequency_hz * t + 1.2)
    return np.tile(samples.astype(np.float32), (channels, 1))


def voice_like(seconds: float, channels: int = 1, seed: int = 1) -> Block:
    """Syllables of harmonics and breath at changing levels with pauses, peak about -3 dBFS, shape (channels, frames)."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * SAMPLE_RATE)
    t = np.arange(frames) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(120 + 25 * np.sin(2 * np.pi * 0.7 * t)) / SAMPLE_RATE
    voiced = sum(np.sin(k * phase) / k for k in range(1, 25))
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * t) * (0.6 + 0.4 * np.sin(2 * np.pi * 0.45 * t)), 0, None)
    samples = np.stack(
        [syllables * (voiced + 0.3 * rng.standard_normal(frames)) + 0.003 * rng.standard_normal(frames)] * channels
    )
    for channel in range(1, channels):
        samples[channel] = np.roll(samples[channel], 40 * channel) * 0.7
    loud: NDArray[np.float32] = (0.7 * samples / np.abs(samples).max()).astype(np.float32)
    return loud


# Flat above 5 kHz and 100 dB down at 1 kHz: what is left of a tone is what does not belong to it.
_CLICK_FILTER = signal.firwin(511, 4000, fs=SAMPLE_RATE, pass_zero=False, window=("kaiser", 10.0))


def clicks(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Magnitude of what lies above a 1 kHz tone and its near sidebands, shape of `samples` (frames,)."""
    found: NDArray[np.float64] = np.abs(signal.fftconvolve(samples.astype(np.float64), _CLICK_FILTER, mode="same"))
    return found
