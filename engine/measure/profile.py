"""What was learnt of one room with one pair of devices, as it is kept in a file: named, dated, comparable.

Plain frozen data and its two directions to bytes; reading and writing files belongs to the app. A damaged profile is a
sentence, never a guess.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.config import SAMPLE_RATE_HZ
from engine.dsp.correction import Room
from engine.dsp.curve import Curve
from engine.errors import RoomError
from engine.measure.response import OCTAVES_HZ, Decay, decay_of

PROFILE_VERSION = 1
LONGEST_IMPULSE_S = 4.0
_LEAST_POINTS, _MOST_POINTS = 2, 100_000
_LOWEST_HZ, _HIGHEST_HZ, _FARTHEST_DB = 1.0, 192_000.0, 200.0


class Way(StrEnum):
    """How a room was learnt."""

    SWEEP = "sweep"
    TALK = "talk"
    CLAP = "clap"
    IMPORT = "import"


class StoredCurve(msgspec.Struct, frozen=True):
    """A `Curve` as plain data."""

    frequencies_hz: tuple[float, ...]
    gain_db: tuple[float, ...]

    @classmethod
    def of(cls, curve: Curve) -> StoredCurve:
        """Round to what a measurement can tell."""
        return cls(tuple(np.round(curve.frequencies_hz, 3).tolist()), tuple(np.round(curve.gain_db, 3).tolist()))

    def curve(self) -> Curve:
        """As mathematics takes it.

        Raises
        ------
        RoomError
            If it is no curve: too short, out of order, or with values that no measurement gives.
        """
        frequencies, gain = np.array(self.frequencies_hz), np.array(self.gain_db)
        is_whole = frequencies.size == gain.size and _LEAST_POINTS <= frequencies.size <= _MOST_POINTS
        if not is_whole or not np.isfinite(frequencies).all() or not np.isfinite(gain).all():
            raise RoomError("its curve is not whole")
        if (np.diff(frequencies) <= 0).any() or frequencies[0] < _LOWEST_HZ or frequencies[-1] > _HIGHEST_HZ:
            raise RoomError("its frequencies are not in order")
        if np.abs(gain).max() > _FARTHEST_DB:
            raise RoomError("its levels are no levels")
        return Curve(frequencies, gain)


class RoomProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement.

    Attributes
    ----------
    made_at : str
        Date and time, ISO 8601.
    input_device, output_device : str
        Names of the devices it was made with; empty where there was none.
    response : StoredCurve
        Level over frequency; or, where `is_correction`, the gain that another program worked out against it.
    low_hz, high_hz : float
        Where the response is to be believed.
    own_target : StoredCurve or None
        What the target "own" means here.
    decay : Decay or None
        Broadband figures, where they were learnt.
    octave_t20_s : tuple
        T20 of the octaves from 125 Hz to 8 kHz; None where it could not be told.
    impulse : bytes
        Impulse response, float32 little-endian at 48 kHz, from just before the direct sound on; empty where there is none.
    """

    name: str
    made_at: str
    way: Way
    response: StoredCurve
    version: int = PROFILE_VERSION
    input_device: str = ""
    output_device: str = ""
    low_hz: float = 20.0
    high_hz: float = 20_000.0
    is_correction: bool = False
    own_target: StoredCurve | None = None
    decay: Decay | None = None
    octave_t20_s: tuple[float | None, ...] = ()
    impulse: bytes = b""

    def room(self) -> Room:
        """What a correction needs of it.

        Raises
        ------
        RoomError
            If a curve in it is none.
        """
        return Room(
            self.response.curve(),
            self.low_hz,
            self.high_hz,
            self.own_target.curve() if self.own_target else None,
            self.decay_s,
            self.is_correction,
            self.decay.drr_db if self.decay and self.impulse else None,
        )

    @property
    def decay_s(self) -> float | None:
        """The reverberation time, by the best of the figures that are there."""
        if self.decay is None:
            return None
        return next((time_s for time_s in (self.decay.t20_s, self.decay.t30_s, self.decay.edt_s) if time_s), None)

    def impulse_samples(self) -> NDArray[np.float32]:
        """The impulse response at 48 kHz, shape (frames,)."""
        return np.frombuffer(self.impulse, "<f4").astype(np.float32)


def stored_impulse(impulse: NDArray[np.floating]) -> bytes:
    """An impulse response at 48 kHz, as `RoomProfile.impulse` keeps it."""
    return np.asarray(impulse[: round(LONGEST_IMPULSE_S * SAMPLE_RATE_HZ)], "<f4").tobytes()


def octave_times_s(impulse: NDArray[np.floating]) -> tuple[float | None, ...]:
    """T20 of each octave of a response at 48 kHz."""
    return tuple(decay_of(impulse, SAMPLE_RATE_HZ, centre_hz).t20_s for centre_hz in OCTAVES_HZ)


def encode_profile(profile: RoomProfile) -> bytes:
    """A profile as the content of a file."""
    return msgspec.json.encode(profile)


def decode_profile(content: bytes) -> RoomProfile:
    """A profile from the content of a file.

    Raises
    ------
    RoomError
        If it is damaged, or of a later version; the sentence says what is wrong, not with which file.
    """
    try:
        profile = msgspec.json.decode(content, type=RoomProfile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RoomError(f"it is damaged ({error})") from None
    if profile.version > PROFILE_VERSION:
        raise RoomError("it was made by a later version of Sidetone")
    if len(profile.impulse) % 4 or not np.isfinite(profile.impulse_samples()).all():
        raise RoomError("its impulse response is damaged")
    if not 0.0 < profile.low_hz < profile.high_hz:
        raise RoomError("its band is none")
    profile.room()
    return profile
