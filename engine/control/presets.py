"""Presets at work: loaded into the chain, saved from it, compared with it, and brought along by a microphone.

Whoever asks for a preset (window, `ctl`, MIDI, OBS, a key) asks here, in the engine's process, and so gets the same one.
Control thread; may wait for the disk.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine.commands import ImportPreset, LoadPreset, PresetCommand, RemovePreset, SavePreset, SetPresets
from engine.config import ChainConfig, PresetConfig
from engine.control.controls import Controls
from engine.control.easyeffects import import_easyeffects
from engine.control.history import difference
from engine.control.preset import Preset, read_preset, write_preset
from engine.control.preset_library import PresetLibrary
from engine.core.params import Value
from engine.description import PresetDescription
from engine.errors import PresetError
from engine.snapshot import PresetSnapshot

Tell = Callable[[str], None]
"""Takes a sentence for the user."""


class Presets:
    """What joins a library of presets to a chain's controls.

    Parameters
    ----------
    tell : callable
        Takes what the user should know: what a preset holds that this version does not, what an import left out.
    """

    def __init__(self, controls: Controls, library: PresetLibrary, tell: Tell) -> None:
        self._controls = controls
        self._library = library
        self._tell = tell
        self._loaded = ""
        self._aim = ChainConfig()
        self._edited: tuple[int, bool] = (-1, False)
        self.config = PresetConfig()

    def carry_out(self, command: PresetCommand) -> None:
        """Do what a command says.

        Raises
        ------
        PresetError
            If it cannot be done; nothing has changed then.
        """
        match command:
            case LoadPreset(name=name, morph_ms=morph_ms, text=text):
                self.load(name, morph_ms, text)
            case SavePreset(name=name, description=description):
                self.save(name, description)
            case RemovePreset(name=name):
                self.remove(name)
            case ImportPreset(name=name, text=text):
                self.take_in(name, text)
            case SetPresets(config=config):
                self.config = config

    @property
    def loaded(self) -> str:
        """The preset that was loaded last, empty if none was. Any thread."""
        return self._loaded

    def load(self, name: str, morph_ms: float = 0.0, text: str = "") -> None:
        """Bring a preset into the sound, at once or on the way there for `morph_ms`.

        Parameters
        ----------
        text : str
            What it says, if it is none of the library's.

        Raises
        ------
        PresetError
            If there is none of that name, or it is damaged; the sound stays as it is.
        """
        preset, notes = (_read(name, text), ()) if text else self._library.read(name)
        aim = self._whole(preset)
        for note in (*notes, *self._notes(preset)):
            self._tell(f"preset {name}: {note}")
        if morph_ms > 0.0:
            self._controls.morph(aim, morph_ms, f"preset {name}")
        else:
            self._controls.apply(aim, f"preset {name}")
        self._loaded, self._aim, self._edited = name, aim, (-1, False)

    def chain(self, name: str) -> ChainConfig:
        """All settings as loading a preset would leave them; the sound stays as it is.

        Raises
        ------
        PresetError
            If there is none of that name, or it is damaged.
        """
        return self._whole(self._library.read(name)[0])

    def save(self, name: str, description: str = "") -> None:
        """Save the sound as it is, whatever this version does not know of a preset of that name included.

        Raises
        ------
        PresetError
            If the name will not do, or the file cannot be written.
        """
        old = self._old(name)
        now = self._controls.lasting()
        known = self._controls.known(old.chain)
        strange = {key: value for key, value in old.chain.params.items() if key not in known.params | now.params}
        strange_stages = {stage: is_out for stage, is_out in old.chain.bypass.items() if stage not in now.bypass}
        preset = msgspec.structs.replace(
            old,
            description=description or old.description,
            chain=ChainConfig(params=now.params | strange, bypass=now.bypass | strange_stages),
        )
        self._library.write(name, preset)
        self._loaded, self._aim, self._edited = name, now, (-1, False)

    def remove(self, name: str) -> None:
        """Take away one of the user's own presets.

        Raises
        ------
        PresetError
            If there is none of that name, or it comes with the program.
        """
        self._library.remove(name)

    def take_in(self, name: str, text: str) -> None:
        """Keep somebody else's preset, this program's or one of EasyEffects, under `name`; the sound stays as it is.

        Raises
        ------
        PresetError
            If the text is neither, or the name will not do or is taken.
        """
        if name in self._library.names()[0]:
            raise PresetError(f"there is a preset {name!r} already; give the new one another name")
        preset, notes = import_easyeffects(text) if text.lstrip().startswith("{") else (_read(name, text), ())
        for note in (*notes, *self._notes(preset)):
            self._tell(f"preset {name}: {note}")
        self._library.write(name, preset)

    def describe(self, name: str) -> PresetDescription:
        """A preset, and what loading it would change now.

        Raises
        ------
        PresetError
            If there is none of that name, or it is damaged.
        """
        preset, notes = self._library.read(name)
        before, after = difference(self._controls.lasting(), self._whole(preset))
        return PresetDescription(
            name=name,
            description=preset.description,
            is_own=name in self._library.names()[1],
            text=write_preset(preset),
            differences=tuple(self._controls.tell(before, after)),
            notes=(*notes, *self._notes(preset)),
        )

    def follow(self, input_id: str) -> None:
        """Load what belongs to the input device that is in use now, if it is another than before.

        A preset that is gone or damaged is told and changes nothing.
        """
        config = self.config
        if not input_id or input_id == config.last_input:
            return
        self.config = msgspec.structs.replace(config, last_input=input_id)
        name = config.by_input.get(input_id, config.fallback)
        if config.is_stuck or not name:
            return
        try:
            self.load(name)
        except PresetError as error:
            self._tell(f"the preset of this microphone is not loaded: {error}")
        else:
            self._tell(f"preset {name} came with the microphone")

    def snapshot(self) -> PresetSnapshot:
        """Which presets there are, and which one is in use."""
        names, own = self._library.names()
        return PresetSnapshot(names, own, self._loaded, self._is_edited(), self.config)

    def _is_edited(self) -> bool:
        revision = self._controls.revision
        if self._edited[0] != revision and self._loaded:
            changed = difference(self._controls.lasting(), self._aim)[1]
            # What a stage has learnt is nobody's edit.
            self._edited = revision, bool(changed.bypass or changed.params.keys() - self._controls.learnt)
        return self._edited[1]

    def _whole(self, preset: Preset) -> ChainConfig:
        """All that a preset means here: what it does not name at its default, but of stages it keeps only what it names."""
        known, defaults = self._controls.known(preset.chain), self._controls.defaults()
        params: dict[str, Value] = {
            name: self._controls.clamped(name, known.params.get(name, default))
            for name, default in defaults.params.items()
            if name.partition(".")[0] not in preset.keep or name in known.params
        }
        bypass = {
            stage: known.bypass.get(stage, default)
            for stage, default in defaults.bypass.items()
            if stage not in preset.keep or stage in known.bypass
        }
        return ChainConfig(params=params, bypass=bypass)

    def _notes(self, preset: Preset) -> list[str]:
        """What of a preset cannot be taken over as it stands there, a sentence each."""
        known = self._controls.known(preset.chain)
        told = ((name, self._controls.spec(name).clamp_note(value)) for name, value in known.params.items())
        return [*_strangers(preset, known), *(f"{name}: {clamp}" for name, clamp in told if clamp)]

    def _old(self, name: str) -> Preset:
        try:
            return self._library.read(name)[0]
        except PresetError:
            return Preset()


def _read(name: str, text: str) -> Preset:
    try:
        return read_preset(text)
    except PresetError as error:
        raise PresetError(
            f"{name} is no preset that Sidetone understands ({error}); mend it or choose another"
        ) from None


def _strangers(preset: Preset, known: ChainConfig) -> list[str]:
    strange = [
        *(name for name in preset.chain.params if name not in known.params),
        *(f"bypass.{stage}" for stage in preset.chain.bypass if stage not in known.bypass),
        *preset.unknown,
    ]
    if not strange:
        return []
    return [f"not known here and left as it is: {', '.join(strange[:10])}{' …' if len(strange) > 10 else ''}"]
