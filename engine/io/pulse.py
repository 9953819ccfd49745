"""PulseAudio's and PipeWire's own list of devices, and how PortAudio is led to one of them.

On Linux PortAudio sees a single ALSA device, ``pulse``, behind which the sound server hides every microphone and output that
a person knows by name. The server's client library takes the wanted one from the environment at the moment a stream is
opened, so no configuration file of the user is needed. Control thread; may wait for the server, a second at most.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

BRIDGES = ("pulse", "pipewire")
"""Names of ALSA devices that lead to the server, best first."""

VIRTUAL_SINK = "sidetone_sink"
"""The sink into which the program plays for other programs."""

VIRTUAL_SOURCE = "Sidetone"
"""The microphone that other programs record."""

NO_CLIENT = 0xFFFFFFFF
_CONNECT_S = (0.03, 0.2, 1.0)
"""How long the server may take to answer, try after try: pulsectl always waits the whole time it is given."""
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A source or sink of the server."""

    name: str
    description: str
    channels: int
    is_monitor: bool
    is_default: bool


@dataclass(frozen=True, slots=True)
class Endpoints:
    """All that the server has."""

    sources: tuple[Endpoint, ...]
    sinks: tuple[Endpoint, ...]


@contextmanager
def connected(name: str) -> Iterator[Any]:
    """A connection to the server, never starting one.

    Yields
    ------
    pulsectl.Pulse or None
        None if there is no server, or no library to reach it.
    """
    try:
        import pulsectl
    except (ImportError, OSError):
        yield None
        return
    client = pulsectl.Pulse(name, connect=False)
    try:
        yield client if _connects(client, pulsectl.PulseError) else None
    finally:
        client.close()
        # It and its callbacks refer to each other; where no garbage is collected, each look would stay in memory for ever.
        vars(client).clear()


def _connects(client: Any, refusal: type[Exception]) -> bool:
    for timeout_s in _CONNECT_S:
        with suppress(refusal):
            client.connect(autospawn=False, timeout=timeout_s)
            return True
    return False


def endpoints() -> Endpoints | None:
    """What the server has; None if there is no server."""
    with connected("sidetone devices") as client:
        if client is None:
            return None
        import pulsectl

        try:
            server = client.server_info()
            return Endpoints(
                tuple(_endpoint(source, server.default_source_name) for source in client.source_list()),
                tuple(_endpoint(sink, server.default_sink_name) for sink in client.sink_list()),
            )
        except pulsectl.PulseError:
            return None  # it went away while it was asked


@contextmanager
def leading_to(source: str | None = None, sink: str | None = None) -> Iterator[None]:
    """Let streams that PortAudio opens within go to `source` or `sink`.

    Only one thread may open streams at a time: the environment belongs to the process.
    """
    wanted = {"PULSE_SOURCE": source, "PULSE_SINK": sink, "PIPEWIRE_NODE": source or sink}
    before = {name: os.environ.get(name) for name in wanted}
    _set_environment(wanted)
    try:
        yield
    finally:
        _set_environment(before)


class Watch:
    """A thread that tells when one of a few endpoints is gone; it sleeps in the server's library.

    Parameters
    ----------
    names : set of str
        Names of the sources and sinks that matter.
    report : callable
        Called on the watching thread, with the name that is gone, or None if the whole server is.
    """

    def __init__(self, names: set[str], report: Callable[[str | None], None]) -> None:
        self._names = set(names)
        self._report = report
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread. Control thread, waits for it."""
        self._is_over.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        # A server that is late with its answer, as on a busy machine, is asked again: nobody else would tell.
        while not self._is_over.is_set():
            self._listen()
            self._is_over.wait(_LOOK_S)

    def _listen(self) -> None:
        import pulsectl

        with connected("sidetone watch") as client:
            if client is None:
                return
            client.event_mask_set("sink", "source")
            client.event_callback_set(lambda event: None if event.t == "change" else client.event_listen_stop())
            try:
                while not self._is_over.is_set():
                    self._look(client)
                    client.event_listen(timeout=_LOOK_S)
            except (pulsectl.PulseError, pulsectl.PulseDisconnected):
                if not self._is_over.is_set():
                    self._report(None)

    def _look(self, client: Any) -> None:
        present = {endpoint.name for endpoint in (*client.source_list(), *client.sink_list())}
        for name in self._names - present:
            self._report(name)
        self._names &= present


def _endpoint(found: Any, default_name: str) -> Endpoint:
    is_monitor = getattr(found, "monitor_of_sink_name", None) is not None
    return Endpoint(
        name=found.name,
        description=found.description or found.name,
        channels=int(found.channel_count),
        is_monitor=is_monitor,
        is_default=found.name == default_name,
    )


def _set_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
