"""`sidetone overlay`: the page that shows captions in OBS."""

from __future__ import annotations

import argparse

from app.commands.loopback import show_address, switch
from app.composition import rendezvous
from app.loopback_address import overlay_address
from app.paths import Paths
from engine import OverlayConfig
from engine.remote import connect


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Carry out one action."""
    match command.action:
        case "renew":
            overlay_address(paths).renew()
        case "address":
            show_address(connect(rendezvous(paths)), OverlayConfig, overlay_address(paths))
        case action:
            switch(connect(rendezvous(paths)), OverlayConfig, is_on=action == "on")
    return 0
