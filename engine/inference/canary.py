"""A new denoiser beside the one in use, over the same sound, unheard: figures of both, and a rule that judges them.

The rule asks for nothing that a machine cannot tell without a clean reference: that nothing fails, that there is time for it,
that pauses are no noisier and the voice is as loud as before. Whether it sounds better is for the listener to say
(`ctl compare`). Pure computation; one thread.
"""

from __future__ import annotations

import math
from time import perf_counter_ns

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.core.delay import DelayLine
from engine.core.meters import DurationHistogram
from engine.inference.frame_denoiser import FrameDenoiser, no_residual

PAUSE_SHARE, VOICE_SHARE = 0.2, 0.95
"""Levels that a fifth of all hops stay below, and that a twentieth exceed: what is left in pauses, and the voice."""

QUIETEST_VOICE_DBFS, LEAST_SPREAD_DB = -50.0, 20.0
MOST_REDUCTION_DB = 30.0
"""Noise lowered by more than that is gone, by whatever amount."""

LEAST_HEARD_S = 5.0
MOST_FAILURES = 0
MOST_COST_MS = 6.0
"""Of a hop of 10 ms: what the networks may take (`engine.inference.ladder`)."""
MOST_COST_SHARE = 1.5
"""Of the slow hops of the one in use, where the machine is so busy that these are above `MOST_COST_MS`."""
MOST_NOISE_DB = 3.0
MOST_VOICE_DB = 2.0
_TINY = 1e-12


class CanaryFigures(msgspec.Struct, frozen=True):
    """What was found so far; None for what there is nothing of yet.

    Attributes
    ----------
    heard_s : float
        Sound that was worked through.
    is_voice : bool
        Whether somebody spoke, and paused.
    failures : int
        Hops in which the new one raised or gave what is no number; `failure` is the last reason.
    noise_db, voice_db : float or None
        Level of the new one's output over that of the one in use, in pauses and in voice.
    agreement_db : float or None
        Power of the output of the one in use over that of the difference of both.
    """

    heard_s: float
    is_voice: bool
    failures: int
    failure: str
    cost_p50_ms: float | None
    cost_p99_ms: float | None
    current_cost_p50_ms: float | None
    current_cost_p99_ms: float | None
    noise_db: float | None
    voice_db: float | None
    agreement_db: float | None

    def in_words(self) -> str:
        """One clause with all figures that are known."""
        parts = [f"{self.heard_s:.0f} s heard", f"{self.failures} failures"]
        if self.cost_p50_ms is not None and self.current_cost_p50_ms is not None:
            parts.append(f"{self.cost_p50_ms:.2f} ms a hop after {self.current_cost_p50_ms:.2f} ms")
        if self.noise_db is not None:
            parts.append(f"pauses {self.noise_db:+.1f} dB")
        if self.voice_db is not None:
            parts.append(f"voice {self.voice_db:+.1f} dB")
        return ", ".join(parts)


class Verdict(msgspec.Struct, frozen=True):
    """Whether the new one may take the place of the one in use, and why."""

    is_promoted: bool
    reason: str


class _Levels:
    """How often which level was met, in steps of a tenth of a decibel down to -120 dBFS."""

    _STEPS_PER_DB, _LOWEST_DBFS = 10, -120.0

    def __init__(self) -> None:
        self._counts = np.zeros(1400, np.int64)

    def add(self, power: float) -> None:
        step = int((10.0 * math.log10(power + _TINY) - self._LOWEST_DBFS) * self._STEPS_PER_DB)
        self._counts[min(max(step, 0), len(self._counts) - 1)] += 1

    def quantile_dbfs(self, share: float) -> float:
        cumulative = np.cumsum(self._counts)
        step = int(np.searchsorted(cumulative, share * cumulative[-1]))
        return self._LOWEST_DBFS + step / self._STEPS_PER_DB


