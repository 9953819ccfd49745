"""The link to OBS: whether it stands, what it holds in step, which scene loads which preset, where captions go.

GUI thread; nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.bridge import EngineBridge
from app.ui import theme
from app.ui.panels.panel_frame import clear
from app.ui.panels.setting_specs import number
from app.ui.theme import Colour, FontRole
from app.ui.tool_panel import ToolPanel
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.figure import UNKNOWN, Figure, clock_text, decimal
from app.ui.widgets.name_box import NameBox
from app.ui.widgets.param_control import NumberEntry
from app.ui.widgets.password_entry import PasswordEntry
from app.ui.widgets.text_label import text_label
from app.ui.widgets.toggle import Toggle
from engine import ObsConfig, ObsLink, ObsOutputs, ObsStatus, SceneRule, SetService, Snapshot


def _keep_in_keyring(password: str) -> None:
    # Keyrings take a while to load, which the thread that waits for them does, and only if there is a password.
    from app.obs_password import ObsPassword

    ObsPassword().write(password)


_PICTURE_DELAY = number(
    ObsConfig, "picture_delay_ms", "Camera delay", "ms", "How late the picture is by itself, through its camera."
)
_LOWEST_OFFSET = number(
    ObsConfig,
    "lowest_offset_ms",
    "Lowest offset",
    "ms",
    "Down to where the sync offset may go; what is missing then delays the picture.",
)


class ObsPanel(ToolPanel):
    """Shows how the link is and changes what it shall do.

    Parameters
    ----------
    bridge : EngineBridge
    keep_password : callable
        Puts the password into the keyring; may wait.
    """

    def __init__(self, bridge: EngineBridge, keep_password: Callable[[str], None] = _keep_in_keyring) -> None:
        super().__init__("OBS", "the link to OBS")
        self._bridge = bridge
        self._config = ObsConfig()
        self._scenes: dict[str, NameBox] = {}
        self._rule_grid = QGridLayout()
        self._body = QWidget()
        self.link = Toggle("Link to OBS", "Keep up a link to OBS on this machine")
        self.state = ElidedLabel(colour=Colour.MUTED, lines=2)
        self.port = QLineEdit()
        self.port.setValidator(QIntValidator(1, 65_535, self.port))
        self.password = PasswordEntry("Password of obs-websocket", keep_password)
        self.sync = Toggle("Sound and picture in step", "Write the measured delay as the sync offset")
        self.input = NameBox("Input that is held in sync", "What captures the virtual microphone")
        self.picture_delay = NumberEntry(_PICTURE_DELAY, "OBS")
        self.lowest_offset = NumberEntry(_LOWEST_OFFSET, "OBS")
        self.delayed = NameBox("Video source that may be delayed", "No video source is delayed")
        self.offset = Figure("Sync offset", "−8888 ms", "As OBS has it now", ground=Colour.SURFACE)
        self.stream = Figure("Stream", "8:88:88", "Whether OBS is streaming, and for how long", ground=Colour.SURFACE)
        self.record = Figure(
            "Recording", "88:88:88", "Whether OBS is recording, and for how long", ground=Colour.SURFACE
        )
        self.dropped = Figure(
            "Dropped", "888 (8.8 %)", "Frames of the running stream that were dropped", ground=Colour.SURFACE
        )
        self.text_source = NameBox("Text source that shows captions", "No text source")
        self.stream_captions = Toggle("Captions into the stream", "Send captions with the stream (CEA-608)")
        self.captions = ElidedLabel(colour=Colour.MUTED)
        self._lay_out()
        self._connect()

    def first_control(self) -> QWidget:
        """The switch of the link."""
        return self.link

    def minimumSizeHint(self) -> QSize:
        """Wide enough for everything in it beside the scroll bar."""
        least = super().minimumSizeHint()
        return least.expandedTo(QSize(self._body.minimumSizeHint().width() + 4 * theme.GAP, least.height()))

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow what the service says."""
        config, status = snapshot.services.config.obs, snapshot.services.obs or ObsStatus()
        self._config = config
        self.link.show_on(config.is_on)
        self.sync.show_on(config.is_synced)
        self.stream_captions.show_on(config.sends_stream_captions)
        if not self.port.isModified():
            self.port.setText(str(config.port))
        self.picture_delay.show_value(config.picture_delay_ms)
        self.lowest_offset.show_value(float(config.lowest_offset_ms))
        self.input.show_names(status.choices.audio_inputs, config.input)
        self.delayed.show_names(status.choices.video_sources, config.delayed_source)
        self.text_source.show_names(status.choices.text_sources, config.text_source)
        self._show_state(config, status)
        self._show_outputs(status)
        self._show_rules(config, status, snapshot.presets.names)

    def _show_state(self, config: ObsConfig, status: ObsStatus) -> None:
        is_there = status.link is ObsLink.CONNECTED
        if not config.is_on:
            text = "Off"
        elif is_there:
            text = f"Connected to OBS {status.version}, scene “{status.scene}”"
        else:
            text = "Looking for OBS"
        trouble = config.is_on and status.text
        sentence = f"{text}: {status.text}" if trouble else text
        self.state.show_text(sentence, Colour.CAUTION if trouble else Colour.MUTED)
        held = ", ".join(decimal(entry.offset_ms, 0, "ms") for entry in status.inputs)
        self.offset.show_value(held or UNKNOWN)
        self.captions.show_text(status.captions)

    def _show_outputs(self, status: ObsStatus) -> None:
        if status.link is not ObsLink.CONNECTED:
            for figure in (self.stream, self.record, self.dropped):
                figure.show_value(UNKNOWN)
            return
        outputs = status.outputs
        self.stream.show_value(_stream_text(outputs), Colour.CAUTION if outputs.is_reconnecting else Colour.TEXT)
        recording = "paused" if outputs.is_paused else clock_text(outputs.record_s)
        self.record.show_value(recording if outputs.is_recording else "off")
        share = 100.0 * outputs.dropped_frames / max(outputs.stream_frames, 1)
        dropped = f"{outputs.dropped_frames} ({share:.1f} %)" if outputs.is_streaming else UNKNOWN
        self.dropped.show_value(dropped, Colour.CAUTION if outputs.dropped_frames else Colour.TEXT)

    def _show_rules(self, config: ObsConfig, status: ObsStatus, presets: tuple[str, ...]) -> None:
        rules = {rule.scene: rule.preset for rule in config.scene_rules}
        # A scene that OBS has no more is shown while it has a preset, so that this can be taken away.
        scenes = tuple(dict.fromkeys((*status.choices.scenes, *rules)))
        if scenes != tuple(self._scenes):
            self._list_scenes(scenes)
        for scene, box in self._scenes.items():
            box.show_names(presets, rules.get(scene, ""))

    def _list_scenes(self, scenes: tuple[str, ...]) -> None:
        clear(self._rule_grid)
        self._scenes = {scene: self._scene_box(scene) for scene in scenes}
        for row, (scene, box) in enumerate(self._scenes.items()):
            self._rule_grid.addWidget(text_label(scene, FontRole.BODY), row, 0)
            self._rule_grid.addWidget(box, row, 1)

    def _scene_box(self, scene: str) -> NameBox:
        box = NameBox(f"Preset of scene {scene}", "Leaves the sound as it is")
        box.chosen.connect(lambda preset: self._set_rule(scene, preset))
        return box

    def _set_rule(self, scene: str, preset: str) -> None:
        others = tuple(rule for rule in self._config.scene_rules if rule.scene != scene)
        self._change(scene_rules=(*others, SceneRule(scene, preset)) if preset else others)

    def _change(self, **changes: Any) -> None:
        self._config = msgspec.structs.replace(self._config, **changes)
        self._bridge.send(SetService(self._config))

    def _change_port(self) -> None:
        if self.port.isModified():
            self.port.setModified(False)
            self._change(port=int(self.port.text()))

    def _note_password(self) -> None:
        self._change(password_changes=self._config.password_changes + 1)

    def _connect(self) -> None:
        self.link.clicked.connect(lambda is_on: self._change(is_on=is_on))
        self.sync.clicked.connect(lambda is_on: self._change(is_synced=is_on))
        self.stream_captions.clicked.connect(lambda is_on: self._change(sends_stream_captions=is_on))
        self.port.editingFinished.connect(self._change_port)
        self.password.kept.connect(self._note_password)
        self.password.refused.connect(lambda reason: self.state.show_text(reason, Colour.TROUBLE))
        self.password.refused.connect(self._bridge.refused)
        self.input.chosen.connect(lambda name: self._change(input=name))
        self.picture_delay.edited.connect(lambda value: self._change(picture_delay_ms=float(value)))
        self.lowest_offset.edited.connect(lambda value: self._change(lowest_offset_ms=round(value)))
        self.delayed.chosen.connect(lambda name: self._change(delayed_source=name))
        self.text_source.chosen.connect(lambda name: self._change(text_source=name))

    def _lay_out(self) -> None:
        self.port.setAccessibleName("Port of obs-websocket")
        for spec, entry in ((_PICTURE_DELAY, self.picture_delay), (_LOWEST_OFFSET, self.lowest_offset)):
            entry.setToolTip(f"{spec.help} {entry.toolTip()}")
        self.port.setMaximumWidth(theme.em() * 5)
        theme.use_font(self.port, FontRole.BODY)
        switch = QHBoxLayout()
        switch.addWidget(self.link, 0, Qt.AlignmentFlag.AlignTop)
        switch.addWidget(self.state, 1)
        figures = QHBoxLayout()
        for figure in (self.offset, self.stream, self.record, self.dropped):
            figures.addWidget(figure)
        figures.addStretch(1)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        rows: tuple[tuple[str, QWidget], ...] = (
            ("Port", self.port),
            ("Password", self.password),
            ("In step", self.sync),
            ("Input", self.input),
            ("Camera delay", self.picture_delay),
            ("Lowest offset", self.lowest_offset),
            ("Delay picture", self.delayed),
            ("Captions in", self.text_source),
            ("In the stream", self.stream_captions),
            ("", self.captions),
        )
        for row, (text, widget) in enumerate(rows):
            is_small = isinstance(widget, (Toggle, QLineEdit))
            grid.addWidget(text_label(text, FontRole.BODY, Colour.MUTED), row, 0)
            grid.addWidget(widget, row, 1, Qt.AlignmentFlag.AlignLeft if is_small else Qt.AlignmentFlag(0))
        self._rule_grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self._body)
        column.setContentsMargins(0, 0, theme.GAP, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(switch)
        column.addLayout(figures)
        column.addLayout(grid)
        about_scenes = "When OBS changes to a scene, this preset is loaded"
        column.addWidget(text_label(about_scenes, FontRole.BODY, Colour.MUTED, is_wrapped=True))
        column.addLayout(self._rule_grid)
        column.addStretch(1)
        self.set_body(self._body)


def _stream_text(outputs: ObsOutputs) -> str:
    if outputs.is_reconnecting:
        return "retrying"
    return clock_text(outputs.stream_s) if outputs.is_streaming else "off"
