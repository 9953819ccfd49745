"""Which models are in use, which imported ones could be, how one does that is tried unheard, and the way back.

GUI thread; waits for nothing but the small file that lists what was imported, when that may have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from app.bridge import EngineBridge
from app.imported_models import ImportedModel
from app.ui import theme
from app.ui.panels.panel_frame import clear, quiet_button
from app.ui.theme import Colour, FontRole
from app.ui.tool_panel import ToolPanel
from app.ui.widgets.param_control import CalmComboBox
from app.ui.widgets.text_label import text_label
from engine import (
    CanaryConfig,
    CanaryStatus,
    Command,
    ModelError,
    ModelSnapshot,
    RollBackModel,
    ServicesSnapshot,
    SetService,
    Snapshot,
    UseModel,
)

TRIAL_MINUTES = (1, 10, 60)
_USUAL_TRIAL = 1
_NONE = "None is imported. `sidetone models import FILE` brings one in, after it was checked."
_HINT = "Try lets a model run unheard beside the one in use; a rule then lets it take over, or says why not."


class ModelsPanel(ToolPanel):
    """One row a model: what it is, and what can be done with it.

    Parameters
    ----------
    list_imported : callable
        Gives the imported models that can be used; raises `ModelError`.
    """

    def __init__(self, bridge: EngineBridge, list_imported: Callable[[], Sequence[ImportedModel]]) -> None:
        super().__init__("Models", "the models")
        self._bridge = bridge
        self._list_imported = list_imported
        self._models: tuple[ModelSnapshot, ...] | None = None
        self.buttons: dict[tuple[str, str], QPushButton] = {}
        self.trial = CalmComboBox()
        self.trial.setAccessibleName("How long a model is tried")
        for minutes in TRIAL_MINUTES:
            self.trial.addItem(f"{minutes} min of sound", 60.0 * minutes)
        self.trial.setCurrentIndex(_USUAL_TRIAL)
        self.stop_button = quiet_button("Stop trying", "End the trial without a verdict")
        self.stop_button.clicked.connect(lambda: bridge.send(SetService(CanaryConfig())))
        self.state = text_label(_HINT, colour=Colour.MUTED, is_wrapped=True)
        self._grid = QGridLayout()
        self._rows = 0
        self._lay_out()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the engine."""
        self._show_trial(snapshot.services)
        if snapshot.models != self._models:
            self._models = snapshot.models
            self._show_rows(snapshot.models)

    def _lay_out(self) -> None:
        self.add_head_button(self.stop_button)
        self._grid.setHorizontalSpacing(theme.GAP)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, theme.GAP, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(self.state)
        column.addLayout(self._grid)
        column.addStretch(1)
        self.set_body(body)

    def _show_trial(self, services: ServicesSnapshot) -> None:
        config, status = services.config.canary, services.canary
        self.stop_button.setVisible(bool(config.model))
        text = _running(config, status) if config.model else _verdict(status)
        if text != self.state.text():
            self.state.setText(text)

    def _show_rows(self, in_use: Sequence[ModelSnapshot]) -> None:
        self._clear()
        for model in in_use:
            row = self._add_row(model.id, f"in use on {model.provider}", f"sha256 {model.sha256}")
            if model.id != model.place:
                help = f"Go back from {model.id} to what was before in the place of {model.place}"
                self._add_button(row, 2, (model.id, "back"), "Go back", help, RollBackModel(model.place))
        try:
            imported, problem = self._list_imported(), _NONE
        except ModelError as error:
            imported, problem = (), str(error)
        used = {model.id for model in in_use}
        waiting = [model for model in imported if model.id not in used]
        for choice in waiting:
            row = self._add_row(
                choice.id, f"for {choice.fits}, {choice.cost_ms:.2f} ms a hop", f"sha256 {choice.sha256}"
            )
            help = f"Let {choice.id} run unheard beside what is in use in the place of {choice.fits}"
            self._add_button(
                row, 2, (choice.id, "try"), "Try", help, lambda _=False, model_id=choice.id: self._try(model_id)
            )
            help = f"Let {choice.id} take the place of {choice.fits} at once"
            use = UseModel(choice.id, "chosen in the window")
            self._add_button(row, 3, (choice.id, "use"), "Use", help, use)
        if waiting:
            row = self._add_row("A trial lasts", "", "")
            self._grid.addWidget(self.trial, row, 1)
        elif not imported:
            self._grid.addWidget(text_label(problem, colour=Colour.MUTED, is_wrapped=True), self._rows, 0, 1, 4)
        self.trial.setVisible(bool(waiting))

    def _add_row(self, name: str, what: str, tip: str) -> int:
        row, self._rows = self._rows, self._rows + 1
        for column, label in enumerate((text_label(name, FontRole.BODY), text_label(what, colour=Colour.MUTED))):
            label.setToolTip(tip)
            self._grid.addWidget(label, row, column)
        return row

    def _add_button(
        self, row: int, column: int, key: tuple[str, str], text: str, help: str, act: Command | Callable[..., None]
    ) -> None:
        button = quiet_button(text, help)
        button.clicked.connect(act if callable(act) else lambda: self._bridge.send(act))
        self.buttons[key] = button
        self._grid.addWidget(button, row, column)

    def _clear(self) -> None:
        self.buttons.clear()
        self._rows = 0
        clear(self._grid, keep=self.trial)

    def _try(self, model_id: str) -> None:
        self._bridge.send(SetService(CanaryConfig(model=model_id, seconds=float(self.trial.currentData()))))


def _running(config: CanaryConfig, status: CanaryStatus | None) -> str:
    if status is None or status.model != config.model or status.verdict:
        return f"{config.model} is about to run unheard."
    return f"{config.model} runs unheard for {config.seconds / 60:.0f} min of sound: {status.text}."


def _verdict(status: CanaryStatus | None) -> str:
    if status is None or not status.verdict:
        return _HINT
    outcome = "takes the place of the one before" if status.is_promoted else "stays out"
    return f"{status.model} {outcome}: {status.verdict}."
