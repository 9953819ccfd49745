"""Which inputs of OBS capture a device, and what else there is to choose from. Service thread; every call asks OBS."""

from __future__ import annotations

from typing import Any

from engine.integrations.obs_connection import ObsConnection
from engine.services.obs import ObsChoices

_DEVICE_PROPERTY = {
    "alsa_input_capture": "device_id",
    "coreaudio_input_capture": "device_id",
    "pulse_input_capture": "device_id",
    "wasapi_input_capture": "device_id",
}
_AUDIO_KINDS = ("alsa_", "coreaudio_", "jack_", "oss_", "pipewire_audio_", "pulse_", "sck_audio_", "sndio_", "wasapi_")
_TEXT_KINDS = ("text_",)

_Input = dict[str, Any]


class InputFinder:
    """Finds the inputs that capture a device by its name. Remembers what it asked, because OBS reads the list of devices anew.

    Parameters
    ----------
    obs : ObsConnection
    """

    def __init__(self, obs: ObsConnection) -> None:
        self._obs = obs
        self._labels: dict[tuple[str, str], str] = {}

    def find(self, device: str) -> tuple[str, ...]:
        """Names of the inputs that capture `device`, which is what a person reads in OBS or the beginning of it."""
        return tuple(entry["inputName"] for entry in _inputs(self._obs) if self._captures(entry, device))

    def _captures(self, entry: _Input, device: str) -> bool:
        property_name = _DEVICE_PROPERTY.get(entry["unversionedInputKind"])
        if property_name is None or not device:
            return False
        name = entry["inputName"]
        settings = self._obs.ask("GetInputSettings", inputName=name)["inputSettings"]
        device_id = str(settings.get(property_name, ""))
        if device_id.casefold() == device.casefold():
            return True
        if (name, device_id) not in self._labels:
            self._labels[name, device_id] = self._label(name, property_name, device_id)
        return self._labels[name, device_id].casefold().startswith(device.casefold())

    def _label(self, name: str, property_name: str, device_id: str) -> str:
        items = self._obs.ask("GetInputPropertiesListPropertyItems", inputName=name, propertyName=property_name)
        return next((str(item["itemName"]) for item in items["propertyItems"] if item["itemValue"] == device_id), "")


def read_choices(obs: ObsConnection, scenes: tuple[str, ...]) -> ObsChoices:
    """What there is to choose from; a scene counts as a video source."""
    inputs = _inputs(obs)
    return ObsChoices(
        scenes=scenes,
        audio_inputs=_of_kind(inputs, _AUDIO_KINDS),
        text_sources=_of_kind(inputs, _TEXT_KINDS),
        video_sources=(
            *(entry["inputName"] for entry in inputs if not entry["unversionedInputKind"].startswith(_AUDIO_KINDS)),
            *scenes,
        ),
    )


def _inputs(obs: ObsConnection) -> list[_Input]:
    return list(obs.ask("GetInputList")["inputs"])


def _of_kind(inputs: list[_Input], kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(entry["inputName"] for entry in inputs if entry["unversionedInputKind"].startswith(kinds))
