"""A/B, blind A/B/X and what the denoiser takes away. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QPushButton, QVBoxLayout, QWidget

from app.bridge import EngineBridge
from app.ui import theme
from app.ui.panels.panel_frame import button_row, quiet_button
from app.ui.theme import FontRole
from app.ui.tool_panel import ToolPanel
from app.ui.widgets.param_control import CalmComboBox
from app.ui.widgets.text_label import text_label
from engine import (
    AnswerBlind,
    ChainConfig,
    Command,
    Compare,
    ComparisonSnapshot,
    Description,
    EndComparison,
    Listen,
    Snapshot,
    Source,
)

BLIND_TRIALS = 10
_SOURCES = (
    (Source.NOW, "As ever", "Hear the chain as it is"),
    (Source.A, "A", "Hear A: the settings as they are, as loud and as late as B"),
    (Source.B, "B", "Hear B, as loud and as late as A"),
    (Source.X, "X", "Hear X, which is A or B"),
    (Source.REMOVED, "What is removed", "Hear what the denoiser takes away"),
)


class ComparePanel(ToolPanel):
    """What B is, what is heard, and the answers of a blind test."""

    def __init__(self, bridge: EngineBridge) -> None:
        super().__init__("Compare", "the comparison")
        self._bridge = bridge
        self._choices: list[tuple[str, Compare]] = []
        self._modes: tuple[str, ...] = ()
        self.other = CalmComboBox()
        self.other.setAccessibleName("What B is")
        self.other.setMinimumWidth(theme.em() * 9)
        self.blind = QCheckBox("Blind")
        self.blind.setToolTip(f"X is A or B, drawn anew {BLIND_TRIALS} times; how many were right is told at the end")
        self.start_button = self._button("Compare", "Run B beside A", self._start)
        self.sources = {source: self._source_button(source, text, help) for source, text, help in _SOURCES}
        self.answers = {
            source: self._button(
                f"X is {source.upper()}", f"Answer that X is {source.upper()}", command=AnswerBlind(source)
            )
            for source in (Source.A, Source.B)
        }
        self.keep_button = self._button("Keep B", "Go on with B's settings", command=EndComparison(is_b_kept=True))
        self.end_button = self._button("End", "Go on with A", command=EndComparison())
        self.state = text_label(role=FontRole.BODY, is_wrapped=True)
        self.set_body(self._body())
        self._show_comparison(None)

    def show_description(self, description: Description) -> None:
        """Learn which modes there are."""
        specs = (spec for stage in description.stages if stage.id == "denoise" for spec in stage.params)
        self._modes = next((spec.options for spec in specs if spec.name == "mode"), ())

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Let everything follow."""
        self._show_choices(snapshot)
        self._show_comparison(snapshot.comparison)

    def first_control(self) -> QWidget:
        """Where the keyboard goes when the panel opens."""
        return self.other

    def _body(self) -> QWidget:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(button_row(text_label("B is", FontRole.BODY), self.other, self.start_button, self.blind))
        column.addLayout(button_row(*self.sources.values()))
        column.addLayout(button_row(*self.answers.values(), self.keep_button, self.end_button))
        column.addWidget(self.state)
        column.addStretch(1)
        return body

    def _button(
        self, text: str, help: str, act: object = None, command: Command | None = None, is_checkable: bool = False
    ) -> QPushButton:
        button = quiet_button(text, help)
        button.setCheckable(is_checkable)
        button.clicked.connect(act if command is None else lambda: self._bridge.send(command))
        return button

    def _source_button(self, source: Source, text: str, help: str) -> QPushButton:
        return self._button(text, help, command=Listen(source), is_checkable=True)

    def _start(self) -> None:
        index = self.other.currentIndex()
        if 0 <= index < len(self._choices):
            chosen = self._choices[index][1]
            trials = BLIND_TRIALS if self.blind.isChecked() else 0
            self._bridge.send(Compare(chosen.preset, chosen.chain, chosen.model, trials))

    def _show_choices(self, snapshot: Snapshot) -> None:
        now = snapshot.params.get("denoise.mode")
        choices = [
            (f"Mode: {mode}", Compare(chain=ChainConfig(params={"denoise.mode": mode})))
            for mode in self._modes
            if mode != now
        ]
        choices += [(f"Preset: {name}", Compare(preset=name)) for name in snapshot.presets.names]
        choices += [
            (f"Model: {model.place}", Compare(model=model.place))
            for model in snapshot.models
            if model.id != model.place
        ]
        if choices != self._choices:
            kept = self.other.currentText()
            self._choices = choices
            self.other.clear()
            self.other.addItems([label for label, _ in choices])
            self.other.setCurrentIndex(max(0, self.other.findText(kept)))

    def _show_comparison(self, comparison: ComparisonSnapshot | None) -> None:
        is_comparing = comparison is not None and bool(comparison.other)
        is_blind = comparison is not None and comparison.trials > 0 and comparison.answered < comparison.trials
        heard = comparison.heard if comparison is not None else Source.NOW
        for source, button in self.sources.items():
            is_offered = source in (Source.NOW, Source.REMOVED) or (is_blind if source is Source.X else is_comparing)
            button.setEnabled(is_offered)
            button.setChecked(source is heard)
        for button in self.answers.values():
            button.setVisible(is_blind)
        for button in (self.keep_button, self.end_button):
            button.setVisible(comparison is not None)
        self.keep_button.setEnabled(is_comparing)
        self.state.setText(_in_words(comparison))


def _in_words(comparison: ComparisonSnapshot | None) -> str:
    if comparison is None:
        return "A is the chain as it is, and stays under your hands. B runs beside it, as loud and as late."
    words = [] if comparison.is_private else ["No monitor is open: your listeners hear this too."]
    if comparison.other:
        a_db, b_db = comparison.gains_db
        words.insert(
            0, f"B: {comparison.other}. A {a_db:+.1f} dB, B {b_db:+.1f} dB, both {comparison.delay_ms:.0f} ms late."
        )
    if comparison.right is not None and comparison.guessing is not None:
        chance = 100 * comparison.guessing
        words.append(
            f"{comparison.right} of {comparison.trials} right; by guessing alone in {chance:.1f} % of all tests."
        )
    elif comparison.trials:
        words.append(f"{comparison.answered} of {comparison.trials} answered.")
    return " ".join(words)
