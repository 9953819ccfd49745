"""Which device is used for what: the chosen one, or the best of its backups that is there.

When a device goes, the next in its order takes its place while the others go on; when a better one is there again, it is taken
back. Control thread; may wait for the devices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import PurePath
from time import monotonic

import msgspec

from engine.config import AUTOMATIC, BackupConfig, DeviceConfig
from engine.errors import DeviceChoiceError, DeviceError, SidetoneError
from engine.io.backend import AudioBackend, AudioStream, DeviceInfo, StreamRequest
from engine.io.devices import Direction, find_device
from engine.io.simulated import is_simulated

_LOOK_AGAIN_S = 1.0
_FIELDS = {
    Direction.INPUT: "input",
    Direction.OUTPUT: "output",
    Direction.MONITOR: "monitor",
    Direction.MUSIC: "music",
}

Tell = Callable[[str], None]
"""Takes a sentence for the user."""


class DeviceOrder:
    """What was chosen and what is used instead.

    Parameters
    ----------
    backend : AudioBackend
    tell : callable
        Takes what happened.

    Attributes
    ----------
    used : DeviceConfig
        The choice, with those devices in it that are used now.
    """

    def __init__(self, backend: AudioBackend, tell: Tell) -> None:
        self._backend = backend
        self._tell = tell
        self._wanted = DeviceConfig()
        self._output = ""
        self._look_at_s = 0.0
        self._told: list[str] = []
        self._awaited: set[Direction] = set()
        self.used = DeviceConfig()

    def choose(self, wanted: DeviceConfig, found: Sequence[DeviceInfo]) -> DeviceConfig:
        """Choose for a start: of every order the first that is there, or the first of all."""
        # A start that fails for another reason is tried again and again; what takes which place is told once.
        told_before = self._told if wanted is self._wanted else []
        self._wanted = wanted
        self._look_at_s = monotonic() + _LOOK_AGAIN_S
        self.used = wanted
        self._told = []
        for direction in (Direction.INPUT, Direction.OUTPUT, Direction.MONITOR):
            order = self._order(direction)
            best = next((device for device in order if _is_there(device, direction, found)), order[0])
            self._use(direction, best)
            if best != order[0]:
                self._told.append(f"{_called(order[0], found)} is not there: {_called(best, found)} takes its place")
        for text in self._told:
            if text not in told_before:
                self._tell(text)
        return self.used

    def set_backups(self, backups: BackupConfig) -> None:
        """Choose other backups; what is used stays until it is gone or a better one is there."""
        self._wanted = msgspec.structs.replace(self._wanted, backups=backups)

    def open(self, output: str) -> AudioStream:
        """Open what is used; `output` is the device that the chosen output stands for.

        The voice does not wait for a monitor or a second input that cannot be had: they come in when they are there.

        Raises
        ------
        DeviceError
            If there is no sound without the device that cannot be opened, or those chosen do not go together.
        """
        self._output = output
        self._awaited = set()
        try:
            return self._backend.open(self._request(self.used))
        except DeviceChoiceError:
            raise
        except DeviceError as error:
            bare = msgspec.structs.replace(self.used, monitor=None, music=None)
            if bare == self.used:
                raise
            stream = self._backend.open(self._request(bare))
            self._awaited = {each for each in Direction if self._device(bare, each) != self._device(self.used, each)}
            self.used = bare
            self._tell(f"{error} The voice begins without it; it comes in as soon as it is there.")
            return stream

    @property
    def output(self) -> str:
        """The output that is used, whatever was automatic about the choice."""
        return self._output if self.used.output == AUTOMATIC else self.used.output

    def mend(self, stream: AudioStream) -> bool:
        """Put other devices in the place of those that `stream` has lost. False if it cannot be made whole."""
        return all(self._next(stream, direction) for direction in stream.lost_directions)

    def take_back(self, stream: AudioStream) -> bool:
        """Go back to better devices that are there again, looking once a second. True if one was taken back.

        Where there is none at all, no monitor or no second input, that is done whatever is wanted of backups.
        """
        now_s = monotonic()
        if now_s < self._look_at_s:
            return False
        self._look_at_s = now_s + _LOOK_AGAIN_S
        is_back = False
        for direction in Direction:
            how = "is there" if direction in self._awaited else "is back"
            if any(self._go_over(stream, direction, device, how) for device in self._better(stream, direction)):
                self._awaited.discard(direction)
                is_back = True
        return is_back

    def _better(self, stream: AudioStream, direction: Direction) -> tuple[str | None, ...]:
        """Devices that shall be gone back to if they are there, best first."""
        order, used = self._order(direction), self._device(self.used, direction)
        if used is None or (direction is Direction.MUSIC and stream.stats().music_lost is not None):
            return order if order != (None,) else ()
        if not self._wanted.backups.takes_back:
            return ()
        return order[: order.index(used)] if used in order else order

    def _next(self, stream: AudioStream, direction: Direction) -> bool:
        reason = stream.lost or "a device is gone"
        gone = self._device(self.used, direction)
        for device in self._order(direction):
            # The system's default may be another device by now.
            if (device != gone or device == AUTOMATIC) and self._go_over(
                stream, direction, device, f"takes over ({reason})"
            ):
                return True
        if direction is not Direction.MONITOR:
            return False
        # The voice goes on without anybody hearing it in headphones.
        return self._go_over(stream, direction, None, f"off ({reason})")

    def _go_over(self, stream: AudioStream, direction: Direction, device: str | None, how: str) -> bool:
        aim = self._with(direction, device)
        with suppress(SidetoneError):
            self._backend.replace(stream, self._request(aim), direction)
            self.used = aim
            self._tell(
                f"{direction}: {_called(device, self._backend.devices())} {how}" if device else f"{direction} {how}"
            )
            return True
        return False

    def _request(self, devices: DeviceConfig) -> StreamRequest:
        return StreamRequest(
            input_device=None if devices.input == AUTOMATIC else devices.input,
            output_device=self._output if devices.output == AUTOMATIC else devices.output,
            monitor_device=devices.monitor,
            music_device=devices.music,
            expects_music=self._wanted.music is not None,
            hop_frames=devices.hop_frames,
            is_exclusive=devices.is_exclusive,
        )

    def _order(self, direction: Direction) -> tuple[str | None, ...]:
        backups = self._wanted.backups
        match direction:
            case Direction.INPUT:
                return self._wanted.input, *backups.input
            case Direction.OUTPUT:
                return self._wanted.output, *backups.output
            case Direction.MUSIC:
                return (self._wanted.music,)
            case _:
                # Whoever wants no monitor wants no other one either.
                return (self._wanted.monitor, *backups.monitor) if self._wanted.monitor is not None else (None,)

    def _device(self, devices: DeviceConfig, direction: Direction) -> str | None:
        device: str | None = getattr(devices, _FIELDS[direction])
        return device

    def _with(self, direction: Direction, device: str | None) -> DeviceConfig:
        return msgspec.structs.replace(self.used, **{_FIELDS[direction]: device})

    def _use(self, direction: Direction, device: str | None) -> None:
        self.used = self._with(direction, device)


def identity(chosen: str, devices: Sequence[DeviceInfo]) -> str:
    """By what a microphone is known again; empty if it is not there."""
    if is_simulated(chosen):
        return chosen
    try:
        return find_device(devices, None if chosen == AUTOMATIC else chosen, Direction.INPUT).id
    except DeviceError:
        return ""


def device_name(chosen: str | None, devices: Sequence[DeviceInfo]) -> str:
    """What a person calls the device that was chosen."""
    if chosen is None:
        return ""
    for device in devices:
        if device.id == chosen or (chosen == AUTOMATIC and device.is_default_input):
            return device.name
    return f"Simulated ({PurePath(chosen).name})" if is_simulated(chosen) else chosen


def _called(chosen: str | None, devices: Sequence[DeviceInfo]) -> str:
    if chosen == AUTOMATIC:
        return "the system's default"
    return device_name(chosen, devices)


def _is_there(chosen: str | None, direction: Direction, found: Sequence[DeviceInfo]) -> bool:
    if chosen is None or chosen == AUTOMATIC:
        return True
    try:
        find_device(found, chosen, direction)
    except DeviceError:
        # A simulated device may be a file, which is in no list.
        return is_simulated(chosen) and not any(device.host_api == "Simulated" for device in found)
    return True
