"""The service that writes down what is said while the engine runs, and tells the engine, so that all others can show it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import msgspec

from app.services.caption_models import CaptionModels
from engine import CaptionsConfig, CaptionsState, CaptionsStatus, ConnectionLostError, SidetoneError
from engine.api import EngineApi
from engine.captions.listener import TapListener
from engine.captions.pipeline import CaptionPipeline
from engine.captions.recording_clock import follow_recording
from engine.captions.segmenter import Segmenter
from engine.captions.session import CaptionSession
from engine.captions.wording import Wording
from engine.commands import ReportService
from engine.services.captions import RecordingClock
from engine.snapshot import TapPoint

LISTENS_AT = TapPoint.INPUT
"""Raw: of denoised speech the model writes more words wrong (docs/captions.md)."""

_LISTEN_INTERVAL_S = 0.05
_LOOK_INTERVAL_S = 0.25
_REPORT_INTERVAL_S = 0.5

Load = Callable[[Callable[[str, float], None]], CaptionModels]
"""Loads the models, and builds them first where they are missing; tells how far it is."""


class CaptionsService:
    """Listens while captions are switched on.

    Parameters
    ----------
    load : Load
    documents : Path
        Where transcripts are kept if no other folder is chosen.
    """

    name = "captions"

    def __init__(self, load: Load, documents: Path) -> None:
        self._load = load
        self._documents = documents
        self._models: CaptionModels | None = None

    def run(self, engine: EngineApi, is_over: threading.Event) -> None:
        """Write down until it is over."""
        while not is_over.is_set():
            services = engine.snapshot().services
            if not services.config.captions.is_on:
                engine.send(ReportService(CaptionsStatus()))
                is_over.wait(_LOOK_INTERVAL_S)
                continue
            try:
                self._listen(engine, services.config.captions, services.captions, is_over)
            except ConnectionLostError:
                raise
            except SidetoneError as error:
                engine.send(ReportService(CaptionsStatus(state=CaptionsState.FAILED, text=str(error))))
                raise

    def _listen(
        self, engine: EngineApi, config: CaptionsConfig, before: CaptionsStatus | None, is_over: threading.Event
    ) -> None:
        models = self._models = self._models or self._prepared(engine, before or CaptionsStatus())
        attempt = _Attempt(engine, models, self._documents, config, before)
        try:
            while attempt.follow() and not is_over.wait(_LISTEN_INTERVAL_S):
                pass
        finally:
            attempt.session.end()

    def _prepared(self, engine: EngineApi, before: CaptionsStatus) -> CaptionModels:
        told_s = 0.0

        def tell(doing: str, share: float) -> None:
            nonlocal told_s
            if monotonic() - told_s >= _REPORT_INTERVAL_S:
                told_s = monotonic()
                text = f"{doing} {share:.0%}" if share else doing
                status = msgspec.structs.replace(before, state=CaptionsState.PREPARING, text=text, is_speech=False)
                engine.send(ReportService(status))

        tell("loading the speech model", 0.0)
        return self._load(tell)


class _Attempt:
    """Captions from switching on to switching off: settings followed, sound read, statuses sent."""

    def __init__(
        self,
        engine: EngineApi,
        models: CaptionModels,
        documents: Path,
        config: CaptionsConfig,
        before: CaptionsStatus | None,
    ) -> None:
        self._engine = engine
        self._models = models
        self._documents = documents
        self._config = config
        self._is_running = False
        self._sent: CaptionsStatus | None = None
        self._sent_s = self._looked_s = 0.0
        # What was said of a session that still stands there was said by a process that was killed: it goes on.
        goes_on = before is not None and before.state is not CaptionsState.OFF and before.session
        self.session = (
            self._new_session(before, before.recording) if before and goes_on else self._new_session(None, None)
        )
        self._listener = TapListener(engine, LISTENS_AT, before.position if before is not None and goes_on else None)

    def follow(self) -> bool:
        """Do what is to be done now; False if captions were switched off."""
        if monotonic() - self._looked_s >= _LOOK_INTERVAL_S:
            self._looked_s = monotonic()
            services = self._engine.snapshot().services
            config = services.config.captions
            if not self._follow_config(config):
                return False
            self.session.keep(config.formats, follow_recording(services.obs, self.session.recording))
        heard = self._listener.read()
        self._is_running = heard is not None
        if heard is not None:
            self.session.accept(heard.sound, heard.lost_samples, heard.is_new)
        self._report()
        return True

    def _follow_config(self, config: CaptionsConfig) -> bool:
        if not config.is_on:
            return False
        begins_anew = ("dictionary", "filters", "is_dropping", "folder")
        has_changed = any(getattr(config, name) != getattr(self._config, name) for name in begins_anew)
        self._config = config
        recording = self.session.recording
        if config.forgotten_session == self.session.name:
            self.session.forget()
            self.session = self._new_session(None, recording)
        elif has_changed:
            self.session.end()
            self.session = self._new_session(None, recording)
        return True

    def _new_session(self, before: CaptionsStatus | None, recording: RecordingClock | None) -> CaptionSession:
        config = self._config
        wording = Wording(config.dictionary, config.filters, config.is_dropping)

        def make_pipeline(first_id: int, start_s: float) -> CaptionPipeline:
            segmenter = Segmenter(self._models.detector.stream())
            return CaptionPipeline(
                segmenter, self._models.recognizer.stream(), wording, first_id=first_id, start_s=start_s
            )

        return CaptionSession(
            make_pipeline,
            self._models.head,
            Path(config.folder) if config.folder else self._documents,
            name=before.session if before else "",
            recording=recording,
            lines=before.lines if before else (),
        )

    def _report(self) -> None:
        pipeline = self.session.pipeline
        status = CaptionsStatus(
            state=CaptionsState.LISTENING if self._is_running else CaptionsState.WAITING,
            text=self.session.problem or ("" if self._is_running else "Waiting for the engine to run."),
            model=f"{self._models.head.id} {self._models.head.version}",
            is_speech=pipeline.is_speech,
            age_ms=round(1000 * pipeline.unwritten_s) if pipeline.is_speech else None,
            session=self.session.name,
            recording=self.session.recording,
            files=self.session.files,
            lines=self.session.lines,
        )
        if status != self._sent or monotonic() - self._sent_s >= _REPORT_INTERVAL_S:
            self._sent, self._sent_s = status, monotonic()
            position = self._listener.position(pipeline.unsettled_samples) if self._is_running else None
            self._engine.send(ReportService(msgspec.structs.replace(status, position=position)))
