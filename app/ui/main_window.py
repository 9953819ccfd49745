"""The one window: reads from left to right like the signal.

It owns no truth. What it shows comes from snapshots, what the user does goes to the bridge, and its parts do not know each
other. GUI thread; nothing waits.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QCloseEvent, QContextMenuEvent, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.bridge import EngineBridge, LinkState
from app.ui import theme
from app.ui.closing import Closing, obs_loss
from app.ui.keys import Keys
from app.ui.midi_learning import MidiLearning
from app.ui.panels.device_row import DeviceRow
from app.ui.panels.event_log import EventLog
from app.ui.panels.latency_panel import LatencyPanel
from app.ui.panels.signal_row import SignalRow
from app.ui.panels.spectrum_panel import SpectrumPanel
from app.ui.panels.stage_panel import StagePanel
from app.ui.panels.status_row import StatusRow
from app.ui.panels.tool_row import ToolRow
from app.ui.tab_order import order_tabs
from app.ui.tool_panel import ToolWindow
from app.ui.tool_windows import ToolWindows
from app.ui.tools import TOOLS, Tool, ToolPanel
from app.ui.widgets.page_area import PageArea
from engine import ApplyChain, Description, Snapshot, StageDescription


class MainWindow(QWidget):
    """Everything the user sees.

    Parameters
    ----------
    bridge : EngineBridge
        Opened and closed by whoever made it.
    tools : iterable of Tool
        What the row of buttons offers.
    """

    def __init__(self, bridge: EngineBridge, tools: Iterable[Tool] = TOOLS) -> None:
        super().__init__()
        self._bridge = bridge
        self._stages: dict[str, StageDescription] = {}
        self._labels: dict[str, str] = {}
        self._snapshot: Snapshot | None = None
        self._open_tool: Tool | None = None
        self._description: Description | None = None
        self._tools = {tool.id: tool for tool in tools}
        self.status = StatusRow()
        self._closing = Closing(bridge.refused.emit, self.status.withdraw_notice)
        self.tools = ToolRow(self._tools.values())
        self.devices = DeviceRow(bridge.device_config)
        self.latency = LatencyPanel()
        self.signal = SignalRow()
        self.input, self.chain, self.output = self.signal.input, self.signal.chain, self.signal.output
        self.stage_panel: StagePanel | None = None
        self.tool_panel: ToolPanel | None = None
        self.windows = ToolWindows(self._tell_watched)
        self.spectrum = SpectrumPanel()
        self.events = EventLog()
        self.learning = MidiLearning(bridge, self.status.show_notice, self)
        self._below = QHBoxLayout()
        self.setWindowTitle("Sidetone")
        self.resize(1220, 780)
        self.keys = Keys(self, bridge)
        self._lay_out()
        self._connect()
        self._order_tabs()

    def show_description(self, description: Description) -> None:
        """Make the chain's cards."""
        self._description = description
        self.keys.show_description(description)
        if self.tool_panel is not None:
            self.tool_panel.show_description(description)
        stages = {stage.id: stage for stage in description.stages}
        if stages == self._stages:
            return
        self.close_stage()
        self._stages = stages
        self._labels = {stage.id: stage.label for stage in description.stages}
        self.chain.show_description(description)
        self._order_tabs()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Let everything follow."""
        self._snapshot = snapshot
        self.keys.show_snapshot(snapshot)
        self.status.show_snapshot(snapshot)
        self.tools.show_snapshot(snapshot)
        self.devices.show_in_use(snapshot.devices)
        self.latency.show_snapshot(snapshot, self._labels)
        self.signal.show_snapshot(snapshot)
        if self.stage_panel is not None:
            self.stage_panel.show_snapshot(snapshot)
        if self.tool_panel is not None:
            self.tool_panel.show_snapshot(snapshot)
        self.windows.show_snapshot(snapshot)
        self.learning.show_midi(snapshot.midi)
        if snapshot.spectrum is not None:
            self.spectrum.show_spectrum(snapshot.spectrum)

    def show_link(self, state: LinkState, text: str) -> None:
        """Show that the engine went away, or came back."""
        self.status.show_link(state, text)
        self.devices.setEnabled(state is LinkState.CONNECTED)
        self.chain.setEnabled(state in (LinkState.CONNECTED, LinkState.SILENT))
        if state is LinkState.LOST:
            # The first line has room for a part of the reason only.
            self.events.show_refusal(text)
            self.signal.show_nothing()
            self.spectrum.show_spectrum(None)

    def open_stage(self, stage_id: str) -> None:
        """Open a stage's panel; close it if it is open."""
        is_same = self.stage_panel is not None and self.stage_panel.stage.id == stage_id
        stage = self._stages.get(stage_id)
        if not self.close_panel() or is_same or stage is None:
            return
        self.stage_panel = StagePanel(stage)
        self.stage_panel.param_edited.connect(self._bridge.set_param)
        self.stage_panel.defaults_asked.connect(lambda chain: self._bridge.send(ApplyChain(chain)))
        self._open_panel(self.stage_panel)
        self.chain.show_open(stage_id)

    def open_tool(self, tool_id: str) -> None:
        """Open a tool's panel; close it if it is open."""
        is_same = self.tool_panel is not None and self._tools[tool_id] is self._open_tool
        if not self.close_panel() or is_same:
            return
        self._open_tool = self._tools[tool_id]
        self.tool_panel = self._open_tool.make(self._bridge)
        if self._description is not None:
            self.tool_panel.show_description(self._description)
        self.tool_panel.window_asked.connect(self.open_window)
        self._open_panel(self.tool_panel)
        self.tools.show_open(tool_id)

    def open_window(self, kind: type[ToolWindow]) -> None:
        """Open a tool's window beside this one; if it is open, put it in front."""
        self.windows.open(kind, self._snapshot)

    def close_panel(self) -> bool:
        """Close the open panel, whichever it is, or ask the user first; say whether it is closed."""
        if not self._closing.may_lose(self._panel_loss()):
            # The button that was pressed has marked itself.
            self.tools.show_open(self._open_tool.id if self._open_tool is not None else None)
            return False
        self.close_stage()
        self.close_tool()
        return True

    def close_stage(self) -> None:
        """Close the open panel, if any, and give the keyboard back to its card."""
        if self.stage_panel is None:
            return
        panel, self.stage_panel = self.stage_panel, None
        self.chain.show_open(None)
        card = self.chain.cards.get(panel.stage.id)
        if card is not None and panel.isAncestorOf(self.focusWidget() or self):
            card.opener.setFocus(Qt.FocusReason.OtherFocusReason)
        self._take_away(panel)

    def close_tool(self) -> None:
        """Close the open tool, if any, and give the keyboard back to its button."""
        if self.tool_panel is None or self._open_tool is None:
            return
        panel, self.tool_panel = self.tool_panel, None
        self.tools.show_open(None)
        if panel.isAncestorOf(self.focusWidget() or self):
            self.tools.buttons[self._open_tool.id].setFocus(Qt.FocusReason.OtherFocusReason)
        self._open_tool = None
        self._take_away(panel)

    def _panel_loss(self) -> str:
        return self.tool_panel.would_lose() if self.tool_panel is not None else ""

    def _open_panel(self, panel: StagePanel | ToolPanel) -> None:
        panel.close_asked.connect(self.close_panel)
        if self._snapshot is not None:
            panel.show_snapshot(self._snapshot)
        self._below.insertWidget(0, panel, 9)
        self._order_tabs()
        panel.first_control().setFocus(Qt.FocusReason.OtherFocusReason)
        self.page.bring_into_sight(panel)

    def _take_away(self, panel: QWidget) -> None:
        self._below.removeWidget(panel)
        panel.hide()
        panel.deleteLater()

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody can see it."""
        super().showEvent(event)
        self._tell_watched()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody can."""
        super().hideEvent(event)
        self._tell_watched()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape ends learning, or closes the page of keys or the open panel."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif event.isAutoRepeat():
            pass  # A key that is held down answers no question.
        elif self.learning.is_active:
            self.learning.cancel()
        elif self.keys.overlay is not None:
            self.keys.toggle_help()
        else:
            self.close_panel()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What none of the parts has taken is about a control, or about nothing."""
        if not self.learning.open_menu(event):
            super().contextMenuEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Minimised or restored; another system font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._tell_watched()
        elif event.type() == QEvent.Type.FontChange:
            theme.renew_fonts(self)
            if self.spectrum.plot is not None:
                self.spectrum.plot.renew_fonts()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Take along the windows that tools have opened; ask the user first where something would be lost."""
        # What closes it otherwise, as the end of a session does, waits for no answer.
        if event.spontaneous() and not self._closing.may_lose(obs_loss(self._snapshot), self._panel_loss()):
            event.ignore()
            return
        super().closeEvent(event)
        self.windows.close()

    def _lay_out(self) -> None:
        self._below.setSpacing(theme.GAP * 2)
        self._below.addWidget(self.spectrum, 6)
        self._below.addWidget(self.events, 4)
        column = QVBoxLayout()
        column.setContentsMargins(theme.GAP + 4, theme.GAP, theme.GAP + 4, theme.GAP + 4)
        column.setSpacing(theme.GAP + 2)
        column.addWidget(self.status)
        column.addWidget(self.tools)
        column.addWidget(self.devices)
        column.addWidget(self.latency)
        column.addWidget(self.signal, 6)
        column.addLayout(self._below, 5)
        self.page = PageArea(column)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.page)

    def _connect(self) -> None:
        bridge = self._bridge
        bridge.snapshot_arrived.connect(self.show_snapshot)
        bridge.description_arrived.connect(self.show_description)
        bridge.devices_arrived.connect(self.devices.show_devices)
        bridge.events_arrived.connect(self.events.show_events)
        bridge.link_changed.connect(self.show_link)
        bridge.refused.connect(self.status.show_notice)
        bridge.refused.connect(self.events.show_refusal)
        self.status.start_asked.connect(bridge.start_engine)
        self.status.stop_asked.connect(bridge.stop_engine)
        self.status.reset_asked.connect(bridge.reset_meters)
        self.devices.chosen.connect(bridge.choose_devices)
        self.devices.list_wanted.connect(bridge.refresh_devices)
        self.chain.param_edited.connect(bridge.set_param)
        self.chain.bypass_edited.connect(bridge.set_bypass)
        self.chain.open_asked.connect(self.open_stage)
        self.tools.open_asked.connect(self.open_tool)
        self.tools.keys_asked.connect(self.keys.toggle_help)
        self.spectrum.opened.connect(self._tell_watched)

    def _tell_watched(self) -> None:
        is_seen = self.isVisible() and not self.isMinimized()
        self._bridge.set_watched(is_seen or bool(self.windows))
        self._bridge.want_spectrum(is_seen and self.spectrum.is_open)

    def _order_tabs(self) -> None:
        """Tab goes as the signal does."""
        panel = self.stage_panel or self.tool_panel
        zones = (self.status, self.tools, self.devices, self.chain, panel, self.spectrum, self.events)
        order_tabs(zone for zone in zones if zone is not None)
