"""Compares two device edges: callbacks in Python, and callbacks in C (rtmixer).

Runs a pass-through with 2 ms of pretended work per hop in a PipeWire studio without hardware, once with each kind of callback,
under three loads: none, a busy window in the same process (a thread that holds the interpreter's lock in bursts as painting
does), and the same in another process. The result stands in docs/adr/0002-device-edge.md.

    python -m benchmarks.device_edge [--seconds 12] [--ordinary] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.ring import RingBuffer
from engine.core.stage import Block
from engine.io import pulse
from engine.io.backend import AudioStream, StreamRequest
from engine.io.edge import EdgeStream
from engine.io.portaudio import PortAudioBackend
from engine.io.portaudio_port import RealTimebase

EDGES = ("c", "python")
LOADS = ("none", "same process", "other process")
_RATE_HZ, _HOP, _BLOCK = 48_000, 480, 128
_WORK_S = 0.002


class PythonPort:
    """A PortAudio stream whose callback is a Python function, for comparison only."""

    rate_hz, block_frames = _RATE_HZ, _BLOCK

    def __init__(self, kind: str, index: int, channels: int) -> None:
        import sounddevice

        self.fills = kind == "input"
        self.channels = channels
        self.device_frames = 0
        self.moved_at_s: float | None = None
        self.losses = 0
        self.lost: str | None = None
        self.ended = False
        self._ring = RingBuffer(channels, 1 << 15)
        self._block: Block = np.zeros((channels, _BLOCK), np.float32)
        self._is_playing = False
        make, callback = (
            (sounddevice.InputStream, self._fill) if self.fills else (sounddevice.OutputStream, self._empty)
        )
        self._stream = make(
            samplerate=_RATE_HZ, blocksize=_BLOCK, device=index, channels=channels, latency="low", callback=callback
        )

    @property
    def level_frames(self) -> int:
        """Frames in the ring."""
        return self._ring.available

    def start(self) -> None:
        """Start the device."""
        self._stream.start()

    def close(self) -> None:
        """Stop it."""
        self._stream.close()

    def read(self, out: Block) -> int:
        """Take frames from the ring."""
        return self._ring.read_into(out)

    def write(self, block: Block) -> None:
        """Append frames to the ring."""
        self._ring.write(block)

    def play(self) -> None:
        """From now on an empty ring is an underflow."""
        self._is_playing = True

    def _fill(self, heard: Any, frames: int, _time: Any, status: Any) -> None:
        is_cut = self._ring.write(heard.T) < frames
        self.losses += bool(status.input_overflow) + is_cut
        self._moved(frames)

    def _empty(self, played: Any, frames: int, _time: Any, status: Any) -> None:
        is_dry = self._ring.read_into(self._block) < frames
        played[:] = self._block.T
        if self._is_playing:
            self.losses += bool(status.output_underflow) + is_dry
        self._moved(frames)

    def _moved(self, frames: int) -> None:
        self.device_frames += frames
        self.moved_at_s = time.perf_counter()


def open_edge(kind: str) -> AudioStream:
    """Open the studio's microphone and output with callbacks of one kind."""
    if kind == "c":
        return PortAudioBackend().open(StreamRequest("pulse:fake_mic", "pulse:app_out", block_frames=_BLOCK))
    import sounddevice

    index = next(i for i, device in enumerate(sounddevice.query_devices()) if device["name"] == "pulse")
    with pulse.leading_to(source="fake_mic"):
        capture = PythonPort("input", index, 1)
    with pulse.leading_to(sink="app_out"):
        air = PythonPort("output", index, 2)
    return EdgeStream(capture, air, None, RealTimebase(), _HOP, int(0.75 * _HOP), 0.4)


def paint(is_over: threading.Event) -> None:
    """Hold the interpreter's lock as a window does: 8 ms of 16, and 80 ms once a second."""
    frame = 0
    while not is_over.is_set():
        frame += 1
        ends_s = time.perf_counter() + (0.080 if frame % 60 == 0 else 0.008)
        while time.perf_counter() < ends_s:
            sum(range(1000))
        time.sleep(0.008)


def run_one(edge: str, load: str, seconds: float, is_real_time: bool) -> dict[str, Any]:
    """Pass sound on for a while on a DSP thread and tell how it went."""
    if is_real_time and sys.platform == "linux":
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    stream = open_edge(edge)
    stream.start()
    late_s: list[float] = []
    is_over = threading.Event()
    counted: list[int] = []
    painter = threading.Thread(target=paint, args=(is_over,)) if load == "same process" else None

    def pass_on() -> None:
        hop: Block = np.zeros((stream.channels, _HOP), np.float32)
        began_s = time.perf_counter()
        while not is_over.is_set():
            if not stream.read_hop(hop, 0.5):
                continue
            worked_until_s = time.perf_counter() + _WORK_S
            while time.perf_counter() < worked_until_s:
                np.tanh(hop)
            stream.write_air(hop)
            if time.perf_counter() - began_s > 2.0:
                if not counted:
                    counted.append(stream.stats().xruns)
                late_s.append(stream.now_s() - stream.due_s)

    gc.freeze()
    gc.disable()
    dsp = threading.Thread(target=pass_on)
    dsp.start()
    if painter is not None:
        painter.start()
    time.sleep(2.0)
    cpu_s = time.process_time()
    time.sleep(seconds)
    cpu_s = time.process_time() - cpu_s
    is_over.set()
    dsp.join()
    stats = stream.stats()
    stream.close()
    late_ms = np.array(late_s) * 1e3
    return {
        "edge": edge,
        "load": load,
        "hops": len(late_s),
        "xruns": stats.xruns - counted[0],
        "is_real_time": is_real_time,
        "cpu_percent": round(cpu_s / seconds * 100, 1),
        "skipped_frames": stats.skipped_frames,
        "done_after_due_ms": {
            "p50": round(float(np.percentile(late_ms, 50)), 2),
            "p99": round(float(np.percentile(late_ms, 99)), 2),
            "max": round(float(late_ms.max()), 2),
        },
    }


def main() -> int:
    """Run the whole comparison, or one part of it in a process of its own."""
    arguments = _arguments()
    if arguments.edge:
        print(json.dumps(run_one(arguments.edge, arguments.load, arguments.seconds, not arguments.ordinary)))
        return 0
    from tests.rig.studio import PipeWireStudio

    results = []
    with PipeWireStudio() as studio:
        for load in LOADS:
            for edge in EDGES:
                burner = None
                if load == "other process":
                    burn = "import threading; from benchmarks.device_edge import paint; paint(threading.Event())"
                    burner = subprocess.Popen([sys.executable, "-c", burn])
                options = ["--edge", edge, "--load", load, "--seconds", str(arguments.seconds)]
                options += ["--ordinary"] if arguments.ordinary else []
                said = studio.run(sys.executable, "-m", "benchmarks.device_edge", *options, timeout_s=120)
                if burner is not None:
                    burner.kill()
                    burner.wait()
                results.append(json.loads(said.splitlines()[-1]))
                print(json.dumps(results[-1]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--ordinary", action="store_true", help="without real-time priority")
    parser.add_argument("--edge", choices=EDGES, help=argparse.SUPPRESS)
    parser.add_argument("--load", choices=LOADS, default="none", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
