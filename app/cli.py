"""The command line: names and options are a contract (*Command line* in the README); the work is in `app.commands`."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from app.argument_types import assignment, count, milliseconds, port, positive
from app.paths import Paths

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction["_Parser"]
    _Actions = argparse._SubParsersAction[argparse.ArgumentParser]

_VERSION = "0.1.0"
COMPARE_ACTIONS = ("start", "a", "b", "x", "other", "removed", "now", "answer-a", "answer-b", "keep-b", "end")
OWN_PROCESSES = ("engine-host", "model-check", "services-host")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the arguments; the result's `run(command, paths)` does the work and returns the exit code.

    Wrong usage ends here with exit code 2 and one sentence.
    """
    parser = _Parser(prog="sidetone", description="A live microphone chain that measures its own latency.")
    parser.add_argument("--version", action="version", version=f"sidetone {_VERSION}")
    parser.set_defaults(run=_later("window"))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_headless(commands)
    _add_process(commands)
    _add_captions(commands)
    for name, text in (
        ("devices", "what microphones and outputs there are"),
        ("params", "every parameter with its unit, range and default"),
        ("doctor", "what is wrong on this machine, and how to mend it"),
    ):
        _add(commands, name, text).add_argument("--json", action="store_true", help="for machines to read")
    bench = _add(commands, "bench", "what each stage costs on this machine")
    bench.add_argument("--seconds", type=positive, default=10.0, metavar="N", help="sound to work through (10)")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    _add_bench_quality(bench)
    _add_models(commands)
    _add_room(commands)
    _add_ctl(commands)
    _add_midi(commands)
    overlay = _add(commands, "overlay", "the page that shows captions in OBS: its address, and whether it is served")
    overlay.add_argument("action", choices=("on", "off", "address", "renew"), help="renew makes a new address")
    remote = _add(commands, "remote", "remote control by other programs of this machine")
    remote.add_argument("action", choices=("on", "off", "address", "renew", "schema"), help="renew makes a new address")
    _add_obs(commands)
    if arguments and arguments[0] in OWN_PROCESSES:
        _add_own_processes(commands)
    return parser.parse_args(arguments)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong, and end."""
        self.exit(2, f"sidetone: {' '.join(message.split())}; `{self.prog} --help` tells more\n")


def _add(commands: _Commands, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=_later(name.replace("-", "_")))
    return parser


def _add_own_processes(commands: _Commands) -> None:
    """What Sidetone starts by itself; known only when it is asked for, so that no list offers it to a person."""
    _add(commands, "engine-host", "the engine of a window").add_argument("--config", default="")
    check = _add(commands, "model-check", "try a model that may fail")
    check.add_argument("file", type=Path)
    check.add_argument("--provider", default="CPUExecutionProvider")
    _add(commands, "services-host", "the services of an engine").add_argument("--engine", required=True)


class _later:  # noqa: N801 - reads as a word where it is used
    """Imports a command's module when it runs: parsing stays fast, and a command loads only what it needs."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __call__(self, command: argparse.Namespace, paths: Paths) -> int:
        code: int = importlib.import_module(f"app.commands.{self._module}").run(command, paths)
        return code


def _add_headless(commands: _Commands) -> None:
    parser = _add(commands, "headless", "the live engine without a window; Ctrl-C ends it")
    parser.add_argument("--input", metavar="DEV", help="microphone: name, id, or simulated:FILE.wav")
    parser.add_argument("--output", metavar="DEV", help="where the air bus plays; the virtual microphone by default")
    parser.add_argument("--monitor", metavar="DEV", help="headphones for the monitor bus; off by default")
    parser.add_argument("--music", metavar="DEV", help="second input, lowered under speech; off by default")
    hops = (64, 96, 120, 128, 160, 192, 240, 256, 320, 384, 480)
    text = f"frames worked on at once: {', '.join(map(str, hops[:-1]))} or {hops[-1]} (10 ms), the default"
    parser.add_argument("--hop", type=int, choices=hops, metavar="FRAMES", help=text)
    parser.add_argument(
        "--exclusive",
        action="store_true",
        help="set the devices up for this program, for a shorter way (Windows, macOS; no effect elsewhere)",
    )
    parser.add_argument("--duration", type=positive, metavar="S", help="end after so many seconds")
    _add_settings(parser)


def _add_process(commands: _Commands) -> None:
    parser = _add(commands, "process", "the same chain over a file")
    parser.add_argument("source", type=Path, metavar="IN", help="a sound file of one or two channels; never changed")
    parser.add_argument(
        "target", type=Path, metavar="OUT", help="written whole or not at all; its ending is its format"
    )
    parser.add_argument("--compensate-latency", action="store_true", help="align OUT with IN")
    _add_settings(parser)


def _add_captions(commands: _Commands) -> None:
    parser = _add(commands, "captions", "captions of a recording; without any FILE, the text is printed")
    parser.add_argument("source", type=Path, metavar="IN", help="a sound file; never changed")
    for name, text in (("vtt", "WebVTT"), ("srt", "SubRip"), ("json", "JSON"), ("txt", "plain text")):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"write {text}")


