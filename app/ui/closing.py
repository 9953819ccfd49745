"""Whether the window may close: while OBS streams or records, the user is asked first. GUI thread; nothing waits."""

from __future__ import annotations

from engine import ObsLink, Snapshot

_PATIENCE_S = 5.0


class Closing:
    """Asks, as a `SureButton` does: who closes again within five seconds meant it."""

    def __init__(self) -> None:
        self._asked_s = float("-inf")

    def question(self, snapshot: Snapshot | None, now_s: float) -> str:
        """What is to be answered by closing again; empty where nothing would be lost.

        Parameters
        ----------
        snapshot : Snapshot or None
        now_s : float
            On any steady clock.
        """
        obs = None if snapshot is None else snapshot.services.obs
        if obs is None or obs.link is not ObsLink.CONNECTED:
            return ""
        outputs = obs.outputs
        if not (outputs.is_streaming or outputs.is_recording) or now_s - self._asked_s < _PATIENCE_S:
            return ""
        self._asked_s = now_s
        doing = "streaming" if outputs.is_streaming else "recording"
        return f"OBS is {doing}, and Sidetone's microphone would fall silent; close again to close all the same"
