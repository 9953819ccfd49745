"""The spectrum with its heading; closed, it asks for nothing and computes nothing. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.theme import Colour, FontRole
from app.ui.widgets.spectrum_plot import SpectrumPlot
from app.ui.widgets.text_label import text_label
from engine import SpectrumSnapshot


class SpectrumPanel(QWidget):
    """Heading, legend, a button to open and close, and the plot while it is open.

    Signals
    -------
    opened(bool)
        Whether spectra are wanted now.
    """

    opened = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot: SpectrumPlot | None = None
        self.button = QPushButton()
        self.button.setObjectName("quiet")
        self.button.setAccessibleName("Show the spectrum")
        self.button.setToolTip("Show or hide the spectrum; hidden, it costs nothing")
        theme.use_font(self.button, FontRole.SMALL)
        self._legend = QLabel(
            "&nbsp;&nbsp;".join(
                f'<span style="color:{tint}">{text}</span>'
                for tint, text in ((Colour.MUTED, "— in"), (Colour.ACCENT, "— out"), (Colour.FAINT, "dBFS over Hz"))
            )
        )
        theme.use_font(self._legend, FontRole.SMALL)
        head = QHBoxLayout()
        head.setSpacing(theme.GAP + 4)
        head.addWidget(text_label("Spectrum", FontRole.TITLE))
        head.addWidget(self._legend)
        head.addStretch(1)
        head.addWidget(self.button)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GAP // 2)
        self._column.addLayout(head)
        self.button.clicked.connect(lambda: self.set_open(not self.is_open))
        self.set_open(True)

    @property
    def is_open(self) -> bool:
        """Whether the plot is there."""
        return self.plot is not None

    def set_open(self, is_open: bool) -> None:
        """Open or close the plot."""
        if is_open and self.plot is None:
            self.plot = SpectrumPlot()
            self._column.addWidget(self.plot, 1)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        elif not is_open and self.plot is not None:
            self._column.removeWidget(self.plot)
            self.plot.deleteLater()
            self.plot = None
            self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)
        self._legend.setVisible(is_open)
        self.button.setText("Hide" if is_open else "Show")
        self.button.setAccessibleName("Hide the spectrum" if is_open else "Show the spectrum")
        self.opened.emit(is_open)

    def show_spectrum(self, spectrum: SpectrumSnapshot | None) -> None:
        """Draw, if open."""
        if self.plot is not None:
            self.plot.show_spectrum(spectrum)
