"""One live run: an open stream, the chain prepared for it, and the DSP thread between them."""

from __future__ import annotations

from engine.config import SAMPLE_RATE_HZ
from engine.core.chain import Chain
from engine.core.stage import StreamFormat
from engine.hop import HopProcessor
from engine.io.backend import AudioStream
from engine.monitor import MonitorBus
from engine.snapshot import TapChunk, TapPoint
from engine.worker import Worker


class LiveRun:
    """From `start` to `close` the sound goes from the microphone through the chain to the outputs.

    Everything that takes time (loading models, compiling kernels, warming up) is done here before the stream starts.

    Parameters
    ----------
    is_paced : bool
        False on a simulated device that runs as fast as possible: then no stage is judged by its time.
    monitor : MonitorBus or None
        What the monitor bus passes through.
    number : int
        Tells this run from others of the same engine.
    """

    def __init__(
        self,
        chain: Chain,
        stream: AudioStream,
        is_paced: bool = True,
        number: int = 0,
        monitor: MonitorBus | None = None,
    ) -> None:
        self.number = number
        self.stream = stream
        fmt = StreamFormat(SAMPLE_RATE_HZ, stream.channels, stream.hop_frames, is_mono_doubled=True)
        if monitor is not None:
            monitor.prepare(fmt)
        chain.prepare(fmt)
        self.processor = HopProcessor(chain, is_mono_doubled=True, monitor=monitor)
        self.worker = Worker(stream, self.processor, is_paced)

    def start(self) -> None:
        """Open the flood gates. Control thread.

        Raises
        ------
        DeviceError
            If a device refuses to start.
        """
        self.stream.start()
        self.worker.start()

    def close(self) -> None:
        """End the thread, then the stream. Control thread.

        A thread that hangs in a stage goes on for a while (`worker.is_running`). It works on the chain and on buffers of this
        run: until it has ended, this must be kept, and the chain must not be prepared for another.

        Raises
        ------
        SidetoneError
            If a recorded file cannot be completed.
        """
        self.worker.stop()
        self.stream.close()

    def tap(self, point: TapPoint, run: int, after_frame: int) -> TapChunk:
        """The sound at a point since a frame; of another run than `run`, only where this one is now. Control thread."""
        tap = self.processor.taps[point]
        if run != self.number:
            return TapChunk(self.number, tap.end_frame, b"")
        first_frame, samples = tap.read(after_frame)
        return TapChunk(self.number, first_frame, samples.astype("<f4").tobytes())

    @property
    def end_reason(self) -> str:
        """Why the sound ended without being asked to; empty while it goes on or if the input simply ended."""
        return self.stream.lost or self.worker.failure
