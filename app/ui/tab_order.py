"""The way of the Tab key through a window: as the layouts hold its parts, whatever was made later. GUI thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QWidget

_DIRECT = Qt.FindChildOption.FindDirectChildrenOnly


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
    children = zone.findChildren(QWidget, options=_DIRECT)
    layout = zone.layout()
    for child in children if layout is None else _laid_out(layout, children):
        yield from _tab_stops(child)


def _laid_out(layout: QLayout, widgets: Sequence[QWidget]) -> Iterator[QWidget]:
    """Those of `widgets` that `layout` and the layouts in it hold, in its order.

    Its items are not asked for: Qt deletes one when its widget moves to another layout, PySide keeps what stood for it, and
    takes that for whatever is made at the same address later.
    """
    parts: dict[int, QWidget | QLayout] = {layout.indexOf(widget): widget for widget in widgets}
    parts |= {layout.indexOf(inner): inner for inner in layout.findChildren(QLayout, options=_DIRECT)}
    for index in sorted(parts.keys() - {-1}):
        part = parts[index]
        if isinstance(part, QLayout):
            yield from _laid_out(part, widgets)
        else:
            yield part
