"""The command line's part that is about the running engine and what is around it: rooms, `ctl`, MIDI, OBS."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from app.argument_types import count, milliseconds, port
from app.command_parser import add_action, add_changes, add_command, shared_json

if TYPE_CHECKING:
    from app.command_parser import Actions, Commands

_PARAMETER = "such as compressor.ratio; `sidetone params` lists them"
_TARGET = "stage.parameter, bypass:STAGE, preset:NAME, action:dry …"
COMPARE_ACTIONS = ("start", "a", "b", "x", "other", "removed", "now", "answer-a", "answer-b", "keep-b", "end")


def add_room(commands: Commands) -> None:
    """Learning rooms."""
    parser = add_command(commands, "room", "learn the sound of a room, and take it out of the voice")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="for machines to read")
    devices = argparse.ArgumentParser(add_help=False)
    devices.add_argument("--input", metavar="DEV", help="microphone; the system's by default")
    devices.add_argument("--output", metavar="DEV", help="loudspeaker; the system's by default")
    measure = add_action(actions, "measure", "with sweeps from a loudspeaker", [shared, devices])
    measure.add_argument("name", metavar="NAME", help="what the room is called")
    learn = add_action(actions, "learn", "by talking for half a minute, or by a clap", [shared, devices])
    learn.add_argument("name", metavar="NAME", help="what the room is called")
    learn.add_argument("--way", choices=("talk", "clap"), default="talk", help="talk by default")
    learn.add_argument(
        "--speaker", choices=("male", "female", "any"), default="", help="kind of voice; heard by itself"
    )
    learn.add_argument("--close", action="store_true", help="talk close first, then say the same from your seat")
    learn.add_argument(
        "--pattern", choices=("cardioid", "omni"), default="", help="with --close: the microphone's, as its box says"
    )
    load = add_action(actions, "import", "an impulse response, or a curve of REW, AutoEq, Equalizer APO", [shared])
    load.add_argument("file", type=Path, metavar="FILE", help="what another program has written")
    load.add_argument("name", metavar="NAME", help="what the room is called")
    add_action(actions, "list", "all that was learnt", [shared])
    show = add_action(actions, "show", "what was learnt; several beside each other", [shared])
    show.add_argument("names", nargs="+", metavar="NAME", help="a room that was learnt")
    save = add_action(actions, "export", "as REW's text, or as Equalizer APO's if FILE has `eq` in its name")
    save.add_argument("name", metavar="NAME", help="a room that was learnt")
    save.add_argument("file", type=Path, metavar="FILE", help="what to write")
    remove = add_action(actions, "remove", "forget a room")
    remove.add_argument("name", metavar="NAME", help="a room that was learnt")
    use = add_action(actions, "use", "let the running engine correct this one, or none: `off`")
    use.add_argument("name", metavar="NAME", help="a room that was learnt, or off")
    use.add_argument("--monitor", action="store_true", help="on the monitor bus: the headphones")


def add_ctl(commands: Commands) -> None:
    """Talking to the running engine."""
    parser = add_command(commands, "ctl", "talk to the running engine")
    parser.add_argument("--json", action="store_true", help="for machines to read")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shared = shared_json()
    add_action(actions, "snapshot", "everything there is to show, now", [shared])
    add_action(actions, "watch", "a line whenever something happens", [shared])
    add_action(actions, "stop", "end the engine", [shared])
    get = add_action(actions, "get", "one parameter", [shared])
    get.add_argument("id", metavar="ID", help=_PARAMETER)
    change = add_action(actions, "set", "change one parameter", [shared])
    change.add_argument("id", metavar="ID", help=_PARAMETER)
    change.add_argument("value", metavar="VALUE", help="a number, on or off, or one of the options")
    bypass = add_action(actions, "bypass", "take a stage out or put it back", [shared])
    bypass.add_argument("stage", metavar="STAGE", help="such as compressor")
    bypass.add_argument("position", choices=("on", "off", "toggle"), help="on takes it out of the sound")
    _add_preset_actions(actions, shared)
    compare = add_action(actions, "compare", "A/B, blind A/B/X, and what the denoiser takes away", [shared])
    text = (
        "start it, what to hear (other is B after A, removed what the denoiser takes away, now the chain), or an answer"
    )
    compare.add_argument("what", choices=COMPARE_ACTIONS, help=text)
    compare.add_argument(
        "--model", default="", metavar="ID", help="start: B uses this model in the place where it fits"
    )
    compare.add_argument("--trials", type=count, default=0, metavar="N", help="start: a blind test of so many trials")
    add_changes(compare, preset="start: a preset's name")


def _add_preset_actions(actions: Actions, shared: argparse.ArgumentParser) -> None:
    preset = add_action(actions, "preset", "load a preset", [shared])
    preset.add_argument("name", metavar="NAME", help="a preset's name or file")
    preset.add_argument("--morph", type=milliseconds, default=0.0, metavar="MS", help="go there for MS milliseconds")
    add_action(actions, "presets", "which presets there are", [shared])
    for name, text in (
        ("save", "save the sound as it is as a preset"),
        ("diff", "what loading a preset would change"),
        ("remove", "take away one of your own presets"),
        ("export", "write a preset to a file, to hand it on"),
    ):
        action = add_action(actions, name, text, [shared])
        action.add_argument("name", metavar="NAME", help="the preset's name")
    actions.choices["save"].add_argument("--description", default="", metavar="TEXT", help="what it is for")
    actions.choices["export"].add_argument("file", type=Path, metavar="FILE", help="what to write")
    bring = add_action(actions, "import", "keep somebody's preset, Sidetone's or EasyEffects'", [shared])
    bring.add_argument("file", type=Path, metavar="FILE", help="what somebody has handed on")
    bring.add_argument("--name", default="", metavar="NAME", help="what it is called here; the file's name by default")
    add_action(actions, "undo", "take the last change back, whoever made it", [shared])
    add_action(actions, "redo", "make it again", [shared])
    dry = add_action(actions, "dry", "all effects out at once, or back", [shared])
    dry.add_argument("position", choices=("on", "off"), help="on takes all effects out")


def add_midi(commands: Commands) -> None:
    """MIDI devices."""
    parser = add_command(commands, "midi", "MIDI devices: ports, maps, learning")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (("ports", "which devices there are, and their maps"), ("maps", "which maps there are")):
        add_action(actions, name, text).add_argument("--json", action="store_true", help="for machines to read")
    learn = add_action(actions, "learn", "let the next control that is touched move TARGET")
    learn.add_argument("target", metavar="TARGET", help=_TARGET)
    learn.add_argument("--add", action="store_true", help="it goes on doing what it does already")
    forget = add_action(actions, "forget", "let no control move TARGET")
    forget.add_argument("target", metavar="TARGET", help=_TARGET)
    use = add_action(actions, "use", "choose a port's map")
    use.add_argument("port", metavar="PORT", help="its name or a part of it")
    use.add_argument("map", metavar="MAP", help="a map's id, `auto`, or `off` to leave the port alone")
    check = add_action(actions, "check", "what of a map is not understood")
    check.add_argument("file", type=Path, metavar="FILE", help="a map of your own")
    add_action(actions, "monitor", "a line for every message that arrives")
    add_action(actions, "panic", "let go of whatever is held")


def add_obs(commands: Commands) -> None:
    """The link to OBS."""
    parser = add_command(commands, "obs", "the link to OBS that keeps sound and picture in step")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (("status", "how the link is"), ("connect", "switch it on"), ("disconnect", "switch it off")):
        action = add_action(actions, name, text)
        action.add_argument("--json", action="store_true", help="for machines to read")
        if name == "connect":
            action.add_argument("--port", type=port, metavar="N", help="where obs-websocket listens (4455)")
    password = add_action(actions, "password", "keep the password of obs-websocket in the system's keyring")
    password.add_argument("change", choices=("set", "forget"), help="set asks for it, or reads it from a pipe")
