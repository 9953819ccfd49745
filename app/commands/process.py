"""`sidetone process IN OUT`: the same chain over a file."""

from __future__ import annotations

import argparse

from app.chain_settings import apply_settings
from app.composition import make_chain
from app.files import write_whole
from app.paths import Paths


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Render one file and, if asked to, write the report."""
    from engine.render import render
    from engine.report import offline_report

    chain = make_chain(paths)
    apply_settings(chain, command, paths)
    processor = render(chain, command.source, command.target, command.compensate_latency)
    if command.report:
        write_whole(command.report, offline_report(processor).to_json())
    return 0