def _add_changes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", metavar="NAME", help="a preset's name or file")
    text = "change a parameter, such as denoise.strength_db=24; again for others"
    parser.add_argument(
        "--set", action="append", default=[], metavar="ID=VALUE", dest="settings", type=assignment, help=text
    )
    text = "take a stage out, such as compressor; again for others"
    parser.add_argument("--bypass", action="append", default=[], metavar="STAGE", dest="bypassed", help=text)
    text = "put a stage in that starts bypassed, such as gate; again for others"
    parser.add_argument("--enable", action="append", default=[], metavar="STAGE", dest="enabled", help=text)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    _add_changes(parser)
    parser.add_argument("--room", default="", metavar="NAME", help="correct this room; `sidetone room list` shows them")
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="write what was done and what it cost")


def _add_bench_quality(bench: argparse.ArgumentParser) -> None:
    kinds = bench.add_subparsers(metavar="[quality|modes]")
    text = "how well the denoiser's modes and its peers clean real speech; sets up what it needs first"
    quality = kinds.add_parser("quality", help=text, description=text)
    quality.add_argument("--data", type=Path, metavar="DIR", help="folder with the evaluation material")
    quality.add_argument("--out", type=Path, metavar="DIR", help="folder for table and plot (docs/benchmarks)")
    quality.add_argument("--jobs", type=count, metavar="N", help="processes that score at once (2)")
    quality.add_argument("--only", nargs="+", metavar="NAME", help="measure only what has this in its name")
    # Seconds are no option of this one, and those of `bench` itself must not reach it.
    quality.set_defaults(run=_later("bench_quality"), module="benchmarks.quality", seconds=None)
    text = "what a hop takes in each of the denoiser's modes, beside DeepFilterNet's own runtime"
    modes = kinds.add_parser("modes", help=text, description=text)
    modes.add_argument("--seconds", type=positive, metavar="N", help="sound to work through (20)")
    modes.set_defaults(run=_later("bench_quality"), module="benchmarks.denoise_cost")


def _add_models(commands: _Commands) -> None:
    parser = _add(commands, "models", "the model catalogue")
    parser.add_argument("--json", action="store_true", help="for machines to read")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    # A subparser's own default would overwrite a --json given before it.
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for machines to read")
    for name, text in (
        ("list", "which there are, and what of them is here"),
        ("verify", "whether their files are what the catalogue says"),
        ("measure", "what a hop takes on this machine, on every provider"),
        ("build", "build them from published weights"),
    ):
        action = actions.add_parser(name, parents=[] if name == "build" else [shared], help=text)
        action.add_argument("models", nargs="*", metavar="ID", help="all by default")
    for name, text in (
        ("choose", "use this one from now on, in the place where it fits"),
        ("rollback", "go back to what was before in the place of this one"),
        ("remove", "take away one that was imported"),
        ("canary", "let this one run unheard beside the one in use, and judge it"),
    ):
        actions.add_parser(name, help=text).add_argument("model", metavar="ID")
    actions.choices["canary"].add_argument(
        "--seconds", type=positive, default=600.0, metavar="S", help="how much sound it is tried on (600)"
    )
    actions.add_parser("history", parents=[shared], help="every change of a model, with its sha256")
    bring = actions.add_parser("import", help="keep somebody's model")
    bring.add_argument("model", metavar="SOURCE", help="a file or an https address")
    bring.add_argument("--sha256", metavar="HEX", help="what the file must be; asked for at a terminal")
    for name, text in (("id", "name"), ("label", "title"), ("version", "version"), ("licence", "licence")):
        bring.add_argument(f"--{name}", default="", metavar=name.upper(), help=f"the model's {text}")


def _add_room(commands: _Commands) -> None:
    parser = _add(commands, "room", "learn the sound of a room, and take it out of the voice")
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


def _add_ctl(commands: _Commands) -> None:
    parser = _add(commands, "ctl", "talk to the running engine")
    parser.add_argument("--json", action="store_true", help="for machines to read")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    # A subparser's own default would overwrite a --json given before it.
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for machines to read")
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
    _add_changes(compare)


def _add_preset_actions(actions: _Actions, shared: argparse.ArgumentParser) -> None:
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


def _add_midi(commands: _Commands) -> None:
    parser = _add(commands, "midi", "MIDI devices: ports, maps, learning")
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


def _add_obs(commands: _Commands) -> None:
    parser = _add(commands, "obs", "the link to OBS that keeps sound and picture in step")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (("status", "how the link is"), ("connect", "switch it on"), ("disconnect", "switch it off")):
        action = actions.add_parser(name, help=text)
        action.add_argument("--json", action="store_true", help="for machines to read")
        if name == "connect":
            action.add_argument("--port", type=port, metavar="N", help="where obs-websocket listens (4455)")
    password = actions.add_parser("password", help="keep the password of obs-websocket in the system's keyring")
    password.add_argument("change", choices=("set", "forget"))
