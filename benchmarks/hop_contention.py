"""How long a hop takes while other programs burn the processors and clients ask the engine, as windows do.

    python -m benchmarks.hop_contention --seconds 40 --clients 2 --burners 4

The engine hears the demo's voice under noise, looped, on the simulated device, in real time. Each client is a process that
asks for snapshots with the spectrum 60 times a second; each burner one that does nothing but spin. Printed as JSON.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import msgspec

from app.demo import prepare_demo
from app.paths import find_paths
from app.supervisor import EngineSupervisor
from benchmarks.live_soak import WARM_UP_HOPS, await_running
from engine import DeviceConfig, EngineConfig, Percentiles, ResetMeters
from engine.rendezvous import Rendezvous

_BURN = "while True: pass"
_ASK = """
import sys, time
from pathlib import Path
from engine.remote import connect
from engine.rendezvous import Rendezvous
engine = connect(Rendezvous(Path(sys.argv[1])))
while True:
    engine.snapshot(with_spectrum=True)
    time.sleep(1 / 60)
"""


class Contention(msgspec.Struct, frozen=True):
    """What a run came to; times in milliseconds."""

    clients: int
    burners: int
    hops: int
    deadline_misses: int
    hop_ms: Percentiles | None


def main() -> int:
    """Run, and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--burners", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIDETONE_RUNTIME_DIR"] = folder
        result = contend(Path(folder), options.seconds, options.clients, options.burners)
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(result), indent=2).decode() + "\n")
    return 0


def contend(folder: Path, seconds: float, clients: int, burners: int) -> Contention:
    """Run an engine beside all of them for so long, its first seconds left out."""
    _, noisy, _ = prepare_demo(find_paths())
    devices = DeviceConfig(input=f"simulated:loop:{noisy}", output="simulated:out")
    supervisor = EngineSupervisor(Rendezvous(folder), EngineConfig(devices=devices))
    with ExitStack() as ending:
        ending.callback(supervisor.close)
        before = await_running(supervisor, WARM_UP_HOPS)
        for code, count in ((_ASK, clients), (_BURN, burners)):
            for _ in range(count):
                other = subprocess.Popen([sys.executable, "-c", code, str(folder)])
                ending.callback(other.kill)
        before = await_running(supervisor, before.hops + WARM_UP_HOPS)
        supervisor.api().send(ResetMeters())
        after = await_running(supervisor, before.hops + round(seconds * 100))
        misses = after.deadline_misses - before.deadline_misses
        return Contention(clients, burners, after.hops - before.hops, misses, after.hop_ms)


if __name__ == "__main__":
    sys.exit(main())
