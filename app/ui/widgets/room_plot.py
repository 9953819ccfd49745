"""A room over a logarithmic frequency axis: what was learnt, where it is led to, and what the filter does.

GUI thread; nothing waits.
"""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt

from app.room_picture import RoomPicture
from app.ui.theme import Colour
from app.ui.widgets.graph import Graph, decibel_ticks
from app.ui.widgets.spectrum_plot import TICKS_HZ

LOWEST_DB, HIGHEST_DB = -22.0, 16.0


class RoomPlot(Graph):
    """Three lines; where no response was learnt, the filter alone."""

    def __init__(self) -> None:
        bottom = [(float(np.log10(at)), text) for at, text in TICKS_HZ]
        ends = (float(np.log10(20.0)), float(np.log10(20_000.0)))
        super().__init__("Room", bottom, decibel_ticks(-12, 12, 12), ends, (LOWEST_DB, HIGHEST_DB))
        self._measured = self._plot.plot(pen=pg.mkPen(Colour.SECOND, width=1.5))
        self._target = self._plot.plot(pen=pg.mkPen(Colour.MUTED, width=1, style=Qt.PenStyle.DashLine))
        self._correction = self._plot.plot(pen=pg.mkPen(Colour.ACCENT, width=2))
        self.setAccessibleDescription("Grey: the room as it is. Dashed: the target. Coloured: what the filter does.")

    @property
    def shown_lines(self) -> tuple[int, int, int]:
        """How many points the lines of room, target and filter have."""
        return tuple(len(line.xData) if line.xData is not None else 0 for line in self._lines)  # type: ignore[return-value]

    def show_picture(self, picture: RoomPicture) -> None:
        """Draw a room."""
        frequencies = np.log10(np.asarray(picture.frequencies_hz, dtype=float))
        levels = (picture.measured_db, picture.target_db, picture.correction_db)
        for line, level_db in zip(self._lines, levels, strict=True):
            if level_db:
                line.setData(frequencies, np.asarray(level_db, dtype=float))
            else:
                line.setData([], [])

    @property
    def _lines(self) -> tuple[pg.PlotDataItem, pg.PlotDataItem, pg.PlotDataItem]:
        return self._measured, self._target, self._correction
