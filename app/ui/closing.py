"""Before the window or a panel closes: where something would be lost, the user is asked. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from app.ui.panels.status_row import NOTICE_MS
from engine import ObsLink, Snapshot

_PATIENCE_S = NOTICE_MS / 1000
_READING_S = 0.5
"""Whoever tries again sooner has not read the question: a double click is no answer."""


class Closing:
    """Asks, as a `SureButton` does: who closes again while the question is still to be read meant it.

    Parameters
    ----------
    ask, withdraw : callable
        Show a question; take it away again once it is answered, or there is nothing to ask about any more.
    clock_s : callable
        Any steady clock.
    """

    def __init__(
        self, ask: Callable[[str], None], withdraw: Callable[[str], None], clock_s: Callable[[], float] = monotonic
    ) -> None:
        self._ask = ask
        self._withdraw = withdraw
        self._clock_s = clock_s
        self._asked = ""
        self._asked_s = float("-inf")

    def may_lose(self, *losses: str) -> bool:
        """Whether to go on, because nothing would be lost, or because this is the answer.

        Parameters
        ----------
        losses : str
            What would be lost, in words; empty for nothing.
        """
        loss = "; ".join(filter(None, losses))
        question = f"{loss}; close again to close all the same" if loss else ""
        asked_for_s = self._clock_s() - self._asked_s
        is_same = bool(question) and question == self._asked and asked_for_s < _PATIENCE_S
        if is_same and asked_for_s < _READING_S:
            return False
        if question and not is_same:
            self._asked, self._asked_s = question, self._clock_s()
            self._ask(question)
            return False
        self._withdraw(self._asked)
        self._asked = ""
        return True


def obs_loss(snapshot: Snapshot | None) -> str:
    """What OBS would lose if the engine ended; empty where it neither streams nor records."""
    obs = None if snapshot is None else snapshot.services.obs
    if obs is None or obs.link is not ObsLink.CONNECTED:
        return ""
    outputs = obs.outputs
    if not (outputs.is_streaming or outputs.is_recording):
        return ""
    doing = "streaming" if outputs.is_streaming else "recording"
    return f"OBS is {doing}, and Sidetone's microphone would fall silent"
