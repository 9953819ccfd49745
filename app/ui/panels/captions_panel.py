"""Captions: what is said, large and in shades of certainty; whether anybody is being written down, and where it goes.

GUI thread; nothing waits.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor, QTextOption
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QTextBrowser, QVBoxLayout, QWidget

from app.bridge import EngineBridge
from app.ui import theme
from app.ui.icons import Shape
from app.ui.panels.panel_frame import quiet_button
from app.ui.theme import Colour, FontRole
from app.ui.tool_panel import ToolPanel
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.sign import Sign
from app.ui.widgets.toggle import Toggle
from engine import CaptionLine, CaptionsState, CaptionsStatus, ServicesSnapshot, SetService, Snapshot, TranscriptFormat

SURE, LIKELY = 0.85, 0.6
"""Confidences from which on a word is shown in full and in a middle shade; all shades can be read on their ground."""

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
        self._shown = ""
        self.power = Toggle("Captions", "Write down what is said")
        self.power.clicked.connect(lambda is_on: self._change(is_on=is_on))
        self.lamp = Sign(Shape.DISC, Colour.ACCENT)
        self.state = ElidedLabel("")
        self.targets = ElidedLabel("", FontRole.SMALL, Colour.MUTED)
        self.view = QTextBrowser()
        self.files = {form: Toggle(f"{label} file", f"Keep a {label} file") for form, label in _LABELS.items()}
        self.text_size = QSlider(Qt.Orientation.Horizontal)
        self.forget = quiet_button("Delete text", "Delete all text of this session, also in its files")
        self.forget.clicked.connect(self._forget)
        self.add_head_button(self.forget)
        self._lay_out()

    def first_control(self) -> QWidget:
        """The switch."""
        return self.power

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the captions."""
        self._services = snapshot.services
        config = snapshot.services.config.captions
        status = snapshot.services.captions or CaptionsStatus()
        self.power.show_on(config.is_on)
        for form, toggle in self.files.items():
            toggle.show_on(form in config.formats)
        self.lamp.setVisible(status.is_speech)
        self.state.show_text(_in_words(status) if config.is_on else "Off")
        self.targets.show_text(_targets(status, snapshot.services) if config.is_on else "Nothing is written down.")
        self.forget.setEnabled(bool(status.session))
        text = _rich(status.lines)
        if text != self._shown:
            self._shown = text
            self.view.setHtml(text)
            self.view.moveCursor(QTextCursor.MoveOperation.End)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.power)
        head.addWidget(self.lamp)
        head.addWidget(self.state, 1)
        self.view.setAccessibleName("Captions")
        self.view.setOpenLinks(False)
        self.view.setWordWrapMode(QTextOption.WrapMode.WordWrap)
        foot = QHBoxLayout()
        for form, toggle in self.files.items():
            toggle.clicked.connect(self._keep)
            foot.addWidget(toggle)
            foot.addWidget(_small(form.value))
        foot.addStretch(1)
        self.text_size.setRange(SMALLEST, LARGEST)
        self.text_size.setValue(USUAL)
        self.text_size.setFixedWidth(theme.em() * 4)
        self.text_size.setToolTip("Size of the captions")
        self.text_size.setAccessibleName("Size of the captions")
        self.text_size.valueChanged.connect(self._resize_text)
        foot.addWidget(self.text_size)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        column.addWidget(self.targets)
        column.addWidget(self.view, 1)
        column.addLayout(foot)
        self.set_body(body, is_scrolled=False)
        self._resize_text(self.text_size.value())

    def _resize_text(self, percent: int) -> None:
        font = theme.font(FontRole.BODY)
        font.setPointSizeF(font.pointSizeF() * percent / 100)
        self.view.setFont(font)

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


def _small(text: str) -> QLabel:
    label = QLabel(text)
    theme.use_font(label, FontRole.SMALL)
    return label


def _in_words(status: CaptionsStatus) -> str:
    """What the captions are doing, and how old the newest is."""
    doing = "Writing down" if status.is_speech else _WORDS[status.state]
    return doing if status.age_ms is None else f"{doing} · {status.age_ms:.0f} ms behind"


def _targets(status: CaptionsStatus, services: ServicesSnapshot) -> str:
    """Where the text goes, or what is wrong."""
    if status.text:
        return status.text
    targets = ["this window"]
    if services.config.overlay.is_on:
        targets.append("the overlay page")
    if services.config.obs.is_on:
        targets.append("OBS")
    if status.files:
        targets.append("a file" if len(status.files) == 1 else f"{len(status.files)} files")
    return f"Goes to {', '.join(targets)}."


def _rich(lines: tuple[CaptionLine, ...]) -> str:
    """The lines as rich text."""
    return "".join(f"<p style='margin:0 0 6px 0'>{''.join(_shaded(line))}</p>" for line in lines)


def _shaded(line: CaptionLine) -> Iterator[str]:
    words = line.committed.split(" ") if line.committed else []
    for index, word in enumerate(words):
        confidence = line.confidences[index] if index < len(line.confidences) else line.confidence
        tint = Colour.TEXT if confidence >= SURE else Colour.MUTED if confidence >= LIKELY else Colour.FAINT
        yield f"<span style='color:{tint}'>{' ' if index else ''}{html.escape(word)}</span>"
    if line.tentative:
        yield f"<i style='color:{Colour.FAINT}'>{html.escape(line.tentative)}</i>"
