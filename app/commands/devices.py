"""`sidetone devices`: what microphones and outputs there are."""

from __future__ import annotations

import argparse

import msgspec
from rich.table import Column, Table

from app.paths import Paths
from app.terminal import console


def run(command: argparse.Namespace, paths: Paths) -> int:
    """List the devices; a machine without sound has none, which is no failure."""
    from engine.io.system import SystemBackend

    devices = SystemBackend().devices()
    if command.json:
        print(msgspec.json.format(msgspec.json.encode(devices), indent=2).decode())
        return 0
    if not devices:
        print("This machine has no sound device; --input simulated:FILE.wav plays a file as the microphone.")
        return 0
    table = Table(Column("device", overflow="fold"), Column("name", overflow="fold"), "through", "in", "out", "rate")
    for device in devices:
        mark = " (default)" if device.is_default_input or device.is_default_output else ""
        channels = (str(device.max_input_channels or ""), str(device.max_output_channels or ""))
        table.add_row(device.id, device.name + mark, device.host_api, *channels, f"{device.default_sample_rate} Hz")
    console().print(table)
    return 0
