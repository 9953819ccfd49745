"""What a backend supplies to the edge: ends of devices, and the clock they live by.

A port is a ring with a device's callback at its other side. Everything here belongs to the DSP thread unless it says
otherwise; only `Timebase.wait` waits.
"""

from __future__ import annotations

from typing import Protocol

from engine.core.stage import Block


class Port(Protocol):
    """One end of a device: a ring that the device's callback fills or empties."""

    @property
    def rate_hz(self) -> int:
        """Rate of the device."""
        ...

    @property
    def channels(self) -> int:
        """Channels of the device's ring."""
        ...

    @property
    def block_frames(self) -> int:
        """Frames that the device moves at once."""
        ...

    @property
    def fills(self) -> bool:
        """Whether the device fills the ring, as a microphone does, or empties it."""
        ...

    @property
    def level_frames(self) -> int:
        """Frames that wait in the ring."""
        ...

    @property
    def device_frames(self) -> int:
        """Frames the device has moved since it started, whether or not the ring had room or sound for them."""
        ...

    @property
    def moved_at_s(self) -> float | None:
        """When `device_frames` changed last, if the port knows."""
        ...

    @property
    def losses(self) -> int:
        """Times that sound was lost here: overflows of an input, underflows of an output."""
        ...

    @property
    def lost(self) -> str | None:
        """Why the device is gone, in one sentence."""
        ...

    def start(self) -> None:
        """Start the device. Control thread."""
        ...

    def close(self) -> None:
        """Stop and free the device. Control thread; safe to call twice."""
        ...


class CapturePort(Port, Protocol):
    """A microphone."""

    @property
    def ended(self) -> bool:
        """True once no more will come, as at the end of a file."""
        ...

    def read(self, out: Block) -> int:
        """Take frames from the ring into `out`, shape (channels, frames), and return how many there were."""
        ...


class PlaybackPort(Port, Protocol):
    """An output."""

    def write(self, block: Block) -> None:
        """Append `block`, shape (channels, frames); what does not fit is lost."""
        ...

    def play(self) -> None:
        """See to it that the device plays what was written."""
        ...


class Timebase(Protocol):
    """The clock of the devices."""

    def now_s(self) -> float:
        """Seconds now."""
        ...

    def wait(self, expected_s: float, most_s: float) -> None:
        """Let some time pass, at most `most_s`: what is waited for is expected in `expected_s`."""
        ...
