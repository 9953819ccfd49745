"""Captions into OBS: a text source on the picture, and CEA-608 in the stream. Service thread; every call asks OBS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.integrations.cea608 import is_western, last_rows, to_western
from engine.integrations.obs_connection import OUTPUT_NOT_RUNNING, RESOURCE_NOT_FOUND, ObsConnection, ObsRefusalError
from engine.integrations.obs_ledger import ObsLedger
from engine.services.captions import CaptionLine

_TEXT_INTERVAL_S = 0.2
_LOOK_INTERVAL_S = 2.0
_CAPTION_INTERVAL_S = 1.0
_SHOWN_S = 8.0
_CHARACTERS_PER_S = 30.0
"""CEA-608 carries two characters a frame, 60 a second; half of them are left to control codes and to repeating these."""
_TEXT_COLUMNS, _TEXT_ROWS = 42, 2


def spoken(lines: Iterable[CaptionLine], with_tentative: bool = False) -> str:
    """What the lines say in one, with or without what may be something else a moment later."""
    said = (line.committed + (line.tentative if with_tentative else "") for line in lines)
    return " ".join(text.strip() for text in said if text.strip())


class Fading:
    """Takes captions away when nothing new has been said for a while, and does not bring old ones back with new ones."""

    def __init__(self) -> None:
        self._said = ""
        self._first_line = 0
        self._since_s = float("-inf")

    def shown(self, lines: Sequence[CaptionLine], now_s: float) -> Sequence[CaptionLine]:
        """Those of `lines` that are to be seen now."""
        said = spoken(lines, with_tentative=True)
        if lines and lines[-1].id < self._first_line - 1:
            self._first_line = 0  # another session counts anew
        if said != self._said:
            self._said, self._since_s = said, now_s
        elif lines and now_s - self._since_s >= _SHOWN_S:
            self._first_line = lines[-1].id + 1
        return [line for line in lines if line.id >= self._first_line]


class TextSource:
    """Shows captions in a text source, and puts its former text back.

    Parameters
    ----------
    obs : ObsConnection
    ledger : ObsLedger
    collection : str
        The scene collection that OBS has loaded.
    """

    def __init__(self, obs: ObsConnection, ledger: ObsLedger, collection: str) -> None:
        self._obs = obs
        self._ledger = ledger
        self._page = ledger.page(collection)
        self._shown = ""
        self._shown_at_s = self._looked_at_s = float("-inf")

    def show(self, name: str, text: str, now_s: float) -> str:
        """Show the last rows of `text` in source `name`, and return how that is, in a sentence.

        At most five times a second; every other second it is read back.
        """
        rows = last_rows(text, _TEXT_ROWS, _TEXT_COLUMNS)
        try:
            self.release(kept=name)
            if name not in self._page.texts:
                self._page.texts[name] = self._read(name)
                self._ledger.save()
            self._keep(name, rows, now_s)
        except ObsRefusalError as error:
            if error.code != RESOURCE_NOT_FOUND:
                raise
            return f"there is no text source “{name}” in OBS now"
        return f"shown in “{name}”"

    def release(self, kept: str = "") -> None:
        """Put back the former text of every source but `kept`."""
        for name, before in list(self._page.texts.items()):
            if name == kept:
                continue
            try:
                self._write(name, before)
            except ObsRefusalError as error:
                if error.code != RESOURCE_NOT_FOUND:
                    raise
            del self._page.texts[name]
            self._ledger.save()

    def _keep(self, name: str, rows: str, now_s: float) -> None:
        if now_s - self._looked_at_s >= _LOOK_INTERVAL_S:
            self._looked_at_s = now_s
            self._shown = self._read(name)
        if rows != self._shown and now_s - self._shown_at_s >= _TEXT_INTERVAL_S:
            self._write(name, rows)
            self._shown, self._shown_at_s = rows, now_s

    def _read(self, name: str) -> str:
        return str(self._obs.ask("GetInputSettings", inputName=name)["inputSettings"].get("text", ""))

    def _write(self, name: str, text: str) -> None:
        self._obs.ask("SetInputSettings", inputName=name, inputSettings={"text": text}, overlay=True)


class StreamCaptions:
    """Sends captions into the stream.

    Parameters
    ----------
    obs : ObsConnection
    """

    def __init__(self, obs: ObsConnection) -> None:
        self._obs = obs
        self._sent = ""
        self._next_s = float("-inf")
        self._state = "nothing has been said yet"

    def send(self, text: str, now_s: float) -> str:
        """Send the last rows of `text`, if they are new and there is room in the stream; return how that is, in a sentence."""
        if text and not is_western(text):
            return "the stream's captions have Western letters only; use the text source or the overlay"
        rows = last_rows(to_western(text))
        if rows and rows != self._sent and now_s >= self._next_s:
            self._next_s = now_s + max(_CAPTION_INTERVAL_S, len(rows) / _CHARACTERS_PER_S)
            self._state = self._send(rows)
        return self._state

    def _send(self, rows: str) -> str:
        try:
            self._obs.ask("SendStreamCaption", captionText=rows)
        except ObsRefusalError as error:
            if error.code != OUTPUT_NOT_RUNNING:
                raise
            return "OBS is not streaming; captions go into the stream as soon as it does"
        self._sent = rows
        return "sent into the stream"
