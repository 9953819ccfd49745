"""The way of the Tab key through a window: as the layouts hold its parts, whatever was made later. GUI thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def order_tabs(zones: Iterable[QWidget]) -> None:
    """Let Tab go through everything in `zones` that can have the keyboard, one zone after the other."""
    stops = [stop for zone in zones for stop in _tab_stops(zone)]
    for before, after in pairwise(stops):
        QWidget.setTabOrder(before, after)


def _tab_stops(zone: QWidget) -> Iterator[QWidget]:
    """What can have the keyboard under `zone`, in the order in which the layouts hold it."""
    if zone.focusPolicy() & Qt.FocusPolicy.TabFocus:
        yield zone
        return
    layout = zone.layout()
    if layout is None:
        children = zone.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    else:
        children = list(_laid_out(layout))
    for child in children:
        yield from _tab_stops(child)


def _laid_out(layout: object) -> Iterator[QWidget]:
    for index in range(layout.count()):  # type: ignore[attr-defined]
        item = layout.itemAt(index)  # type: ignore[attr-defined]
        if item.widget() is not None:
            yield item.widget()
        elif item.layout() is not None:
            yield from _laid_out(item.layout())
