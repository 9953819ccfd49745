"""The models that captions stand on: chosen, built if need be, loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.composition import ensure_models, model_library
from app.paths import Paths
from engine.captions.transcript import TranscriptHead
from engine.inference.moonshine import Moonshine
from engine.inference.recognizer import SpeechModel
from engine.inference.vad import SileroVad

RECOGNIZER, DETECTOR = "moonshine-tiny-en", "silero-vad"


@dataclass(frozen=True, slots=True)
class CaptionModels:
    """Weights, shared by all streams, and what a transcript says of them."""

    recognizer: SpeechModel
    detector: SileroVad
    head: TranscriptHead


def load_caption_models(paths: Paths, progress: Callable[[str, float], None] | None = None) -> CaptionModels:
    """Load what writes captions: Sidetone's own model, or the imported one in its place. May fetch it; waits.

    Raises
    ------
    ModelError
        If a model cannot be had or loaded.
    """
    chosen = model_library(paths).in_use().chosen(RECOGNIZER)
    store = ensure_models(paths, *((DETECTOR,) if chosen else (RECOGNIZER, DETECTOR)), progress=progress)
    models = model_library(paths).in_use()
    described = chosen or store.entry(RECOGNIZER)
    return CaptionModels(
        Moonshine(models.model_path(RECOGNIZER)),
        SileroVad(models.model_path(DETECTOR)),
        TranscriptHead(id=described.id, version=described.version, sha256=described.sha256),
    )
