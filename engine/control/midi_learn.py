"""What kind of control somebody has just moved, from the short burst of messages it sent. Pure; any thread.

After the idea of Mixxx's learning wizard: histograms of a burst's values tell a knob from an encoder and an encoder's coding
from the other two. Here the repetitions count too: an absolute control never sends the same value twice in a row, an encoder
turned by hand does so all the time. Messages of other controls that slip in (an aftertouching pad, a fader touched by the
sleeve) are noise as long as they are fewer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from engine.control.midi_message import LARGEST_7_BIT, LEAST_SIGNIFICANT_OFFSET, Address, MessageKind, MidiMessage


class ControlKind(StrEnum):
    """How a control speaks, in the words of a map.

    `NOTE` and `BUTTON` are momentary: something when pressed, zero when released; their latching brothers keep a state of
    their own and send it with every press. The relative ones are encoders that send steps: 1 and 127, 65 and 63, or 1 and 65
    for one to the right and one to the left.
    """

    NOTE = "note"
    NOTE_LATCH = "note_latch"
    BUTTON = "cc_button"
    BUTTON_LATCH = "cc_button_latch"
    CC = "cc"
    CC_14_BIT = "cc_14_bit"
    PITCH_BEND = "pitch_bend"
    RELATIVE_TWOS_COMPLEMENT = "relative_twos_complement"
    RELATIVE_OFFSET_64 = "relative_offset_64"
    RELATIVE_SIGN_MAGNITUDE = "relative_sign_magnitude"
    PROGRAM = "program"


RELATIVE_KINDS = (
    ControlKind.RELATIVE_TWOS_COMPLEMENT,
    ControlKind.RELATIVE_OFFSET_64,
    ControlKind.RELATIVE_SIGN_MAGNITUDE,
)
"""The more common first."""


class TimedMessage(NamedTuple):
    """A message and when it arrived."""

    time_s: float
    message: MidiMessage


class Learnt(NamedTuple):
    """A control that was found.

    Attributes
    ----------
    address : Address
        Of a 14-bit pair the more significant one.
    is_sure : bool
        False if the burst would fit another kind as well; moving the control both ways, or pressing it twice, settles it.
    """

    kind: ControlKind
    address: Address
    is_sure: bool


_LARGEST_STEP = 24
"""Of an encoder between two messages; faster hands are rare, and nothing else depends on it."""

_LEAST_REPEATED = 0.2
_LEAST_UNSTEADY = 0.4
_MOST_NOISE = 0.34
_LONGEST_TAP_S = 0.25


def step_of(kind: ControlKind, value: int) -> int:
    """Detents that a relative control's message means, right positive."""
    match kind:
        case ControlKind.RELATIVE_TWOS_COMPLEMENT:
            return value if value < 64 else value - 128
        case ControlKind.RELATIVE_OFFSET_64:
            return value - 64
        case ControlKind.RELATIVE_SIGN_MAGNITUDE:
            return value if value < 64 else 64 - value
        case _:
            raise ValueError(f"{kind} is not relative")


def classify(burst: Sequence[TimedMessage]) -> Learnt | None:
    """The control that sent most of `burst`; None if there is none, or if two were moved at once."""
    counts = Counter(_owner(message.address) for _, message in burst)
    if not counts:
        return None
    owner, count = counts.most_common(1)[0]
    if len(burst) - count > _MOST_NOISE * len(burst):
        return None
    own = [timed for timed in burst if _owner(timed.message.address) == owner]
    match owner.kind:
        case MessageKind.PROGRAM:
            return Learnt(ControlKind.PROGRAM, own[-1].message.address, True)
        case MessageKind.PITCH_BEND:
            return Learnt(ControlKind.PITCH_BEND, owner, True)
        case MessageKind.NOTE:
            return _note(owner, own)
        case MessageKind.CONTROL:
            return _controller(own)


def _owner(address: Address) -> Address:
    """The two halves of a 14-bit pair belong together, and so do all programs of a channel."""
    if address.kind is MessageKind.PROGRAM:
        return address._replace(number=0)
    is_lower_half = LEAST_SIGNIFICANT_OFFSET <= address.number < 2 * LEAST_SIGNIFICANT_OFFSET
    if address.kind is MessageKind.CONTROL and is_lower_half:
        return address._replace(number=address.number - LEAST_SIGNIFICANT_OFFSET)
    return address


