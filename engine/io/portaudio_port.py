"""PortAudio streams whose callback is C: rtmixer moves the blocks between card and ring, so no thread of ours is in the way.

A Python callback would wait for the interpreter's lock behind whatever holds it; docs/adr/0002-device-edge.md has the
comparison. Here the DSP thread only reads and writes rings. Starting and closing belong to the control thread and may wait.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.stage import Block
from engine.errors import DeviceError
from engine.io.quiet import quiet_stderr

_RING_FRAMES = 1 << 15
_SILENT_S = 0.4
_COUNTER_RANGE = 1 << 32
"""rtmixer counts in C's `unsigned long`, which on Windows has 32 bits."""

_OLD_ACTION_FRAMES = 1 << 31
_FREED_WITHIN_S = 3.0
_FIRST_BLOCK_S = 3.0
"""A headset by radio takes its time before it delivers anything."""


@dataclass(frozen=True, slots=True)
class PortSettings:
    """How one device is opened."""

    name: str
    index: int
    channels: int
    rate_hz: int
    block_frames: int
    latency: float | str
    extra: Any = None
    pulse_name: str | None = None


class RealTimebase:
    """`time.perf_counter`, waited for in short steps, because a C callback cannot wake a Python thread."""

    def now_s(self) -> float:
        """Seconds now."""
        return time.perf_counter()

    def wait(self, expected_s: float, most_s: float) -> None:
        """Sleep, a millisecond at most, less when what is waited for is near."""
        time.sleep(min(max(expected_s, 0.00025), 0.001, max(most_s, 0.0)))


class _PortAudioPort:
    """What both directions have in common.

    Attributes
    ----------
    is_freed : bool
        Whether PortAudio has let go of the device.
    """

    def __init__(self, stream: Any, ring: Any, settings: PortSettings) -> None:
        self.rate_hz = settings.rate_hz
        self.channels = settings.channels
        self.block_frames = settings.block_frames
        self.moved_at_s: float | None = None
        self.losses = 0
        self.lost: str | None = None
        self.is_freed = False
        self._stream = stream
        self._ring = ring
        self.name = settings.name
        self.pulse_name = settings.pulse_name
        # rtmixer offers its counters only by way of an action per look; they lie in the callback's own state.
        self._counters = stream._state.stats
        self._action: Any = None
        self._seen_blocks = 0
        self._counted = 0, 0
        self._seen_at_s = 0.0
        self._is_started = False

    @property
    def level_frames(self) -> int:
        """Frames that wait in the ring. Any thread."""
        return int(self._ring.read_available)

    @property
    def device_frames(self) -> int:
        """Frames the device has moved; also notices if it moves no more."""
        blocks = self._blocks()
        now_s = time.perf_counter()
        if blocks != self._seen_blocks:
            self._seen_blocks, self._seen_at_s = blocks, now_s
        elif self._is_started and now_s - self._seen_at_s > self._patience_s:
            self.mark_lost(f"{self.name} stopped answering" if blocks else f"{self.name} does not begin to deliver")
        return blocks * self.block_frames

    def _blocks(self) -> int:
        """Blocks that the device has moved, however often rtmixer's counter has begun anew. Any thread."""
        before, total = self._counted
        now = int(self._counters.blocks)
        total += (now - before) % _COUNTER_RANGE
        # Both at once, for whichever thread looks next.
        self._counted = now, total
        return total

    def _keep_young(self) -> None:
        """Keep the action from ending by itself, as it does when its 32 bits of frames are full: after a day at 48 kHz."""
        if self._action is not None and self._action.done_frames > _OLD_ACTION_FRAMES:
            # The callback adds to it too. If both do so at once, this is lost and done again at the next look.
            self._action.done_frames = 1

    @property
    def _patience_s(self) -> float:
        return (_SILENT_S if self._seen_blocks else _FIRST_BLOCK_S) + 4 * self.block_frames / self.rate_hz

    def mark_lost(self, reason: str) -> None:
        """Say that the device is gone. Any thread."""
        self.lost = self.lost or reason

    def start(self) -> None:
        """Start the device. Control thread."""
        with portaudio_errors(f"{self.name} cannot be started"):
            self._stream.start()
        self._seen_at_s = time.perf_counter()
        self._is_started = True

    def close(self) -> None:
        """Stop and free the device, whatever state it is in. Control thread, waits for it, on Linux not for ever.

        There PortAudio ends its thread wherever that is just now, be it with a lock in its hands, and then waits for the lock
        itself: seen with ALSA's way to PipeWire when that ended at the same moment. Such a device is left alone.
        """
        self._is_started = False
        if sys.platform != "linux":
            # Windows wants a device freed on the thread that opened it.
            self._free()
            return
        freeing = threading.Thread(target=self._free, name="sidetone-free", daemon=True)
        with quiet_stderr():
            freeing.start()
            freeing.join(_FREED_WITHIN_S)

    def _free(self) -> None:
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)
        self.is_freed = True


