"""Captions: what is said, large and in shades of certainty; whether anybody is being written down, and where it goes.

GUI thread; nothing waits.
"""

from __future__ import annotations

from typing import Any

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSlider, QStackedWidget, QVBoxLayout, QWidget

from app.bridge import EngineBridge
from app.ui import theme
from app.ui.caption_window import CaptionWindow
from app.ui.icons import Shape
from app.ui.panels.caption_rules import CaptionRules
from app.ui.panels.panel_frame import quiet_button
from app.ui.theme import Colour, FontRole
from app.ui.tool_panel import ToolPanel
from app.ui.widgets.caption_view import CaptionView
from app.ui.widgets.captions_lamp import caption_targets
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.sign import Sign
from app.ui.widgets.sure_button import SureButton
from app.ui.widgets.text_label import text_label
from app.ui.widgets.toggle import Toggle
from engine import CaptionsState, CaptionsStatus, ServicesSnapshot, SetService, Snapshot, TranscriptFormat

SMALLEST, USUAL, LARGEST = 100, 170, 400
"""Size of the captions, in percent of the window's text."""

_WORDS = {
    CaptionsState.OFF: "Off",
    CaptionsState.PREPARING: "Preparing",
    CaptionsState.WAITING: "Waiting for sound",
    CaptionsState.LISTENING: "Listening",
    CaptionsState.FAILED: "Failed",
}
_LABELS = {
    TranscriptFormat.WEBVTT: "WebVTT",
    TranscriptFormat.SUBRIP: "SubRip",
    TranscriptFormat.TEXT: "Text",
    TranscriptFormat.JSON: "JSON",
}


class CaptionsPanel(ToolPanel):
    """The tool's panel."""

    def __init__(self, bridge: EngineBridge) -> None:
        super().__init__("Captions", "the captions")
        self._bridge = bridge
        self._services = ServicesSnapshot()
        self.power = Toggle("Captions", "Write down what is said")
        self.power.clicked.connect(lambda is_on: self._change(is_on=is_on))
        self.lamp = Sign(Shape.DISC, Colour.ACCENT)
        self.state = ElidedLabel("")
        self.targets = ElidedLabel("", FontRole.SMALL, Colour.MUTED)
        self.view = CaptionView()
        self.rules = CaptionRules()
        self.rules.edited.connect(lambda changes: self._change(**changes))
        self.pages = QStackedWidget()
        self.files = {form: Toggle(f"{label} file", f"Keep a {label} file") for form, label in _LABELS.items()}
        self.text_size = QSlider(Qt.Orientation.Horizontal)
        self.rules_button = quiet_button("Words…", "Names, words not to be seen, and the folder for files")
        self.rules_button.setCheckable(True)
        self.rules_button.toggled.connect(self._turn_page)
        self.large_button = quiet_button("Large", "Show the captions in a window of their own, as large as you like")
        self.large_button.clicked.connect(lambda: self.window_asked.emit(CaptionWindow))
        self.forget = SureButton("Delete text", "Delete all text of this session, also in its files")
        self.forget.sure.connect(self._forget)
        for button in (self.rules_button, self.large_button, self.forget):
            self.add_head_button(button)
        self._lay_out()

    def first_control(self) -> QWidget:
        """The switch."""
        return self.power

    def would_lose(self) -> str:
        """Names and words that were typed."""
        return "The words that were typed are not in use yet" if self.rules.is_edited else ""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the captions."""
        self._services = snapshot.services
        config = snapshot.services.config.captions
        status = snapshot.services.captions or CaptionsStatus()
        self.power.show_on(config.is_on)
        for form, toggle in self.files.items():
            toggle.show_on(form in config.formats)
        self.rules.show_config(config)
        self.lamp.setVisible(status.is_speech)
        self.state.show_text(_in_words(status) if config.is_on else "Off")
        self.targets.show_text(_targets(status, snapshot.services) if config.is_on else "Nothing is written down.")
        self.forget.setEnabled(bool(status.session))
        self.view.show_lines(status.lines)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.power)
        head.addWidget(self.lamp)
        head.addWidget(self.state, 1)
        for page in (self.view, self.rules):
            self.pages.addWidget(page)
        foot = QHBoxLayout()
        foot.addWidget(text_label("Files:"))
        for form, toggle in self.files.items():
            toggle.clicked.connect(self._keep)
            foot.addWidget(toggle)
            foot.addWidget(text_label(form.value))
        foot.addStretch(1)
        self.text_size.setRange(SMALLEST, LARGEST)
        self.text_size.setValue(USUAL)
        self.text_size.setFixedWidth(theme.em() * 4)
        self.text_size.setToolTip("Size of the captions")
        self.text_size.setAccessibleName("Size of the captions")
        self.text_size.valueChanged.connect(self.view.resize_text)
        foot.addWidget(self.text_size)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        column.addWidget(self.targets)
        column.addWidget(self.pages, 1)
        column.addLayout(foot)
        self.set_body(body, is_scrolled=False)
        self.view.resize_text(self.text_size.value())

    def _turn_page(self, is_about_words: bool) -> None:
        self.pages.setCurrentWidget(self.rules if is_about_words else self.view)

    def _keep(self) -> None:
        self._change(formats=tuple(form for form, toggle in self.files.items() if toggle.isChecked()))

    def _forget(self) -> None:
        status = self._services.captions
        if status is not None:
            self._change(forgotten_session=status.session)

    def _change(self, **changes: Any) -> None:
        captions = msgspec.structs.replace(self._services.config.captions, **changes)
        config = msgspec.structs.replace(self._services.config, captions=captions)
        self._services = msgspec.structs.replace(self._services, config=config)
        self._bridge.send(SetService(captions))


def _in_words(status: CaptionsStatus) -> str:
    """What the captions are doing, and how old the newest is."""
    doing = "Writing down" if status.is_speech else _WORDS[status.state]
    return doing if status.age_ms is None else f"{doing} · {status.age_ms:.0f} ms behind"


def _targets(status: CaptionsStatus, services: ServicesSnapshot) -> str:
    """Where the text goes, or what is wrong."""
    return status.text or f"Goes to {', '.join(caption_targets(services))}."
