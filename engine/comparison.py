"""What is compared, and how it stands: A is what runs anyway, B has other settings or another model. Plain frozen data."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Source(StrEnum):
    """What is heard: the chain as ever, one side of a comparison, or what the denoiser takes away.

    X is A or B, drawn by the engine; OTHER is B after A, and A after anything else.
    """

    NOW = "now"
    A = "a"
    B = "b"
    X = "x"
    OTHER = "other"
    REMOVED = "removed"


class ComparisonSnapshot(msgspec.Struct, frozen=True):
    """A comparison now.

    Attributes
    ----------
    heard : Source
        What was asked for last; X does not tell which it is.
    other : str
        What B is, in words; empty if there is no B and only what is removed is listened to.
    is_private : bool
        Whether the monitor alone carries it, and the air bus goes on as ever.
    delay_ms : float
        Delay of both sides from input to output.
    gains_db : tuple[float, float]
        By how much A and B are lowered to be equally loud.
    trials, answered : int
        Of a blind test; 0 if there is none.
    right : int or None
        Answers that were right; known when all trials are answered, so that nobody stops at a lucky moment.
    guessing : float or None
        Probability of as many right answers by guessing alone, with `right`.
    """

    heard: Source
    other: str
    is_private: bool
    delay_ms: float
    gains_db: tuple[float, float]
    trials: int = 0
    answered: int = 0
    right: int | None = None
    guessing: float | None = None
