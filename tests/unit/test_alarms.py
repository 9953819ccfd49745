"""Alarms: what is wrong with the microphone is said when it begins and when it is over, not between."""

from __future__ import annotations

from engine.alarms import Alarm, MicrophoneAlarms


class Watcher:
    """Alarms on a clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.told: list[str] = []
        self.alarms = MicrophoneAlarms(self.told.append, lambda: self.now_s)

    def look(self, seconds: float, peak_dbfs: float, is_clipping: bool = False, is_unplugged: bool = False) -> None:
        for _ in range(round(seconds / 0.05)):
            self.now_s += 0.05
            self.alarms.look((peak_dbfs,), is_clipping, is_unplugged)

    def active(self) -> set[Alarm]:
        return set(self.alarms.active)


def test_a_muted_microphone_is_silent_and_a_quiet_room_is_not() -> None:
    watcher = Watcher()
    watcher.look(60.0, -75.0)
    assert watcher.told == []
    watcher.look(2.5, -120.0)
    assert watcher.active() == set()
    watcher.look(1.0, -120.0)
    assert watcher.active() == {Alarm.SILENT}
    watcher.look(60.0, -120.0)
    watcher.look(0.1, -60.0)
    assert watcher.active() == set()
    assert watcher.told == [
        "the microphone is silent: is it muted, or its cable out?",
        "the microphone is no longer silent",
    ]


def test_shouts_that_clip_are_one_alarm() -> None:
    watcher = Watcher()
    for _ in range(5):
        watcher.look(2.0, 0.0, is_clipping=True)
        watcher.look(5.0, -12.0)
    assert watcher.active() == {Alarm.CLIPPING}
    watcher.look(10.0, -12.0)
    assert watcher.active() == set()
    assert len(watcher.told) == 2


def test_a_microphone_that_is_gone_is_not_silent_too() -> None:
    watcher = Watcher()
    watcher.look(10.0, -120.0, is_unplugged=True)
    assert watcher.active() == {Alarm.UNPLUGGED}
    watcher.alarms.rest()
    assert watcher.active() == set()
