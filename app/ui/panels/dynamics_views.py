"""Pictures of the dynamics stages: what each does to levels or frequencies, and what it did in the last seconds.

They read parameters and meters by name from the snapshot; what an engine does not tell is not drawn. GUI thread; nothing
waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.panels.stage_view import StageView
from app.ui.theme import Colour
from app.ui.widgets.dynamics_plots import HistoryPlot, ResponsePlot, TransferPlot
from app.ui.widgets.text_label import text_label
from engine import (
    SAMPLE_RATE_HZ,
    MeterSpec,
    Snapshot,
    StageDescription,
    StageSnapshot,
    Value,
    compressed_dbfs,
    equalizer_gain_db,
)

Values = Mapping[str, Value]
Meters = Mapping[str, float]
Levels = NDArray[np.float64]
_LINES = 9


class HistoryView(StageView):
    """The stage's first meter over the last ten seconds; a reduction hangs from above."""

    def __init__(self, stage: StageDescription) -> None:
        super().__init__()
        self._stage_id = stage.id
        self._spec: MeterSpec = stage.meters[0]
        is_reduction = self._spec.minimum == 0.0
        self.history = HistoryPlot(
            f"{self._spec.label} over ten seconds", self._spec.minimum, self._spec.maximum, is_reduction
        )
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.GAP)
        self._row.addWidget(_captioned(self.history, f"{self._spec.label}, {self._spec.unit}"), 3)
        self.setFixedHeight(theme.em() * _LINES)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Let the newest value come in."""
        now = _stage(snapshot, self._stage_id)
        self.history.add(now.meters.get(self._spec.name) if now is not None else None)

    def put_first(self, picture: QWidget, caption: str) -> None:
        """Put a picture before the history."""
        self._row.insertWidget(0, _captioned(picture, caption), 2)


class TransferView(HistoryView):
    """A transfer curve with a live dot, beside the history.

    Parameters
    ----------
    curve : callable
        Level that leaves for each level that arrives, from parameters and meters; raises `KeyError` for what is missing.
    arriving : str
        Name of the meter that tells the level arriving now.
    """

    def __init__(
        self, stage: StageDescription, curve: Callable[[Levels, Values, Meters], Levels], arriving: str
    ) -> None:
        super().__init__(stage)
        self._curve = curve
        self._arriving = arriving
        self._prefix = f"{stage.id}."
        self.transfer = TransferPlot(f"{stage.label}: level out over level in, dB")
        self.put_first(self.transfer, "Out over in, dB")

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Draw the curve, move the dot."""
        super().show_snapshot(snapshot)
        now = _stage(snapshot, self._stage_id)
        if now is None:
            return
        values = _own(snapshot.params, self._prefix)
        try:
            self.transfer.show_curve(self._curve(self.transfer.levels_db, values, now.meters))
        except KeyError:
            return
        arriving_db = now.meters.get(self._arriving)
        reduction_db = now.meters.get(self._spec.name, 0.0)
        makeup_db = float(values.get("makeup_db", 0.0))
        self.transfer.show_point(arriving_db, None if arriving_db is None else arriving_db - reduction_db + makeup_db)


class ResponseView(StageView):
    """The equalizer's gain over frequency."""

    def __init__(self, stage: StageDescription) -> None:
        super().__init__()
        self._prefix = f"{stage.id}."
        self._shown: Values = {}
        self.response = ResponsePlot(f"{stage.label}: gain in dB over frequency")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(_captioned(self.response, "Gain in dB over Hz"))
        self.setFixedHeight(theme.em() * _LINES)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Draw, if anything has changed."""
        values = _own(snapshot.params, self._prefix)
        if values != self._shown:
            self._shown = values
            self.response.show_gain(equalizer_gain_db(values, self.response.frequencies_hz, SAMPLE_RATE_HZ))


def compressor_view(stage: StageDescription) -> StageView:
    """The compressor: curve as it is now, also where it sets itself."""
    return TransferView(stage, _compressor_curve, "input_dbfs")


def limiter_view(stage: StageDescription) -> StageView:
    """The limiter: a wall at the ceiling."""
    return TransferView(stage, _limiter_curve, "input_dbfs")


def gate_view(stage: StageDescription) -> StageView:
    """The gate: below where it opens now, the room is turned down."""
    return TransferView(stage, _gate_curve, "input_lufs")


def _compressor_curve(levels_db: Levels, values: Values, meters: Meters) -> Levels:
    threshold_db = meters.get("threshold_db", float(values["threshold_db"]))
    ratio = max(1.0, meters.get("ratio", float(values["ratio"])))
    return compressed_dbfs(levels_db, threshold_db, ratio, float(values["knee_db"]), float(values["makeup_db"]))


def _limiter_curve(levels_db: Levels, values: Values, meters: Meters) -> Levels:
    return np.minimum(levels_db, float(values["ceiling_dbtp"]))


def _gate_curve(levels_db: Levels, values: Values, meters: Meters) -> Levels:
    opens_db = meters["room_lufs"] + float(values["above_room_db"])
    return levels_db - np.where(levels_db < opens_db, float(values["depth_db"]), 0.0)


def _captioned(picture: QWidget, caption: str) -> QWidget:
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    column.addWidget(text_label(caption, colour=Colour.MUTED))
    column.addWidget(picture, 1)
    return whole


def _own(params: Values, prefix: str) -> dict[str, Value]:
    return {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}


def _stage(snapshot: Snapshot, stage_id: str) -> StageSnapshot | None:
    return next((stage for stage in snapshot.stages if stage.id == stage_id), None)
