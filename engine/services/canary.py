"""A model that runs unheard beside the one in use."""

from __future__ import annotations

import msgspec


class CanaryConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Which model runs unheard beside the one in use, and for how long; none if `model` is empty."""

    model: str = ""
    seconds: float = 600.0


class CanaryStatus(msgspec.Struct, frozen=True, tag=True):
    """How the model that runs unheard does: what was heard so far, and the figures in words.

    Attributes
    ----------
    verdict : str
        Why it may take over or not, once its time is over; stays until another one is tried.
    """

    model: str
    heard_s: float
    text: str
    verdict: str = ""
    is_promoted: bool = False
