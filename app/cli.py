"""The command line: names and options are a contract (*Command line* in the README); the work is in `app.commands`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.argument_types import count, positive
from app.cli_live import add_ctl, add_midi, add_obs, add_room
from app.command_parser import CommandParser, add_action, add_changes, add_command, later, shared_json

if TYPE_CHECKING:
    from app.command_parser import Commands

_VERSION = "0.1.0"
OWN_PROCESSES = ("engine-host", "model-check", "services-host")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the arguments; the result's `run(command, paths)` does the work and returns the exit code.

    Wrong usage ends here with exit code 2 and one sentence.
    """
    # What Sidetone starts by itself is known only when it is asked for, so that no list offers it to a person.
    return make_parser(with_own_processes=bool(arguments) and arguments[0] in OWN_PROCESSES).parse_args(arguments)


def make_parser(with_own_processes: bool = False) -> CommandParser:
    """Everything that can be typed."""
    parser = CommandParser(prog="sidetone", description="A live microphone chain that measures its own latency.")
    parser.add_argument("--version", action="version", version=f"sidetone {_VERSION}")
    parser.set_defaults(run=later("window"))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_headless(commands)
    _add_process(commands)
    _add_captions(commands)
    for name, text in (
        ("devices", "what microphones and outputs there are"),
        ("params", "every parameter with its unit, range and default"),
        ("doctor", "what is wrong on this machine, and how to mend it"),
    ):
        add_command(commands, name, text).add_argument("--json", action="store_true", help="for machines to read")
    bench = add_command(commands, "bench", "what each stage costs on this machine")
    bench.add_argument("--seconds", type=positive, default=10.0, metavar="N", help="sound to work through (10)")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    _add_bench_quality(bench)
    _add_models(commands)
    add_room(commands)
    add_ctl(commands)
    add_midi(commands)
    overlay = add_command(
        commands, "overlay", "the page that shows captions in OBS: its address, and whether it is served"
    )
    overlay.add_argument("action", choices=("on", "off", "address", "renew"), help="renew makes a new address")
    remote = add_command(commands, "remote", "remote control by other programs of this machine")
    remote.add_argument("action", choices=("on", "off", "address", "renew", "schema"), help="renew makes a new address")
    add_obs(commands)
    if with_own_processes:
        _add_own_processes(commands)
    return parser


def _add_own_processes(commands: Commands) -> None:
    add_command(commands, "engine-host", "the engine of a window").add_argument("--config", default="")
    check = add_command(commands, "model-check", "try a model that may fail")
    check.add_argument("file", type=Path)
    check.add_argument("--provider", default="CPUExecutionProvider")
    add_command(commands, "services-host", "the services of an engine").add_argument("--engine", required=True)


def _add_headless(commands: Commands) -> None:
    parser = add_command(commands, "headless", "the live engine without a window; Ctrl-C ends it")
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


def _add_process(commands: Commands) -> None:
    parser = add_command(commands, "process", "the same chain over a file")
    parser.add_argument("source", type=Path, metavar="IN", help="a sound file of one or two channels; never changed")
    parser.add_argument(
        "target", type=Path, metavar="OUT", help="written whole or not at all; its ending is its format"
    )
    parser.add_argument("--compensate-latency", action="store_true", help="align OUT with IN")
    _add_settings(parser)


def _add_captions(commands: Commands) -> None:
    parser = add_command(commands, "captions", "captions of a recording; without any FILE, the text is printed")
    parser.add_argument("source", type=Path, metavar="IN", help="a sound file; never changed")
    for name, text in (("vtt", "WebVTT"), ("srt", "SubRip"), ("json", "JSON"), ("txt", "plain text")):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"write {text}")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    add_changes(parser)
    parser.add_argument("--room", default="", metavar="NAME", help="correct this room; `sidetone room list` shows them")
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="write what was done and what it cost")


def _add_bench_quality(bench: argparse.ArgumentParser) -> None:
    kinds = bench.add_subparsers(metavar="[quality|modes]")
    text = "how well the denoiser's modes and its peers clean real speech; sets up what it needs first"
    quality = add_action(kinds, "quality", text)
    quality.add_argument("--data", type=Path, metavar="DIR", help="folder with the evaluation material")
    quality.add_argument("--out", type=Path, metavar="DIR", help="folder for table and plot (docs/benchmarks)")
    quality.add_argument("--jobs", type=count, metavar="N", help="processes that score at once (2)")
    quality.add_argument("--only", nargs="+", metavar="NAME", help="measure only what has this in its name")
    # Seconds are no option of this one, and those of `bench` itself must not reach it.
    quality.set_defaults(run=later("bench_quality"), module="benchmarks.quality", seconds=None)
    text = "what a hop takes in each of the denoiser's modes, beside DeepFilterNet's own runtime"
    modes = add_action(kinds, "modes", text)
    modes.add_argument("--seconds", type=positive, metavar="N", help="sound to work through (20)")
    modes.set_defaults(run=later("bench_quality"), module="benchmarks.denoise_cost")


def _add_models(commands: Commands) -> None:
    parser = add_command(commands, "models", "the model catalogue")
    parser.add_argument("--json", action="store_true", help="for machines to read")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shared = shared_json()
    for name, text in (
        ("list", "which there are, and what of them is here"),
        ("verify", "whether their files are what the catalogue says"),
        ("measure", "what a hop takes on this machine, on every provider"),
        ("build", "build them from published weights"),
    ):
        action = add_action(actions, name, text, [] if name == "build" else [shared])
        action.add_argument("models", nargs="*", metavar="ID", help="all by default")
    for name, text in (
        ("choose", "use this one from now on, in the place where it fits"),
        ("rollback", "go back to what was before in the place of this one"),
        ("remove", "take away one that was imported"),
        ("canary", "let this one run unheard beside the one in use, and judge it"),
    ):
        add_action(actions, name, text).add_argument("model", metavar="ID", help="as `models list` names it")
    actions.choices["canary"].add_argument(
        "--seconds", type=positive, default=600.0, metavar="S", help="how much sound it is tried on (600)"
    )
    add_action(actions, "history", "every change of a model, with its sha256", [shared])
    bring = add_action(actions, "import", "keep somebody's model")
    bring.add_argument("model", metavar="SOURCE", help="a file or an https address")
    bring.add_argument("--sha256", metavar="HEX", help="what the file must be; asked for at a terminal")
    for name, text in (("id", "name"), ("label", "title"), ("version", "version"), ("licence", "licence")):
        bring.add_argument(f"--{name}", default="", metavar=name.upper(), help=f"the model's {text}")
