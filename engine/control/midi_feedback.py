"""What a device is told, so that its lights, rings and motors show what is, whoever changed it. Control thread.

Three things make that harder than it sounds. Some devices send back what they are told, which must not be taken for a hand
(`EchoGuard`). A momentary button lights up by itself while it is down and goes dark when it is let go, so its light has to be
told again after it was touched. And a motor must not pull at a fader that a finger is on.
"""

from __future__ import annotations

from collections import deque

from engine.control.midi_inputs import heard_addresses
from engine.control.midi_learn import RELATIVE_KINDS, ControlKind
from engine.control.midi_map import Feedback, MidiControl
from engine.control.midi_message import LARGEST_7_BIT, LARGEST_14_BIT, Address, MessageKind, MidiMessage

_ECHO_S = {True: 0.5, False: 0.06}
"""How late an echo may come: of what moves (a motor needs its time), and of a light."""

_HAND_S = 0.3
_RETOLD_S = 0.15
_MOST_PENDING = 64
_CONTINUOUS_KINDS = frozenset({ControlKind.CC, ControlKind.CC_14_BIT, ControlKind.PITCH_BEND, *RELATIVE_KINDS})


class EchoGuard:
    """Knows what was sent a moment ago, and so an echo when one comes."""

    def __init__(self) -> None:
        self._sent: dict[Address, deque[tuple[float, int]]] = {}

    def sent(self, message: MidiMessage, until_s: float) -> None:
        """Note a message whose echo may come until then."""
        self._sent.setdefault(message.address, deque(maxlen=_MOST_PENDING)).append((until_s, message.value))

    def is_echo(self, message: MidiMessage, now_s: float) -> bool:
        """Whether a message that arrived is one that was sent; each is taken for an echo once."""
        pending = self._sent.get(message.address)
        if not pending:
            return False
        while pending and pending[0][0] < now_s:
            pending.popleft()
        if all(value != message.value for _, value in pending):
            return False
        # Echoes keep their order: what was sent before this one will not come back any more.
        while pending.popleft()[1] != message.value:
            pass
        return True


class Indicator:
    """The light, ring or motor of one control.

    Parameters
    ----------
    control : MidiControl
        One that has feedback.
    """

    def __init__(self, control: MidiControl, feedback: Feedback) -> None:
        self.moves = feedback.moves
        self._is_continuous = control.kind in _CONTINUOUS_KINDS
        own = control.address
        kind = feedback.message or own.kind
        self._address = Address(
            kind,
            feedback.channel or own.channel,
            0 if kind is MessageKind.PITCH_BEND else own.number if feedback.number is None else feedback.number,
        )
        is_pair = control.kind is ControlKind.CC_14_BIT and feedback.message is None
        self._pair = heard_addresses(self._address, control.kind) if is_pair else ()
        top = LARGEST_14_BIT if is_pair or kind is MessageKind.PITCH_BEND else LARGEST_7_BIT
        self._on = min(top if feedback.on is None else feedback.on, top)
        self._off = min(feedback.off, top)
        self._last: int | None = None
        self._quiet_until_s = 0.0
        self._is_owed = True
        self._retell_at_s: float | None = None

    def touched(self, message: MidiMessage, now_s: float) -> None:
        """Note that a hand is on the control."""
        if self.moves:
            self._quiet_until_s = now_s + _HAND_S
            if message.value != self._last or self._pair:
                # Told again when the hand is off: a motor that was on its way has moved it meanwhile.
                self.forget()
        elif not self._is_continuous:
            self.forget()
            self._retell_at_s = now_s + _RETOLD_S

    def forget(self) -> None:
        """Whatever the device shows, tell it again."""
        self._last, self._is_owed = None, True

    def is_due(self, now_s: float) -> bool:
        """Whether there is something to tell even if nothing has changed."""
        is_retold = self._retell_at_s is not None and now_s >= self._retell_at_s
        return is_retold or (self._is_owed and now_s >= self._quiet_until_s)

    def messages(self, position: float, now_s: float) -> list[MidiMessage]:
        """What the device has to be told now; nothing if it knows."""
        self._is_owed = now_s < self._quiet_until_s
        if self._is_owed:
            return []
        share = position if self._is_continuous else round(position)
        value = round(self._off + (self._on - self._off) * share)
        if self._retell_at_s is not None and now_s >= self._retell_at_s:
            self._retell_at_s = None
        elif value == self._last:
            return []
        elif not self._is_continuous:
            self._retell_at_s = now_s + _RETOLD_S
        self._last = value
        if not self._pair:
            return [MidiMessage(self._address, value)]
        upper, lower = self._pair
        return [MidiMessage(upper, value >> 7), MidiMessage(lower, value & LARGEST_7_BIT)]

    def echo_until_s(self, now_s: float) -> float:
        """Until when an echo of what is told now may come."""
        return now_s + _ECHO_S[self.moves]
