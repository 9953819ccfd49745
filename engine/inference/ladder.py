"""Which denoiser shall be heard when not all goes well: pure policy, costs and failures in, a name out.

The rungs stand best first; the last is dry and cannot fail. Two things lead down. A *failure* (a model that raises, returns
what is no number, or hangs) bars its rung for a pause that grows each time. *Pressure*, hops that take longer than their
share of the time, again and again, leads down by one rung if that is allowed. The way up is tried after a time of calm: the
better denoiser first runs unheard, and if that alone costs too much it is called off. Time is counted in hops.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

STRAIN_LIMIT = 4.0
"""Overrun hops within about a second, each counted by how often it took its budget, that lead down by a rung."""
TRIAL_STRAIN_LIMIT = 2.0
"""The same while a better denoiser runs unheard; also what still counts as calm."""
STRAIN_S = 1.0
CALM_S = (1.0, 2.0, 4.0)
"""Calm before the way up is tried: at first, after one attempt that was called off, and after more."""
SETTLED_S = 20.0
"""A rung held so long makes the next way up as short as the first."""
HANG_S = 0.1
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
KEPT_STEPS = 64


@dataclass(frozen=True, slots=True)
class Failure:
    """A denoiser that did not give a hop, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """One denoiser came in the place of another, or, where that was not heard itself, could not."""

    left: str
    heard: str
    reason: str


@dataclass(slots=True)
class _Bar:
    """How long a rung that failed is left alone."""

    pause_hops: int
    until_hop: int


