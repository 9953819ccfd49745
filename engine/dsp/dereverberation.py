"""Late reverberation taken out of a voice, without a delay: what rings on is foretold from what was heard, and turned down.

A room's reverberation dies away exponentially, so the power that rings on now in each band follows from the power heard so
far, the time the room takes, and how much of what is heard comes straight from the mouth. Bands in which most of what is
heard only rings on are turned down. The gains come from a transform of the newest samples and are put on as a minimum-phase
filter that changes every 5 ms, so the sound itself is never late; all channels are treated alike.

Source: E. Habets, S. Gannot, I. Cohen, "Late reverberant spectral variance estimation based on a statistical model", IEEE
Signal Processing Letters 16 (2009) 770-773, which is the model of K. Lebart, J. Boucher, P. Denbigh, "A new method based on
spectral subtraction for speech dereverberation", Acta Acustica 87 (2001) 359-366, with the direct sound told apart; Y. Ephraim,
D. Malah, "Speech enhancement using a minimum mean-square error short-time spectral amplitude estimator", IEEE Trans. ASSP 32
(1984), equation 51, for the decision-directed ratio; H. Löllmann, P. Vary, "Low delay noise reduction and dereverberation for
hearing aids", EURASIP JASP (2009) 437807, for gains put on as a filter in time.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.crossfade import raised_cosine
from engine.core.kernel import compile_kernels, inline, kernel
from engine.core.stage import Block
from engine.dsp.direct_convolution import convolve_directly
from engine.dsp.fft import FFT_TYPE, FftTables, inverse_real_fft, plan_fft, real_fft

LATE_MS = 50.0
"""From here on a reflection is reverberation and no longer part of the sound itself."""

_WINDOW, _HOP, _TAPS = 960, 240, 256
_BINS = _WINDOW // 2 + 1
_POWER_MS = 20.0
_GLIDE_MS = 40.0
_RATIO_MEMORY_MS = 95.0
_METER_MS = 300.0
_LEAST_POWER = 1e-14
_FILLED, _NEWEST = range(2)
_FLOOR, _LATER, _RINGS_ON, _SETS_OFF = range(4)
_BEFORE, _AFTER = range(2)
_HEARD, _MEAN, _RINGING, _DIRECT, _LOG_GAIN = range(5)


class Dereverberator:
    """Turns late reverberation down in a stream of blocks of any length.

    Parameters
    ----------
    channels, sample_rate : int
    """

    def __init__(self, channels: int, sample_rate: int) -> None:
        compile_kernels(_dereverberate)
        hop_ms = 1e3 * _HOP / sample_rate
        self._hop_s = hop_ms / 1e3
        late_hops = round(LATE_MS / hop_ms)
        self._at = np.zeros(2, np.int64)
        self._line = np.zeros((channels, _WINDOW + _HOP), np.float32)
        self._taps = np.zeros((2, _TAPS), np.float32)
        self._bins = np.zeros((5, _BINS))
        # Of the hop that is judged, what rang on a hop ago is known already.
        self._past = np.zeros((late_hops - 1, _BINS))
        self._settings = np.zeros(4)
        self._glides = np.zeros(4)
        self._powers = np.zeros(2)
        self._window = np.hanning(_WINDOW + 1)[:_WINDOW].astype(np.float32)
        self._window /= np.sqrt(np.sum(np.square(self._window, dtype=np.float64))).astype(np.float32)
        self._fade = raised_cosine(_HOP)[1:].astype(np.float32)
        # The end of a filter that is cut off is faded out, not broken off.
        half = _TAPS // 2
        self._taper = np.ones(_TAPS, np.float32)
        self._taper[half:] = (0.5 + 0.5 * np.cos(np.pi * np.arange(half) / half)).astype(np.float32)
        self._plan = plan_fft(_WINDOW)
        self._samples = np.zeros(_WINDOW, np.float32)
        self._spectrum = np.zeros(_BINS, np.complex64)
        self._out = np.zeros((2, _HOP), np.float32)
        self._paces = np.array(
            [_pace(time_ms, hop_ms) for time_ms in (_POWER_MS, _RATIO_MEMORY_MS, _GLIDE_MS, _METER_MS)]
        )
        self.reset()

    @property
    def reduction_db(self) -> float:
        """By how much the sound is turned down now, over all bands. Any thread."""
        heard, kept = self._powers
        return float(10.0 * math.log10((heard + _LEAST_POWER) / (kept + _LEAST_POWER)))

    def process(self, block: Block, strength_db: float, decay_s: float, direct_db: float) -> None:
        """Treat `block`, shape (channels, frames), in place. Audio thread.

        Parameters
        ----------
        strength_db : float
            No band is turned down by more than this; 0 lets the sound through as it is.
        decay_s : float
            Time in which the room's reverberation falls by 60 dB.
        direct_db : float
            How far the sound straight from the mouth stands above all reverberation of it.
        """
        hop_left = 10.0 ** (-6.0 * self._hop_s / decay_s)
        # Habets et al. (2009), equations 11 to 14.
        ringing_share = min(1.0, (1.0 - hop_left) / hop_left * 10.0 ** (-direct_db / 10.0))
        self._settings[_FLOOR] = 10.0 ** (-strength_db / 20.0)
        self._settings[_LATER] = 10.0 ** (-6.0 * (LATE_MS / 1e3 - self._hop_s) / decay_s)
        self._settings[_RINGS_ON] = (1.0 - ringing_share) * hop_left
        self._settings[_SETS_OFF] = ringing_share * hop_left
        _dereverberate(
            block, self._at, self._line, self._taps, self._bins, self._past, self._settings, self._glides, self._powers,
            self._paces, self._window, self._fade, self._taper, self._out, self._plan, self._samples, self._spectrum,
        )  # fmt: skip

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._at.fill(0)
        for memory in (self._line, self._taps, self._bins, self._past, self._powers):
            memory.fill(0.0)
        # Backwards: the last tap is the newest sample's.
        self._taps[:, -1] = 1.0
        self._glides.fill(np.nan)


def _pace(time_ms: float, hop_ms: float) -> float:
    """Share of the way that a mean with this time constant goes in a hop."""
    return 1.0 - math.exp(-hop_ms / time_ms)


@kernel(
    "void(float32[:, :], int64[::1], float32[:, ::1], float32[:, ::1], float64[:, ::1], float64[:, ::1], float64[::1], "
    "float64[::1], float64[::1], float64[::1], float32[::1], float32[::1], float32[::1], float32[:, ::1], "
    f"{FFT_TYPE}, float32[::1], complex64[::1])",
    may_reorder=True,
)
def _dereverberate(
    block: NDArray[np.float32],
    at: NDArray[np.int64],
    line: NDArray[np.float32],
    taps: NDArray[np.float32],
    bins: NDArray[np.float64],
    past: NDArray[np.float64],
    settings: NDArray[np.float64],
    glides: NDArray[np.float64],
    powers: NDArray[np.float64],
    paces: NDArray[np.float64],
    window: NDArray[np.float32],
    fade: NDArray[np.float32],
    taper: NDArray[np.float32],
    out: NDArray[np.float32],
    plan: FftTables,
    samples: NDArray[np.float32],
    spectrum: NDArray[np.complex64],
) -> None:
    channels, frames = block.shape
    done = 0
    while done < frames:
        filled = at[_FILLED]
        count = min(frames - done, _HOP - filled)
        for channel in range(channels):
            newest = line[channel]
            for frame in range(count):
                newest[_WINDOW + filled + frame] = block[channel, done + frame]
            first = _WINDOW + filled + 1 - taps.shape[1]
            convolve_directly(newest, first, taps[_BEFORE], count, out[_BEFORE])
            convolve_directly(newest, first, taps[_AFTER], count, out[_AFTER])
            for frame in range(count):
                before = out[_BEFORE, frame]
                block[channel, done + frame] = before + fade[filled + frame] * (out[_AFTER, frame] - before)
        done += count
        at[_FILLED] = filled + count
        if at[_FILLED] == _HOP:
            at[_FILLED] = 0
            _glide(glides, settings, paces[2])
            _hear(line, window, plan, samples, spectrum, bins[_HEARD])
            _judge(bins, past[at[_NEWEST]], glides, powers, paces)
            at[_NEWEST] = (at[_NEWEST] + 1) % past.shape[0]
            taps[_BEFORE] = taps[_AFTER]
            _design(bins[_LOG_GAIN], taper, plan, samples, spectrum, taps[_AFTER])


@inline
def _glide(glides: NDArray[np.float64], settings: NDArray[np.float64], pace: float) -> None:
    for row in range(glides.size):
        if math.isnan(glides[row]):
            glides[row] = settings[row]
        glides[row] += pace * (settings[row] - glides[row])


@inline
def _hear(
    line: NDArray[np.float32],
    window: NDArray[np.float32],
    plan: FftTables,
    samples: NDArray[np.float32],
    spectrum: NDArray[np.complex64],
    heard: NDArray[np.float64],
) -> None:
    """Power of the newest samples in each bin, mean of all channels; moves the line on by a hop."""
    heard[:] = 0.0
    channels = line.shape[0]
    for channel in range(channels):
        newest = line[channel]
        newest[:_WINDOW] = newest[_HOP:]
        for n in range(_WINDOW):
            samples[n] = window[n] * newest[n]
        real_fft(plan, samples, 1.0, spectrum)
        for k in range(heard.size):
            real, imaginary = np.float64(spectrum[k].real), np.float64(spectrum[k].imag)
            heard[k] += (real * real + imaginary * imaginary) / channels


@inline
def _judge(
    bins: NDArray[np.float64],
    past: NDArray[np.float64],
    glides: NDArray[np.float64],
    powers: NDArray[np.float64],
    paces: NDArray[np.float64],
) -> None:
    """Gain of each bin. `past` is what rang on `LATE_MS` ago but a hop, and becomes what rings on now."""
    heard, mean, ringing = bins[_HEARD], bins[_MEAN], bins[_RINGING]
    direct, log_gain = bins[_DIRECT], bins[_LOG_GAIN]
    before = after = 0.0
    for k in range(heard.size):
        late = glides[_LATER] * past[k] + _LEAST_POWER
        mean[k] = max(mean[k] + paces[0] * (heard[k] - mean[k]), 1e-3 * _LEAST_POWER)
        ringing[k] = glides[_RINGS_ON] * ringing[k] + glides[_SETS_OFF] * mean[k]
        past[k] = ringing[k]
        # How far the sound itself stands above what rings on: as it was a hop ago, and as it looks now.
        now = max(heard[k] / late - 1.0, 0.0)
        ratio = direct[k] + paces[1] * (now - direct[k])
        share = ratio / (1.0 + ratio)
        direct[k] = share * share * heard[k] / late
        gain = max(math.sqrt(share), glides[_FLOOR])
        log_gain[k] = math.log(gain)
        before += heard[k]
        after += gain * gain * heard[k]
    powers[0] += paces[3] * (before - powers[0])
    powers[1] += paces[3] * (after - powers[1])


@inline
def _design(
    log_gain: NDArray[np.float64],
    taper: NDArray[np.float32],
    plan: FftTables,
    samples: NDArray[np.float32],
    spectrum: NDArray[np.complex64],
    backwards: NDArray[np.float32],
) -> None:
    """Minimum-phase filter with these gains, its taps backwards: the real cepstrum folded to the causal side."""
    for k in range(log_gain.size):
        spectrum[k] = complex(log_gain[k], 0.0)
    inverse_real_fft(plan, spectrum, 1.0 / _WINDOW, samples)
    for n in range(1, _WINDOW // 2):
        samples[n] *= 2.0
    samples[_WINDOW // 2 + 1 :] = 0.0
    real_fft(plan, samples, 1.0, spectrum)
    for k in range(log_gain.size):
        size, turn = math.exp(spectrum[k].real), spectrum[k].imag
        spectrum[k] = complex(size * math.cos(turn), size * math.sin(turn))
    inverse_real_fft(plan, spectrum, 1.0 / _WINDOW, samples)
    for n in range(backwards.size):
        backwards[backwards.size - 1 - n] = samples[n] * taper[n]
