"""The service that lets a model run unheard beside the one in use, and has it promoted or not when its time is over."""

from __future__ import annotations

import threading

from engine import SAMPLE_RATE_HZ, CanaryConfig, CanaryStatus, ModelError, SetService, TapPoint
from engine.commands import ConcludeCanary, ReportService
from engine.inference.canary import Canary, Verdict, judge
from engine.inference.library import ModelLibrary
from engine.remote import RemoteEngine

_LOOK_INTERVAL_S = 0.25
_MOST_TIMES = 3.0
"""At most so many times its time passes by the clock: a microphone that gives nothing would keep it waiting for ever."""


class CanaryService:
    """Implements `Service`.

    Parameters
    ----------
    library : ModelLibrary
        Where both models are.
    """

    name = "canary"

    def __init__(self, library: ModelLibrary) -> None:
        self._library = library

    def run(self, engine: RemoteEngine, is_over: threading.Event) -> None:
        """Wait for a model to try, try it, and so on. Service thread."""
        last: CanaryStatus | None = None
        while not is_over.wait(_LOOK_INTERVAL_S):
            config = engine.snapshot().services.config.canary
            if not config.model:
                if last is not None:
                    engine.send(ReportService(last))
                continue
            verdict, last = self._try(config, engine, is_over), None
            if verdict is not None:
                last = CanaryStatus(config.model, 0.0, "", verdict.reason, verdict.is_promoted)
                engine.send(SetService(CanaryConfig()))
                engine.send(ConcludeCanary(config.model, verdict.is_promoted, verdict.reason))

    def _try(self, config: CanaryConfig, engine: RemoteEngine, is_over: threading.Event) -> Verdict | None:
        """The verdict; None if it was called off."""
        try:
            canary = self._canary(config.model)
        except ModelError as error:
            return Verdict(False, str(error))
        run, frame, looks = -1, 0, 0
        while not is_over.wait(_LOOK_INTERVAL_S):
            if engine.snapshot().services.config.canary != config:
                return None
            chunk = engine.tap(TapPoint.INPUT, run, frame)
            if chunk is not None:
                run, frame = chunk.run, chunk.end_frame
                canary.hear(chunk.samples())
            figures = canary.figures()
            engine.send(ReportService(CanaryStatus(config.model, round(figures.heard_s, 1), figures.in_words())))
            looks += 1
            if figures.heard_s >= config.seconds or looks * _LOOK_INTERVAL_S >= _MOST_TIMES * config.seconds:
                return judge(figures)
        return None

    def _canary(self, model_id: str) -> Canary:
        place = self._library.place_of(model_id)
        candidate, current = self._library.with_model(model_id), self._library.in_use()
        if candidate.sha256(place) == current.sha256(place):
            raise ModelError(f"{model_id} is in use already")
        # The networks' kernels take longer to import than all the services together.
        from engine.inference.resampled import at_rate
        from engine.inference.runtimes import open_denoiser

        return Canary(
            *(
                at_rate(open_denoiser(place, models.model_path(place), models.provider(place)), SAMPLE_RATE_HZ)
                for models in (current, candidate)
            )
        )
