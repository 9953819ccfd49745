"""MIDI ports by rtmidi. No MIDI system on the machine is a sentence, not an error. Control thread; may wait.

rtmidi calls back on a thread of the system's. JACK's is a real-time thread on which the whole graph waits, so nothing may
run there that could wait for Python: a JACK port is asked instead.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.control.midi_ports import CLIENT_NAME, MidiInput, MidiOutput
from engine.errors import DeviceError
from engine.io.quiet import quiet_stderr

_NO_MODULE = "MIDI is not available: python-rtmidi is not installed, which has no package for this Python or system"
_NO_SYSTEM = "there is no MIDI system on this machine (no ALSA sequencer and no JACK server); plug in a MIDI device"
_ALSA_SEQUENCER = Path("/dev/snd/seq")
_SHARED_MEMORY = Path("/dev/shm")
_MOST_WAITING = 4096


class RtMidiSystem:
    """Implements `MidiSystem`: ALSA's sequencer or JACK, Core MIDI, Windows' MIDI."""

    def __init__(self) -> None:
        self._scouts: tuple[Any, Any] | None = None
        self._api = 0
        self._is_jack = False
        self._had_ports = [False, False]

    def look(self) -> str:
        """Find a system that answers, and keep it."""
        if self._scouts is not None:
            return ""
        try:
            import rtmidi
        except ImportError:
            return _NO_MODULE
        reason = _NO_SYSTEM
        for api in rtmidi.get_compiled_api():
            if api == rtmidi.API_RTMIDI_DUMMY or (sys.platform == "linux" and not _is_likely(api)):
                continue
            try:
                with quiet_stderr():
                    self._scouts = (rtmidi.MidiIn(api, CLIENT_NAME), rtmidi.MidiOut(api, CLIENT_NAME))
            except Exception as error:  # noqa: BLE001 - rtmidi's errors have no common base but Exception
                reason = _NO_SYSTEM if sys.platform == "linux" else f"the MIDI system does not answer ({error})"
                continue
            self._api, self._is_jack = api, api == rtmidi.API_UNIX_JACK
            return ""
        return reason

    def inputs(self) -> tuple[str, ...]:
        """Names of the ports that send."""
        return self._names(0)

    def outputs(self) -> tuple[str, ...]:
        """Names of the ports that receive."""
        return self._names(1)

    def open_input(self, name: str, on_arrival: Callable[[], None]) -> MidiInput:
        """Open an input."""
        import rtmidi

        with _told(name):
            port = rtmidi.MidiIn(self._api, CLIENT_NAME, queue_size_limit=_MOST_WAITING)
            port.ignore_types(sysex=True, timing=True, active_sense=True)
            opened = _AskedInput(port) if self._is_jack else _CallingInput(port, on_arrival)
            try:
                port.open_port(_index(port, name), "in")
            except Exception:
                # A port and its callback refer to each other: where no garbage is collected, every port that was refused
                # would stay in memory, with its room for messages.
                opened.close()
                raise
            return opened

    def open_output(self, name: str) -> MidiOutput:
        """Open an output."""
        import rtmidi

        with _told(name):
            port = rtmidi.MidiOut(self._api, CLIENT_NAME)
            port.open_port(_index(port, name), "out")
            return _Output(port)

    def close(self) -> None:
        """Let go of the system."""
        scouts, self._scouts = self._scouts, None
        for scout in scouts or ():
            with suppress(Exception):
                scout.delete()

    def _names(self, which: int) -> tuple[str, ...]:
        if self._scouts is None:
            return ()
        try:
            with quiet_stderr():
                names = tuple(self._scouts[which].get_ports())
        except Exception:  # noqa: BLE001 - a system that went away is looked for anew
            names = ()
            self.close()
        if self._is_jack and self._had_ports[which] and not names:
            # JACK does not tell its clients' asker that the server has gone; a new client finds out.
            self.close()
        self._had_ports[which] = bool(names)
        return names


def _is_likely(api: int) -> bool:
    """Whether one of Linux's systems seems to be there: to ask JACK in vain holds Python up for milliseconds."""
    import rtmidi

    if api == rtmidi.API_LINUX_ALSA:
        return _ALSA_SEQUENCER.exists()
    server = os.environ.get("JACK_DEFAULT_SERVER", "default")
    return any(_SHARED_MEMORY.glob(f"jack_{server}_*"))


class _told:  # noqa: N801 - reads as a word where it is used
    """Turns what rtmidi raises into a sentence about a port."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        if error is not None and isinstance(error, Exception) and not isinstance(error, DeviceError):
            raise DeviceError(
                f"the MIDI port {self._name} cannot be opened ({error}); is another program using it?"
            ) from None


def _index(port: Any, name: str) -> int:
    names = port.get_ports()
    if name not in names:
        raise DeviceError(f"the MIDI port {name} is gone")
    index: int = names.index(name)
    return index


class _CallingInput:
    is_asked = False

    def __init__(self, port: Any, on_arrival: Callable[[], None]) -> None:
        self._port = port
        self._waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._on_arrival = on_arrival
        port.set_callback(self._take)

    def drain(self) -> list[bytes]:
        taken: list[bytes] = []
        with suppress(IndexError):
            while True:
                taken.append(self._waiting.popleft())
        return taken

    def close(self) -> None:
        with suppress(Exception):
            self._port.cancel_callback()
        _close(self._port)

    def _take(self, event: tuple[list[int], float], data: object) -> None:
        """On the system's thread: note and wake, no more."""
        self._waiting.append(bytes(event[0]))
        self._on_arrival()


class _AskedInput:
    is_asked = True

    def __init__(self, port: Any) -> None:
        self._port = port

    def drain(self) -> list[bytes]:
        taken: list[bytes] = []
        while len(taken) < _MOST_WAITING and (event := self._port.get_message()) is not None:
            taken.append(bytes(event[0]))
        return taken

    def close(self) -> None:
        _close(self._port)


class _Output:
    def __init__(self, port: Any) -> None:
        self._port = port

    def send(self, content: bytes) -> None:
        with suppress(Exception):
            self._port.send_message(content)

    def close(self) -> None:
        _close(self._port)


def _close(port: Any) -> None:
    with suppress(Exception):
        port.close_port()
    with suppress(Exception):
        port.delete()
