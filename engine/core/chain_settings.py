"""What a chain is set to, as one frozen value, and which of two such values a block on its way sees. Nothing here waits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from engine.core.params import Params


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """Parameters and bypass of all stages, in chain order.

    `is_dry` takes all of them out at once and leaves `bypassed` as it is, except a stage that is silent for a moment: a
    panic must not open a microphone that somebody has just closed. `edition` counts the changes that somebody made, unlike
    those that stages have learnt.
    """

    params: tuple[Params, ...]
    bypassed: tuple[bool, ...]
    is_dry: bool = False
    edition: int = field(default=0, compare=False)

    @property
    def unheard(self) -> tuple[bool, ...]:
        """Which stages are out of the sound, be it by their own bypass or because all is dry. Any thread."""
        if not self.is_dry:
            return self.bypassed
        return tuple(
            is_bypassed or not any(spec.is_momentary and getattr(params, name) for name, spec in params.specs().items())
            for params, is_bypassed in zip(self.params, self.bypassed, strict=True)
        )


class SettingsInUse:
    """The settings that a block is worked on with: as new as they can be without the block seeing half of a change.

    One object a chain; each `Context` refers to it. Audio thread, but for `newest`.

    Attributes
    ----------
    newest : ChainSettings
        Swapped by one control thread at a time.
    settings : ChainSettings
        What the block on its way sees.
    unheard : tuple of bool
        `ChainSettings.unheard` of those.
    """

    __slots__ = ("_index", "newest", "settings", "unheard")

    def __init__(self, settings: ChainSettings) -> None:
        self.newest = settings
        self.begin_block()

    def begin_block(self) -> None:
        """Begin with the newest settings."""
        self._use(self.newest)
        self._index = 0

    def reach(self, index: int) -> None:
        """Tell that the block comes to a stage, and take up what has changed if that touches none of those before it."""
        self._index = index
        newest = self.newest
        if newest is not self.settings and self._is_alike_before(newest, index):
            self._use(newest)

    def renewed(self, field: str) -> Params:
        """Parameters of the stage at work, after what has changed was taken up if that is `field`, or behind the stage.

        Parameters
        ----------
        field : str
            The one parameter that the stage has not used yet.
        """
        newest, index = self.newest, self._index
        if newest is not self.settings and self._is_alike_before(newest, index):
            new = newest.params[index]
            own = replace(self.settings.params[index], **{field: getattr(new, field)})
            if own == new and newest.unheard[index] == self.unheard[index]:
                self._use(newest)
        return self.settings.params[index]

    def _is_alike_before(self, newest: ChainSettings, index: int) -> bool:
        return self.unheard[:index] == newest.unheard[:index] and all(
            now is new for now, new in zip(self.settings.params[:index], newest.params[:index], strict=True)
        )

    def _use(self, settings: ChainSettings) -> None:
        self.settings = settings
        self.unheard = settings.unheard
