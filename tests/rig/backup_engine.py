"""An engine of small stages with a backup microphone, for a studio in which microphones are unplugged.

    python -m tests.rig.backup_engine pulse:fake_mic pulse:second_mic pulse:app_out

Prints ``ready`` once sound runs, then every event as it happens; ends with its standard input, and tells its hops and xruns.
"""

from __future__ import annotations

import sys
import threading
import time

from engine import ChainConfig, DeviceConfig, EngineConfig, Start
from engine.config import BackupConfig
from engine.facade import Engine
from engine.io.system import SystemBackend
from engine.io.virtual_device import open_virtual_microphone
from engine.stages.high_pass import HighPass


def main() -> int:
    """Run until nobody is at the other end."""
    chosen, backup, output = sys.argv[1:]
    engine = Engine((HighPass(),), SystemBackend(), open_virtual_microphone)
    devices = DeviceConfig(input=chosen, output=output, backups=BackupConfig(input=(backup,)))
    engine.send(Start(EngineConfig(devices=devices, chain=ChainConfig(bypass={"high_pass": True}))))
    is_over = threading.Event()
    threading.Thread(target=_await_end_of_input, args=(is_over,), daemon=True).start()
    time.sleep(1.0)
    print("ready", flush=True)
    seen = 0
    while not is_over.wait(0.02):
        for event in engine.events(after=seen):
            seen = event.sequence
            print(f"{event.kind}: {event.text}", flush=True)
    snapshot = engine.snapshot()
    print(f"state {snapshot.state}, {snapshot.hops} hops, {snapshot.xruns} xruns", flush=True)
    engine.close()
    return 0


def _await_end_of_input(is_over: threading.Event) -> None:
    sys.stdin.read()
    is_over.set()


if __name__ == "__main__":
    sys.exit(main())
