"""How the tone of a room dies away: time downwards, frequency to the right, the level as brightness.

GUI thread; nothing waits.
"""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF

from app.room_picture import Waterfall
from app.ui.theme import Colour
from app.ui.widgets.graph import Graph
from app.ui.widgets.spectrum_plot import TICKS_HZ

SHOWN_MS = 400.0
FAINTEST_DB = -40.0
"""What is weaker than this against the loudest is ground."""

_TICKS_MS = (0, 100, 200, 300)


class WaterfallPlot(Graph):
    """Spectra of what is left of a response, later and later."""

    def __init__(self) -> None:
        bottom = [(float(np.log10(at)), text) for at, text in TICKS_HZ]
        left = [(float(at), f"{at} ms") for at in _TICKS_MS]
        ends = (float(np.log10(20.0)), float(np.log10(20_000.0)))
        super().__init__("Decay of the room", bottom, left, ends, (0.0, SHOWN_MS))
        self._plot.getPlotItem().invertY(True)
        self._image = pg.ImageItem()
        self._image.setColorMap(
            pg.ColorMap([0.0, 0.45, 0.8, 1.0], [Colour.TRACK, Colour.ACCENT_DIM, Colour.ACCENT, Colour.TEXT])
        )
        self._plot.addItem(self._image)
        self.setAccessibleDescription("The brighter, the louder; the further down, the later.")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is drawn."""
        return self._image.image is None

    def show_waterfall(self, waterfall: Waterfall | None) -> None:
        """Draw a room's decay; None for nothing."""
        if waterfall is None:
            self._image.clear()
            return
        self._image.setImage(waterfall.level_db.T, levels=(FAINTEST_DB, 0.0))
        places = np.log10(waterfall.frequencies_hz)
        step, pause_ms = places[1] - places[0], 1e3 * (waterfall.times_s[1] - waterfall.times_s[0])
        self._image.setRect(
            QRectF(
                float(places[0] - step / 2),
                0.0,
                float(step * places.size),
                float(pause_ms * waterfall.times_s.size),
            )
        )
