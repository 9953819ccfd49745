"""The demo's microphone, for machines that have none: prepares its files and puts them in the place of a device."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import soundfile

from app.composition import DEMO_SPEECH, ensure_models
from app.demo_sound import DemoSound, make_demo_sound
from app.paths import Paths
from engine import AUTOMATIC, SAMPLE_RATE_HZ, AudioFileError, DeviceConfig, DeviceDescription, EngineApi


def prepare_demo(paths: Paths) -> tuple[DemoSound, Path, Path]:
    """The demo's sound, the file it was written to, and the file the output shall go to.

    Raises
    ------
    SidetoneError
        If the speech cannot be had, or the file cannot be written.
    """
    store = ensure_models(paths, DEMO_SPEECH)
    sound = make_demo_sound(store.model_path(DEMO_SPEECH))
    folder = paths.cache / "demo"
    before, after = folder / "before.wav", folder / "after.wav"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(before, sound.noisy, SAMPLE_RATE_HZ, subtype="FLOAT")
    except (OSError, soundfile.LibsndfileError):
        raise AudioFileError(f"{before} could not be written; make room on the disk") from None
    return sound, before, after


def has_microphone(devices: Iterable[DeviceDescription]) -> bool:
    """Whether there is any microphone among `devices`."""
    return any(device.input_channels and not device.is_monitor for device in devices)


def with_demo_microphone(devices: DeviceConfig, engine: EngineApi, paths: Paths) -> DeviceConfig:
    """The same devices, but with the demo, looped and alone, where a microphone was to be found and `engine` knows none.

    Real devices have no clock in common with it.
    """
    from engine.io.simulated import LOOP_PREFIX

    if devices.input != AUTOMATIC or has_microphone(engine.devices()):
        return devices
    _, before, _ = prepare_demo(paths)
    return msgspec.structs.replace(devices, input=f"{LOOP_PREFIX}{before}", output=AUTOMATIC, monitor=None, music=None)
