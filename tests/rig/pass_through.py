"""A program that hands the microphone on unchanged, as the DSP thread would, and tells what the edge counted.

Run inside a studio: ``python -m tests.rig.pass_through --input pulse:fake_mic --output pulse:app_out --seconds 10``. Prints
``ready`` once sound runs and a line of JSON at its end; SIGTERM ends it early.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gc
import json
import os
import signal
import sys
import time

import numpy as np

from engine.errors import SidetoneError
from engine.io.backend import StreamRequest
from engine.io.portaudio import PortAudioBackend


def main() -> int:
    """Pass sound on; 0 if all devices stayed, 3 if one was lost, 1 if none could be opened."""
    arguments = _arguments()
    request = StreamRequest(
        input_device=arguments.input,
        output_device=arguments.output,
        monitor_device=arguments.monitor,
        music_device=arguments.music,
        hop_frames=arguments.hop,
        block_frames=arguments.block,
        latency_s=arguments.latency,
    )
    _raise_priority()
    try:
        stream = PortAudioBackend().open(request)
        stream.start()
    except SidetoneError as error:
        print(error, file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    gc.freeze()
    gc.disable()
    hop = np.zeros((stream.channels, stream.hop_frames), np.float32)
    settled = None
    timeouts = 0
    ends_s = time.perf_counter() + arguments.seconds
    try:
        while time.perf_counter() < ends_s and stream.lost is None:
            if not stream.read_hop(hop, 0.2):
                timeouts += 1
                continue
            time.sleep(arguments.work)
            if stream.music is not None:
                hop += stream.music
            stream.write_air(hop)
            stream.write_monitor(hop)
            if settled is None and time.perf_counter() > ends_s - arguments.seconds + 1.0:
                settled = stream.stats()
                print("ready", flush=True)
    finally:
        stats = stream.stats()
        lost = stream.lost
        stream.close()
        xruns = stats.xruns - settled.xruns if settled else None
        told = dataclasses.asdict(stats) | {"xruns_settled": xruns, "timeouts": timeouts, "lost": lost}
        print(json.dumps(told), flush=True)
    return 3 if lost else 0


def _raise_priority() -> None:
    if sys.platform == "linux":
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--input")
    parser.add_argument("--output")
    parser.add_argument("--monitor")
    parser.add_argument("--music", help="second input, added to the first")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--hop", type=int, default=480)
    parser.add_argument("--block", type=int, default=None)
    parser.add_argument("--latency", type=float, default=None)
    parser.add_argument("--work", type=float, default=0.0, help="seconds of pretended work on each hop")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
