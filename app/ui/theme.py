"""Colours, fonts and distances of the window, in one place.

One accent, three greys of text, amber for what deserves a look and red for trouble only. Every pair of text and ground
used here has a contrast of at least 4.5 : 1 (a test computes it), but for what cannot be used now. Font sizes are
multiples of the system's font, so the window follows whoever set that larger. GUI thread; nothing waits.
"""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtGui import QColor, QFont, QFontMetrics, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from app.ui.icons import ICON_FOLDER


class Colour:
    """The palette, as `#rrggbb`."""

    WINDOW = "#15181b"
    SURFACE = "#1d2125"
    RAISED = "#272c31"
    TRACK = "#0f1214"
    LINE = "#363d44"
    TEXT = "#e8ebed"
    MUTED = "#a3acb5"
    FAINT = "#8d97a1"
    DISABLED = "#626c75"
    ACCENT = "#5fc9b4"
    ACCENT_DIM = "#2f6f65"
    SECOND = "#7c8b99"
    CAUTION = "#e6b04e"
    TROUBLE = "#f4776c"
    ON_ACCENT = "#0e1614"


class FontRole(StrEnum):
    """What a text is for; its size follows from that."""

    SMALL = "small"
    BODY = "body"
    NAME = "name"
    TITLE = "title"
    FIGURE = "figure"
    HEADLINE = "headline"


_SCALE = {
    FontRole.SMALL: 0.9,
    FontRole.BODY: 1.0,
    FontRole.NAME: 1.0,
    FontRole.TITLE: 1.05,
    FontRole.FIGURE: 1.2,
    FontRole.HEADLINE: 1.75,
}

GAP = 8
"""The distance everything else is a half or a multiple of, in device-independent pixels."""

RADIUS = 6.0


def colour(name: str, alpha: int = 255) -> QColor:
    """A palette colour, possibly translucent."""
    result = QColor(name)
    result.setAlpha(alpha)
    return result


def font(role: FontRole = FontRole.BODY) -> QFont:
    """The system's font at the size of `role`, with figures of one width."""
    result = QFont(QApplication.font())
    if result.pointSizeF() > 0:
        result.setPointSizeF(result.pointSizeF() * _SCALE[role])
    else:
        result.setPixelSize(round(result.pixelSize() * _SCALE[role]))
    if role in (FontRole.NAME, FontRole.TITLE, FontRole.HEADLINE):
        result.setWeight(QFont.Weight.DemiBold)
    result.setFeature(QFont.Tag("tnum"), 1)
    return result


def metrics(role: FontRole = FontRole.BODY) -> QFontMetrics:
    """Metrics of `font(role)`."""
    return QFontMetrics(font(role))


def em(role: FontRole = FontRole.BODY) -> int:
    """Height of a line of text: the unit of everything that must grow with the font."""
    return metrics(role).height()


def use_font(widget: QWidget, role: FontRole) -> None:
    """Give a standard widget the font of `role`, and keep it through changes of the system's font."""
    widget.setProperty("font_role", role.value)
    widget.setFont(font(role))


def renew_fonts(root: QWidget) -> None:
    """Apply a changed system font to everything under `root`."""
    for widget in (root, *root.findChildren(QWidget)):
        role = widget.property("font_role")
        if role:
            widget.setFont(font(FontRole(role)))
        widget.updateGeometry()
        widget.update()


def palette() -> QPalette:
    """The dark palette for the Fusion style."""
    result = QPalette()
    role = QPalette.ColorRole
    for target, name in (
        (role.Window, Colour.WINDOW),
        (role.Base, Colour.TRACK),
        (role.AlternateBase, Colour.SURFACE),
        (role.Button, Colour.RAISED),
        (role.ToolTipBase, Colour.RAISED),
        (role.Text, Colour.TEXT),
        (role.WindowText, Colour.TEXT),
        (role.ButtonText, Colour.TEXT),
        (role.ToolTipText, Colour.TEXT),
        (role.BrightText, Colour.TEXT),
        (role.PlaceholderText, Colour.FAINT),
        (role.Highlight, Colour.ACCENT_DIM),
        (role.HighlightedText, Colour.TEXT),
        (role.Accent, Colour.ACCENT),
        (role.Link, Colour.ACCENT),
    ):
        result.setColor(target, QColor(name))
    for target in (role.Text, role.WindowText, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, target, QColor(Colour.DISABLED))
    return result


