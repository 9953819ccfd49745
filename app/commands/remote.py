"""`sidetone remote`: remote control by other programs of this machine."""

from __future__ import annotations

import argparse

import msgspec

from app.commands.loopback import show_address, switch
from app.composition import rendezvous
from app.loopback_address import remote_address
from app.paths import Paths
from engine import RemoteConfig
from engine.remote import connect


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Carry out one action."""
    match command.action:
        case "schema":
            _show_schema()
        case "renew":
            remote_address(paths).renew()
        case "address":
            show_address(connect(rendezvous(paths)), RemoteConfig, remote_address(paths))
        case action:
            switch(connect(rendezvous(paths)), RemoteConfig, is_on=action == "on")
    return 0


def _show_schema() -> None:
    from engine.integrations.remote_api import remote_schema

    print(msgspec.json.format(msgspec.json.encode(remote_schema()), indent=2).decode())
