"""What the commands of the command line have in common: a parser that complains in one line, and work that is imported late."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from app.argument_types import assignment
from app.paths import Paths

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["CommandParser"]
    Actions = argparse._SubParsersAction[argparse.ArgumentParser]


class CommandParser(argparse.ArgumentParser):
    """Ends with exit code 2 and one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong, and end."""
        self.exit(2, f"sidetone: {' '.join(message.split())}; `{self.prog} --help` tells more\n")


def add_command(commands: Commands, name: str, text: str) -> argparse.ArgumentParser:
    """A command whose work is in the module of its name."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=later(name.replace("-", "_")))
    return parser


def add_action(
    actions: Actions, name: str, text: str, parents: Sequence[argparse.ArgumentParser] = ()
) -> argparse.ArgumentParser:
    """A part of a command, whose own help says what the list of parts says of it."""
    return actions.add_parser(name, parents=list(parents), help=text, description=text)


class later:  # noqa: N801 - reads as a word where it is used
    """Imports a command's module when it runs: parsing stays fast, and a command loads only what it needs."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __call__(self, command: argparse.Namespace, paths: Paths) -> int:
        code: int = importlib.import_module(f"app.commands.{self._module}").run(command, paths)
        return code


def shared_json() -> argparse.ArgumentParser:
    """`--json` for the actions of a command that has it too, whose value a default of theirs would overwrite."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for machines to read")
    return shared


def add_changes(parser: argparse.ArgumentParser, preset: str = "a preset's name or file") -> None:
    """What changes the chain: a preset (and what may name it), then settings, then stages in and out."""
    parser.add_argument("--preset", metavar="NAME", help=preset)
    text = "change a parameter, such as denoise.strength_db=24; again for others"
    parser.add_argument(
        "--set", action="append", default=[], metavar="ID=VALUE", dest="settings", type=assignment, help=text
    )
    text = "take a stage out, such as compressor; again for others"
    parser.add_argument("--bypass", action="append", default=[], metavar="STAGE", dest="bypassed", help=text)
    text = "put a stage in that starts bypassed, such as gate; again for others"
    parser.add_argument("--enable", action="append", default=[], metavar="STAGE", dest="enabled", help=text)
