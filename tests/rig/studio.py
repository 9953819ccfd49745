"""Sound servers without a sound card, each in a private folder so that tests may run side by side.

`PipeWireStudio` has a microphone into which a test can speak and a bus on which it can listen:

=================  ====================================================================================
``fake_mic``       the microphone a program opens (mono)
``fake_mic_sink``  where the test plays what is spoken into it
``app_out``        where a program plays
``virtual_mic``    what a recording program hears of that
``bus.monitor``    four channels in one clock: 1-2 the microphone, 3-4 what went to ``app_out``
=================  ====================================================================================
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tests.rig.processes import Processes, end, require, wait_until

RATE_HZ = 48_000
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "TMPDIR", "CI", "PYTHONPATH", "NUMBA_CACHE_DIR")
_STEREO, _REAR = "front-left,front-right", "rear-left,rear-right"


class _Studio:
    """A folder, an environment, and the processes that live in them."""

    def __init__(self) -> None:
        # Sockets need short paths, so not the folder that pytest gives.
        self.folder = Path(tempfile.mkdtemp(prefix="studio"))
        self.env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self.processes = Processes(self.folder)
        # A sound server that is late on a busy machine says nothing about the program under test.
        self._first = ["chrt", "-r", "20"] if _may_be_real_time() else []

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def _begin(self) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        self.processes.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command: str, timeout_s: float = 60.0) -> str:
        """Run a program to its end in the studio and return what it printed."""
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=timeout_s, check=True)
        return done.stdout


class PipeWireStudio(_Studio):
    """PipeWire with its session manager and its PulseAudio server."""

    def __init__(self) -> None:
        require("pipewire", "wireplumber", "pipewire-pulse", "dbus-daemon", "pactl", "parec", "pacat")
        super().__init__()
        runtime = self.folder / "run"
        runtime.mkdir(mode=0o700)
        self.env |= {
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path("~/.cache").expanduser())),
            "PULSE_SERVER": f"unix:{runtime}/pulse/native",
            "PULSE_RUNTIME_PATH": f"{runtime}/pulse",
            "JACK_NO_START_SERVER": "1",
        }

    def _begin(self) -> None:
        address = self.folder / "run" / "bus"
        self.env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={address}"
        self.processes.start(["dbus-daemon", "--session", "--nofork", f"--address=unix:path={address}"], self.env)
        wait_until(address.exists, "the message bus")
        self.processes.start([*self._first, "pipewire"], self.env)
        wait_until((self.folder / "run" / "pipewire-0").exists, "PipeWire")
        self.processes.start([*self._first, "wireplumber"], self.env)
        self.processes.start([*self._first, "pipewire-pulse"], self.env)
        wait_until(self._answers, "PipeWire's PulseAudio server")
        self._add("module-null-sink", "sink_name=bus", "rate=48000", "channels=4", f"channel_map={_STEREO},{_REAR}")
        self._add_remapped("sink", "fake_mic_sink", "bus", _STEREO)
        self._add_remapped("sink", "app_out", "bus", _REAR)
        self._add_remapped("source", "virtual_mic", "bus.monitor", _REAR)
        self.add_microphone("fake_mic")
        self.run("pactl", "set-default-sink", "app_out")
        self.run("pactl", "set-default-source", "fake_mic")

    def add_microphone(self, name: str) -> str:
        """Add a mono microphone that hears `fake_mic_sink`, and return what `unplug` wants to know."""
        return self._add(
            "module-remap-source",
            f"source_name={name}",
            "master=bus.monitor",
            "channels=1",
            "channel_map=mono",
            "master_channel_map=front-left",
            "remix=no",
            f"source_properties=device.description={name}",
        )

    def add_output(self, name: str) -> str:
        """Add a stereo output, as that of another program, and return what `unplug` wants to know."""
        return self._add("module-null-sink", f"sink_name={name}", "rate=48000", "channels=2", f"channel_map={_STEREO}")

    def add_speaker(self, name: str) -> str:
        """Add an output that is heard where `app_out` is, and return what `unplug` wants to know."""
        return self._add_remapped("sink", name, "bus", _REAR)

    def unplug(self, module: str) -> None:
        """Take a device away that was added."""
        self.run("pactl", "unload-module", module)

    def names(self, kind: str) -> list[str]:
        """Names of all ``sinks``, ``sources``, ``modules`` ..."""
        return [line.split("\t")[1] for line in self.run("pactl", "list", "short", kind).splitlines()]

    @contextmanager
    def speaking(self, frames: NDArray[np.float32], sink: str = "fake_mic_sink") -> Iterator[subprocess.Popen[bytes]]:
        """Play mono `frames` at 48 kHz into the microphone while the context lasts; wait on the process for its end."""
        both = np.repeat(frames.astype("<f4")[:, None], 2, axis=1).tobytes()
        command = [
            *self._first,
            "pacat",
            f"--device={sink}",
            "--format=float32le",
            "--rate=48000",
            "--channels=2",
            "--raw",
        ]
        player = subprocess.Popen([*command, "--latency-msec=50"], env=self.env, stdin=subprocess.PIPE)
        feeder = threading.Thread(target=_feed, args=(player, both), daemon=True)
        feeder.start()
        try:
            yield player
        finally:
            end(player)
            feeder.join(5.0)

    @contextmanager
    def recording(self, source: str = "bus.monitor", channels: int = 4) -> Iterator[Recording]:
        """Record a source while the context lasts."""
        channel_map = f"{_STEREO},{_REAR}" if channels == 4 else _STEREO
        recorder = subprocess.Popen(
            [
                *self._first,
                "parec",
                f"--device={source}",
                "--format=float32le",
                "--rate=48000",
                f"--channels={channels}",
                f"--channel-map={channel_map}",
                "--no-remix",
                "--latency-msec=20",
                "--raw",
            ],
            env=self.env,
            stdout=subprocess.PIPE,
        )
        recording = Recording(recorder, channels)
        try:
            wait_until(lambda: recording.frame_count > 0, f"sound from {source}")
            yield recording
        finally:
            end(recorder)
            recording.join()

    def _answers(self) -> bool:
        answer = subprocess.run(["pactl", "info"], env=self.env, capture_output=True, check=False)
        return answer.returncode == 0

    def _add(self, module: str, *options: str) -> str:
        return self.run("pactl", "load-module", module, *options).strip()

    def _add_remapped(self, kind: str, name: str, master: str, master_map: str) -> str:
        return self._add(
            f"module-remap-{kind}",
            f"{kind}_name={name}",
            f"master={master}",
            "channels=2",
            f"channel_map={_STEREO}",
            f"master_channel_map={master_map}",
            "remix=no",
            f"{kind}_properties=device.description={name}",
        )


class JackStudio(_Studio):
    """A JACK server with a dummy driver of two inputs and outputs: latencies on it are exact."""

    def __init__(self, period_frames: int = 128) -> None:
        require("jackd", "jack_lsp", "jack_connect", "jack_disconnect", "jack_iodelay")
        super().__init__()
        self._period_frames = period_frames
        self.env |= {
            "JACK_DEFAULT_SERVER": self.folder.name,
            "JACK_NO_START_SERVER": "1",
            "JACK_NO_AUDIO_RESERVATION": "1",
        }

    def _begin(self) -> None:
        driver = ["-d", "dummy", "-r", str(RATE_HZ), "-p", str(self._period_frames), "-C", "2", "-P", "2"]
        # Real-time, it makes its clients' threads real-time too.
        priority = ["-R", "-P", "20"] if self._first else ["-r"]
        self.processes.start(["jackd", *priority, "-n", self.folder.name, *driver], self.env)
        wait_until(self._answers, "JACK")

    def round_trips_ms(self, into: str, out_of: str, seconds: float) -> list[float]:
        """Delays from one port to another, measured by JACK's own tool; its way back adds up to a period."""
        for port in (into, out_of):
            subprocess.run(
                ["jack_disconnect", "system:capture_1", port], env=self.env, capture_output=True, check=False
            )
        meter = subprocess.Popen(
            ["stdbuf", "-oL", "jack_iodelay"],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            wait_until(lambda: "jack_delay:in" in self.run("jack_lsp"), "JACK's delay meter")
            self.run("jack_connect", "jack_delay:out", into)
            self.run("jack_connect", out_of, "jack_delay:in")
            with contextlib.suppress(subprocess.TimeoutExpired):
                meter.wait(seconds)
        finally:
            meter.terminate()
            said, _ = meter.communicate()
        return [float(line.split()[2]) for line in said.splitlines() if "total roundtrip latency" in line]

    def _answers(self) -> bool:
        return subprocess.run(["jack_lsp"], env=self.env, capture_output=True, check=False).returncode == 0


class Recording:
    """What a recorder has heard so far."""

    def __init__(self, recorder: subprocess.Popen[bytes], channels: int) -> None:
        self._recorder = recorder
        self._channels = channels
        self._bytes = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def frame_count(self) -> int:
        """Frames heard so far."""
        return len(self._bytes) // (4 * self._channels)

    def frames(self) -> NDArray[np.float32]:
        """Everything so far, shape (frames, channels)."""
        count = self.frame_count
        heard = np.frombuffer(bytes(self._bytes[: count * 4 * self._channels]), "<f4")
        return heard.reshape(-1, self._channels).astype(np.float32)

    def join(self) -> None:
        """Wait for the last of it."""
        self._reader.join(5.0)

    def _read(self) -> None:
        assert self._recorder.stdout is not None
        with self._recorder.stdout as heard:
            while piece := os.read(heard.fileno(), 1 << 16):
                self._bytes += piece


def _may_be_real_time() -> bool:
    if shutil.which("chrt") is None:
        return False
    return subprocess.run(["chrt", "-r", "20", "true"], capture_output=True, check=False).returncode == 0


def _feed(player: subprocess.Popen[bytes], sound: bytes) -> None:
    assert player.stdin is not None
    try:
        with player.stdin as pipe:
            pipe.write(sound)
    except BrokenPipeError:
        return
