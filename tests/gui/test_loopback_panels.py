"""The panels of the overlay and of the remote interface: they say what is, ask for what is wanted, and show no secret."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge
from app.loopback_address import LoopbackAddress
from app.ui.panels import obs_panel, overlay_panel
from app.ui.panels.overlay_panel import OverlayPanel
from app.ui.panels.remote_panel import RemotePanel
from app.ui.widgets.param_control import ChoiceBox, SliderWithEntry
from engine import (
    EngineApi,
    ObsConfig,
    OverlayConfig,
    OverlayPosition,
    OverlayStatus,
    OverlayTheme,
    ParamSpec,
    RemoteClient,
    RemoteConfig,
    RemoteStatus,
    ServicesConfig,
    ServicesSnapshot,
    SetService,
    Snapshot,
)
from engine.integrations.token_file import TokenFile
from tests.helpers.fake_engine import FakeEngine


class Sent(EngineBridge):
    """Notes what is asked for."""

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.commands: list[object] = []

    def send(self, command: object) -> None:
        self.commands.append(command)


@pytest.fixture
def token_file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "token")


def snapshot(
    overlay: OverlayStatus | None = None, remote: RemoteStatus | None = None, config: ServicesConfig | None = None
) -> Snapshot:
    engine: EngineApi = FakeEngine()
    services = ServicesSnapshot(config=config or ServicesConfig(), overlay=overlay, remote=remote)
    return msgspec.structs.replace(engine.snapshot(), services=services)


def test_the_overlay_is_switched_on_and_its_address_copied_but_not_shown(qtbot: QtBot, token_file: TokenFile) -> None:
    bridge = Sent()
    panel = OverlayPanel(bridge, LoopbackAddress("http", token_file))
    qtbot.addWidget(panel)
    panel.show_snapshot(snapshot(OverlayStatus()))
    assert not panel.address.copy_button.isEnabled()
    QTest.mouseClick(panel.toggle, Qt.MouseButton.LeftButton)
    assert bridge.commands == [SetService(OverlayConfig(is_on=True))]
    panel.show_snapshot(
        snapshot(OverlayStatus("", 47_821, 2), config=ServicesConfig(overlay=OverlayConfig(is_on=True)))
    )
    assert panel.toggle.isChecked()
    assert panel.pages.text() == "2 pages"
    assert "47821" in panel.address.text.text()
    assert token_file.token() not in panel.address.text.text()
    QTest.mouseClick(panel.address.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == f"http://127.0.0.1:47821/{token_file.token()}/"


def test_every_look_is_asked_for_and_followed(qtbot: QtBot, token_file: TokenFile) -> None:
    bridge = Sent()
    panel = OverlayPanel(bridge, LoopbackAddress("http", token_file))
    qtbot.addWidget(panel)
    config = OverlayConfig(is_on=True, theme=OverlayTheme.PAPER, position=OverlayPosition.TOP, font_px=72)
    panel.show_snapshot(snapshot(OverlayStatus("", 47_820), config=ServicesConfig(overlay=config)))
    theme, size = panel.controls["theme"], panel.controls["font_px"]
    assert isinstance(theme, ChoiceBox)
    assert isinstance(size, SliderWithEntry)
    assert (theme.shown_value, size.shown_value) == ("paper", 72.0)
    size.edited.emit(60.4)
    theme.edited.emit("box")
    wanted = msgspec.structs.replace(config, font_px=60)
    assert bridge.commands == [
        SetService(wanted),
        SetService(msgspec.structs.replace(wanted, theme=OverlayTheme.BOX)),
    ]
    # What is sent can be read again: types and bounds are those of the settings.
    for command in bridge.commands:
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=SetService) == command


@pytest.mark.parametrize("spec", [*overlay_panel._LOOKS, obs_panel._PICTURE_DELAY, obs_panel._LOWEST_OFFSET])
def test_every_setting_of_a_service_can_be_at_both_ends(spec: ParamSpec) -> None:
    config = OverlayConfig() if spec in overlay_panel._LOOKS else ObsConfig()
    kind = type(getattr(config, spec.name))
    assert kind(spec.default) == getattr(config, spec.name)
    for value in (kind(spec.from_travel(0.0)), kind(spec.from_travel(1.0))):
        whole = msgspec.to_builtins(msgspec.structs.replace(config, **{spec.name: value}))
        assert getattr(msgspec.convert(whole, type(config)), spec.name) == value


def test_the_remote_panel_tells_who_is_connected(qtbot: QtBot, token_file: TokenFile) -> None:
    panel = RemotePanel(Sent(), LoopbackAddress("ws", token_file))
    qtbot.addWidget(panel)
    panel.show_snapshot(snapshot(remote=RemoteStatus()))
    assert panel.clients.text() == "nobody"
    status = RemoteStatus("", 47_840, (RemoteClient("Companion (port 50123)", 75.0, 12),))
    panel.show_snapshot(snapshot(remote=status, config=ServicesConfig(remote=RemoteConfig(is_on=True))))
    assert panel.clients.text() == "Companion (port 50123): 1:15 min, 12 requests"


def test_what_the_service_says_is_shown(qtbot: QtBot, token_file: TokenFile) -> None:
    panel = RemotePanel(Sent(), LoopbackAddress("ws", token_file))
    qtbot.addWidget(panel)
    panel.show_snapshot(snapshot(remote=RemoteStatus("Port 47840 is in use by another program; waiting for it.")))
    assert "in use" in panel.sentence.text()
    panel.show_snapshot(snapshot(config=ServicesConfig(remote=RemoteConfig(is_on=True))))
    assert "do not answer" in panel.sentence.text()


def test_a_new_address_is_made_only_when_it_is_meant(qtbot: QtBot, token_file: TokenFile) -> None:
    panel = RemotePanel(Sent(), LoopbackAddress("ws", token_file))
    qtbot.addWidget(panel)
    old = token_file.token()
    QTest.mouseClick(panel.address.renew_button, Qt.MouseButton.LeftButton)
    assert token_file.token() == old
    assert panel.address.renew_button.text() == "Really?"
    QTest.mouseClick(panel.address.renew_button, Qt.MouseButton.LeftButton)
    assert token_file.token() != old
    assert panel.address.renew_button.text() == "New address"
