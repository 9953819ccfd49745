"""Spectra of the chain's input and output over a logarithmic frequency axis. GUI thread; nothing waits."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

from app.ui import theme
from app.ui.theme import Colour
from app.ui.widgets.graph import Graph, decibel_ticks
from engine import SpectrumSnapshot

FLOOR_DB = -100.0
TOP_DB = 0.0
TICKS_HZ = ((20, "20"), (50, "50"), (100, "100"), (200, "200"), (500, "500"), (1000, "1k"), (2000, "2k"), (5000, "5k"),
            (10000, "10k"), (20000, "20k"))  # fmt: skip
FALL = 0.35
"""Share of the way down that a falling curve goes with each spectrum."""


class SpectrumPlot(Graph):
    """Two curves that rise at once and fall softly."""

    def __init__(self) -> None:
        bottom = [(float(np.log10(at)), text) for at, text in TICKS_HZ]
        ends = (float(np.log10(20.0)), float(np.log10(20_000.0)))
        super().__init__("Spectrum", bottom, decibel_ticks(-80, 0, 20), ends, (FLOOR_DB, TOP_DB))
        self._input = self._plot.plot(pen=pg.mkPen(Colour.SECOND, width=1))
        self._output = self._plot.plot(
            pen=pg.mkPen(Colour.ACCENT, width=1), fillLevel=FLOOR_DB, brush=theme.colour(Colour.ACCENT, 45)
        )
        self._curves: dict[str, NDArray[np.float64]] = {}
        self.setAccessibleDescription("Grey: what comes in. Coloured: what goes out.")

    @property
    def shown_frequencies_hz(self) -> int:
        """How many points the curves have; 0 while there is no spectrum."""
        return int(self._curves["output"].size) if self._curves else 0

    def show_spectrum(self, spectrum: SpectrumSnapshot | None) -> None:
        """Draw new curves; None clears them."""
        if spectrum is None or not spectrum.frequencies_hz:
            self.clear()
            return
        frequencies = np.log10(np.maximum(np.asarray(spectrum.frequencies_hz, dtype=float), 1.0))
        if frequencies.size != len(spectrum.input_dbfs) or frequencies.size != len(spectrum.output_dbfs):
            return
        for name, curve, levels in (
            ("input", self._input, spectrum.input_dbfs),
            ("output", self._output, spectrum.output_dbfs),
        ):
            curve.setData(frequencies, self._fall(name, levels))

    def clear(self) -> None:
        """Show nothing."""
        if self._curves:
            self._curves.clear()
            self._input.setData([], [])
            self._output.setData([], [])

    def _fall(self, name: str, levels_dbfs: tuple[float, ...]) -> NDArray[np.float64]:
        new: NDArray[np.float64] = np.clip(
            np.nan_to_num(np.asarray(levels_dbfs, dtype=float), nan=FLOOR_DB), FLOOR_DB, 20.0
        )
        old = self._curves.get(name)
        if old is not None and old.size == new.size:
            new = np.maximum(new, old + FALL * (new - old))
        self._curves[name] = new
        return new
