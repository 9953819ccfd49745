"""An engine of small stages for a studio in which devices are unplugged.

    python -m tests.rig.backup_engine '{"devices": {"input": "pulse:fake_mic", ...}}' PRESET-FOLDER

Takes an `EngineConfig` as JSON. Prints ``ready`` once sound runs, then every event as it happens, behind the time of
`time.monotonic`; ends with its standard input, and tells its state, hops and xruns.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import msgspec

from engine import EngineConfig, Start
from engine.control.preset_library import PresetLibrary
from engine.facade import Engine
from engine.io.system import SystemBackend
from engine.io.virtual_device import open_virtual_microphone
from engine.stages.high_pass import HighPass


def main() -> int:
    """Run until nobody is at the other end."""
    config, presets = sys.argv[1:]
    engine = Engine((HighPass(),), SystemBackend(), open_virtual_microphone, library=PresetLibrary(Path(presets)))
    engine.send(Start(msgspec.json.decode(config, type=EngineConfig)))
    is_over = threading.Event()
    threading.Thread(target=_await_end_of_input, args=(is_over,), daemon=True).start()
    time.sleep(1.0)
    print("ready", flush=True)
    seen = 0
    while not is_over.wait(0.01):
        for event in engine.events(after=seen):
            seen = event.sequence
            print(f"{time.monotonic():.3f} {event.kind}: {event.text}", flush=True)
    snapshot = engine.snapshot()
    print(f"state {snapshot.state}, {snapshot.hops} hops, {snapshot.xruns} xruns", flush=True)
    engine.close()
    return 0


def _await_end_of_input(is_over: threading.Event) -> None:
    sys.stdin.read()
    is_over.set()


if __name__ == "__main__":
    sys.exit(main())
