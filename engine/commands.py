"""Commands: what goes down to the engine to change something. Plain frozen data, one tagged union.

Every change of sound, whatever its source, is one of these and passes through `Controls`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from engine.comparison import Source
from engine.config import BackupConfig, ChainConfig, EngineConfig, PresetConfig, RoomConfig
from engine.core.params import Value
from engine.midi import MidiConfig
from engine.services import ServiceConfig, ServiceStatus

MOST_MORPH_MS = 60_000.0


class SetParam(msgspec.Struct, frozen=True, tag=True):
    """Set one parameter (`stage.field`); the value is clamped to its range."""

    id: str
    value: Value


class SetBypass(msgspec.Struct, frozen=True, tag=True):
    """Take a stage out of the sound or put it back, without a click."""

    stage: str
    is_bypassed: bool


class ApplyChain(msgspec.Struct, frozen=True, tag=True):
    """Set several parameters and bypasses at one block boundary, as a preset does; the rest stays as it is."""

    chain: ChainConfig


class SetDry(msgspec.Struct, frozen=True, tag=True):
    """Take all effects out of the sound at once, without a click, or bring them back as they are set."""

    is_dry: bool


class Undo(msgspec.Struct, frozen=True, tag=True):
    """Take the last change of sound back, whoever made it."""


class Redo(msgspec.Struct, frozen=True, tag=True):
    """Make the change again that was taken back last."""


SoundCommand = SetParam | SetBypass | ApplyChain | SetDry | Undo | Redo


class LoadPreset(msgspec.Struct, frozen=True, tag=True):
    """Load a preset by its name, at once or on the way there for `morph_ms`, without a click.

    `text` is what a preset says that lies in none of the engine's folders; `name` is then what it is called.
    """

    name: str
    morph_ms: Annotated[float, msgspec.Meta(ge=0.0, le=MOST_MORPH_MS)] = 0.0
    text: str = ""


class SavePreset(msgspec.Struct, frozen=True, tag=True):
    """Save the sound as it is as one of the user's own presets; one of that name is written over."""

    name: str
    description: str = ""


class RemovePreset(msgspec.Struct, frozen=True, tag=True):
    """Take away one of the user's own presets."""

    name: str


class ImportPreset(msgspec.Struct, frozen=True, tag=True):
    """Keep the text of somebody else's preset, Sidetone's (TOML) or EasyEffects' (JSON), under `name`."""

    name: str
    text: str


class SetPresets(msgspec.Struct, frozen=True, tag=True):
    """Say which preset comes with which microphone, and whether the sound shall stay as it is whatever comes."""

    config: PresetConfig


PresetCommand = LoadPreset | SavePreset | RemovePreset | ImportPreset | SetPresets


class Start(msgspec.Struct, frozen=True, tag=True):
    """Open the devices and run; if the engine runs already, change over to this configuration."""

    config: EngineConfig


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Close the devices; settings stay."""


class SetBackups(msgspec.Struct, frozen=True, tag=True):
    """Say which devices take over when one is gone; the sound goes on as it is."""

    backups: BackupConfig


class SetRoom(msgspec.Struct, frozen=True, tag=True):
    """Correct another room, or other headphones; a profile that cannot be used is refused and changes nothing."""

    config: RoomConfig


class ResetMeters(msgspec.Struct, frozen=True, tag=True):
    """Begin the integrated loudness, the true peak and the latency figures anew."""


class HoldMeters(msgspec.Struct, frozen=True, tag=True):
    """Let all that adds up over the programme stand still, or go on: integrated loudness, range, maxima."""

    is_held: bool


class ReportLatency(msgspec.Struct, frozen=True, tag=True):
    """A device-to-device latency that the services process measured; None: it cannot be measured, `reason` says why."""

    latency_ms: float | None
    reason: str = ""


class Shutdown(msgspec.Struct, frozen=True, tag=True):
    """End the engine process."""


RunCommand = Start | Stop | SetBackups | SetRoom | ResetMeters | HoldMeters | ReportLatency | Shutdown


class SetService(msgspec.Struct, frozen=True, tag=True):
    """Give one service other settings."""

    config: ServiceConfig


class ReportService(msgspec.Struct, frozen=True, tag=True):
    """What a service says of itself; each does so at least once a second."""

    status: ServiceStatus


class ReportFault(msgspec.Struct, frozen=True, tag=True):
    """A service failed and is started again; `reason` is for the user."""

    service: str
    reason: str


class ReportEvent(msgspec.Struct, frozen=True, tag=True):
    """A service did something that the user may want to look up."""

    service: str
    text: str


ServiceCommand = SetService | ReportService | ReportFault | ReportEvent


class Compare(msgspec.Struct, frozen=True, tag=True):
    """Run the chain a second time beside itself (B), with some settings or a model changed; then `Listen`.

    Parameters
    ----------
    preset : str
        Name of a preset that B has loaded; empty for the settings as they are.
    chain : ChainConfig
        What is different in B besides.
    model : str
        Id of a model that B uses in the place where it fits; empty for the one in use.
    trials : int
        Of a blind test; 0 for none.
    label : str
        What B is called; made up from what is different if empty.
    """

    preset: str = ""
    chain: ChainConfig = ChainConfig()
    model: str = ""
    trials: int = 0
    label: str = ""


class Listen(msgspec.Struct, frozen=True, tag=True):
    """Let one side of the comparison be heard, or what the denoiser takes away, or the chain as ever."""

    to: Source


class AnswerBlind(msgspec.Struct, frozen=True, tag=True):
    """Say what X is, A or B."""

    x: Source


class EndComparison(msgspec.Struct, frozen=True, tag=True):
    """Go back to the chain as ever; its settings become those of B if B is kept."""

    is_b_kept: bool = False


ComparisonCommand = Compare | Listen | AnswerBlind | EndComparison


class UseModel(msgspec.Struct, frozen=True, tag=True):
    """Let a model take the place in which it fits, while the sound goes on."""

    model: str
    reason: str = ""


class RollBackModel(msgspec.Struct, frozen=True, tag=True):
    """Go back to the model that was before in the place of `own`, one of the program's own."""

    own: str


class ConcludeCanary(msgspec.Struct, frozen=True, tag=True):
    """A model that ran unheard beside the one in use has had its time: it takes its place, or does not."""

    model: str
    is_promoted: bool
    reason: str


ModelCommand = UseModel | RollBackModel | ConcludeCanary


class SetMidi(msgspec.Struct, frozen=True, tag=True):
    """Give MIDI other settings."""

    config: MidiConfig


class LearnMidi(msgspec.Struct, frozen=True, tag=True):
    """Let the next MIDI control that is touched move `target` (in a map's words: `stage.parameter`, `bypass:STAGE` …).

    With `is_added` it goes on doing what it does already.
    """

    target: str
    is_added: bool = False


class CancelMidiLearn(msgspec.Struct, frozen=True, tag=True):
    """End learning; nothing is changed."""


class ForgetMidi(msgspec.Struct, frozen=True, tag=True):
    """Let no MIDI control move `target` any more."""

    target: str


class PanicMidi(msgspec.Struct, frozen=True, tag=True):
    """Let go of whatever is held on MIDI devices, and tell their lights anew."""


MidiCommand = SetMidi | LearnMidi | CancelMidiLearn | ForgetMidi | PanicMidi


Command = SoundCommand | PresetCommand | RunCommand | ServiceCommand | ComparisonCommand | ModelCommand | MidiCommand