class Ladder:
    """Decides over one stream. Audio thread, but for `steps`, which any thread may take from the left.

    Parameters
    ----------
    hop_s : float
        Time between two calls of `after_hop`.

    Attributes
    ----------
    steps : deque[Step]
        The last steps, oldest first.
    """

    def __init__(self, hop_s: float) -> None:
        self._hop_s = hop_s
        self._decay = 1.0 - hop_s / STRAIN_S
        self._hang_ns = round(HANG_S * 1e9)
        self.steps: deque[Step] = deque(maxlen=KEPT_STEPS)
        self._rungs: tuple[str, ...] = ()
        self._yields = False
        self.reset()

    def reset(self) -> None:
        """Forget pressure and failures. Audio thread."""
        self._hop = 0
        self._pressed = 0
        self._strain = 0.0
        self._calm_hops = 0
        self._held_hops = 0
        self._called_off = 0
        self._bars: dict[str, _Bar] = {}
        self._heard = ""
        self._reason = ""
        self._is_chosen = False

    def aim(self, rungs: tuple[str, ...], yields: bool) -> None:
        """Say which rungs there are, best first, dry last, and whether pressure may lead down. Audio thread."""
        if rungs == self._rungs and yields == self._yields:
            return
        self._rungs, self._yields = rungs, yields
        self._pressed = 0
        self._strain = 0.0
        self._calm_hops = 0
        self._called_off = 0
        self._is_chosen = True

    @property
    def wanted(self) -> str:
        """The best rung that may be tried now."""
        for name in self._rungs[self._pressed :]:
            bar = self._bars.get(name)
            if bar is None or self._hop >= bar.until_hop:
                return name
        return self._rungs[-1]

    @property
    def is_hurried(self) -> bool:
        """Whether what comes now should warm up only as long as it must.

        Under pressure two should not run side by side for long, and in the place of one that failed it is noisy meanwhile.
        """
        wanted = self.wanted
        stands_in = self._heard == self._rungs[-1] and bool(self._bars) and wanted not in self._bars
        return stands_in or (self._heard in self._rungs and self._rank(self._heard) < self._rank(wanted))

    def after_hop(self, cost_ns: int, budget_ns: int, heard: str, failure: Failure | None) -> bool:
        """Judge a hop that was done. Audio thread.

        Parameters
        ----------
        cost_ns, budget_ns : int
            What the denoisers took, and what they may take; a budget of 0 means that time does not count (offline).
        heard : str
            Which one is heard now.
        failure : Failure or None
            What went wrong in this hop.

        Returns
        -------
        bool
            Whether the denoiser that is heard must not be run even once more.
        """
        self._hop += 1
        is_dropped = False
        wanted, dry = self.wanted, self._rungs[-1]
        if failure is not None:
            self._bar(failure, heard)
        elif budget_ns and cost_ns > self._hang_ns and (heard, wanted) != (dry, dry):
            # Of two that run side by side, the better one is the dearer one.
            culprit = min(wanted, heard, key=self._rank)
            self._bar(Failure(culprit, f"it hung for {cost_ns / 1e6:.0f} ms"), heard)
            is_dropped = culprit == heard
        elif budget_ns and self._yields:
            is_dropped = self._weigh(cost_ns, budget_ns, heard, wanted)
        self._note(heard)
        return is_dropped

    def _weigh(self, cost_ns: int, budget_ns: int, heard: str, wanted: str) -> bool:
        share = cost_ns / budget_ns
        # Bounded, so that calm is noticed soon, whatever was before.
        self._strain = min(self._strain * self._decay + (share if share > 1.0 else 0.0), 2.0 * STRAIN_LIMIT)
        self._calm_hops = self._calm_hops + 1 if self._strain < TRIAL_STRAIN_LIMIT else 0
        if self._rank(heard) > self._rank(wanted):
            if self._strain >= TRIAL_STRAIN_LIMIT:
                self._call_off(heard)
        elif self._rank(heard) < self._rank(wanted):
            return self._strain >= STRAIN_LIMIT
        elif self._strain >= STRAIN_LIMIT and wanted != self._rungs[-1]:
            self._pressed = self._rank(wanted) + 1
            self._reason = f"it took {cost_ns / 1e6:.1f} ms of the {budget_ns / 1e6:.1f} ms that it may take"
            self._is_chosen = False
            self._start_anew()
        elif self._pressed and self._calm_hops * self._hop_s >= CALM_S[min(self._called_off, len(CALM_S) - 1)]:
            self._pressed -= 1
            self._is_chosen = False
            self._strain = 0.0
        return False

    def _call_off(self, heard: str) -> None:
        self._pressed = self._rank(heard)
        self._called_off += 1
        self._start_anew()

    def _start_anew(self) -> None:
        self._strain = 0.0
        self._calm_hops = 0

    def _bar(self, failure: Failure, heard: str) -> None:
        name = failure.name
        known = self._bars.get(name)
        first = round(FIRST_PAUSE_S / self._hop_s)
        longest = round(LONGEST_PAUSE_S / self._hop_s)
        # One that went well for as long as the longest pause has made good.
        is_forgiven = known is None or self._hop - known.until_hop > longest
        pause = first if known is None or is_forgiven else min(2 * known.pause_hops, longest)
        self._bars[name] = _Bar(pause, self._hop + pause)
        self._is_chosen = False
        if name == self._heard:
            self._reason = failure.reason
        else:
            self.steps.append(Step(name, heard, failure.reason))

    def _note(self, heard: str) -> None:
        left, self._heard = self._heard, heard
        self._held_hops += 1
        if heard == left:
            if self._held_hops * self._hop_s > SETTLED_S:
                self._called_off = 0
        elif left:
            went_up = self._rank(heard) < self._rank(left)
            if not self._is_chosen:
                self.steps.append(Step(left, heard, self._way_up(heard) if went_up else self._reason))
            if not went_up and self._held_hops * self._hop_s < SETTLED_S:
                self._called_off += 1
            self._held_hops = 0
        if heard == self.wanted:
            self._is_chosen = False

    def _way_up(self, heard: str) -> str:
        if heard in self._bars:
            return "it works again"
        better = self._rungs[: self._rank(heard)]
        return "it stands in" if any(name in self._bars for name in better) else "there is room again"

    def _rank(self, name: str) -> int:
        return self._rungs.index(name) if name in self._rungs else -1
