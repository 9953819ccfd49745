"""The few signs of the window: where the drawn ones lie, and the shapes that are painted.

A state is told by its shape as well as by its colour. GUI thread; nothing waits.
"""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPolygonF

from app.paths import program_folder

ICON_FOLDER = program_folder() / "resources" / "icons"


class Shape(Enum):
    """Shapes that tell states apart without colour."""

    DISC = auto()
    RING = auto()
    SQUARE = auto()
    TRIANGLE = auto()
    CROSS = auto()


def application_icon() -> QIcon:
    """The program's own icon."""
    return QIcon(str(ICON_FOLDER / "sidetone.svg"))


def paint_shape(painter: QPainter, shape: Shape, box: QRectF, colour: QColor) -> None:
    """Paint `shape` into `box`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    width = max(1.5, box.width() * 0.16)
    pen = QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    inset = 0.5 if shape in (Shape.DISC, Shape.SQUARE) else width
    inner = box.adjusted(inset, inset, -inset, -inset)
    painter.setPen(pen if shape in (Shape.RING, Shape.CROSS) else Qt.PenStyle.NoPen)
    painter.setBrush(Qt.BrushStyle.NoBrush if shape in (Shape.RING, Shape.CROSS) else colour)
    match shape:
        case Shape.DISC | Shape.RING:
            painter.drawEllipse(inner)
        case Shape.SQUARE:
            painter.drawRoundedRect(inner, 1.5, 1.5)
        case Shape.TRIANGLE:
            painter.drawPolygon(QPolygonF([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()]))
            painter.setPen(QPen(QColor("#15181b"), width))
            x = box.center().x()
            painter.drawLine(QPointF(x, box.top() + box.height() * 0.4), QPointF(x, box.top() + box.height() * 0.64))
            painter.drawPoint(QPointF(x, box.top() + box.height() * 0.85))
        case Shape.CROSS:
            painter.drawLine(inner.topLeft(), inner.bottomRight())
            painter.drawLine(inner.topRight(), inner.bottomLeft())
    painter.restore()
