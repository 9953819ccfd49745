"""What a simulated microphone hears and where a simulated output goes: files, functions, arrays, memory.

Runs inside the simulated callbacks, so on the DSP thread: a simulation may read and write files there, a real device
may not.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile
import soxr

from engine.core.stage import Block
from engine.errors import AudioFileError


class Source(Protocol):
    """Sound for a simulated microphone, at the device's own rate."""

    @property
    def channels(self) -> int:
        """1 or 2."""
        ...

    def read(self, out: Block) -> int:
        """Fill `out`, shape (channels, frames), silent past the end; return the real frames, 0 when it is over."""
        ...

    def close(self) -> None:
        """Free what is held; safe to call twice."""
        ...


class Sink(Protocol):
    """Where a simulated output goes."""

    def write(self, block: Block) -> None:
        """Take a block of the device, shape (channels, frames); it is valid only during the call."""
        ...

    def close(self) -> None:
        """Finish; safe to call twice."""
        ...


class ArraySource:
    """An array, once or for ever.

    Parameters
    ----------
    frames : Block
        Shape (channels, frames), at the device's rate.
    is_looped : bool
        Whether it begins again at its end.
    """

    def __init__(self, frames: Block, is_looped: bool = False) -> None:
        if frames.shape[1] == 0:
            raise ValueError("a source needs at least one frame")
        self._frames = frames
        self._is_looped = is_looped
        self._at = 0

    @property
    def channels(self) -> int:
        """Rows of the array."""
        return int(self._frames.shape[0])

    def read(self, out: Block) -> int:
        """Copy the next frames."""
        filled = 0
        while filled < out.shape[1]:
            count = min(out.shape[1] - filled, self._frames.shape[1] - self._at)
            if count == 0:
                if not self._is_looped:
                    break
                self._at = 0
                continue
            out[:, filled : filled + count] = self._frames[:, self._at : self._at + count]
            self._at += count
            filled += count
        out[:, filled:] = 0.0
        return filled

    def close(self) -> None:
        """Nothing is held."""


class FunctionSource:
    """A function of the frame number, without end.

    Parameters
    ----------
    function : callable
        Given the first frame's number and a block of shape (channels, frames), fills the block.
    """

    def __init__(self, function: Callable[[int, Block], None], channels: int = 1) -> None:
        self._function = function
        self.channels = channels
        self._at = 0

    def read(self, out: Block) -> int:
        """Let the function fill `out`."""
        self._function(self._at, out)
        self._at += out.shape[1]
        return int(out.shape[1])

    def close(self) -> None:
        """Nothing is held."""


class FileSource(ArraySource):
    """A sound file of one or two channels, read whole and brought to the device's rate.

    Raises
    ------
    engine.errors.AudioFileError
        If it is not there, is no sound file, is empty, or has more than two channels.
    """

    def __init__(self, path: str, rate_hz: int, is_looped: bool = False) -> None:
        try:
            frames, file_rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            reason = "there is no such file" if not Path(path).exists() else "it is not a sound file that can be read"
            raise AudioFileError(f"Cannot play {path} into the simulated microphone: {reason}.") from error
        if frames.shape[0] == 0:
            raise AudioFileError(f"Cannot play {path} into the simulated microphone: it holds no sound.")
        if frames.shape[1] > 2:
            raise AudioFileError(f"{path} has {frames.shape[1]} channels; give a file with one or two.")
        if file_rate_hz != rate_hz:
            frames = soxr.resample(frames, file_rate_hz, rate_hz)
        super().__init__(np.ascontiguousarray(np.nan_to_num(frames.T)), is_looped)


class MemorySink:
    """Keeps what was played.

    Parameters
    ----------
    keep_frames : int or None
        Only so many of the last frames; None keeps all.
    """

    def __init__(self, keep_frames: int | None = None) -> None:
        self._keep_frames = keep_frames
        self._blocks: list[Block] = []
        self._kept_frames = 0
        self.written_frames = 0

    def write(self, block: Block) -> None:
        """Keep a copy."""
        self._blocks.append(block.copy())
        self._kept_frames += block.shape[1]
        self.written_frames += block.shape[1]
        while self._keep_frames is not None and self._kept_frames - self._blocks[0].shape[1] >= self._keep_frames:
            self._kept_frames -= self._blocks.pop(0).shape[1]

    def close(self) -> None:
        """What was kept stays."""

    def frames(self) -> Block:
        """Everything kept, shape (channels, frames)."""
        return np.concatenate(self._blocks, axis=1) if self._blocks else np.zeros((2, 0), np.float32)


class FileSink:
    """A sound file that is there whole at `close`, or not at all. The format follows the name: .wav, .flac, .ogg ...

    Raises
    ------
    engine.errors.AudioFileError
        If the folder is not there, cannot be written, the name's format is unknown, or the disk is full.
    """

    def __init__(self, path: str, rate_hz: int, channels: int) -> None:
        self._path = Path(path)
        self._is_closed = False
        suffix = self._path.suffix or ".wav"
        self._part = self._path.parent / f".{self._path.stem}.{secrets.token_hex(4)}{suffix}"
        try:
            self._part.touch(exist_ok=False)
        except OSError as error:
            raise AudioFileError(f"Cannot write {path}: {error.strerror or error}.") from error
        try:
            subtype = "FLOAT" if suffix.lower() == ".wav" else None
            self._file = soundfile.SoundFile(self._part, "w", rate_hz, channels, subtype)
        except (soundfile.LibsndfileError, TypeError, ValueError, OSError) as error:
            self._part.unlink(missing_ok=True)
            raise AudioFileError(f"Cannot write {path}: use a name that ends in .wav or .flac.") from error

    def write(self, block: Block) -> None:
        """Append a block."""
        if self._is_closed:
            return
        try:
            self._file.write(block.T)
        except (soundfile.LibsndfileError, OSError) as error:
            self._give_up()
            raise AudioFileError(f"Cannot go on writing {self._path}: is the disk full?") from error

    def close(self) -> None:
        """Give the file its name."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._file.close()
            self._part.replace(self._path)
        except (soundfile.LibsndfileError, OSError) as error:
            self._part.unlink(missing_ok=True)
            raise AudioFileError(f"Cannot finish {self._path}: {error}.") from error

    def _give_up(self) -> None:
        self._is_closed = True
        self._file.close()
        self._part.unlink(missing_ok=True)
