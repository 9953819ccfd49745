"""A connection to OBS through obs-websocket 5: one request, one answer. It may wait, so it lives on its service's thread.

Source: https://github.com/obsproject/obs-websocket/blob/master/docs/generated/protocol.md (close codes, request statuses).
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

import simpleobsws
from websockets.exceptions import WebSocketException

from engine.errors import ObsError

OUTPUT_NOT_RUNNING = 501
RESOURCE_NOT_FOUND = 600
_NOT_READY = 207
_AUTHENTICATION_FAILED = 4009
_NO_EVENTS = 0
_FAREWELL_S = 0.5
# What it says of each message would fill the log, and the message that identifies us has no place there.
logging.getLogger("simpleobsws").setLevel(logging.WARNING)
logging.getLogger("websockets").setLevel(logging.WARNING)


class ObsPasswordError(ObsError):
    """OBS wants another password than the one it was given."""


class ObsRefusalError(ObsError):
    """OBS understood a request and did not carry it out.

    Attributes
    ----------
    code : int
        The protocol's request status.
    """

    def __init__(self, request: str, code: int, comment: str) -> None:
        super().__init__(f"OBS refuses {request} ({code}{f': {comment}' if comment else ''})")
        self.code = code


class ObsConnection:
    """Connected from its making to `close`. Service thread; each call waits for its answer, but not for ever.

    Parameters
    ----------
    port : int
        Where obs-websocket listens on this machine.
    password : str or None
        None where the user gave none; OBS may not ask for one.
    answer_s : float
        How long OBS may take for an answer.

    Raises
    ------
    ObsPasswordError
        If OBS wants another password.
    ObsError
        If nobody answers, or somebody who is not obs-websocket 5.
    """

    def __init__(self, port: int, password: str | None, answer_s: float = 3.0) -> None:
        self._port = port
        self._answer_s = answer_s
        self._runner = asyncio.Runner()
        self._client = simpleobsws.WebSocketClient(
            f"ws://127.0.0.1:{port}",
            password or "",
            simpleobsws.IdentificationParameters(eventSubscriptions=_NO_EVENTS),
        )
        try:
            self._runner.run(self._open(has_password=password is not None))
        except BaseException:
            self.close()
            raise

    def ask(self, request: str, **data: Any) -> dict[str, Any]:
        """Send a request and return what OBS answers.

        Raises
        ------
        ObsRefusalError
            If OBS does not carry it out.
        ObsError
            If OBS is gone, does not answer in time, or answers nonsense; the connection is then of no more use.
        """
        return self._runner.run(self._ask(request, data))

    def close(self) -> None:
        """Hang up."""
        with suppress(TimeoutError, OSError, WebSocketException):
            self._runner.run(asyncio.wait_for(self._client.disconnect(), _FAREWELL_S))
        self._runner.close()

    async def _open(self, has_password: bool) -> None:
        try:
            await asyncio.wait_for(self._client.connect(), self._answer_s)
        except OSError:  # a TimeoutError is one
            raise ObsError(
                f"OBS does not answer on port {self._port}; start OBS, and switch on Tools → WebSocket Server Settings"
            ) from None
        except WebSocketException:
            raise self._stranger() from None
        identified = asyncio.create_task(self._client.wait_until_identified(self._answer_s))
        if await self._first_of(identified) is not True:
            raise self._rejection(has_password)

    def _rejection(self, has_password: bool) -> ObsError:
        if self._client.ws.close_code != _AUTHENTICATION_FAILED:
            return self._stranger()
        if has_password:
            return ObsPasswordError("OBS refuses the password; copy it from Tools → WebSocket Server Settings in OBS")
        return ObsPasswordError("OBS asks for a password; give the one in Tools → WebSocket Server Settings in OBS")

    def _stranger(self) -> ObsError:
        return ObsError(f"what answers on port {self._port} is not obs-websocket 5; it comes with OBS 28 and later")

    async def _ask(self, request: str, data: dict[str, Any]) -> dict[str, Any]:
        call = asyncio.create_task(self._client.call(simpleobsws.Request(request, data), self._answer_s))
        try:
            answer = await self._first_of(call)
        except simpleobsws.MessageTimeout:
            raise ObsError(f"OBS has not answered {request} for {self._answer_s:g} s") from None
        except (OSError, WebSocketException, simpleobsws.NotIdentifiedError):
            answer = None
        except (LookupError, TypeError, AttributeError, ValueError):
            raise ObsError(f"OBS answered {request} with something that obs-websocket 5 does not know") from None
        if answer is None:
            raise ObsError("OBS hung up")
        if not answer.ok():
            raise ObsRefusalError(request, answer.requestStatus.code, answer.requestStatus.comment or "")
        return dict(answer.responseData or {})

    async def _first_of(self, task: asyncio.Task[Any]) -> Any:
        """What the task comes to; None if OBS hangs up before, or what it says ends the reading."""
        reading = self._client.recv_task
        if reading is None:
            task.cancel()
            return None
        await asyncio.wait({task, reading}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        with suppress(asyncio.CancelledError):
            reading.exception()
        return None


def is_not_ready(error: ObsError) -> bool:
    """Whether OBS only asks to be asked again, as it does while it loads scenes."""
    return isinstance(error, ObsRefusalError) and error.code == _NOT_READY
