"""Serves an engine to other processes of the same user over a local socket.

One thread accepts, one thread serves each client; all are control threads. A client has to prove that it knows the key
before anything it sends is decoded, and what is decoded can only become one of the typed requests.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from time import sleep

import msgspec

from engine.api import EngineApi
from engine.attendance import Attendance
from engine.commands import Shutdown
from engine.errors import SidetoneError
from engine.protocol import MAX_REQUEST_BYTES, Wire, decode_request, encode, greet_client
from engine.rendezvous import Rendezvous
from engine.requests import (
    Attend,
    DescriptionReply,
    DevicesReply,
    Done,
    EventsReply,
    Failed,
    Farewell,
    GetDescription,
    GetDevices,
    GetEvents,
    GetPreset,
    GetSnapshot,
    GetTap,
    Leave,
    PresetReply,
    Reply,
    Request,
    SnapshotReply,
    TapReply,
)

_MOST_CLIENTS = 32
_RETRY_S = 0.2
_FAREWELL_S = 1.0
_log = logging.getLogger("sidetone.host")


class EngineHost:
    """Listens for clients from `start` to `close`.

    Parameters
    ----------
    engine : EngineApi
    rendezvous : Rendezvous
        Where the address is published, and where the key is.
    ends_with_face : bool
        Whether the last window that is closed shall end this engine.
    """

    def __init__(self, engine: EngineApi, rendezvous: Rendezvous, ends_with_face: bool = False) -> None:
        self._ends_with_face = ends_with_face
        self._engine = engine
        self._rendezvous = rendezvous
        self._attendance = Attendance()
        rendezvous.authkey()
        self.address = rendezvous.new_address()
        # The key is checked on the client's own thread, so that a silent client cannot keep others out.
        self._listener = Listener(self.address, backlog=_MOST_CLIENTS)
        self._places = threading.BoundedSemaphore(_MOST_CLIENTS)
        self._is_closing = False
        self._acceptor = threading.Thread(target=self._accept, name="sidetone-host", daemon=True)

    def start(self) -> None:
        """Begin to accept and publish the address."""
        self._acceptor.start()
        self._rendezvous.publish(self.address)

    def close(self) -> None:
        """Stop accepting and withdraw the address; clients that are connected notice at their next request."""
        if self._is_closing:
            return
        self._is_closing = True
        self._rendezvous.withdraw(self.address)
        if self._acceptor.is_alive():
            # Closing a socket does not wake the thread that waits at it; a last client does.
            with suppress(OSError):
                Client(self.address).close()
            self._acceptor.join(_FAREWELL_S)
        self._listener.close()

    def is_found(self) -> bool:
        """Whether clients still find this engine and no later one; an address that somebody cleaned away is renewed."""
        found = self._rendezvous.find()
        if found is None:
            with suppress(OSError, SidetoneError):
                self._rendezvous.publish(self.address)
        return found is None or found.address == self.address

    def _accept(self) -> None:
        while not self._is_closing:
            try:
                connection = self._listener.accept()
            except OSError:
                if not self._is_closing:
                    _log.exception("could not accept a client")
                    sleep(_RETRY_S)
                continue
            if self._is_closing:
                connection.close()
            elif self._places.acquire(blocking=False):
                threading.Thread(target=self._serve, args=(connection,), name="sidetone-client", daemon=True).start()
            else:
                connection.close()

    def _serve(self, connection: Wire) -> None:
        try:
            # Read each time: it may have been cleaned away or damaged since, and the client made another.
            greet_client(connection, self._rendezvous.authkey())
            while True:
                content = connection.recv_bytes(MAX_REQUEST_BYTES)
                if self._is_closing:
                    break
                connection.send_bytes(encode(self._answer(content, connection)))
        except (OSError, EOFError, AuthenticationError, ValueError, SidetoneError):
            pass  # gone, not one of us, no key, or a message beyond all bounds: all end the connection, none the engine
        finally:
            self._attendance.forget(connection)
            connection.close()
            self._places.release()

    def _answer(self, content: bytes, connection: Wire) -> Reply:
        try:
            return self._carry_out(decode_request(content), connection)
        except SidetoneError as error:
            return Failed(type(error).__name__, str(error))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return Failed("SidetoneError", f"that is no request this engine knows ({error})")
        except Exception as error:  # noqa: BLE001 - the engine must outlive any client's request
            _log.exception("a request failed")
            return Failed("SidetoneError", f"the engine could not do that ({type(error).__name__}: {error})")

    def _carry_out(self, request: Request, connection: Wire) -> Reply:
        match request:
            case GetSnapshot(with_spectrum=with_spectrum, with_session=with_session):
                return SnapshotReply(self._engine.snapshot(with_spectrum, with_session))
            case GetEvents(after=after):
                return EventsReply(self._engine.events(after))
            case GetDescription():
                return DescriptionReply(self._engine.describe())
            case GetDevices():
                return DevicesReply(self._engine.devices())
            case GetTap(point=point, run=run, after_frame=after_frame):
                return TapReply(self._engine.tap(point, run, after_frame))
            case GetPreset(name=name):
                return PresetReply(self._engine.preset(name))
            case Attend(face=face):
                self._attendance.note(connection, face)
                return Done()
            case Leave(face=face):
                return Farewell(self._end_without(face))
            case command:
                self._engine.send(command)
                return Done()

    def _end_without(self, face: str) -> bool:
        is_end = self._attendance.leave(face) and self._ends_with_face
        if is_end:
            self._engine.send(Shutdown())
        return is_end