def _note(address: Address, own: Sequence[TimedMessage]) -> Learnt:
    is_latching, is_sure = _latches(own)
    return Learnt(ControlKind.NOTE_LATCH if is_latching else ControlKind.NOTE, address, is_sure)


def _latches(own: Sequence[TimedMessage]) -> tuple[bool, bool]:
    """Whether a button latches, and whether that is sure.

    A momentary one is let go soon after it was pressed; a latching one says that it is off with the next press.
    """
    held_s: list[float] = []
    apart_s: list[float] = []
    for (before_s, before), (after_s, after) in pairwise(own):
        if before.value and not after.value:
            held_s.append(after_s - before_s)
        elif not before.value:
            apart_s.append(after_s - before_s)
    if not held_s:
        # Pressed once, and nothing since: it latches. Pressed again and again: it never tells that it was let go.
        return len(own) == 1, len(own) > 1
    is_tap = median(held_s) <= _LONGEST_TAP_S or (apart_s and median(held_s) < 0.5 * median(apart_s))
    return not is_tap, len(held_s) > 1


def _controller(own: Sequence[TimedMessage]) -> Learnt:
    numbers = Counter(timed.message.address.number for timed in own)
    address = max((timed.message.address for timed in own), key=lambda address: numbers[address.number])
    if len(numbers) == 2 and min(numbers.values()) * 4 >= max(numbers.values()):
        return Learnt(ControlKind.CC_14_BIT, address._replace(number=min(numbers)), True)
    main = [timed for timed in own if timed.message.address == address]
    values = [timed.message.value for timed in main]
    if _is_button(values):
        is_latching, is_sure = _latches(main)
        return Learnt(ControlKind.BUTTON_LATCH if is_latching else ControlKind.BUTTON, address, is_sure)
    kind, is_sure = _turned_kind(values)
    return Learnt(kind, address, is_sure)


def _is_button(values: Sequence[int]) -> bool:
    """Two positions and nothing between; a fader thrown from end to end says the same, and will be moved again, slower."""
    highest, distinct = max(values), set(values)
    is_only_pressed = distinct == {LARGEST_7_BIT} and len(values) < 4
    return is_only_pressed or (highest > LARGEST_7_BIT // 2 and distinct == {0, highest})


def _turned_kind(values: Sequence[int]) -> tuple[ControlKind, bool]:
    fitting = [
        kind for kind in RELATIVE_KINDS if all(0 < abs(step_of(kind, value)) <= _LARGEST_STEP for value in values)
    ]
    if not fitting or not (_is_turned_by_steps(values) or _is_around_64(values)):
        return ControlKind.CC, len(values) > 2
    # The fewest detents win: 1, 127 is one each way in two's complement, and would be leaps in any other coding.
    return min(fitting, key=lambda kind: sum(abs(step_of(kind, value)) for value in values)), len(fitting) == 1


def _is_turned_by_steps(values: Sequence[int]) -> bool:
    """Whether the values behave as steps do and positions do not.

    Steps come twice in a row, go up and down by the hand's haste, and leap where the direction changes.
    """
    changes = [after - before for before, after in pairwise(values)]
    repeated = changes.count(0)
    moved = [change for change in changes if change]
    reversed_ = sum((before < 0) != (after < 0) for before, after in pairwise(moved))
    leaps = sum(abs(change) >= LARGEST_7_BIT // 2 - _LARGEST_STEP for change in changes)
    return (
        leaps >= 1
        or repeated >= max(1.0, _LEAST_REPEATED * len(changes))
        or repeated + reversed_ >= max(2.0, _LEAST_UNSTEADY * len(changes))
    )


def _is_around_64(values: Sequence[int]) -> bool:
    """Whether many values lie close about 64, and never on it: a fader would have to pass it by."""
    steps = [value - 64 for value in values]
    return len(steps) >= 8 and max(map(abs, steps)) <= 6 and min(steps) < 0 < max(steps) and 0 not in steps
