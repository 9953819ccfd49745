"""The service that speaks to OBS: finds it, finds it again, and leaves it as it was."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from time import monotonic

from app.obs_password import ObsPassword
from app.services.obs_session import ObsSession
from engine import LoadPreset, ObsConfig, ObsError, ObsLink, ObsStatus, SidetoneError
from engine.commands import ReportEvent, ReportService
from engine.integrations.obs_connection import ObsConnection, ObsPasswordError, is_not_ready
from engine.integrations.obs_ledger import ObsLedger
from engine.integrations.obs_sync import LatencyFollower
from engine.remote import RemoteEngine

_LOOK_INTERVAL_S = 0.25
_ANSWER_S = 2.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_REJECTED_PAUSE_S = 60.0
"""OBS tells its user of every wrong password; so it is tried again when there is another, or once a minute."""
_log = logging.getLogger("sidetone.obs")


class ObsService:
    """Speaks to OBS for as long as the user wants it to. Service thread.

    Parameters
    ----------
    ledger : ObsLedger
        What was in OBS before.
    password : ObsPassword
    """

    name = "obs"

    def __init__(self, ledger: ObsLedger, password: ObsPassword) -> None:
        self._ledger = ledger
        self._password = password
        self._follower = LatencyFollower()
        self._scene: str | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._is_left_as_it_was = False

    def run(self, engine: RemoteEngine, is_over: threading.Event) -> None:
        """Keep up the link until it is over."""
        while not is_over.is_set():
            config = _config(engine)
            try:
                if config.is_on:
                    self._is_left_as_it_was = False
                    self._converse(engine, is_over, config)
                else:
                    self._leave_as_it_was(engine, config)
                    self._idle(engine, is_over, config, _LONGEST_PAUSE_S, ObsStatus())
            except ObsPasswordError as error:
                text = self._password.unavailable_reason() or str(error)
                self._idle(engine, is_over, config, _REJECTED_PAUSE_S, ObsStatus(link=ObsLink.WAITING, text=text))
            except ObsError as error:
                self._idle(engine, is_over, config, self._pause_s, ObsStatus(link=ObsLink.WAITING, text=str(error)))
                self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def _converse(self, engine: RemoteEngine, is_over: threading.Event, config: ObsConfig) -> None:
        obs = ObsConnection(config.port, self._password.read(), _ANSWER_S)
        try:
            session = ObsSession(obs, self._ledger, lambda text: _tell(engine, text))
            _tell(engine, "connected to OBS")
            self._pause_s = _FIRST_PAUSE_S
            try:
                self._follow(session, engine, is_over, config)
            except ObsError as error:
                _tell(engine, f"the connection is lost: {error}; it is made again")
                raise
            except BaseException:
                _release(session)
                raise
            _release(session)
        finally:
            obs.close()

    def _follow(self, session: ObsSession, engine: RemoteEngine, is_over: threading.Event, began: ObsConfig) -> None:
        while not is_over.is_set():
            snapshot, now_s = engine.snapshot(), monotonic()
            config = snapshot.services.config.obs
            if _is_another_link(config, began):
                return
            latency_ms = self._follower.follow(snapshot.latency.recent_ms, now_s)
            try:
                status = session.follow(config, snapshot, latency_ms, now_s)
            except ObsError as error:
                if not is_not_ready(error):
                    raise
            else:
                self._follow_scene(engine, config, status.scene)
                engine.send(ReportService(status))
            is_over.wait(_LOOK_INTERVAL_S)

    def _follow_scene(self, engine: RemoteEngine, config: ObsConfig, scene: str) -> None:
        """Load the preset of a scene that OBS has changed to; the one that was there at first changes nothing."""
        before, self._scene = self._scene, scene
        rule = next((rule for rule in config.scene_rules if rule.scene == scene), None)
        if before is None or scene == before or rule is None:
            return
        try:
            engine.send(LoadPreset(rule.preset))
            _tell(engine, f"scene “{scene}” has loaded the preset “{rule.preset}”")
        except SidetoneError as error:
            _tell(engine, f"scene “{scene}” wants the preset “{rule.preset}”: {error}")

    def _leave_as_it_was(self, engine: RemoteEngine, config: ObsConfig) -> None:
        """Put back once what a crash, or an OBS that was not there, has left changed."""
        if self._ledger.is_empty or self._is_left_as_it_was:
            return
        obs = ObsConnection(config.port, self._password.read(), _ANSWER_S)
        try:
            ObsSession(obs, self._ledger, lambda text: _tell(engine, text)).release()
            self._is_left_as_it_was = True
        finally:
            obs.close()

    def _idle(
        self, engine: RemoteEngine, is_over: threading.Event, config: ObsConfig, pause_s: float, status: ObsStatus
    ) -> None:
        """Wait, but not when the user wants another link, and tell meanwhile how things are."""
        until_s = monotonic() + pause_s
        while monotonic() < until_s and not _is_another_link(_config(engine), config):
            engine.send(ReportService(status))
            if is_over.wait(_LOOK_INTERVAL_S):
                return


def _config(engine: RemoteEngine) -> ObsConfig:
    return engine.snapshot().services.config.obs


def _is_another_link(config: ObsConfig, other: ObsConfig) -> bool:
    return (config.is_on, config.port, config.password_changes) != (other.is_on, other.port, other.password_changes)


def _release(session: ObsSession) -> None:
    try:
        session.release()
    except ObsError as error:
        _log.warning("OBS is not left as it was; that is made up for when it is there again: %s", error)


def _tell(engine: RemoteEngine, text: str) -> None:
    _log.info("%s", text)
    # The engine may be what has gone; then the log alone knows.
    with suppress(SidetoneError):
        engine.send(ReportEvent("obs", text))
