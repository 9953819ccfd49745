"""A room over a logarithmic frequency axis: what was learnt, where it is led to, and what the filter does.

GUI thread; nothing waits.
"""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt

from app.room_picture import Line, RoomPicture
from app.ui.theme import Colour
from app.ui.widgets.graph import Graph, decibel_ticks
from app.ui.widgets.spectrum_plot import TICKS_HZ

LOWEST_DB, HIGHEST_DB = -22.0, 16.0


class RoomPlot(Graph):
    """Three lines, and a fourth for another room beside it; where no response was learnt, the filter alone."""

    def __init__(self) -> None:
        bottom = [(float(np.log10(at)), text) for at, text in TICKS_HZ]
        ends = (float(np.log10(20.0)), float(np.log10(20_000.0)))
        super().__init__("Room", bottom, decibel_ticks(-12, 12, 12), ends, (LOWEST_DB, HIGHEST_DB))
        self._beside = self._plot.plot(pen=pg.mkPen(Colour.CAUTION, width=1, style=Qt.PenStyle.DotLine))
        self._measured = self._plot.plot(pen=pg.mkPen(Colour.SECOND, width=1.5))
        self._target = self._plot.plot(pen=pg.mkPen(Colour.MUTED, width=1, style=Qt.PenStyle.DashLine))
        self._correction = self._plot.plot(pen=pg.mkPen(Colour.ACCENT, width=2))
        self.setAccessibleDescription(
            "Grey: the room as it is. Dashed: the target. Coloured: what the filter does. Dotted: another room."
        )

    @property
    def shown_lines(self) -> tuple[int, int, int]:
        """How many points the lines of room, target and filter have."""
        return tuple(len(line.xData) if line.xData is not None else 0 for line in self._lines)  # type: ignore[return-value]

    def show_picture(self, picture: RoomPicture) -> None:
        """Draw a room."""
        levels = (picture.measured_db, picture.target_db, picture.correction_db)
        for line, level_db in zip(self._lines, levels, strict=True):
            _draw(line, picture.frequencies_hz, level_db)

    def show_beside(self, picture: RoomPicture | None) -> None:
        """Draw another room, or what its filter does where no response was learnt; None for none."""
        level_db = () if picture is None else picture.measured_db or picture.correction_db
        _draw(self._beside, () if picture is None else picture.frequencies_hz, level_db)

    @property
    def is_beside_shown(self) -> bool:
        """Whether another room is drawn."""
        return self._beside.xData is not None and len(self._beside.xData) > 0

    @property
    def _lines(self) -> tuple[pg.PlotDataItem, pg.PlotDataItem, pg.PlotDataItem]:
        return self._measured, self._target, self._correction


def _draw(line: pg.PlotDataItem, frequencies_hz: Line, level_db: Line) -> None:
    if level_db:
        line.setData(np.log10(np.asarray(frequencies_hz, dtype=float)), np.asarray(level_db, dtype=float))
    else:
        line.setData([], [])
