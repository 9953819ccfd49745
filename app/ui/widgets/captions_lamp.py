"""The lamp that tells, whatever else is open, that speech is written down, and where it goes. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.ui import theme
from app.ui.icons import Shape
from app.ui.theme import Colour, FontRole
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.sign import Sign
from engine import CaptionsState, CaptionsStatus, ServicesSnapshot


class CaptionsLamp(QWidget):
    """Not there while captions are off, a ring while they listen, a disc while somebody's words are written down."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.listening = Sign(Shape.RING, Colour.ACCENT)
        self.writing = Sign(Shape.DISC, Colour.ACCENT)
        self.text = ElidedLabel("", FontRole.SMALL, Colour.MUTED)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP // 2)
        for part in (self.listening, self.writing):
            row.addWidget(part)
        row.addWidget(self.text, 1)
        self.hide()

    def show_services(self, services: ServicesSnapshot) -> None:
        """Follow the captions."""
        status = services.captions or CaptionsStatus()
        is_on = services.config.captions.is_on and status.state is CaptionsState.LISTENING
        self.setVisible(is_on)
        self.writing.setVisible(status.is_speech)
        self.listening.setVisible(not status.is_speech)
        doing = "Writing down" if status.is_speech else "Listening"
        self.text.show_text(f"{doing} for {', '.join(caption_targets(services))}")


def caption_targets(services: ServicesSnapshot) -> list[str]:
    """Where what is said goes, in words."""
    targets = ["this window"]
    if services.config.overlay.is_on:
        targets.append("the overlay page")
    obs = services.config.obs
    if obs.is_on and obs.text_source:
        targets.append("OBS's picture")
    if obs.is_on and obs.sends_stream_captions:
        targets.append("the stream")
    captions = services.captions
    if captions is not None and captions.files:
        count = len(captions.files)
        of_recording = " of OBS's recording" if captions.recording is not None else ""
        targets.append(("a file" if count == 1 else f"{count} files") + of_recording)
    return targets
