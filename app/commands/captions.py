"""`sidetone captions IN`: a recording's captions, by the live captioner's own path, as fast as possible.

Nobody watches lines grow here, so each segment is recognised once, when it is whole.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from app.crash import interrupted_by_termination
from app.paths import Paths
from engine import SidetoneError, TranscriptFormat
from engine.files import expect_writable, write_whole


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Write the files that were asked for; print the text if none was."""
    targets: dict[TranscriptFormat, Path | None] = {
        TranscriptFormat.WEBVTT: command.vtt,
        TranscriptFormat.SUBRIP: command.srt,
        TranscriptFormat.JSON: command.json,
        TranscriptFormat.TEXT: command.txt,
    }
    source = command.source
    for target in filter(None, targets.values()):
        are_there = target.exists() and source.exists()
        if target.absolute() == source.absolute() or (are_there and target.samefile(source)):
            raise SidetoneError(f"{target} is the recording itself, which is never changed; choose another name")
        expect_writable(target)

    from app.services.caption_models import load_caption_models
    from engine.captions.recording import recording_captions
    from engine.captions.transcript import transcript

    with interrupted_by_termination():
        models = load_caption_models(paths)
        lines = recording_captions(command.source, models.recognizer, models.detector)
        for form, path in targets.items():
            if path is not None:
                write_whole(path, transcript(form, models.head, lines))
    if not any(targets.values()):
        sys.stdout.write("".join(f"{line.committed}\n" for line in lines))
    return 0
