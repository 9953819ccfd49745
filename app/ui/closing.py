"""Before the window or a panel closes: where something would be lost, the user is asked. GUI thread; nothing waits."""

from __future__ import annotations

from app.ui.panels.status_row import NOTICE_MS
from engine import ObsLink, Snapshot

_PATIENCE_S = NOTICE_MS / 1000


class Closing:
    """Asks, as a `SureButton` does: who closes again while the question is still to be read meant it."""

    def __init__(self) -> None:
        self._asked = ""
        self._asked_s = float("-inf")

    def question(self, loss: str, now_s: float) -> str:
        """What is to be answered by closing again; empty where nothing would be lost, or this is the answer.

        Parameters
        ----------
        loss : str
            What would be lost, in words; empty for nothing.
        now_s : float
            On any steady clock.
        """
        is_answer = loss == self._asked and now_s - self._asked_s < _PATIENCE_S
        if not loss or is_answer:
            self._asked = ""
            return ""
        self._asked, self._asked_s = loss, now_s
        return f"{loss}; close again to close all the same"


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
