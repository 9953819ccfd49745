"""Loudness over the session, with the band that it should stay in. GUI thread; nothing waits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg

from app.ui import theme
from app.ui.theme import Colour
from app.ui.widgets.graph import Graph, decibel_ticks

LOWEST_LUFS, HIGHEST_LUFS = -42.0, -6.0
BAND_LU = 2.0
"""How far from its target a voice may be and still sound even."""

_STEPS_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 240)
_MOST_TICKS = 4
_SHORTEST_MINUTES = 2.0


class SessionPlot(Graph):
    """Short-term loudness over minutes; silence is a gap."""

    def __init__(self) -> None:
        super().__init__(
            "Short-term loudness over the session, LUFS over minutes", [(0.0, "0")], decibel_ticks(-36, -12, 6),
            (0.0, _SHORTEST_MINUTES), (LOWEST_LUFS, HIGHEST_LUFS),
        )  # fmt: skip
        self._band = pg.LinearRegionItem(
            orientation="horizontal", movable=False, brush=theme.colour(Colour.ACCENT, 38), pen=pg.mkPen(None)
        )
        self._plot.addItem(self._band)
        self._curve = self._plot.plot(pen=pg.mkPen(Colour.TEXT, width=1), connect="finite")
        self._minutes = 0.0
        self.show_target(None)

    @property
    def shown_minutes(self) -> float:
        """Width of the time axis."""
        return max(self._minutes, _SHORTEST_MINUTES)

    def show_target(self, target_lufs: float | None) -> None:
        """Draw the band around a target; None takes it away."""
        self._band.setVisible(target_lufs is not None)
        if target_lufs is not None:
            self._band.setRegion((target_lufs - BAND_LU, target_lufs + BAND_LU))

    def show_course(self, short_term_lufs: Sequence[float], interval_s: float) -> None:
        """Draw the whole session, oldest first; each value stands for `interval_s`."""
        values = np.asarray(short_term_lufs, dtype=float)
        times = np.arange(1, values.size + 1) * interval_s / 60.0
        self._curve.setData(times, np.where(values > LOWEST_LUFS, values, np.nan))
        minutes = float(times[-1]) if values.size else 0.0
        if minutes != self._minutes:
            self._minutes = minutes
            self._plot.setXRange(0.0, self.shown_minutes, padding=0)
            step = next((step for step in _STEPS_MINUTES if self.shown_minutes / step <= _MOST_TICKS), 480)
            last = math.floor(self.shown_minutes)
            self._set_ticks("bottom", [(float(at), f"{at} min") for at in range(0, last + 1, step)])
