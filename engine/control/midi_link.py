"""From a control to what it moves: range, direction, soft takeover, and what a button's press means. Control thread."""

from __future__ import annotations

from engine.control.midi_map import MidiTarget, Press
from engine.control.midi_targets import Target

_NEAR = 2.5 / 127.0
"""A fader that is so close has arrived; Mixxx's soft takeover takes three steps of 127."""

_SAME = 1e-6
_DETENTS = 100.0


class SoftTakeover:
    """Lets a control that cannot move by itself take hold only where the value is, so that nothing jumps.

    It takes hold when it comes close or goes past, and lets go when somebody else moves the value.
    """

    def __init__(self) -> None:
        self._has_hold = False
        self._before: float | None = None
        self._left_at = 0.0

    def lets(self, position: float, present: float) -> bool:
        """Whether a control that came to `position` may move what stands at `present`."""
        before, self._before = self._before, position
        if self._has_hold and abs(present - self._left_at) <= _SAME:
            return True
        is_near = abs(position - present) <= _NEAR
        is_past = before is not None and (before - present) * (position - present) < 0.0
        self._has_hold = is_near or is_past
        return self._has_hold

    def left_at(self, present: float) -> None:
        """Note where the control has moved it to."""
        self._left_at = present

    def let_go(self) -> None:
        """Begin anew, as after another layer was in use."""
        self._has_hold, self._before = False, None


class Link:
    """One control's way to one target.

    Raises
    ------
    ValueError
        If an end of the range, or the value, is none of the target's.
    """

    def __init__(self, wanted: MidiTarget, target: Target, moves_itself: bool) -> None:
        self._wanted = wanted
        self.target = target
        low = 0.0 if wanted.lowest is None else target.travel_of(wanted.lowest)
        high = 1.0 if wanted.highest is None else target.travel_of(wanted.highest)
        self._low, self._high = (high, low) if wanted.is_inverted else (low, high)
        self._value = None if wanted.value is None else target.travel_of(wanted.value)
        self._takeover = SoftTakeover() if wanted.is_soft and not moves_itself else None
        self._rest = 0.0
        self._held_from: float | None = None

    @property
    def name(self) -> str:
        """The target in a map's words."""
        return self._wanted.target

    def position(self) -> float:
        """Where the control would have to stand to mean what is now."""
        travel = self.target.travel()
        if self._value is not None:
            return 1.0 if abs(travel - self._value) <= _SAME else 0.0
        span = self._high - self._low
        return min(max((travel - self._low) / span, 0.0), 1.0) if span else 0.0

    def follow(self, position: float) -> None:
        """Go where a fader or knob is."""
        if self._takeover is None:
            self._go(position)
        elif self._takeover.lets(position, self.position()):
            self._go(position)
            self._takeover.left_at(self.position())

    def turn(self, detents: int) -> None:
        """Go on by an encoder's detents: by hundredths of the way, or by one option each."""
        self._rest += detents * self._wanted.speed
        if not self.target.positions:
            self._go(self.position() + self._rest / _DETENTS)
            self._rest = 0.0
            return
        whole = int(self._rest)
        self._rest -= whole
        if whole:
            self._go(self.position() + whole / max(1, self.target.positions - 1))

    def press(self) -> None:
        """A button goes down."""
        if self._value is not None:
            self._let(self._value)
        elif self.target.is_trigger:
            self.target.move(1.0)
        elif self._wanted.press is Press.HOLD:
            if self._held_from is None:
                self._held_from = self.position()
            self._go(1.0)
        elif self.target.positions > 2:
            self._go_round()
        else:
            self._go(0.0 if self.position() >= 0.5 else 1.0)

    def release(self) -> None:
        """A button comes up: what it only held goes back."""
        if self._held_from is not None:
            position, self._held_from = self._held_from, None
            self._go(position)

    def latch(self, is_on: bool) -> None:
        """A button that keeps its own state has changed it."""
        if self._value is not None or self.target.is_trigger:
            if is_on:
                self.press()
        else:
            self._go(1.0 if is_on else 0.0)

    def let_go(self) -> None:
        """The control may be anywhere when it comes back, as after another layer was in use."""
        if self._takeover is not None:
            self._takeover.let_go()

    def _go(self, position: float) -> None:
        position = min(max(position, 0.0), 1.0)
        self._let(self._low + (self._high - self._low) * position)

    def _go_round(self) -> None:
        step = 1.0 / (self.target.positions - 1)
        position = self.position() + step
        self._go(0.0 if position > 1.0 + step / 2 else position)

    def _let(self, travel: float) -> None:
        self.target.move(travel)