class Canary:
    """Runs both over mono sound of their rate.

    Parameters
    ----------
    current, candidate : FrameDenoiser
        Of one rate and hop.
    """

    def __init__(self, current: FrameDenoiser, candidate: FrameDenoiser) -> None:
        hop = current.hop_samples
        delay_samples = max(current.delay_samples, candidate.delay_samples)
        self._hop_s = hop / current.sample_rate
        self._hop_samples = hop
        self._streams = current.stream(), candidate.stream()
        self._lines = tuple(DelayLine(1, delay_samples - own.delay_samples) for own in (current, candidate))
        self._dry_line = DelayLine(1, delay_samples)
        self._outs = np.zeros((3, 1, hop), np.float32)
        self._rest = np.zeros(0, np.float32)
        self._costs = DurationHistogram(), DurationHistogram()
        self._hops = 0
        self._failures = 0
        self._failure = ""
        self._levels = _Levels(), _Levels(), _Levels()
        self._agreement = np.zeros(2)

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Work through more of the sound, shape (frames,)."""
        sound = np.concatenate([self._rest, samples])
        whole = len(sound) // self._hop_samples * self._hop_samples
        self._rest = sound[whole:].copy()
        for hop in sound[:whole].reshape(-1, self._hop_samples):
            self._hear_hop(np.ascontiguousarray(hop))

    def _hear_hop(self, hop: NDArray[np.float32]) -> None:
        self._hops += 1
        for stream, line, out, cost in zip(self._streams, self._lines, self._outs[:2], self._costs, strict=True):
            started_ns = perf_counter_ns()
            try:
                stream.process(hop, out[0], no_residual)
            except Exception as error:  # noqa: BLE001 - to find that out is what this is for
                self._fail(stream is self._streams[1], f"{type(error).__name__}: {error}")
                out.fill(0.0)
            cost.add(perf_counter_ns() - started_ns)
            if not np.isfinite(out).all():
                self._fail(stream is self._streams[1], "it returned samples that are no numbers")
                out.fill(0.0)
            line.process(out, out)
        self._dry_line.process(hop[None], self._outs[2])
        self._weigh()

    def _fail(self, is_candidate: bool, reason: str) -> None:
        if is_candidate:
            self._failures += 1
            self._failure = reason.partition("\n")[0]

    def _weigh(self) -> None:
        powers = np.square(self._outs[:, 0]).mean(axis=1)
        for levels, power in zip(self._levels, powers, strict=True):
            levels.add(float(power))
        difference = self._outs[1, 0] - self._outs[0, 0]
        self._agreement += powers[0], float(np.square(difference).mean())

    def figures(self) -> CanaryFigures:
        """What was found so far."""
        current, candidate = (cost.percentiles() for cost in self._costs)
        (pause, new_pause, dry_pause), (voice, new_voice, _) = (
            [levels.quantile_dbfs(share) for levels in self._levels] for share in (PAUSE_SHARE, VOICE_SHARE)
        )
        deepest = dry_pause - MOST_REDUCTION_DB
        return CanaryFigures(
            heard_s=self._hops * self._hop_s,
            is_voice=voice > max(QUIETEST_VOICE_DBFS, pause + LEAST_SPREAD_DB),
            failures=self._failures,
            failure=self._failure,
            cost_p50_ms=candidate.p50_ms if candidate else None,
            cost_p99_ms=candidate.p99_ms if candidate else None,
            current_cost_p50_ms=current.p50_ms if current else None,
            current_cost_p99_ms=current.p99_ms if current else None,
            noise_db=max(new_pause, deepest) - max(pause, deepest) if self._hops else None,
            voice_db=new_voice - voice if self._hops else None,
            agreement_db=10.0 * math.log10((self._agreement[0] + _TINY) / (self._agreement[1] + _TINY))
            if self._hops
            else None,
        )


def judge(figures: CanaryFigures) -> Verdict:
    """The rule."""
    cost_ms, current_ms = figures.cost_p99_ms or 0.0, figures.current_cost_p99_ms or 0.0
    most_ms = max(MOST_COST_MS, MOST_COST_SHARE * current_ms)
    objections = []
    if figures.failures > MOST_FAILURES:
        objections.append(f"it failed in {figures.failures} hops ({figures.failure})")
    if cost_ms > most_ms:
        objections.append(f"its slow hops take {cost_ms:.1f} ms, and {most_ms:.1f} ms are allowed")
    if not figures.is_voice or figures.heard_s < LEAST_HEARD_S:
        objections.append("too little was said to judge it")
    if figures.noise_db is not None and figures.noise_db > MOST_NOISE_DB:
        objections.append(f"it leaves {figures.noise_db:.1f} dB more in pauses")
    if figures.voice_db is not None and abs(figures.voice_db) > MOST_VOICE_DB:
        objections.append(f"it changes the voice by {figures.voice_db:+.1f} dB")
    if objections:
        return Verdict(False, "; ".join(objections))
    return Verdict(True, f"it held for its time as canary ({figures.in_words()})")
