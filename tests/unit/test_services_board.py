"""The board of the services: settings are replaced a part at a time, and who falls silent is not shown."""

from __future__ import annotations

import threading
from time import sleep

import pytest

from engine.errors import ParameterError
from engine.services import ServiceConfig, ServicesConfig
from engine.services.board import SILENT_AFTER_S, ServicesBoard
from engine.services.canary import CanaryConfig
from engine.services.captions import CaptionsConfig, CaptionsStatus
from engine.services.obs import ObsConfig, ObsStatus


def test_a_part_replaces_only_itself() -> None:
    config = ServicesConfig().with_part(CaptionsConfig(is_on=True)).with_part(ObsConfig(is_on=True))
    assert config.captions.is_on
    assert config.obs.is_on
    assert not config.overlay.is_on
    assert not config.remote.is_on


def test_a_status_is_shown_until_its_service_falls_silent() -> None:
    now_s = [0.0]
    board = ServicesBoard(lambda text: None, lambda: now_s[0])
    board.report(CaptionsStatus())
    now_s[0] = SILENT_AFTER_S - 0.1
    board.report(ObsStatus())
    assert board.snapshot().captions is not None
    now_s[0] = SILENT_AFTER_S + 0.1
    assert board.snapshot().captions is None
    assert board.snapshot().obs is not None
    assert board.snapshot().remote is None


def test_a_word_filter_that_is_no_expression_changes_nothing() -> None:
    board = ServicesBoard(lambda text: None)
    with pytest.raises(ParameterError, match=r"word filter '\(' is no regular expression"):
        board.choose(CaptionsConfig(is_on=True, filters=("(",)))
    assert board.config == ServicesConfig()


class Slow:
    """Settings that take their time to be replaced."""

    def __init__(self, *parts: ServiceConfig) -> None:
        self.parts = parts

    def with_part(self, part: ServiceConfig) -> Slow:
        sleep(0.05)
        return Slow(*self.parts, part)


def test_two_who_change_settings_at_once_do_not_undo_each_other() -> None:
    board = ServicesBoard(lambda text: None)
    board.config = Slow()  # type: ignore[assignment]
    threads = [threading.Thread(target=board.choose, args=(part,)) for part in (ObsConfig(), CanaryConfig())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(vars(board.config)["parts"]) == 2
