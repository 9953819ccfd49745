"""Makes the one QApplication with the program's look. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QApplication, QStyleFactory

from app.ui import icons, theme


def make_application(argv: Sequence[str]) -> QApplication:
    """Return the application, made and dressed; an existing one is dressed and returned."""
    present = QApplication.instance()
    application = present if isinstance(present, QApplication) else QApplication(list(argv))
    application.setApplicationName("sidetone")
    application.setApplicationDisplayName("Sidetone")
    application.setDesktopFileName("sidetone")
    application.setStyle(QStyleFactory.create("Fusion"))
    application.setPalette(theme.palette())
    application.setStyleSheet(theme.style_sheet())
    application.setWindowIcon(icons.application_icon())
    return application
