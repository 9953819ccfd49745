"""`sidetone model-check FILE`: tries a model from elsewhere, in a process that `models import` can afford to lose."""

from __future__ import annotations

import argparse
import sys

import msgspec

from app.paths import Paths


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Print what the file is good for, as one line of JSON."""
    from engine.inference.probe import Finding, limit_this_process, probe

    limit_this_process()
    try:
        finding = probe(command.file, command.provider)
    except MemoryError:
        finding = Finding("it needs more memory than a model may have")
    except Exception as error:  # noqa: BLE001 - whatever a stranger's model does, the answer is a reason
        finding = Finding(f"it fails when it is run ({type(error).__name__}: {error})".partition("\n")[0])
    sys.stdout.write(msgspec.json.encode(finding).decode())
    return 0
