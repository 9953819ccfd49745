"""The devices of a run: found, opened as the user chose them, exchanged when one is gone, and shown.

Control thread, one at a time; may wait for the devices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from engine.config import AUTOMATIC, BackupConfig, DeviceConfig
from engine.description import DeviceDescription
from engine.device_order import DeviceOrder, device_name, identity
from engine.errors import DeviceError
from engine.event_log import EventLog
from engine.io.backend import AudioBackend, AudioStream, DeviceInfo
from engine.io.known_devices import KnownDevices, ListAnew
from engine.io.simulated import PREFIX, is_simulated
from engine.io.virtual_device import VirtualMicrophone
from engine.snapshot import DeviceSnapshot, EventKind

_LEAST_HOP_FRAMES, _MOST_HOP_FRAMES = 16, 4800
_SIMULATED_ADVICE = "A recording plays in the place of a microphone; plug one in and choose it as the input."

OpenVirtual = Callable[[Sequence[DeviceInfo]], VirtualMicrophone]
"""Makes or finds the virtual microphone among the devices; raises `DeviceError` with advice if there is none."""


class DeviceSetup:
    """What was chosen, what is used, and the virtual microphone in between.

    Parameters
    ----------
    backend : AudioBackend
        Opens devices, real or simulated.
    open_virtual : callable
        Provides the target of the air bus when the output is chosen automatically.
    on_input : callable
        Takes by what the microphone is known again that is used now.
    list_anew : callable or None
        Lists devices in another process, where this one does not see what is plugged in; see `KnownDevices`.

    Attributes
    ----------
    shown : DeviceSnapshot
        The devices that were used last, as a face shows them. Any thread.
    """

    def __init__(
        self,
        backend: AudioBackend,
        open_virtual: OpenVirtual,
        events: EventLog,
        on_input: Callable[[str], None],
        list_anew: ListAnew | None = None,
    ) -> None:
        self._backend = backend
        self._open_virtual = open_virtual
        self._on_input = on_input
        self._order = DeviceOrder(backend, lambda text: events.add(EventKind.DEVICE, text))
        self._list = KnownDevices(backend, list_anew, lambda text: events.add(EventKind.DEVICE, text))
        self._virtual: VirtualMicrophone | None = None
        self._chosen = DeviceConfig()
        self._found: tuple[DeviceInfo, ...] = ()
        self.shown = DeviceSnapshot("", "", "", "", "")

    def describe(self) -> tuple[DeviceDescription, ...]:
        """The devices that can be chosen now."""
        return tuple(
            DeviceDescription(
                device.id,
                device.name,
                device.host_api,
                device.max_input_channels,
                device.max_output_channels,
                device.default_sample_rate,
                device.is_default_input,
                device.is_default_output,
                device.is_monitor,
            )
            for device in self._list.now()
        )

    def open(self, chosen: DeviceConfig) -> AudioStream:
        """Open what was chosen, or what comes first of its backups; `show` tells of it once it runs.

        Raises
        ------
        DeviceError
            If the microphone or the output cannot be opened, or the choice cannot be had at all.
        """
        self._chosen = chosen
        self._found = self._backend.devices()
        used = self._order.choose(chosen, self._found)
        return self._order.open(self._output(used))

    def mend(self, stream: AudioStream) -> bool:
        """Put other devices in the place of those that `stream` has lost. False if it cannot be made whole."""
        return self._show_anew(self._order.mend(stream))

    def take_back(self, stream: AudioStream) -> bool:
        """Go back to better devices that are there again. True if one was taken back."""
        return self._show_anew(self._order.take_back(stream))

    def set_backups(self, backups: BackupConfig) -> None:
        """Choose other backups; the sound goes on as it is."""
        self._order.set_backups(backups)
        self._chosen = msgspec.structs.replace(self._chosen, backups=backups)
        self.shown = msgspec.structs.replace(self.shown, chosen=self._chosen)

    @property
    def chosen(self) -> DeviceConfig:
        """What the user wants, whatever is used."""
        return self._chosen

    @property
    def is_input_replaced(self) -> bool:
        """Whether another microphone is used than the chosen one."""
        return self._order.used.input != self._chosen.input

    def show(self) -> None:
        """Tell which devices are used now."""
        used, found = self._order.used, self._found
        virtual = self._virtual if used.output == AUTOMATIC else None
        self.shown = DeviceSnapshot(
            input=device_name(used.input, found),
            output=device_name(self._order.output, found),
            monitor=device_name(used.monitor, found),
            music=device_name(used.music, found),
            virtual_microphone=virtual.microphone_name if virtual else "",
            advice=_SIMULATED_ADVICE if is_simulated(used.input) else "",
            chosen=self._chosen,
            used=used,
        )
        self._on_input(identity(used.input, found))

    def close(self) -> None:
        """Take the virtual microphone away, if there is one."""
        if self._virtual is not None:
            self._virtual.close()

    def _show_anew(self, is_changed: bool) -> bool:
        if is_changed:
            self._found = self._backend.devices()
            self.show()
        return is_changed

    def _output(self, wanted: DeviceConfig) -> str:
        if wanted.output != AUTOMATIC:
            return wanted.output
        if is_simulated(wanted.input):
            # Nobody wants to hear a made-up microphone in a call.
            return f"{PREFIX}out"
        # Asked for each time: whatever was made may be gone with a sound server that was started anew.
        self._virtual = self._open_virtual(self._backend.devices())
        return self._virtual.output_device


def check_hop(frames: int) -> None:
    """Refuse a hop that no device or no person could bear.

    Raises
    ------
    DeviceError
    """
    if not _LEAST_HOP_FRAMES <= frames <= _MOST_HOP_FRAMES:
        raise DeviceError(
            f"a hop of {frames} frames is not possible; choose {_LEAST_HOP_FRAMES} to {_MOST_HOP_FRAMES}, best 480"
        )