def style_sheet() -> str:
    """Rules for the few standard widgets; what is painted by hand needs none."""
    c = Colour
    return f"""
    QToolTip {{ background: {c.RAISED}; color: {c.TEXT}; border: 1px solid {c.LINE}; padding: 4px; }}
    QPushButton, QComboBox, QLineEdit {{
        background: {c.RAISED}; color: {c.TEXT}; border: 1px solid {c.LINE}; border-radius: 4px; padding: 2px 8px;
    }}
    QLineEdit {{ background: {c.TRACK}; padding: 2px 6px; selection-background-color: {c.ACCENT_DIM}; }}
    QPushButton:hover, QComboBox:hover {{ border-color: {c.SECOND}; }}
    QPushButton:pressed {{ background: {c.TRACK}; }}
    QPushButton:checked {{ background: {c.ACCENT_DIM}; border-color: {c.ACCENT}; }}
    QPushButton:focus, QComboBox:focus, QLineEdit:focus, QListView:focus {{ border: 1px solid {c.ACCENT}; }}
    QPushButton:disabled, QComboBox:disabled, QLineEdit:disabled {{ color: {c.DISABLED}; background: {c.SURFACE}; }}
    QPushButton#cardTitle {{ background: transparent; border: 1px solid transparent; text-align: left; padding: 1px 0px; }}
    QPushButton#cardTitle:hover {{ color: {c.ACCENT}; }}
    QPushButton#cardTitle:focus {{ border: 1px solid {c.ACCENT}; }}
    QPushButton#quiet {{ background: transparent; border-color: transparent; color: {c.MUTED}; padding: 1px 6px; }}
    QPushButton#quiet:hover {{ color: {c.TEXT}; border-color: {c.LINE}; }}
    QPushButton#quiet:focus {{ border-color: {c.ACCENT}; }}
    QPushButton#quiet:disabled {{ color: {c.DISABLED}; }}
    QPushButton#quiet:checked {{ color: {c.ACCENT}; background: {c.RAISED}; }}
    QComboBox::drop-down {{ border: none; width: 18px; }}
    QComboBox::down-arrow {{ image: url("{icon_url("chevron_down")}"); width: 10px; height: 10px; }}
    QComboBox QAbstractItemView {{
        background: {c.RAISED}; color: {c.TEXT}; border: 1px solid {c.LINE}; selection-background-color: {c.ACCENT_DIM};
    }}
    QCheckBox {{ padding: 1px 2px; border: 1px solid transparent; border-radius: 4px; }}
    QCheckBox:focus, QSlider:focus, QTextEdit:focus {{ border: 1px solid {c.ACCENT}; }}
    QCheckBox::indicator {{
        background: {c.TRACK}; border: 1px solid {c.SECOND}; border-radius: 3px; width: 0.8em; height: 0.8em;
    }}
    QCheckBox::indicator:checked {{
        background: {c.ACCENT}; border-color: {c.ACCENT}; image: url("{icon_url("check")}");
    }}
    QListView {{ background: transparent; border: 1px solid transparent; }}
    QScrollArea {{ background: transparent; border: none; }}
    QScrollBar:horizontal {{ background: {c.WINDOW}; height: 10px; margin: 0; }}
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
    QScrollBar::handle {{ background: {c.LINE}; border-radius: 4px; min-width: 30px; min-height: 30px; margin: 1px; }}
    QScrollBar::handle:hover {{ background: {c.SECOND}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: none; }}
    """


def icon_url(name: str) -> str:
    """Path of an icon, in the form style sheets want on every system."""
    return (ICON_FOLDER / f"{name}.svg").as_posix()
