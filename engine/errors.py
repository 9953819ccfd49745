"""The one error tree. A message is one sentence that says what is wrong and how to mend it; it is shown to the user as is."""

from __future__ import annotations


class SidetoneError(Exception):
    """Something the user can be told in one sentence; the command line prints it and exits with 1."""


class AudioFileError(SidetoneError):
    """A file cannot be read as audio, or cannot be written."""


class DeviceError(SidetoneError):
    """A device does not exist, is busy, or refuses the format."""


class DeviceChoiceError(DeviceError):
    """Devices were chosen that cannot be had so, whatever is plugged in."""


class ModelError(SidetoneError):
    """A model cannot be fetched, built, verified or loaded."""


class ParameterError(SidetoneError):
    """An unknown parameter or stage, or a value it cannot take."""


class PresetError(SidetoneError):
    """A preset or settings file is damaged."""


class RoomError(SidetoneError):
    """A room cannot be measured, or what was learnt of one cannot be used."""


class ObsError(SidetoneError):
    """OBS cannot be reached, or refuses."""


class ConnectionLostError(SidetoneError):
    """The engine process cannot be reached."""
