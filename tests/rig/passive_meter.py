"""A program that measures passively for a while: ``python -m tests.rig.passive_meter MICROPHONE VIRTUAL SECONDS``.

Run inside a studio; prints "ready" when it begins, and at the end a line of JSON with every latency that was found.
"""

from __future__ import annotations

import json
import sys
import threading

from engine.measure.latency import PassiveLatencyMeter


def main() -> int:
    """Measure; 1 if it cannot be done here."""
    microphone, virtual, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    meter = PassiveLatencyMeter(microphone, virtual)
    if (reason := meter.unavailable_reason()) is not None:
        print(reason, file=sys.stderr)
        return 1
    print("ready", flush=True)
    stop = threading.Event()
    threading.Timer(seconds, stop.set).start()
    found: list[float] = []
    meter.run(found.append, stop)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
