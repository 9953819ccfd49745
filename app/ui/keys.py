"""What the keyboard does anywhere in the window, and the page that says so. GUI thread; nothing waits.

Every key asks the engine for what a click or a MIDI button could ask too; what a toggle toggles is what the engine said last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QKeySequence, QMouseEvent, QPaintEvent, QShortcut
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.bridge import EngineBridge
from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from engine import Description, Listen, Redo, SetDry, Snapshot, Source, StageDescription, Undo

HELP_KEY = "F1"
_COUGH = "output_gain.is_muted"
_DIGITS = "1234567890"


@dataclass(frozen=True)
class Key:
    """One key: how it is pressed, what it does in words, and the doing."""

    sequence: str
    label: str
    act: Callable[[], None]

    @property
    def text(self) -> str:
        """The key as this system writes it."""
        return QKeySequence(self.sequence).toString(QKeySequence.SequenceFormat.NativeText)


class Keys(QObject):
    """The keys of one window.

    Parameters
    ----------
    window : QWidget
        Within which they work.
    bridge : EngineBridge
    """

    def __init__(self, window: QWidget, bridge: EngineBridge) -> None:
        super().__init__(window)
        self._window = window
        self._bridge = bridge
        self._snapshot: Snapshot | None = None
        self._stages: tuple[StageDescription, ...] = ()
        self._shortcuts: list[QShortcut] = []
        self.overlay: HelpOverlay | None = None
        self.keys: tuple[Key, ...] = ()
        self._set()

    def show_description(self, description: Description) -> None:
        """Give each stage its key."""
        if description.stages != self._stages:
            self._stages = description.stages
            self._set()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Note what a toggle will toggle."""
        self._snapshot = snapshot

    def toggle_help(self) -> None:
        """Show the page that tells the keys, or take it away."""
        if self.overlay is not None:
            overlay, self.overlay = self.overlay, None
            overlay.hide()
            overlay.deleteLater()
            return
        self.overlay = HelpOverlay(self.keys, self.toggle_help, self._window)

    def _set(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self.keys = tuple(self._listed())
        self._shortcuts = [QShortcut(QKeySequence(key.sequence), self._window) for key in self.keys]
        for key, shortcut in zip(self.keys, self._shortcuts, strict=True):
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(key.act)

    def _listed(self) -> Iterator[Key]:
        send = self._bridge.send
        yield Key(HELP_KEY, "This page", self.toggle_help)
        yield Key("Ctrl+M", "Cough: silence, and back", self._toggle_cough)
        yield Key("Ctrl+D", "Dry: all effects out at once, and back", self._toggle_dry)
        yield Key("Ctrl+B", "A/B: hear the other side of a comparison", lambda: send(Listen(Source.OTHER)))
        yield Key("Ctrl+Z", "Take the last change back, whoever made it", lambda: send(Undo()))
        yield Key("Ctrl+Shift+Z", "Make it again", lambda: send(Redo()))
        for index, stage in enumerate(self._stages[: 2 * len(_DIGITS)]):
            modifiers = "Ctrl+" if index < len(_DIGITS) else "Ctrl+Alt+"
            yield Key(
                f"{modifiers}{_DIGITS[index % len(_DIGITS)]}",
                f"{stage.label}: out of the sound, and back",
                partial(self._toggle_bypass, stage.id),
            )

    def _toggle_cough(self) -> None:
        if self._snapshot is not None and _COUGH in self._snapshot.params:
            self._bridge.set_param(_COUGH, not self._snapshot.params[_COUGH])

    def _toggle_dry(self) -> None:
        if self._snapshot is not None:
            self._bridge.send(SetDry(not self._snapshot.controls.is_dry))

    def _toggle_bypass(self, stage_id: str) -> None:
        stages = self._snapshot.stages if self._snapshot is not None else ()
        for stage in stages:
            if stage.id == stage_id:
                self._bridge.set_bypass(stage_id, not stage.is_bypassed)


class HelpOverlay(QWidget):
    """All keys, over the whole window; a click or the key itself takes it away."""

    def __init__(self, keys: tuple[Key, ...], close: Callable[[], None], window: QWidget) -> None:
        super().__init__(window)
        self._close = close
        self.setAccessibleName("Keys")
        column = QVBoxLayout(self)
        column.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = QLabel("Keys")
        theme.use_font(title, FontRole.TITLE)
        column.addWidget(title)
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.GAP * 2)
        half = -(-len(keys) // 2)
        for index, key in enumerate(keys):
            for place, text in enumerate((key.text, key.label)):
                label = QLabel(text)
                label.setStyleSheet(f"color: {Colour.TEXT if place else Colour.ACCENT}")
                theme.use_font(label, FontRole.BODY)
                grid.addWidget(label, index % half, 2 * (index // half) + place)
        column.addLayout(grid)
        self.setGeometry(window.rect())
        self.show()
        self.raise_()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take it away."""
        self._close()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A ground through which the window is just seen."""
        with painting(self) as painter:
            ground = QColor(Colour.WINDOW)
            ground.setAlpha(245)
            painter.fillRect(self.rect(), ground)
