"""The command line's names are a contract; wrong usage is exit code 2 and one line."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from rich.console import Console
from rich.table import Column, Table

from app.cli import OWN_PROCESSES, make_parser, parse
from app.paths import find_paths
from app.terminal import console, meter_table
from engine.stages import STAGES
from tests.helpers.fake_engine import FakeEngine

WRONG = [
    ["nonsense"],
    ["process"],
    ["process", "in.wav"],
    ["process", "in.wav", "out.wav", "--set", "gain"],
    ["process", "in.wav", "out.wav", "--set", "=3"],
    ["process", "in.wav", "out.wav", "--nonsense"],
    ["headless", "--duration", "0"],
    ["headless", "--duration", "-1"],
    ["headless", "--duration", "nan"],
    ["headless", "--duration", "inf"],
    ["headless", "--duration", "soon"],
    ["headless", "--hop", "100"],
    ["headless", "--hop", "x"],
    ["bench", "--seconds", "x"],
    ["models"],
    ["models", "eat"],
    ["models", "remove"],
    ["models", "choose", "one", "two"],
    ["models", "list", "--seconds", "3"],
    ["models", "canary", "light", "--seconds", "0"],
    ["bench", "quality", "--jobs", "-3"],
    ["ctl", "compare", "start", "--trials", "-1"],
    ["ctl"],
    ["ctl", "get"],
    ["ctl", "set", "denoise.strength_db"],
    ["ctl", "bypass", "denoise", "perhaps"],
    ["--nonsense"],
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_is_code_2_and_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("sidetone: ")
    assert "--help" in line
    assert "_positive" not in line


@pytest.mark.parametrize("arguments", [["--help"], ["process", "--help"], ["ctl", "set", "--help"], ["--version"]])
def test_help_is_code_0(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.startswith(("usage: sidetone", "sidetone "))


def unexplained(parser: argparse.ArgumentParser) -> Iterator[str]:
    """What the help of a command, and of the commands below it, says nothing of: itself, or an argument."""
    if not parser.description:
        yield parser.prog
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from unexplained(below)
        elif not action.help:
            yield f"{parser.prog} {action.metavar or action.dest}"


def test_every_command_and_every_argument_is_explained() -> None:
    assert not list(unexplained(make_parser()))


def test_process_takes_all_of_its_options() -> None:
    command = parse(
        ["process", "a.wav", "b.wav", "--set", "denoise.strength_db=20", "--set", "x.y=a=b", "--bypass", "limiter",
         "--preset", "calm", "--compensate-latency", "--report", "r.json"]
    )  # fmt: skip
    assert (command.source, command.target, command.report) == (Path("a.wav"), Path("b.wav"), Path("r.json"))
    assert command.settings == [("denoise.strength_db", "20"), ("x.y", "a=b")]
    assert command.bypassed == ["limiter"]
    assert (command.preset, command.compensate_latency) == ("calm", True)


def test_headless_takes_all_of_its_options() -> None:
    command = parse(
        [
            "headless",
            "--input",
            "simulated:a.wav",
            "--output",
            "o",
            "--monitor",
            "m",
            "--hop",
            "128",
            "--exclusive",
            "--duration",
            "2.5",
        ]
    )
    assert (command.input, command.output, command.monitor) == ("simulated:a.wav", "o", "m")
    assert (command.hop, command.duration, command.exclusive) == (128, 2.5, True)


@pytest.mark.parametrize(
    "arguments",
    [["ctl", "snapshot", "--json"], ["ctl", "--json", "snapshot"], ["devices", "--json"], ["params", "--json"],
     ["doctor", "--json"], ["models", "list", "--json"],
     ["models", "--json", "list"], ["models", "history", "--json"]],
    ids=" ".join,
)  # fmt: skip
def test_json_is_offered_where_machines_read(arguments: list[str]) -> None:
    assert parse(arguments).json is True


def test_a_negative_value_is_a_value() -> None:
    command = parse(["ctl", "set", "output_gain.gain_db", "-3.5"])
    assert (command.id, command.value) == ("output_gain.gain_db", "-3.5")


def test_without_a_command_it_is_the_window() -> None:
    assert callable(parse([]).run)


def test_bench_measures_cost_or_quality() -> None:
    assert parse(["bench", "--seconds", "2"]).seconds == 2.0
    command = parse(["bench", "quality", "--data", "sounds", "--only", "light", "RNNoise"])
    assert (str(command.data), command.only) == ("sounds", ["light", "RNNoise"])
    assert command.run is not parse(["bench"]).run


@pytest.mark.parametrize(
    ("arguments", "handed_over"),
    [
        (
            ["bench", "quality", "--jobs", "3", "--only", "light"],
            ["benchmarks.quality", "--jobs", "3", "--only", "light"],
        ),
        (["bench", "--seconds", "5", "quality"], ["benchmarks.quality"]),
        (["bench", "modes", "--seconds", "5"], ["benchmarks.denoise_cost", "--seconds", "5"]),
        (["bench", "modes"], ["benchmarks.denoise_cost"]),
    ],
    ids=" ".join,
)
def test_a_benchmark_is_given_only_what_it_knows(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], handed_over: list[str]
) -> None:
    calls: list[list[str]] = []

    def run(call: list[str], **_: object) -> SimpleNamespace:
        calls.append(call)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    command = parse(arguments)
    assert command.run(command, find_paths()) == 0
    assert calls[0][calls[0].index("-m") + 1 :] == handed_over


def test_what_sidetone_starts_by_itself_is_offered_to_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    assert all(callable(parse([name, *rest]).run) for name, rest in
               (("engine-host", []), ("model-check", ["x.onnx"]), ("services-host", ["--engine", "x"])))  # fmt: skip
    for arguments in (["--help"], ["prams"]):
        with pytest.raises(SystemExit):
            parse(arguments)
    captured = capsys.readouterr()
    assert not [name for name in OWN_PROCESSES if name in captured.out + captured.err]


@pytest.mark.parametrize(
    "arguments",
    [[name] for name in ("headless", "process", "captions", "bench", "models")]
    + [["bench", "quality"], ["ctl", "compare"]],
    ids=" ".join,
)
def test_every_option_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse([*arguments, "--help"])
    lines = capsys.readouterr().out.splitlines()
    # Words stand behind an option, or below it where it is long.
    unexplained = [
        line
        for line, below in pairwise([*lines, ""])
        if line.startswith("  --") and "  " not in line.strip() and not below.startswith(" " * 20)
    ]
    assert not unexplained


def test_names_in_brackets_are_names_and_ids_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(Column("id", no_wrap=True), "name")
    table.add_row("room_correction.strength_percent", "Line [usb] [/dev] :smile:")
    console().print(table)
    out = capsys.readouterr().out
    assert "room_correction.strength_percent" in out
    assert "Line [usb] [/dev] :smile:" in out


def test_the_table_that_is_redrawn_fits_a_terminal_of_24_lines(capsys: pytest.CaptureFixture[str]) -> None:
    meters = {"gain_reduction_db": -3.0, "room_lufs": -60.0, "input_dbfs": -20.0, "ratio": 2.5}
    fake = FakeEngine().snapshot()
    stages = tuple(msgspec.structs.replace(fake.stages[0], id=stage.id, meters=meters) for stage in STAGES)
    Console(width=80).print(meter_table(msgspec.structs.replace(fake, stages=stages), most_meters=1))
    assert len(capsys.readouterr().out.splitlines()) <= 24


def test_a_meter_is_told_in_its_own_unit(capsys: pytest.CaptureFixture[str]) -> None:
    meters = {"gain_reduction_db": -3.0, "room_lufs": -60.0, "input_dbfs": -20.0, "ratio": 2.5}
    fake = FakeEngine().snapshot()
    stage = msgspec.structs.replace(fake.stages[0], is_bypassed=False, is_degraded=False, meters=meters)
    console().print(meter_table(msgspec.structs.replace(fake, stages=(stage,))))
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for words in ("gain_reduction -3.0 dB", "room -60.0 LUFS", "input -20.0 dBFS"):
        assert words in out
    assert "ratio 2.5 dB" not in out
