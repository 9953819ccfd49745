"""`sidetone`: the window, with the engine in its own process; without a screen, the same engine headless."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING

import msgspec

from app.composition import chosen_models, rendezvous
from app.crash import EXIT_DONE, failed
from app.display import has_display
from app.paths import Paths
from app.settings import Settings, load_or_restore_settings, save_settings
from app.supervisor import EngineSupervisor
from engine import DeviceConfig, PresetError

if TYPE_CHECKING:
    from app.bridge import EngineBridge

_SAVE_INTERVAL_MS = 500


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Show the window until it is closed."""
    if not has_display():
        print("No display found: the live engine runs without a window (`sidetone headless`).", flush=True)
        from app.cli import parse

        return int((headless := parse(["headless"])).run(headless, paths))
    chosen_models(paths)
    settings, problem = load_or_restore_settings(paths.settings)
    supervisor = EngineSupervisor(rendezvous(paths), settings.engine)
    # The engine compiles and loads while Qt does the same.
    supervisor.prelaunch()
    try:
        return _show(supervisor, settings, problem, paths)
    finally:
        supervisor.close()


def _show(supervisor: EngineSupervisor, settings: Settings, problem: str, paths: Paths) -> int:
    from PySide6.QtCore import QTimer

    from app.bridge import EngineBridge
    from app.ui.application import make_application
    from app.ui.main_window import MainWindow

    application = make_application(sys.argv[:1])
    bridge = EngineBridge(supervisor, settings.engine)
    keeper = _SettingsKeeper(supervisor, settings, paths, bridge)
    window = MainWindow(bridge)
    timer = QTimer()
    timer.timeout.connect(keeper.save_if_changed)
    timer.start(_SAVE_INTERVAL_MS)
    # Qt's loop runs no Python by itself: the timer also lets these be noticed.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, lambda *_: application.quit())
    bridge.open()
    window.show()
    if problem:
        failed(problem)
        bridge.refused.emit(problem)
    try:
        application.exec()
    finally:
        bridge.close()
        keeper.save_if_changed()
    return EXIT_DONE


class _SettingsKeeper:
    """Writes the settings whenever they have changed."""

    def __init__(self, supervisor: EngineSupervisor, settings: Settings, paths: Paths, bridge: EngineBridge) -> None:
        self._supervisor = supervisor
        self._saved = settings
        self._paths = paths
        self._devices = settings.engine.devices
        self._bridge = bridge
        self._problem = ""
        bridge.devices_chosen.connect(self._note_devices)

    def save_if_changed(self) -> None:
        # The devices are those that were chosen: what an engine found running has is not to be kept.
        settings = Settings(engine=msgspec.structs.replace(self._supervisor.config, devices=self._devices))
        if settings == self._saved:
            return
        try:
            save_settings(self._paths.settings, settings)
            self._saved, self._problem = settings, ""
        except PresetError as error:
            self._tell(str(error))

    def _tell(self, problem: str) -> None:
        # It is tried again and again, but said once.
        if problem != self._problem:
            self._problem = problem
            failed(problem)
            self._bridge.refused.emit(problem)

    def _note_devices(self, devices: DeviceConfig) -> None:
        self._devices = devices
