"""Two sources of PipeWire, heard side by side in one clock.

One recorder whose two channels are linked to two different sources runs in one cycle of the sound server with both, so what
comes out belongs together to the sample; two recorders would each start and buffer as they like. The programs used
(``pw-record``, ``pw-link``) come with PipeWire. Belongs to the services process; reading waits.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
import uuid
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.config import SAMPLE_RATE_HZ
from engine.system_programs import system_environment

_FRAME_BYTES = 8
_START_S = 5.0


def why_not() -> str | None:
    """Why sources cannot be tapped here, in words; None if they can."""
    missing = [program for program in ("pw-record", "pw-link") if shutil.which(program) is None]
    if missing:
        return f"{' and '.join(missing)} of PipeWire not found"
    if not _output_ports():
        return "PipeWire does not answer"
    return None


class PipeWireTap:
    """Records two sources at once.

    Parameters
    ----------
    first, second : str
        Names of the sources' nodes.

    Raises
    ------
    OSError
        If the recorder cannot be started.
    """

    def __init__(self, first: str, second: str) -> None:
        self._sources = (first, second)
        self._node = f"sidetone-latency-{uuid.uuid4().hex[:8]}"
        command = [
            "pw-record",
            "--target=0",
            f"--rate={SAMPLE_RATE_HZ}",
            "--channels=2",
            "--format=f32",
            "--latency=100ms",
        ]
        if "--raw" in _printed("pw-record", "--help"):
            command.append("--raw")
        # It must neither be moved to another source nor be shown as a program that listens.
        command += ["-P", f"{{ node.name={self._node} node.dont-reconnect=true node.passive=true }}", "-"]
        self._recorder = subprocess.Popen(
            command,
            env=system_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the recorder; safe to call twice."""
        self._recorder.terminate()
        try:
            self._recorder.wait(2.0)
        except subprocess.TimeoutExpired:
            self._recorder.kill()
            self._recorder.wait()
        if self._recorder.stdout is not None:
            self._recorder.stdout.close()

    def link(self) -> bool:
        """Link both sources, as far as they are not yet; True if both are there. May be called again at any time."""
        until_s = time.monotonic() + _START_S
        while not (inputs := [port for port in _input_ports() if port.startswith(f"{self._node}:")]):
            if time.monotonic() > until_s or self._recorder.poll() is not None:
                return False
            time.sleep(0.1)
        outputs = _output_ports()
        is_whole = True
        for source, port in zip(self._sources, sorted(inputs), strict=False):
            found = [name for name in outputs if name.rsplit(":", 1)[0] == source and ":capture" in name]
            if found:
                _printed("pw-link", found[0], port)
            is_whole = is_whole and bool(found)
        return is_whole

    def read(self, timeout_s: float) -> NDArray[np.float32] | None:
        """What has come since the last call, shape (frames, 2); waits for something at most so long. None at the end."""
        pipe = self._recorder.stdout
        assert pipe is not None
        if not select.select([pipe], [], [], timeout_s)[0]:
            return np.zeros((0, 2), np.float32)
        heard = os.read(pipe.fileno(), 1 << 16)
        if not heard:
            return None
        heard = self._rest + heard
        whole = len(heard) - len(heard) % _FRAME_BYTES
        self._rest = heard[whole:]
        return np.frombuffer(heard[:whole], "<f4").reshape(-1, 2)


def _input_ports() -> list[str]:
    return _printed("pw-link", "-i").split()


def _output_ports() -> list[str]:
    return _printed("pw-link", "-o").splitlines()


def _printed(*command: str) -> str:
    try:
        done = subprocess.run(
            command, env=system_environment(), capture_output=True, text=True, timeout=5.0, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
