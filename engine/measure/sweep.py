"""A room's impulse response from sine sweeps that a loudspeaker plays and the microphone hears.

Several sweeps are played; what differs between them is noise, movement, or the two devices' clocks. The clock difference
follows from the spacing of the responses, and the sweep is made again at the pace at which it was heard, so nothing has to be
resampled. Distortion comes out ahead of the response, by Farina's virtue. Pure mathematics; nothing waits.

Source: A. Farina, "Simultaneous measurement of impulse response and distortion with a swept-sine technique", AES 108 (2000);
S. Müller, P. Massarani, "Transfer-function measurement with sweeps", JAES 49 (2001), sections 4 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.config import SAMPLE_RATE_HZ
from engine.dsp.curve import THIRD_OCTAVES_HZ, Values, power_spectrum, third_octave_db
from engine.errors import RoomError

_FADE_S = 0.02
_BEFORE_S, _AFTER_S = 0.005, 2.0
_LATEST_S = 1.5
_FULL_SCALE, _FULL_SAMPLES = 0.985, 3
_LEAST_DBFS = -60.0
_LEAST_SNR_DB, _BANDS_SHARE = 12.0, 0.6
_MOST_DISTORTION_DB = -20.0
_MOST_DIFFERENCE_DB = -15.0
_MOST_PPM = 1000.0
_NOISE_BETWEEN = "a noise came in between; wait until it is quiet and measure again"


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is played: silence, then sweeps with pauses in which the room rings out.

    Parameters
    ----------
    sweep_s, pause_s, silence_s : float
    takes : int
        Two at least.
    level_dbfs : float
        Peak.
    """

    sweep_s: float = 4.0
    pause_s: float = 2.2
    silence_s: float = 1.5
    takes: int = 3
    low_hz: float = 30.0
    high_hz: float = 20_000.0
    level_dbfs: float = -12.0

    @property
    def spacing_s(self) -> float:
        """From one sweep to the next."""
        return self.sweep_s + self.pause_s

    @property
    def seconds(self) -> float:
        """All of it, and the time that the devices may take."""
        return self.silence_s + self.takes * self.spacing_s + 0.5

    def one(self, stretch: float = 1.0) -> Values:
        """One sweep, heard `stretch` times as slowly, shape (frames,)."""
        seconds = self.sweep_s * stretch
        low_hz, high_hz = self.low_hz / stretch, self.high_hz / stretch
        rate = seconds / np.log(high_hz / low_hz)
        t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        samples = 10 ** (self.level_dbfs / 20) * np.sin(2 * np.pi * low_hz * rate * (np.exp(t / rate) - 1.0))
        fade = np.clip(np.minimum(t, seconds - t) / _FADE_S, 0.0, 1.0)
        return np.asarray(samples * (0.5 - 0.5 * np.cos(np.pi * fade)))

    def stimulus(self) -> NDArray[np.float32]:
        """Everything that is played, shape (frames,)."""
        sound = np.zeros(round(self.seconds * SAMPLE_RATE_HZ), np.float32)
        sweep = self.one()
        for take in range(self.takes):
            start = round((self.silence_s + take * self.spacing_s) * SAMPLE_RATE_HZ)
            sound[start : start + sweep.size] = sweep
        return sound


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What the sweeps gave.

    Attributes
    ----------
    impulse : array
        Response at 48 kHz, from 5 ms before its peak on, shape (frames,).
    clock_ppm : float
        How much faster the microphone's clock runs than the loudspeaker's.
    snr_db : array
        Of the averaged response in each of `THIRD_OCTAVES_HZ`.
    distortion_db : float
        Second and third harmonic against the sweep itself.
    low_hz, high_hz : float
        The stretch around 1 kHz that stood clear of the noise: a loudspeaker or a microphone may not reach further.
    """

    impulse: Values
    clock_ppm: float
    snr_db: Values
    distortion_db: float
    low_hz: float
    high_hz: float


def evaluate_sweeps(recording: NDArray[np.floating], sweep: Sweep) -> SweepResult:
    """Find the room's response in a recording of `Sweep.stimulus`, shape (frames,), 48 kHz.

    Raises
    ------
    RoomError
        If the take cannot be used; the sentence says why and what to do.
    """
    heard = np.asarray(recording, np.float64)
    expect_no_clipping(heard)
    places, ppm = _places(heard, sweep)
    stretch = 1.0 + ppm * 1e-6
    takes = np.array([_segment(heard, place, sweep, stretch) for place in places])
    _expect_even(takes)
    silence = _silence(heard, places[0], takes.shape[1])
    reference = sweep.one(stretch)
    mean = _deconvolved(takes.mean(axis=0), reference, sweep, stretch)
    peak = int(np.argmax(np.abs(mean[: round(0.2 * SAMPLE_RATE_HZ)])))
    impulse = _cut(mean, peak)
    noise = _cut(_deconvolved(silence, reference, sweep, stretch) / np.sqrt(len(takes)), peak)
    snr_db = third_octave_db(power_spectrum(impulse), SAMPLE_RATE_HZ) - third_octave_db(
        power_spectrum(noise), SAMPLE_RATE_HZ
    )
    level_dbfs = 10 * np.log10(np.mean(np.square(takes[:, : reference.size])) + 1e-20)
    responses = np.array([_cut(_deconvolved(take, reference, sweep, stretch), peak) for take in takes])
    _expect_loud_enough(snr_db, level_dbfs)
    _expect_alike(responses)
    distortion_db = _distortion_db(mean, peak, sweep, stretch)
    if distortion_db > _MOST_DISTORTION_DB:
        raise RoomError(
            "the loudspeaker distorts; turn it down a little, turn the microphone up by as much, and measure again"
        )
    return SweepResult(impulse, ppm, snr_db, distortion_db, *_clear_band(snr_db, sweep))


def expect_no_clipping(heard: NDArray[np.floating]) -> None:
    """Raise if a recording is cut off at full scale.

    Raises
    ------
    RoomError
        With what to do.
    """
    if np.count_nonzero(np.abs(heard) >= _FULL_SCALE) >= _FULL_SAMPLES:
        raise RoomError("the recording is clipped; turn the loudspeaker or the microphone down and measure again")


def _places(heard: Values, sweep: Sweep) -> tuple[list[float], float]:
    """Sample at which each sweep begins, to a fraction, and the difference of the clocks in ppm."""
    spacing = sweep.spacing_s * SAMPLE_RATE_HZ
    response = np.abs(_deconvolved(heard, sweep.one(), sweep, 1.0))
    first = round(sweep.silence_s * SAMPLE_RATE_HZ)
    # Loudspeakers play late, never early.
    window = response[first : first + round(_LATEST_S * SAMPLE_RATE_HZ)]
    if window.size == 0 or not window.any():
        raise RoomError("nothing was recorded; choose another microphone, or switch this one on")
    start = first + int(np.argmax(window))
    train = _deconvolved(heard, sweep.one(), sweep, 1.0)
    reach = int(spacing * _MOST_PPM * 1e-6) + 64
    around = round(0.05 * SAMPLE_RATE_HZ)
    model = train[max(0, start - around) : start + around]
    shifts = []
    for take in range(1, sweep.takes):
        at = max(0, start - around) + round(take * spacing) - reach
        shifts.append((_best_lag(train[at : at + model.size + 2 * reach], model) - reach) / take)
    # The later the sweep, the finer its place tells the pace.
    counts = np.arange(1, sweep.takes)
    shift = float(np.average(shifts, weights=counts**2))
    stretch = 1.0 + shift / spacing
    return [start + take * spacing * stretch for take in range(sweep.takes)], (stretch - 1.0) * 1e6


def _best_lag(longer: Values, model: Values) -> float:
    size = 1 << (longer.size + model.size).bit_length()
    match = np.fft.irfft(np.fft.rfft(longer, size) * np.conj(np.fft.rfft(model, size)), size)
    match = match[: longer.size - model.size + 1]
    if match.size < 3:
        raise RoomError("the recording is too short; measure again")
    top = int(np.clip(np.argmax(match), 1, match.size - 2))
    left, middle, right = match[top - 1 : top + 2]
    bend = left - 2.0 * middle + right
    return top + (0.5 * (left - right) / bend if bend else 0.0)


def _segment(heard: Values, place: float, sweep: Sweep, stretch: float) -> Values:
    """A sweep and the pause behind it, moved by the fraction of a sample, from 50 ms ahead of its direct sound."""
    start = int(np.floor(place)) - round(0.05 * SAMPLE_RATE_HZ)
    length = round((sweep.sweep_s * stretch + sweep.pause_s) * SAMPLE_RATE_HZ)
    piece = np.zeros(length)
    found = heard[max(0, start) : max(0, start) + length]
    piece[: found.size] = found
    size = 1 << (length - 1).bit_length()
    turn = np.exp(2j * np.pi * np.arange(size // 2 + 1) / size * (place - np.floor(place)))
    return np.asarray(np.fft.irfft(np.fft.rfft(piece, size) * turn, size)[:length])


def _silence(heard: Values, first_place: float, length: int) -> Values:
    """What was heard before the first sweep, over and over up to `length`."""
    quiet = heard[: max(1, int(first_place) - round(0.1 * SAMPLE_RATE_HZ))]
    quiet = quiet[quiet.size // 3 :]
    return np.resize(quiet, length)


def _deconvolved(heard: Values, reference: Values, sweep: Sweep, stretch: float) -> Values:
    """Response to the reference; what comes ahead of it stands at the end."""
    size = 1 << (heard.size + reference.size - 1).bit_length()
    played = np.fft.rfft(reference, size)
    power = np.square(np.abs(played))
    frequencies_hz = np.arange(size // 2 + 1) * (SAMPLE_RATE_HZ / size)
    inside = (frequencies_hz > 1.1 * sweep.low_hz / stretch) & (frequencies_hz < 0.97 * sweep.high_hz / stretch)
    # Outside of the sweep there is nothing to divide by.
    guard = np.where(inside, 1e-6 * power[inside].mean(), power[inside].max())
    return np.asarray(np.fft.irfft(np.fft.rfft(heard, size) * np.conj(played) / (power + guard), size))


def _cut(response: Values, peak: int) -> Values:
    before, after = round(_BEFORE_S * SAMPLE_RATE_HZ), round(_AFTER_S * SAMPLE_RATE_HZ)
    return response[np.arange(peak - before, peak + after) % response.size]


def _expect_loud_enough(snr_db: Values, level_dbfs: float) -> None:
    is_heard = snr_db[(THIRD_OCTAVES_HZ > 95) & (THIRD_OCTAVES_HZ < 8500)] > _LEAST_SNR_DB
    if np.mean(is_heard) >= _BANDS_SHARE:
        return
    if level_dbfs < _LEAST_DBFS:
        raise RoomError("the sweep is too quiet; turn the loudspeaker or the microphone up and measure again")
    raise RoomError(
        "there is too much noise; silence what hums or blows, or turn the loudspeaker up, and measure again"
    )


def _clear_band(snr_db: Values, sweep: Sweep) -> tuple[float, float]:
    is_clear = snr_db > _LEAST_SNR_DB
    middle = int(np.argmin(np.abs(THIRD_OCTAVES_HZ - 1000.0)))
    below, above = np.flatnonzero(~is_clear[:middle]), np.flatnonzero(~is_clear[middle:])
    low_hz = THIRD_OCTAVES_HZ[below[-1] + 1] if below.size else 1.3 * sweep.low_hz
    high_hz = THIRD_OCTAVES_HZ[max(middle + above[0] - 1, middle)] if above.size else 0.8 * sweep.high_hz
    return float(low_hz), float(high_hz)


def _expect_even(takes: Values) -> None:
    """One take that is much louder than the others holds more than the sweep."""
    power = np.mean(np.square(takes), axis=1)
    if power.max() > 2.0 * np.median(power):
        raise RoomError(_NOISE_BETWEEN)


def _expect_alike(responses: Values) -> None:
    """Tell takes apart that differ: at the response itself if something moved, everywhere if it was noise."""
    mean = np.median(responses, axis=0)
    head = slice(round(_BEFORE_S * SAMPLE_RATE_HZ) - 24, round((_BEFORE_S + 0.03) * SAMPLE_RATE_HZ))
    energy = float(np.sum(np.square(mean[head])))
    for take in responses:
        difference = np.square(take - mean)
        near = float(np.sum(difference[head]))
        if near < 10 ** (_MOST_DIFFERENCE_DB / 10) * energy:
            continue
        length = head.stop - head.start
        elsewhere = float(np.mean(difference[-responses.shape[1] // 2 :])) * length
        if near > 10.0 * elsewhere:
            raise RoomError(
                "something moved between the sweeps; let microphone and loudspeaker stand and measure again"
            )
        raise RoomError(_NOISE_BETWEEN)


def _distortion_db(response: Values, peak: int, sweep: Sweep, stretch: float) -> float:
    rate = sweep.sweep_s * stretch / np.log(sweep.high_hz / sweep.low_hz) * SAMPLE_RATE_HZ
    half = round(0.03 * SAMPLE_RATE_HZ)
    main = float(np.sum(np.square(_window(response, peak, half))))
    energy = sum(
        float(np.sum(np.square(_window(response, peak - round(rate * np.log(order)), half)))) for order in (2, 3)
    )
    return float(10 * np.log10((energy + 1e-30) / (main + 1e-30)))


def _window(response: Values, centre: int, half: int) -> Values:
    return response[np.arange(centre - half // 3, centre + half) % response.size]
