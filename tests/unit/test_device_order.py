"""Which device takes the place of one that is not there, and how often that is told."""

from __future__ import annotations

from engine.config import BackupConfig, DeviceConfig
from engine.device_order import DeviceOrder
from engine.io.backend import DeviceInfo
from engine.io.system import SystemBackend

SPARE = DeviceInfo("alsa:spare", "Spare", "ALSA", 1, 0, 48_000)


def test_a_start_that_is_tried_again_tells_once_what_takes_which_place() -> None:
    told: list[str] = []
    order = DeviceOrder(SystemBackend(), told.append)
    wanted = DeviceConfig(input="alsa:gone", backups=BackupConfig(input=("alsa:spare",)))
    for _ in range(3):
        assert order.choose(wanted, (SPARE,)).input == "alsa:spare"
    assert told == ["alsa:gone is not there: Spare takes its place"]


def test_another_start_by_the_user_tells_it_again() -> None:
    told: list[str] = []
    order = DeviceOrder(SystemBackend(), told.append)
    for _ in range(2):
        order.choose(DeviceConfig(input="alsa:gone", backups=BackupConfig(input=("alsa:spare",))), (SPARE,))
    assert len(told) == 2
