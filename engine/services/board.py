"""Where the engine keeps what services shall do and what they last said. Control thread, several at once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import TypeVar

from engine.captions.wording import Wording
from engine.commands import ReportEvent, ReportFault, ReportService, ServiceCommand, SetService
from engine.services import ServiceConfig, ServicesConfig, ServicesSnapshot, ServiceStatus
from engine.services.canary import CanaryStatus
from engine.services.captions import CaptionsConfig, CaptionsStatus
from engine.services.keys import KeysStatus
from engine.services.loopback import OverlayStatus, RemoteStatus
from engine.services.obs import ObsStatus

_S = TypeVar("_S", CanaryStatus, CaptionsStatus, KeysStatus, OverlayStatus, ObsStatus, RemoteStatus)

SILENT_AFTER_S = 15.0
"""A service that has not reported for so long is shown as not running; each reports at least once a second.

Long enough for one that was killed to come back on a busy machine and go on where it was.
"""


class ServicesBoard:
    """Settings down, statuses up. Each status is one reference, so readers need no lock; writers of settings take turns.

    Parameters
    ----------
    tell : callable
        Takes what a service did that the user may want to look up.

    Attributes
    ----------
    config : ServicesConfig
        What the services read and follow.
    """

    def __init__(self, tell: Callable[[str], None], now_s: Callable[[], float] = monotonic) -> None:
        self._tell = tell
        self._now_s = now_s
        self._statuses: dict[type[ServiceStatus], tuple[float, ServiceStatus]] = {}
        self._writer = Lock()
        self.config = ServicesConfig()

    def carry_out(self, command: ServiceCommand) -> None:
        """Do what a command says."""
        match command:
            case SetService(config=part):
                self.choose(part)
            case ReportService(status=status):
                self.report(status)
            case ReportFault(service=service, reason=reason):
                self._tell(f"{service}: {reason}; it is started again")
            case ReportEvent(service=service, text=text):
                self._tell(f"{service}: {text}")

    def choose(self, part: ServiceConfig) -> None:
        """Replace one service's settings.

        Raises
        ------
        ParameterError
            If a word filter of the captions is no regular expression.
        """
        if isinstance(part, CaptionsConfig):
            Wording(part.dictionary, part.filters)
        with self._writer:
            self.config = self.config.with_part(part)

    def report(self, status: ServiceStatus) -> None:
        """Take in what a service says of itself."""
        self._statuses[type(status)] = (self._now_s(), status)

    def snapshot(self) -> ServicesSnapshot:
        """Everything there is to show of them."""
        statuses = {kind: status for kind, (said_s, status) in list(self._statuses.items()) if self._is_fresh(said_s)}
        return ServicesSnapshot(
            config=self.config,
            captions=_of(statuses, CaptionsStatus),
            overlay=_of(statuses, OverlayStatus),
            obs=_of(statuses, ObsStatus),
            remote=_of(statuses, RemoteStatus),
            keys=_of(statuses, KeysStatus),
            canary=_of(statuses, CanaryStatus),
        )

    def _is_fresh(self, said_s: float) -> bool:
        return self._now_s() - said_s < SILENT_AFTER_S


def _of(statuses: dict[type[ServiceStatus], ServiceStatus], kind: type[_S]) -> _S | None:
    status = statuses.get(kind)
    return status if isinstance(status, kind) else None
