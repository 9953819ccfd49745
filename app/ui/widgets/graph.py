"""What all plots have in common: a dark ground, a faint grid, ticks in the window's font. Only plots know pyqtgraph.

GUI thread; nothing waits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGraphicsItem, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.theme import Colour, FontRole

Ticks = Sequence[tuple[float, str]]
"""Positions on the axis, and what stands there."""


class Graph(QWidget):
    """A plot that is looked at and not touched.

    Parameters
    ----------
    name : str
        For those who hear the window.
    bottom, left : Ticks
        Of the two axes, at least one each; the widest of `left` gives the axis its width.
    x_range, y_range : (float, float)
        What is shown.
    """

    def __init__(
        self, name: str, bottom: Ticks, left: Ticks, x_range: tuple[float, float], y_range: tuple[float, float]
    ) -> None:
        super().__init__()
        self._ticks = {"bottom": bottom, "left": left}
        self._plot = pg.PlotWidget(background=Colour.TRACK)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setMouseEnabled(False, False)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setXRange(*x_range, padding=0)
        self._plot.setYRange(*y_range, padding=0)
        self._plot.getPlotItem().setContentsMargins(0, 6, 10, 0)
        self.renew_fonts()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self.setAccessibleName(name)

    def renew_fonts(self) -> None:
        """Follow the system's font."""
        for side in self._ticks:
            axis = self._plot.getAxis(side)
            axis.setStyle(tickFont=theme.font(FontRole.SMALL), tickLength=-3)
            axis.setPen(pg.mkPen(Colour.LINE))
            axis.setTextPen(pg.mkPen(Colour.FAINT))
            axis.setGrid(40)
            # Only the curves move: the axes and the grid are painted once and copied.
            axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
            self._set_ticks(side, self._ticks[side])
        widest = max((text for _, text in self._ticks["left"]), key=theme.metrics(FontRole.SMALL).horizontalAdvance)
        self._plot.getAxis("left").setWidth(theme.metrics(FontRole.SMALL).horizontalAdvance(widest) + 8)
        self._plot.getAxis("bottom").setHeight(theme.em(FontRole.SMALL) + 4)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many ticks as there is height for."""
        super().resizeEvent(event)
        self._set_ticks("left", self._ticks["left"])

    def _set_ticks(self, side: str, ticks: Ticks) -> None:
        self._ticks[side] = ticks
        self._plot.getAxis(side).setTicks([list(self._legible(side, ticks))])

    def _legible(self, side: str, ticks: Ticks) -> Ticks:
        if side == "bottom":
            return ticks
        most = max(1, (self.height() - theme.em(FontRole.SMALL)) // theme.em())
        return ticks[:: math.ceil(len(ticks) / most)]


def decibel_ticks(lowest: int, highest: int, step: int) -> Ticks:
    """Ticks in decibels, with a true minus sign."""
    return [(float(db), str(db).replace("-", "−")) for db in range(lowest, highest + 1, step)]
