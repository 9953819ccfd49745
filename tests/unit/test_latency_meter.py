"""The delay of a voice is found through filters, gain and noise; and no delay is made up where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.io import pulse
from engine.measure.correlation import delay_between
from engine.measure.latency import PassiveLatencyMeter

RATE_HZ = 48_000


def voice(seconds: float, seed: int = 1) -> NDArray[np.float32]:
    """Something like speech: syllables of a gliding buzz with noise, and pauses."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    pitch_hz = 90 + seed % 97 + 30 * np.sin(2 * np.pi * (0.5 + 0.13 * (seed % 7)) * t + seed)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    buzz = sum(np.sin(k * phase + k * k) / k for k in range(1, 40))
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * t + seed), 0, 1)
    return (0.1 * syllables * (buzz + 0.5 * rng.standard_normal(t.size))).astype(np.float32)


def delayed(frames: NDArray[np.float32], delay_ms: float) -> NDArray[np.float32]:
    shift = round(delay_ms * RATE_HZ / 1e3)
    return np.concatenate((np.zeros(shift, np.float32), frames))[: frames.size]


@pytest.mark.parametrize("delay_ms", [2.0, 31.5, 74.25, 320.0])
def test_found_through_noise_filter_and_compression(delay_ms: float) -> None:
    clean = voice(3.0)
    noise = 0.02 * np.random.default_rng(2).standard_normal(clean.size).astype(np.float32)
    after = np.tanh(4.0 * delayed(clean, delay_ms))
    after = np.convolve(after, [0.5, 0.3, 0.1], "same").astype(np.float32) * 0.2
    found = delay_between(clean + noise, after, RATE_HZ)
    assert found is not None
    assert found.is_clear
    assert found.delay_ms == pytest.approx(delay_ms, abs=0.1)


def test_silence_has_no_delay() -> None:
    assert delay_between(voice(3.0), np.zeros(3 * RATE_HZ, np.float32), RATE_HZ) is None


@pytest.mark.parametrize("seed", range(5))
def test_two_voices_that_have_nothing_in_common_are_not_clear(seed: int) -> None:
    found = delay_between(voice(3.0, seed), voice(3.0, seed + 100), RATE_HZ)
    assert found is None or not found.is_clear


def test_a_steady_tone_is_not_clear() -> None:
    t = np.arange(3 * RATE_HZ) / RATE_HZ
    tone = (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    found = delay_between(tone, delayed(tone, 30.0), RATE_HZ)
    assert found is None or not found.is_clear


@pytest.mark.parametrize(
    ("microphone", "source"),
    [(None, "usb"), ("pulse:usb", "usb"), ("usb", "usb"), ("yeti", "usb"), ("headset", "bt"), ("gone", None)],
)
def test_the_microphone_is_the_one_that_the_engine_would_take(
    monkeypatch: pytest.MonkeyPatch, microphone: str | None, source: str | None
) -> None:
    own = pulse.Endpoint(pulse.VIRTUAL_SOURCE, "Sidetone", 2, False, False)
    monitor = pulse.Endpoint("speakers.monitor", "Monitor of Headset", 2, True, False)
    yeti = pulse.Endpoint("usb", "Blue Yeti", 1, False, True)
    headset = pulse.Endpoint("bt", "Headset", 1, False, False)
    monkeypatch.setattr(pulse, "endpoints", lambda: pulse.Endpoints((own, monitor, headset, yeti), ()))
    assert PassiveLatencyMeter(microphone)._source_name() == source