class PortAudioMicrophone(_PortAudioPort):
    """A microphone behind rtmixer's recorder."""

    fills = True

    def __init__(self, settings: PortSettings) -> None:
        import rtmixer

        with portaudio_errors(f"{settings.name} cannot be opened as a microphone"):
            stream = rtmixer.Recorder(**_stream_options(settings))
        ring = rtmixer.RingBuffer(4 * settings.channels, _RING_FRAMES)
        super().__init__(stream, ring, settings)
        self._interleaved = np.zeros((_RING_FRAMES, settings.channels), np.float32)
        self._own_losses = 0
        self.ended = False

    def start(self) -> None:
        """Start the device. Control thread."""
        self._action = self._stream.record_ringbuffer(self._ring)
        super().start()

    def read(self, out: Block) -> int:
        """Take frames from the ring. DSP thread."""
        # The callback gives up on a full ring; that is the overflow, and it has to be set going again.
        if self._action not in self._stream.actions and self.lost is None:
            self._own_losses += 1
            self._action = self._stream.record_ringbuffer(self._ring)
        self._keep_young()
        taken = self._interleaved[: out.shape[1]]
        count = int(self._ring.readinto(taken))
        out[:, :count] = taken[:count].T
        out[:, count:] = 0.0
        self.losses = self._own_losses + int(self._counters.input_overflows)
        return count


class PortAudioOutput(_PortAudioPort):
    """An output behind rtmixer's mixer."""

    fills = False

    def __init__(self, settings: PortSettings) -> None:
        import rtmixer

        with portaudio_errors(f"{settings.name} cannot be opened for output"):
            stream = rtmixer.Mixer(**_stream_options(settings))
        ring = rtmixer.RingBuffer(4 * settings.channels, _RING_FRAMES)
        super().__init__(stream, ring, settings)
        self._interleaved = np.zeros((_RING_FRAMES, settings.channels), np.float32)
        self._underflows_before = 0
        self._own_losses = 0

    def write(self, block: Block) -> None:
        """Append a block. DSP thread."""
        frames = int(block.shape[1])
        self._interleaved[:frames] = block.T
        self._ring.write(self._interleaved[:frames])

    def play(self) -> None:
        """See that the callback plays the ring. DSP thread."""
        if self.lost is not None:
            return
        if self._action is not None and self._action in self._stream.actions:
            self._keep_young()
            self.losses = self._own_losses + int(self._counters.output_underflows) - self._underflows_before
            return
        # The callback gives up on an empty ring; that is the underflow. The first time it is only the beginning.
        if self._action is None:
            self._underflows_before = int(self._counters.output_underflows)
        else:
            self._own_losses += 1
        self._action = self._stream.play_ringbuffer(self._ring)


@contextmanager
def portaudio_errors(what: str) -> Iterator[None]:
    """Turn PortAudio's errors within into a `DeviceError`, and keep ALSA's chatter from the terminal."""
    import sounddevice

    try:
        with quiet_stderr():
            yield
    except (sounddevice.PortAudioError, ValueError, OSError) as error:
        reason = str(error.args[0]) if error.args else str(error)
        raise DeviceError(f"{what} ({reason}); close other programs that use it, or choose another device.") from error


def _stream_options(settings: PortSettings) -> dict[str, Any]:
    return {
        "device": settings.index,
        "channels": settings.channels,
        "samplerate": settings.rate_hz,
        "blocksize": settings.block_frames,
        "latency": settings.latency,
        "extra_settings": settings.extra,
    }
