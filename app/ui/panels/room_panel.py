"""The room wizard: learn a room, see it, keep it, take it out of the voice. GUI thread; nothing waits.

The session works on a thread of its own; the panel looks at it a few times a second while it is open.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from app.bridge import EngineBridge
from app.room_session import RoomSession
from app.room_state import RoomState, Step, Way
from app.ui.panels.room_listening import RoomListening
from app.ui.panels.room_pages import ADVICE, ChoosingPage, TakePage
from app.ui.panels.room_result import ResultPage
from app.ui.tool_panel import ToolPanel
from engine import AUTOMATIC, RoomConfig, SetRoom, Snapshot, Value

_LOOK_MS = 50
_STAGE = "room_correction"
_FILES = "Measurements (*.wav *.flac *.aif *.aiff *.txt *.csv)"


class RoomPanel(ToolPanel):
    """The tool "Room".

    Parameters
    ----------
    session : RoomSession
        Ends with the panel.
    """

    def __init__(self, bridge: EngineBridge, session: RoomSession) -> None:
        super().__init__("Room", "the room")
        self._bridge = bridge
        self._session = session
        self._shown: RoomState | None = None
        self._config = RoomConfig()
        self._params: dict[str, Value] = {}
        self._is_bypassed = False
        self._way = ""
        self._to_use = ""
        self.choosing, self.take, self.result = ChoosingPage(), TakePage(), ResultPage()
        self.listening = RoomListening(bridge, _STAGE)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self.listening, self.choosing, self.take, self.result):
            column.addWidget(part)
        column.addStretch(1)
        self.set_body(body)
        self._connect()
        self._look()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow which room is corrected, and how."""
        self._params = {name: value for name, value in snapshot.params.items() if name.startswith(f"{_STAGE}.")}
        self._is_bypassed = any(stage.is_bypassed for stage in snapshot.stages if stage.id == _STAGE)
        self._config = snapshot.room.config
        self.choosing.show_chosen(self._session.state, self._config, snapshot.devices)
        self.listening.show_comparison(snapshot.comparison)
        is_corrected = bool(self._config.profile) and not self._is_bypassed
        self.listening.setVisible(is_corrected and self._session.state.step in (Step.CHOOSING, Step.LEARNT))

    def first_control(self) -> QWidget:
        """The first way."""
        return self.choosing.ways["sweep"]

    def would_lose(self) -> str:
        """A take that runs, or a room that is not kept."""
        state = self._session.state
        if state.step is Step.LEARNING:
            return "A room is being learnt"
        return "This room is not saved" if state.step is Step.LEARNT and not state.kept else ""

    def import_file(self, path: Path) -> None:
        """Show another program's measurement."""
        self._session.import_file(path, self._params)

    def export_picture(self, path: Path) -> None:
        """Write the picture, as it is seen, to a PNG file."""
        if not self.result.picture.grab().save(str(path), "PNG"):
            self._bridge.refused.emit(f"{path} cannot be written; choose another place.")

    def export_equalizer(self, path: Path) -> None:
        """Write the correction as Equalizer APO's text."""
        self._session.export_equalizer(path, self._params)

    def _connect(self) -> None:
        session = self._session
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(_LOOK_MS)
        self.destroyed.connect(session.close)
        self._bridge.devices_arrived.connect(self.choosing.show_loudspeakers)
        self._bridge.refresh_devices()
        self.choosing.way_chosen.connect(self._choose_way)
        self.choosing.voice.chosen.connect(lambda name: self._use(profile=name))
        self.choosing.monitor.chosen.connect(lambda name: self._use(monitor=name))
        self.choosing.show_button.clicked.connect(self._open)
        self.choosing.list.itemActivated.connect(lambda _: self._open())
        self.choosing.remove_button.sure.connect(lambda: session.remove(self.choosing.marked))
        self.take.cancel_button.clicked.connect(session.cancel)
        self.take.again_button.clicked.connect(lambda: self._choose_way(self._way))
        self.result.beside.chosen.connect(lambda name: session.compare(name, self._params))
        self.result.save_button.sure.connect(self._save)
        self.result.name.returnPressed.connect(self.result.save_button.click)
        self.result.use_button.sure.connect(self._save_and_use)
        self.result.png_button.clicked.connect(self._ask_for_picture)
        self.result.equalizer_button.clicked.connect(self._ask_for_equalizer)
        self.result.rew_button.clicked.connect(self._ask_for_rew)
        self.take.back_button.clicked.connect(session.choose_again)
        self.result.back_button.sure.connect(session.choose_again)

    def _choose_way(self, way: str) -> None:
        self._way = way
        if way == "file":
            self._ask_for_file()
            return
        self.take.advice.setText(ADVICE[way])
        is_close_first = way == "twice"
        chosen = self._bridge.device_config.input
        loudspeaker = self.choosing.loudspeaker.currentData()
        self._session.learn(
            Way.TALK if is_close_first else Way(way),
            None if chosen == AUTOMATIC else chosen,
            loudspeaker,
            self._params,
            is_close_first,
            self.choosing.pattern.currentData(),
        )

    def _look(self) -> None:
        state = self._session.state
        if state is self._shown:
            return
        before, self._shown = self._shown, state
        shown = self._page(state.step)
        for page in (self.choosing, self.take, self.result):
            page.setVisible(page is shown)
        shown.show_state(state)
        if before is not None and before.step is not state.step:
            self._focus(state.step)
        if self._to_use and state.kept == self._to_use:
            self._use(profile=self._to_use)
            self._to_use = ""
        elif state.problem:
            self._to_use = ""

    def _page(self, step: Step) -> ChoosingPage | TakePage | ResultPage:
        match step:
            case Step.CHOOSING:
                return self.choosing
            case Step.LEARNT:
                return self.result
        return self.take

    def _focus(self, step: Step) -> None:
        {
            Step.CHOOSING: self.first_control(),
            Step.LEARNING: self.take.cancel_button,
            Step.REFUSED: self.take.again_button,
            Step.LEARNT: self.result.name,
        }[step].setFocus()

    def _use(self, **changed: str) -> None:
        self._bridge.send(SetRoom(msgspec.structs.replace(self._config, **changed)))
        if changed.get("profile") and self._is_bypassed:
            self._bridge.set_bypass(_STAGE, False)

    def _save(self) -> None:
        self._session.keep(self.result.name.text().strip())

    def _save_and_use(self) -> None:
        self._to_use = self.result.name.text().strip()
        self._save()

    def _open(self) -> None:
        if name := self.choosing.marked:
            self._session.open(name, self._params)

    def _ask_for_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Take over a measurement", "", _FILES)
        if path:
            self.import_file(Path(path))

    def _ask_for_picture(self) -> None:
        if path := self._target("Write the picture", "PNG (*.png)", ".png"):
            self.export_picture(path)

    def _ask_for_equalizer(self) -> None:
        if path := self._target("Write the correction", "Equalizer APO (*.txt)", ".txt"):
            self.export_equalizer(path)

    def _ask_for_rew(self) -> None:
        if path := self._target("Write the response", "REW (*.txt)", ".txt"):
            self._session.export_rew(path)

    def _target(self, title: str, kind: str, suffix: str) -> Path | None:
        name = self.result.name.text().strip() or "room"
        path, _ = QFileDialog.getSaveFileName(self, title, f"{name}{suffix}", kind)
        return Path(path) if path else None
