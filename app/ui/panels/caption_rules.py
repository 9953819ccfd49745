"""How captions are spelt, what must not be seen in them, and where their files go. GUI thread; nothing waits.

A rule is a line of text: whoever has many names to teach pastes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QPlainTextEdit, QWidget

from app.ui import theme
from app.ui.panels.panel_frame import quiet_button
from app.ui.theme import Colour, FontRole
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.text_label import text_label
from app.ui.widgets.toggle import Toggle
from engine import CaptionsConfig

USUAL_FOLDER = "“Sidetone captions” in your documents"


class CaptionRules(QWidget):
    """Names, words not to be seen, folder.

    Signals
    -------
    edited(dict)
        Fields of `CaptionsConfig` that the user wants changed.
    """

    edited = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._config = CaptionsConfig()
        self.names = _editor("Names and terms", "side tone = Sidetone\nmax muster = Max Muster")
        self.filters = _editor("Words not to be seen", "damn\\w*\nmy old school")
        self.drop = Toggle("Leave the words out", "Leave them out; otherwise their letters become asterisks")
        self.folder = ElidedLabel("", FontRole.SMALL)
        self.choose_button = quiet_button("Choose…", "Choose the folder for caption files")
        self.usual_button = quiet_button("Usual folder", f"Keep caption files in {USUAL_FOLDER}")
        self.use_button = quiet_button("Use", "Use these names and words from now on")
        self.problem = text_label(colour=Colour.CAUTION, is_wrapped=True)
        self._lay_out()
        self._connect()
        self._show_rules()

    @property
    def is_edited(self) -> bool:
        """Whether what is typed is not in use."""
        return self._typed() != {"dictionary": self._config.dictionary, "filters": self._config.filters}

    def show_config(self, config: CaptionsConfig) -> None:
        """Follow the settings; what is being typed stays."""
        before, self._config = self._config, config
        if (before.dictionary, before.filters) != (config.dictionary, config.filters):
            self._show_rules()
        self.drop.show_on(config.is_dropping)
        self.folder.show_text(config.folder or USUAL_FOLDER)
        self.usual_button.setEnabled(bool(config.folder))

    def choose_folder(self, folder: Path) -> None:
        """Keep files there from now on."""
        self.edited.emit({"folder": str(folder)})

    def _show_rules(self) -> None:
        self.names.setPlainText("".join(f"{heard} = {written}\n" for heard, written in self._config.dictionary.items()))
        self.filters.setPlainText("".join(f"{pattern}\n" for pattern in self._config.filters))
        self._look()

    def _look(self) -> None:
        """Tell what is wrong with what is typed, and whether it is in use."""
        wrong = next((line for line in _lines(self.names) if not all(map(str.strip, _halves(line)))), None)
        self.problem.setText(f"“{wrong}” names nothing; write: what is heard = what is to be written." if wrong else "")
        self.use_button.setEnabled(wrong is None and self.is_edited)

    def _typed(self) -> dict[str, Any]:
        names = dict(_halves(line) for line in _lines(self.names))
        return {"dictionary": names, "filters": tuple(_lines(self.filters))}

    def _ask_for_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for caption files", self._config.folder)
        if folder:
            self.choose_folder(Path(folder))

    def _connect(self) -> None:
        for editor in (self.names, self.filters):
            editor.textChanged.connect(self._look)
        self.use_button.clicked.connect(lambda: self.edited.emit(self._typed()))
        self.drop.clicked.connect(lambda is_on: self.edited.emit({"is_dropping": is_on}))
        self.choose_button.clicked.connect(self._ask_for_folder)
        self.usual_button.clicked.connect(lambda: self.edited.emit({"folder": ""}))

    def _lay_out(self) -> None:
        dropping = QHBoxLayout()
        dropping.addWidget(self.drop)
        dropping.addWidget(text_label("Leave them out, instead of ****"))
        dropping.addStretch(1)
        dropping.addWidget(self.use_button)
        place = QHBoxLayout()
        place.setSpacing(theme.GAP)
        place.addWidget(text_label("Files go to"))
        place.addWidget(self.folder, 1)
        place.addWidget(self.choose_button)
        place.addWidget(self.usual_button)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, theme.GAP, 0)
        grid.setHorizontalSpacing(theme.GAP * 2)
        grid.setVerticalSpacing(theme.GAP // 2)
        grid.addWidget(text_label("Names: heard = written"), 0, 0)
        grid.addWidget(text_label("Not to be seen: a word or expression a line"), 0, 1)
        grid.addWidget(self.names, 1, 0)
        grid.addWidget(self.filters, 1, 1)
        grid.addWidget(self.problem, 2, 0)
        grid.addLayout(dropping, 2, 1)
        grid.addLayout(place, 3, 0, 1, 2)
        grid.setRowStretch(1, 1)
        for column in (0, 1):
            grid.setColumnStretch(column, 1)


def _editor(name: str, example: str) -> QPlainTextEdit:
    editor = QPlainTextEdit()
    editor.setAccessibleName(name)
    editor.setPlaceholderText(example)
    editor.setTabChangesFocus(True)
    editor.setMinimumHeight(theme.em() * 3)
    theme.use_font(editor, FontRole.SMALL)
    return editor


def _lines(editor: QPlainTextEdit) -> list[str]:
    return [line.strip() for line in editor.toPlainText().splitlines() if line.strip()]


def _halves(line: str) -> tuple[str, str]:
    heard, _, written = line.partition("=")
    return heard.strip(), written.strip()
