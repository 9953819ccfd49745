"""Plots of what stages do to levels: a transfer curve with a live dot, and the last seconds of a figure.

GUI thread; nothing waits.
"""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

from app.ui import theme
from app.ui.theme import Colour
from app.ui.widgets.graph import Graph, decibel_ticks
from app.ui.widgets.spectrum_plot import TICKS_HZ

HISTORY_POINTS = 300
"""Ten seconds at 30 snapshots a second."""

_LOWEST_DB, _HIGHEST_DB = -72.0, 6.0
_EDGE_SHARE = 0.05


class TransferPlot(Graph):
    """Level that leaves over level that arrives; the dot is now."""

    levels_db = np.linspace(_LOWEST_DB, _HIGHEST_DB, 157)

    def __init__(self, name: str) -> None:
        span = (_LOWEST_DB, _HIGHEST_DB)
        super().__init__(name, decibel_ticks(-60, 0, 30), decibel_ticks(-60, 0, 20), span, span)
        self._plot.plot([*span], [*span], pen=pg.mkPen(Colour.LINE, width=1))
        self._curve = self._plot.plot(pen=pg.mkPen(Colour.ACCENT, width=2))
        self._dot = self._plot.plot(
            pen=None, symbol="o", symbolSize=8, symbolBrush=theme.colour(Colour.TEXT), symbolPen=None
        )
        self.point_db: tuple[float, float] | None = None

    def show_curve(self, leaving_db: NDArray[np.float64]) -> None:
        """Draw the level that leaves for each of `levels_db`."""
        self._curve.setData(self.levels_db, leaving_db)

    def show_point(self, arriving_db: float | None, leaving_db: float | None) -> None:
        """Move the dot; None hides it."""
        if arriving_db is None or leaving_db is None:
            self.point_db = None
            self._dot.setData([], [])
            return
        self.point_db = (max(arriving_db, _LOWEST_DB), max(leaving_db, _LOWEST_DB))
        self._dot.setData([self.point_db[0]], [self.point_db[1]])


class HistoryPlot(Graph):
    """A figure over the last ten seconds, newest at the right.

    Parameters
    ----------
    minimum, maximum : float
        Of the axis; a reduction is shown from above, with `minimum` at the top.
    is_downward : bool
        Whether larger values stand lower, as a reduction does.
    """

    def __init__(self, name: str, minimum: float, maximum: float, is_downward: bool = False) -> None:
        sign = -1.0 if is_downward else 1.0
        step = _tick_step(maximum - minimum)
        left = [(sign * at, f"{at:.0f}".replace("-", "−")) for at in np.arange(minimum, maximum + step / 2, step)]
        ends = sorted((sign * minimum, sign * maximum))
        bottom = [(-0.1 * seconds * HISTORY_POINTS, f"{seconds} s") for seconds in (9, 6, 3)]
        # A line along the edge would hardly be seen.
        room = _EDGE_SHARE * (maximum - minimum)
        super().__init__(name, bottom, left, (-float(HISTORY_POINTS), 0.0), (ends[0] - room, ends[1] + room))
        self._sign = sign
        self._values = np.full(HISTORY_POINTS, np.nan)
        self._times = np.arange(-HISTORY_POINTS, 0.0)
        self._curve = self._plot.plot(
            pen=pg.mkPen(Colour.ACCENT, width=1), fillLevel=sign * max(minimum, 0.0) if is_downward else None,
            brush=theme.colour(Colour.ACCENT, 45) if is_downward else None, connect="finite",
        )  # fmt: skip

    @property
    def newest(self) -> float:
        """The value that was added last; NaN if there was none."""
        return float(self._sign * self._values[-1])

    def add(self, value: float | None) -> None:
        """Let a further value come in from the right; None leaves a gap."""
        self._values[:-1] = self._values[1:]
        self._values[-1] = np.nan if value is None else self._sign * value
        self._curve.setData(self._times, self._values)


def _tick_step(span: float) -> float:
    """A distance of ticks that people count in, so that there are about four."""
    return next((step for step in (6.0, 10.0, 12.0, 20.0) if span / step <= 4.0), span / 4.0)


class ResponsePlot(Graph):
    """Gain over frequency."""

    frequencies_hz = np.geomspace(20.0, 20_000.0, 240)

    def __init__(self, name: str) -> None:
        bottom = [(float(np.log10(at)), text) for at, text in TICKS_HZ]
        super().__init__(name, bottom, decibel_ticks(-18, 18, 6), (np.log10(20.0), np.log10(20_000.0)), (-20.0, 20.0))
        self._curve = self._plot.plot(
            pen=pg.mkPen(Colour.ACCENT, width=2), fillLevel=0.0, brush=theme.colour(Colour.ACCENT, 45)
        )
        self.gain_db: NDArray[np.float64] = np.zeros(0)

    def show_gain(self, gain_db: NDArray[np.float64]) -> None:
        """Draw the gain at each of `frequencies_hz`."""
        self.gain_db = gain_db
        self._curve.setData(np.log10(self.frequencies_hz), gain_db)
