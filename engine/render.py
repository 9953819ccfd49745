"""The chain over a file, as fast as possible: the same hops, the same meters, no devices and no clock.

IN is only ever read. OUT is written beside its final place and moved there when it is whole, so that a failure of any kind
leaves what was there before. Control thread; waits for the disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.config import DEFAULT_HOP_FRAMES, SAMPLE_RATE_HZ
from engine.core.chain import Chain
from engine.core.stage import Block, StreamFormat
from engine.dsp.sanity import make_sane
from engine.errors import AudioFileError
from engine.hop import HopProcessor

_READ_FRAMES = 48_000
_MOST_CHANNELS = 2
_SHORT_ENDINGS = {"AIF": "AIFF", "OGA": "OGG"}
_HEADLESS_FORMATS = ("RAW",)
_KEPT_SUBTYPES = ("PCM_", "FLOAT", "DOUBLE")
"""Ways of storing samples that are kept where the format of the output has them too; others belong to one format."""

_LOWEST_RATE_HZ, _HIGHEST_RATE_HZ = 4000, 768_000
_QUALITY = "VHQ"


def render(chain: Chain, source: Path, target: Path, is_latency_compensated: bool = False) -> HopProcessor:
    """Run `chain` over the file `source` and write `target`, of the same rate, channels and length.

    Parameters
    ----------
    is_latency_compensated : bool
        False: the output lags by the chain's delay, as it does live. True: it is aligned with the input, to the end.

    Returns
    -------
    HopProcessor
        With the costs and the loudness of the run.

    Raises
    ------
    AudioFileError
        If a file cannot be read or written; `target` is then as before.
    """
    with _source(source, target) as reader:
        chain.prepare(StreamFormat(SAMPLE_RATE_HZ, reader.channels, DEFAULT_HOP_FRAMES))
        processor = HopProcessor(chain)
        with _target(target, reader) as writer:
            sound = _padded(_at_engine_rate(reader), chain.latency_samples + 2 * DEFAULT_HOP_FRAMES)
            sound = _processed(processor, _hops(sound, reader.channels))
            sound = _skipped(sound, chain.latency_samples if is_latency_compensated else 0)
            for block in _limited(_at_rate(sound, reader.samplerate, reader.channels), reader.frames):
                writer.write(block.T)
    return processor


def _at_engine_rate(reader: soundfile.SoundFile) -> Iterator[Block]:
    yield from _resampled(_blocks(reader), reader.samplerate, SAMPLE_RATE_HZ, reader.channels)


def _blocks(reader: soundfile.SoundFile) -> Iterator[Block]:
    frames = 0
    try:
        for block in reader.blocks(_READ_FRAMES, dtype="float32", always_2d=True):
            frames += len(block)
            # Before the resampler, which spreads what is no number over all that follows.
            make_sane(block)
            yield block.T
    except soundfile.LibsndfileError as error:
        raise _damaged(reader, error.error_string.strip().rstrip(".")) from None
    if frames < reader.frames:
        raise _damaged(reader, f"it ends after {frames} of {reader.frames} frames")


def _damaged(reader: soundfile.SoundFile, reason: str) -> AudioFileError:
    return AudioFileError(f"{reader.name} is damaged ({reason}); nothing was written")


def _at_rate(blocks: Iterator[Block], sample_rate: int, channels: int) -> Iterator[Block]:
    yield from _resampled(blocks, SAMPLE_RATE_HZ, sample_rate, channels)


def _resampled(blocks: Iterator[Block], from_hz: int, to_hz: int, channels: int) -> Iterator[Block]:
    if from_hz == to_hz:
        yield from blocks
        return
    # soxr compensates its own delay, so resampling there and back moves nothing.
    resampler = soxr.ResampleStream(from_hz, to_hz, channels, dtype="float32", quality=_QUALITY)
    for block in blocks:
        yield resampler.resample_chunk(np.ascontiguousarray(block.T)).reshape(-1, channels).T
    yield resampler.resample_chunk(np.zeros((0, channels), np.float32), last=True).reshape(-1, channels).T


def _padded(blocks: Iterator[Block], frames: int) -> Iterator[Block]:
    """Silence behind the sound, which pushes out of the chain what is still in it."""
    channels = 1
    for block in blocks:
        channels = block.shape[0]
        yield block
    yield np.zeros((channels, frames), np.float32)


def _hops(blocks: Iterator[Block], channels: int) -> Iterator[Block]:
    """The same sound in hops of equal length; the same array each time. An unfilled last hop is dropped."""
    hop = np.zeros((channels, DEFAULT_HOP_FRAMES), np.float32)
    filled = 0
    for block in blocks:
        start = 0
        while start < block.shape[1]:
            count = min(DEFAULT_HOP_FRAMES - filled, block.shape[1] - start)
            hop[:, filled : filled + count] = block[:, start : start + count]
            filled, start = filled + count, start + count
            if filled == DEFAULT_HOP_FRAMES:
                yield hop
                filled = 0


def _processed(processor: HopProcessor, hops: Iterator[Block]) -> Iterator[Block]:
    for hop in hops:
        processor.process(hop)
        yield hop


def _skipped(blocks: Iterator[Block], frames: int) -> Iterator[Block]:
    for block in blocks:
        cut = min(frames, block.shape[1])
        frames -= cut
        yield block[:, cut:]


def _limited(blocks: Iterator[Block], frames: int) -> Iterator[Block]:
    for block in blocks:
        yield block[:, :frames]
        frames -= min(frames, block.shape[1])


@contextmanager
def _source(source: Path, target: Path) -> Iterator[soundfile.SoundFile]:
    if not source.is_file():
        raise AudioFileError(f"{source} does not exist or is no file; check the path")
    if target.exists() and source.samefile(target):
        raise AudioFileError(
            f"{target} is the input itself, which is never changed; choose another name for the output"
        )
    try:
        reader = soundfile.SoundFile(source)
    except (soundfile.LibsndfileError, TypeError):
        raise AudioFileError(f"{source} cannot be read as audio; give a WAV, FLAC, OGG, MP3 or AIFF file") from None
    with reader:
        if reader.channels > _MOST_CHANNELS:
            raise AudioFileError(
                f"{source} has {reader.channels} channels; Sidetone takes one or two, so mix it down first"
            )
        if reader.frames == 0:
            raise AudioFileError(f"{source} holds no sound at all; nothing was written")
        if not _LOWEST_RATE_HZ <= reader.samplerate <= _HIGHEST_RATE_HZ:
            raise AudioFileError(
                f"{source} says its rate is {reader.samplerate} Hz, which cannot be; resample it first"
            )
        yield reader


@contextmanager
def _target(target: Path, reader: soundfile.SoundFile) -> Iterator[soundfile.SoundFile]:
    """A file of the reader's rate and channels that takes its place when, and only when, all went well."""
    ending = target.suffix[1:].upper()
    file_format = _SHORT_ENDINGS.get(ending, ending)
    if file_format not in soundfile.available_formats() or file_format in _HEADLESS_FORMATS:
        raise AudioFileError(f"the ending of {target} is no audio format known here; use .wav, .flac or .ogg")
    if target.is_dir() or not target.parent.is_dir():
        raise AudioFileError(f"{target} cannot be written, because its folder does not exist; make it first")
    is_kept = reader.subtype.startswith(_KEPT_SUBTYPES) and soundfile.check_format(file_format, reader.subtype)
    subtype = reader.subtype if is_kept else None
    unfinished = target.with_name(f".{target.stem}.unfinished-{os.getpid()}{target.suffix}")
    try:
        with soundfile.SoundFile(
            unfinished, "w", reader.samplerate, reader.channels, subtype, format=file_format
        ) as writer:
            yield writer
        _expect_whole(unfinished, reader.frames)
        unfinished.replace(target)
    except (soundfile.LibsndfileError, OSError, AssertionError) as error:
        raise AudioFileError(
            f"{target} could not be written ({_reason(error)}); make room or choose another place"
        ) from None
    finally:
        # A file system that cannot be written refuses to remove even what is not there.
        with suppress(OSError):
            unfinished.unlink()


def _reason(error: soundfile.LibsndfileError | OSError | AssertionError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, AssertionError):
        return "the disk is full"
    # "System error" is all that libsndfile says of a folder that is not writable.
    words: str = error.error_string.strip().rstrip(".")
    return "the disk is full or the folder is not writable" if words.startswith("System error") else words


def _expect_whole(path: Path, frames: int) -> None:
    # libsndfile buffers: a disk that filled up at the very end shows only in what is there.
    if soundfile.info(path).frames < frames:
        raise OSError(28, "the disk is full")
