"""The command line's part that is about the running engine and what is around it: rooms, `ctl`, MIDI, OBS."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from app.argument_types import count, milliseconds, port
from app.command_parser import add_changes, add_command, shared_json

if TYPE_CHECKING:
    from app.command_parser import Actions, Commands

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
    measure = actions.add_parser("measure", parents=[shared, devices], help="with sweeps from a loudspeaker")
    measure.add_argument("name", metavar="NAME")
    learn = actions.add_parser("learn", parents=[shared, devices], help="by talking for half a minute, or by a clap")
    learn.add_argument("name", metavar="NAME")
    learn.add_argument("--way", choices=("talk", "clap"), default="talk")
    learn.add_argument(
        "--speaker", choices=("male", "female", "any"), default="", help="kind of voice; heard by itself"
    )
    learn.add_argument("--close", action="store_true", help="talk close first, then say the same from your seat")
    load = actions.add_parser(
        "import", parents=[shared], help="an impulse response, or a curve of REW, AutoEq, Equalizer APO"
    )
    load.add_argument("file", type=Path, metavar="FILE")
    load.add_argument("name", metavar="NAME")
    actions.add_parser("list", parents=[shared], help="all that was learnt")
    show = actions.add_parser("show", parents=[shared], help="what was learnt; several beside each other")
    show.add_argument("names", nargs="+", metavar="NAME")
    save = actions.add_parser("export", help="as REW's text, or as Equalizer APO's if FILE has `eq` in its name")
    save.add_argument("name", metavar="NAME")
    save.add_argument("file", type=Path, metavar="FILE")
    actions.add_parser("remove", help="forget a room").add_argument("name", metavar="NAME")
    use = actions.add_parser("use", help="let the running engine correct this one, or none: `off`")
    use.add_argument("name", metavar="NAME")
    use.add_argument("--monitor", action="store_true", help="on the monitor bus: the headphones")


def add_ctl(commands: Commands) -> None:
    """Talking to the running engine."""
    parser = add_command(commands, "ctl", "talk to the running engine")
    parser.add_argument("--json", action="store_true", help="for machines to read")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shared = shared_json()
    actions.add_parser("snapshot", parents=[shared], help="everything there is to show, now")
    actions.add_parser("watch", parents=[shared], help="a line whenever something happens")
    actions.add_parser("stop", parents=[shared], help="end the engine")
    get = actions.add_parser("get", parents=[shared], help="one parameter")
    get.add_argument("id", metavar="ID")
    change = actions.add_parser("set", parents=[shared], help="change one parameter")
    change.add_argument("id", metavar="ID")
    change.add_argument("value", metavar="VALUE")
    bypass = actions.add_parser("bypass", parents=[shared], help="take a stage out or put it back")
    bypass.add_argument("stage", metavar="STAGE")
    bypass.add_argument("position", choices=("on", "off", "toggle"))
    _add_preset_actions(actions, shared)
    compare = actions.add_parser("compare", parents=[shared], help="A/B, blind A/B/X, and what the denoiser takes away")
    compare.add_argument("what", choices=COMPARE_ACTIONS)
    compare.add_argument(
        "--model", default="", metavar="ID", help="start: B uses this model in the place where it fits"
    )
    compare.add_argument("--trials", type=count, default=0, metavar="N", help="start: a blind test of so many trials")
    add_changes(compare)


def _add_preset_actions(actions: Actions, shared: argparse.ArgumentParser) -> None:
    preset = actions.add_parser("preset", parents=[shared], help="load a preset")
    preset.add_argument("name", metavar="NAME")
    preset.add_argument("--morph", type=milliseconds, default=0.0, metavar="MS", help="go there for MS milliseconds")
    actions.add_parser("presets", parents=[shared], help="which presets there are")
    for name, text in (
        ("save", "save the sound as it is as a preset"),
        ("diff", "what loading a preset would change"),
        ("remove", "take away one of your own presets"),
        ("export", "write a preset to a file, to hand it on"),
    ):
        actions.add_parser(name, parents=[shared], help=text).add_argument("name", metavar="NAME")
    actions.choices["save"].add_argument("--description", default="", metavar="TEXT", help="what it is for")
    actions.choices["export"].add_argument("file", type=Path, metavar="FILE")
    bring = actions.add_parser("import", parents=[shared], help="keep somebody's preset, Sidetone's or EasyEffects'")
    bring.add_argument("file", type=Path, metavar="FILE")
    bring.add_argument("--name", default="", metavar="NAME", help="what it is called here; the file's name by default")
    actions.add_parser("undo", parents=[shared], help="take the last change back, whoever made it")
    actions.add_parser("redo", parents=[shared], help="make it again")
    dry = actions.add_parser("dry", parents=[shared], help="all effects out at once, or back")
    dry.add_argument("position", choices=("on", "off"))


def add_midi(commands: Commands) -> None:
    """MIDI devices."""
    parser = add_command(commands, "midi", "MIDI devices: ports, maps, learning")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (("ports", "which devices there are, and their maps"), ("maps", "which maps there are")):
        actions.add_parser(name, help=text).add_argument("--json", action="store_true", help="for machines to read")
    learn = actions.add_parser("learn", help="let the next control that is touched move TARGET")
    learn.add_argument("target", metavar="TARGET", help="stage.parameter, bypass:STAGE, preset:NAME, action:dry …")
    learn.add_argument("--add", action="store_true", help="it goes on doing what it does already")
    actions.add_parser("forget", help="let no control move TARGET").add_argument("target", metavar="TARGET")
    use = actions.add_parser("use", help="choose a port's map")
    use.add_argument("port", metavar="PORT", help="its name or a part of it")
    use.add_argument("map", metavar="MAP", help="a map's id, `auto`, or `off` to leave the port alone")
    actions.add_parser("check", help="what of a map is not understood").add_argument("file", type=Path, metavar="FILE")
    actions.add_parser("monitor", help="a line for every message that arrives")
    actions.add_parser("panic", help="let go of whatever is held")


def add_obs(commands: Commands) -> None:
    """The link to OBS."""
    parser = add_command(commands, "obs", "the link to OBS that keeps sound and picture in step")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (("status", "how the link is"), ("connect", "switch it on"), ("disconnect", "switch it off")):
        action = actions.add_parser(name, help=text)
        action.add_argument("--json", action="store_true", help="for machines to read")
        if name == "connect":
            action.add_argument("--port", type=port, metavar="N", help="where obs-websocket listens (4455)")
    password = actions.add_parser("password", help="keep the password of obs-websocket in the system's keyring")
    password.add_argument("change", choices=("set", "forget"))
