"""The one door for every change of sound: slider, MIDI, preset, command line and remote control all come through here.

Writers are control threads and may wait for each other; the audio thread never does, it reads one reference. Because all
changes pass here, undo is here too, and a morph, which is nothing but many small changes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import monotonic, sleep

from engine.commands import ApplyChain, Redo, SetBypass, SetDry, SetParam, SoundCommand, Undo
from engine.config import ChainConfig
from engine.control.history import History, Step, difference
from engine.control.morph import Morph
from engine.core.chain import Chain
from engine.core.params import ParamSpec, Value
from engine.description import ParamDifference
from engine.snapshot import ControlSnapshot

_MORPH_STEP_S = 0.01
"""A hop: no block sees more than one step."""


class Controls:
    """Changes a chain's settings, one writer at a time.

    All methods: Control thread. All raise `ParameterError` for unknown names or values that do not fit, and then change
    nothing.

    Attributes
    ----------
    revision : int
        Counts up with every change, so that whoever shows the settings (a fader with a motor, a light) sees that there is
        something new. Any thread.
    learnt : frozenset of str
        Parameters that stages have written by themselves. Any thread.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._writer = threading.Lock()
        self._history = History()
        self._morph: Morph | None = None
        self._walker: threading.Thread | None = None
        self.revision = 0
        self.learnt: frozenset[str] = frozenset()

    def carry_out(self, command: SoundCommand) -> str:
        """Do what a command says; returns what the user should be told of it, mostly nothing."""
        match command:
            case SetParam(id=param_id, value=value):
                self.set(param_id, value)
            case SetBypass(stage=stage, is_bypassed=is_bypassed):
                self.bypass(stage, is_bypassed)
            case ApplyChain(chain=chain):
                self.apply(chain)
            case SetDry(is_dry=is_dry):
                self.set_dry(is_dry)
                return "all effects are out" if is_dry else "the effects are back"
            case Undo():
                return _retraced("taken back", self.undo())
            case Redo():
                return _retraced("done again", self.redo())
        return ""

    def set(self, param_id: str, value: Value) -> Value:
        """Set one parameter; returns the value after clamping."""
        with self._writer:
            before = ChainConfig(params={param_id: self._chain.value(param_id)})
            after = ChainConfig(params={param_id: self._chain.set(param_id, value)})
            self._changed(before, after)
            return after.params[param_id]

    def bypass(self, stage_id: str, is_bypassed: bool) -> None:
        """Take a stage out of the sound or put it back."""
        with self._writer:
            was_bypassed = self._chain.bypasses().get(stage_id, False)
            self._chain.bypass(stage_id, is_bypassed)
            self._changed(ChainConfig(bypass={stage_id: was_bypassed}), ChainConfig(bypass={stage_id: is_bypassed}))

    def apply(self, config: ChainConfig, title: str = "") -> None:
        """Set several parameters and bypasses at one block boundary; the rest stays as it is.

        Parameters
        ----------
        title : str
            What the change is called when it can be taken back, as ``preset Podcast``.
        """
        with self._writer:
            before = self._now()
            self._chain.apply(config.params, config.bypass)
            self._changed(*difference(before, self._now()), title)

    def morph(self, config: ChainConfig, duration_ms: float, title: str = "") -> None:
        """As `apply`, but on the way there for `duration_ms`, without a click; returns at once.

        The whole way is one step to take back. Whatever is changed by hand meanwhile stays with the hand.
        """
        with self._writer:
            before = self._now()
            target = ChainConfig(
                params={name: self._chain.clamped(name, value) for name, value in config.params.items()},
                bypass={self._chain.slot(stage).stage.id: is_out for stage, is_out in config.bypass.items()},
            )
            self._changed(*difference(before, target), title)
            self._morph = Morph(before, target, self._chain.spec)
            self._walker = threading.Thread(
                target=self._walk, args=(self._morph, duration_ms / 1000.0), name="sidetone-morph", daemon=True
            )
            self._walker.start()

    def load(self, config: ChainConfig) -> None:
        """Bring the whole chain to saved settings, at one block boundary; nothing that could be taken back."""
        with self._writer:
            self._chain.load(config.params, config.bypass)
            self._morph = None
            self.revision += 1

    def keep_learnt(self) -> None:
        """Write into the parameters what stages have learnt, so that whoever keeps those keeps it too.

        Nothing that could be taken back: nobody did it.
        """
        learnt = {
            f"{slot.stage.id}.{name}": value
            for slot in self._chain.slots
            for name, value in slot.stage.learnt().items()
        }
        if learnt:
            with self._writer:
                self._chain.keep_learnt(learnt)
                self.learnt |= learnt.keys()
                self.revision += 1

    def set_dry(self, is_dry: bool) -> None:
        """Take all effects out of the sound at once, without a click, or bring them back as they are set."""
        with self._writer:
            self._chain.set_dry(is_dry)
            self.revision += 1

    def undo(self) -> str:
        """Take the last change back, whoever made it; returns what it was, empty if there is none."""
        with self._writer:
            return self._retrace(self._history.undo(), is_undo=True)

    def redo(self) -> str:
        """Make the change again that was taken back last; returns what it is, empty if there is none."""
        with self._writer:
            return self._retrace(self._history.redo(), is_undo=False)

    def known(self, config: ChainConfig) -> ChainConfig:
        """What of `config` this chain can take; settings saved by another version may hold more."""
        specs = {
            f"{slot.stage.id}.{name}": spec
            for slot in self._chain.slots
            for name, spec in slot.stage.params_type.specs().items()
        }
        stages = {slot.stage.id for slot in self._chain.slots}
        return ChainConfig(
            params={name: value for name, value in config.params.items() if name in specs and specs[name].fits(value)},
            bypass={stage: is_bypassed for stage, is_bypassed in config.bypass.items() if stage in stages},
        )

    def save(self) -> ChainConfig:
        """All settings, as they are now."""
        with self._writer:
            return self._now()

    def defaults(self) -> ChainConfig:
        """All settings that last beyond the moment, as they are before anybody changes any."""
        return ChainConfig(
            params={
                f"{slot.stage.id}.{name}": spec.default
                for slot in self._chain.slots
                for name, spec in slot.stage.params_type.specs().items()
                if not spec.is_momentary
            },
            bypass={slot.stage.id: slot.stage.starts_bypassed for slot in self._chain.slots},
        )

    def lasting(self) -> ChainConfig:
        """All settings as they are now, without what belongs to the moment."""
        return self._lasting(self.save())

    def snapshot(self) -> ControlSnapshot:
        """What can be taken back, and what is going on."""
        with self._writer:
            last, following = self._history.last, self._history.next
            return ControlSnapshot(
                revision=self.revision,
                undo=self._told(last) if last else "",
                redo=self._told(following) if following else "",
                is_dry=self._chain.settings.is_dry,
                is_morphing=self._morph is not None,
            )

    @property
    def is_dry(self) -> bool:
        """Whether all effects are out of the sound. Any thread."""
        return self._chain.settings.is_dry

    def value(self, param_id: str) -> Value:
        """One parameter as it is now. Any thread."""
        return self._chain.value(param_id)

    def spec(self, param_id: str) -> ParamSpec:
        """One parameter's declaration. Any thread."""
        return self._chain.spec(param_id)

    def is_bypassed(self, stage_id: str) -> bool:
        """Whether a stage is out of the sound. Any thread."""
        return self._chain.bypasses()[stage_id]

    def stage_label(self, stage_id: str) -> str:
        """What a person calls a stage. Any thread."""
        return self._chain.slot(stage_id).stage.label

    def clamped(self, param_id: str, value: Value) -> Value:
        """What `set` would make of `value`; changes nothing."""
        return self._chain.clamped(param_id, value)

    def tell(self, before: ChainConfig, after: ChainConfig) -> Iterator[ParamDifference]:
        """A change, both sides of the same names, as a person reads it."""
        for param_id, value in after.params.items():
            spec = self._chain.spec(param_id)
            label = f"{self.stage_label(param_id.partition('.')[0])} {spec.label}"
            yield ParamDifference(param_id, label, spec.format(before.params[param_id]), spec.format(value))
        for stage_id, is_bypassed in after.bypass.items():
            was, then = (("out" if is_out else "in") for is_out in (before.bypass[stage_id], is_bypassed))
            yield ParamDifference(stage_id, self.stage_label(stage_id), was, then)

    def close(self) -> None:
        """End a morph that is on its way, where it is."""
        with self._writer:
            self._morph, walker = None, self._walker
        if walker is not None:
            walker.join(1.0)

    def _now(self) -> ChainConfig:
        return ChainConfig(params=self._chain.values(), bypass=self._chain.bypasses())

    def _lasting(self, config: ChainConfig) -> ChainConfig:
        params = {name: value for name, value in config.params.items() if not self._chain.spec(name).is_momentary}
        return ChainConfig(params=params, bypass=config.bypass)

    def _changed(self, before: ChainConfig, after: ChainConfig, title: str = "") -> None:
        """Note a change that has just been made, or is about to be."""
        self.revision += 1
        if title:
            self._morph = None
        elif self._morph is not None:
            self._morph.leave(after)
        self._history.note(Step(self._lasting(before), self._lasting(after), title))

    def _retrace(self, step: Step | None, is_undo: bool) -> str:
        if step is None:
            return ""
        aim = step.before if is_undo else step.after
        self._morph = None
        self._chain.apply(aim.params, aim.bypass)
        self.revision += 1
        return self._told(step)

    def _walk(self, morph: Morph, duration_s: float) -> None:
        began_s = monotonic()
        while True:
            part = min(1.0, (monotonic() - began_s) / duration_s) if duration_s > 0.0 else 1.0
            with self._writer:
                if self._morph is not morph:
                    return
                now = morph.at(part)
                self._chain.apply(now.params, now.bypass)
                self.revision += 1
                if part >= 1.0:
                    self._morph = None
                    return
            sleep(_MORPH_STEP_S)

    def _told(self, step: Step) -> str:
        """A step in words."""
        if step.title:
            return step.title
        changes = tuple(self.tell(step.before, step.after))
        if len(changes) > 1:
            return f"{len(changes)} settings"
        return f"{changes[0].label}: {changes[0].now} → {changes[0].then}"


def _retraced(what: str, change: str) -> str:
    return f"{what}: {change}" if change else "there is nothing to go back to"
