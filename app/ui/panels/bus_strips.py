"""The two ends of the signal: the input's meter, and the output's with its loudness. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.theme import Colour, FontRole
from app.ui.widgets.figure import Figure, decimal
from app.ui.widgets.level_meter import LevelMeter
from app.ui.widgets.text_label import text_label
from engine import LevelSnapshot, LoudnessSnapshot

CEILING_DBTP = 0.0


class InputStrip(QWidget):
    """What the microphone gives."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.meter = LevelMeter("Input level")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(text_label("In", FontRole.TITLE))
        column.addWidget(self.meter, 1)

    def show_level(self, level: LevelSnapshot | None) -> None:
        """Show levels; None clears them."""
        self.meter.show_level(level.peak_dbfs if level else (), bool(level and level.is_clipping))


class OutputStrip(QWidget):
    """What goes out, and how loud it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.meter = LevelMeter("Output level")
        widest = "−88.8"
        self.momentary = Figure("Momentary", widest, "Loudness of the last 400 ms, LUFS", FontRole.FIGURE)
        self.short_term = Figure("Short-term", widest, "Loudness of the last 3 s, LUFS", FontRole.FIGURE)
        self.integrated = Figure("Integrated", widest, "Loudness since the meters were reset, LUFS", FontRole.FIGURE)
        self.true_peak = Figure(
            "True peak", widest, "Highest true peak since the meters were reset, dBTP", FontRole.FIGURE
        )
        figures = QVBoxLayout()
        figures.setSpacing(theme.GAP // 2)
        figures.addWidget(text_label("LUFS", colour=Colour.MUTED))
        for figure in (self.momentary, self.short_term, self.integrated):
            figures.addWidget(figure)
        figures.addSpacing(theme.GAP)
        figures.addWidget(text_label("dBTP", colour=Colour.MUTED))
        figures.addWidget(self.true_peak)
        figures.addStretch(1)
        body = QHBoxLayout()
        body.setSpacing(theme.GAP)
        body.addWidget(self.meter)
        body.addLayout(figures)
        body.setAlignment(figures, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(text_label("Out", FontRole.TITLE))
        column.addLayout(body, 1)

    def show_level(self, level: LevelSnapshot | None) -> None:
        """Show levels; None clears them."""
        self.meter.show_level(level.peak_dbfs if level else (), bool(level and level.is_clipping))

    def show_loudness(self, loudness: LoudnessSnapshot | None) -> None:
        """Show loudness; None clears it."""
        self.momentary.show_value(decimal(loudness.momentary_lufs if loudness else None))
        self.short_term.show_value(decimal(loudness.short_term_lufs if loudness else None))
        self.integrated.show_value(decimal(loudness.integrated_lufs if loudness else None))
        peak = loudness.true_peak_dbtp if loudness else None
        is_over = peak is not None and peak > CEILING_DBTP
        self.true_peak.show_value(decimal(peak), Colour.TROUBLE if is_over else Colour.TEXT)
