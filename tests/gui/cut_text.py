"""Finds text that does not fit where it stands; run as a program, it looks at a window of the given size.

The scale factor of Qt is fixed when it starts, so that larger scales need a process of their own:
`QT_SCALE_FACTOR=2 python -m tests.gui.cut_text 1000 640`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QScrollArea, QWidget

from app.ui.main_window import MainWindow
from app.ui.widgets.activity_meter import ActivityMeter
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.figure import Figure
from app.ui.widgets.latency_bar import LatencyBar
from app.ui.widgets.level_meter import LevelMeter
from app.ui.widgets.page_area import PageArea
from app.ui.widgets.param_control import NumberEntry
from app.ui.widgets.param_slider import ParamSlider
from app.ui.widgets.state_badge import StateBadge

PAINTED = (ActivityMeter, ElidedLabel, Figure, LatencyBar, LevelMeter, ParamSlider)
HINTED = (QAbstractButton, NumberEntry, StateBadge)


def cut_texts(window: MainWindow) -> list[str]:
    """What is cut off, in words; empty if nothing is."""
    return list(_cut(window))


def _cut(window: MainWindow) -> Iterator[str]:
    if window.chain.horizontalScrollBar().maximum() > 0 and len(window.chain.cards) <= 6:
        yield "the chain needs scrolling"
    for widget in window.findChildren(QWidget):
        if widget.isVisibleTo(window):
            yield from _cut_widget(widget)
            if not _scrolls(widget, window) and not window.rect().contains(_place(widget, window)):
                yield f"{_name(widget)} reaches out of the window: {_place(widget, window)}"


def _cut_widget(widget: QWidget) -> Iterator[str]:
    size = widget.size()
    needed = None
    if isinstance(widget, PAINTED):
        needed = widget.minimumSizeHint()
    elif isinstance(widget, HINTED):
        needed = widget.sizeHint()
    elif isinstance(widget, QLineEdit):
        text = widget.text() or widget.placeholderText()
        needed = QSize(widget.fontMetrics().horizontalAdvance(text), widget.fontMetrics().height())
    elif isinstance(widget, QComboBox):
        if size.height() < widget.fontMetrics().height():
            yield f"{_name(widget)} is too low"
    elif isinstance(widget, QLabel):
        if widget.wordWrap():
            if widget.heightForWidth(size.width()) > size.height():
                yield f"{_name(widget)} has lines that are not seen"
        else:
            needed = widget.sizeHint()
    if needed is not None and (needed.width() > size.width() or needed.height() > size.height()):
        yield f"{_name(widget)} has {size.width()}×{size.height()}, needs {needed.width()}×{needed.height()}"


def _scrolls(widget: QWidget, window: QWidget) -> bool:
    parent = widget.parentWidget()
    while parent is not None and parent is not window:
        if isinstance(parent, PageArea):
            return parent.needs_scrolling
        if isinstance(parent, QScrollArea):
            return True
        parent = parent.parentWidget()
    return False


def _place(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def _name(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, QLabel | QAbstractButton) else ""
    return f"{type(widget).__name__} “{widget.accessibleName() or text}”"


def main() -> int:
    """Look at a window of the given size, with each panel open in turn."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from app.bridge import EngineBridge
    from app.ui.application import make_application
    from tests.helpers.fake_engine import FakeEngine, FakeLink

    application = make_application(["sidetone"])
    engine = FakeEngine()
    window = MainWindow(EngineBridge(FakeLink(engine)))
    window.show_description(engine.describe())
    window.resize(int(sys.argv[1]), int(sys.argv[2]))
    window.show()
    found: list[str] = []
    for stage_id in (None, *window.chain.cards):
        if stage_id is not None:
            window.open_stage(stage_id)
        window.show_snapshot(engine.snapshot(with_spectrum=True))
        application.processEvents()
        found += cut_texts(window)
    print(f"{window.width()}x{window.height()} at {window.devicePixelRatioF():g}")
    print("\n".join(sorted(set(found))))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
