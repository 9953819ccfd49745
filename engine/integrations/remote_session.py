"""One program's conversation with the engine through the remote interface. Knows no sockets. Control thread; asking waits."""

from __future__ import annotations

import msgspec

from engine.api import EngineApi
from engine.commands import SetBypass, SetParam
from engine.errors import ConnectionLostError, ParameterError, SidetoneError
from engine.integrations.remote_api import (
    GetSettings,
    RemoteMessage,
    RemoteRequest,
    Settings,
    Subscribe,
    Toggle,
    Topic,
    decode_request,
)
from engine.requests import (
    DescriptionReply,
    Done,
    EventsReply,
    Failed,
    GetDescription,
    GetEvents,
    GetSnapshot,
    SnapshotReply,
)
from engine.services import ServicesSnapshot
from engine.snapshot import Snapshot


class RemoteSession:
    """Answers requests and finds out what a subscriber has not been told yet.

    Attributes
    ----------
    subscription : Subscribe
        What the program wants to be told; no topic at first.
    """

    def __init__(self, engine: EngineApi) -> None:
        self._engine = engine
        self.subscription = Subscribe(())
        self._told = Settings()
        self._last_event = 0

    def answer(self, content: str | bytes) -> RemoteMessage:
        """The answer to a message, whatever it is.

        Raises
        ------
        ConnectionLostError
            If the engine is gone.
        """
        try:
            return self._carry_out(decode_request(content))
        except ConnectionLostError:
            raise
        except SidetoneError as error:
            return Failed(type(error).__name__, str(error))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return Failed("SidetoneError", f"that is no request ({error}); `sidetone remote schema` tells what is")

    def news(self, snapshot: Snapshot) -> list[RemoteMessage]:
        """What of `snapshot`, and of the events, was subscribed to and not told yet.

        Raises
        ------
        ConnectionLostError
            If the engine is gone.
        """
        topics = self.subscription.topics
        news: list[RemoteMessage] = []
        if Topic.SETTINGS in topics and (changed := self._changed(snapshot)) != Settings():
            news.append(changed)
        if Topic.METERS in topics:
            news.append(SnapshotReply(_shareable(snapshot)))
        if Topic.EVENTS in topics and (events := self._engine.events(self._last_event)):
            self._last_event = events[-1].sequence
            news.append(EventsReply(events))
        return news

    def _carry_out(self, request: RemoteRequest) -> RemoteMessage:
        match request:
            case GetSettings(ids=ids):
                return _chosen(_settings(self._engine.snapshot()), ids)
            case GetSnapshot(with_spectrum=with_spectrum):
                return SnapshotReply(_shareable(self._engine.snapshot(with_spectrum)))
            case GetDescription():
                return DescriptionReply(self._engine.describe())
            case GetEvents(after=after):
                return EventsReply(self._engine.events(after))
            case Toggle(id=switch_id):
                return self._toggle(switch_id)
            case Subscribe():
                self.subscription = request
                self._told = Settings()
                return Done()
            case command:
                self._engine.send(command)
                return Done()

    def _toggle(self, switch_id: str) -> Settings:
        now = _settings(self._engine.snapshot())
        if switch_id in now.bypass:
            self._engine.send(SetBypass(switch_id, not now.bypass[switch_id]))
        elif isinstance(is_on := now.params.get(switch_id), bool):
            self._engine.send(SetParam(switch_id, not is_on))
        else:
            raise ParameterError(f"{switch_id!r} is neither a stage nor a parameter that is on or off")
        return _chosen(_settings(self._engine.snapshot()), (switch_id,))

    def _changed(self, snapshot: Snapshot) -> Settings:
        told, now = self._told, _settings(snapshot)
        self._told = now
        return Settings(
            {key: value for key, value in now.params.items() if told.params.get(key) != value},
            {key: value for key, value in now.bypass.items() if told.bypass.get(key) != value},
            now.state if now.state != told.state else None,
        )


def _settings(snapshot: Snapshot) -> Settings:
    return Settings(snapshot.params, {stage.id: stage.is_bypassed for stage in snapshot.stages}, snapshot.state)


def _chosen(settings: Settings, ids: tuple[str, ...]) -> Settings:
    if not ids:
        return settings
    if unknown := [name for name in ids if name not in settings.params and name not in settings.bypass]:
        raise ParameterError(f"there is no parameter or stage {unknown[0]!r}; `GetDescription` tells what there is")
    return Settings(
        {name: settings.params[name] for name in ids if name in settings.params},
        {name: settings.bypass[name] for name in ids if name in settings.bypass},
    )


def _shareable(snapshot: Snapshot) -> Snapshot:
    """Without what other services do: what was said, and to whom it goes, is not for everybody who turns knobs."""
    return msgspec.structs.replace(snapshot, services=ServicesSnapshot())
