"""The one place that knows where things lie, on every system, in a checkout and in a frozen program."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from engine.user_folders import APP_NAME, cache_folder, chosen_folder


@dataclass(frozen=True, slots=True)
class Paths:
    """Folders of the program and of the user.

    Attributes
    ----------
    program : Path
        Where `resources` and `models` lie; read only.
    config, cache, log : Path
        The user's; made when something is first written.
    runtime : Path
        Private to the user; holds the address and the key of a running engine.
    """

    program: Path
    config: Path
    cache: Path
    log: Path
    runtime: Path

    @property
    def resources(self) -> Path:
        """Icons, presets, maps of MIDI devices, the overlay page."""
        return self.program / "resources"

    @property
    def catalog(self) -> Path:
        """The model catalogue."""
        return self.program / "models" / "catalog.toml"

    @property
    def bundled_models(self) -> Path:
        """Models that came with a frozen program; need not exist."""
        return self.program / "models" / "built"

    @property
    def models(self) -> Path:
        """Models built on this machine."""
        return self.cache / "models"

    @property
    def measured_models(self) -> Path:
        """What the models cost on this machine."""
        return self.models / "measured.json"

    @property
    def imported_models(self) -> Path:
        """Models that the user brought along, and their catalogue; unlike a cache, they cannot be made again."""
        return self.config / "models"

    @property
    def rooms(self) -> Path:
        """What was learnt of the user's rooms."""
        return self.config / "rooms"

    @property
    def presets(self) -> Path:
        """The user's own presets; the program's are in `resources`."""
        return self.config / "presets"

    @property
    def overlay_token(self) -> Path:
        """The secret in the overlay page's address."""
        return self.config / "overlay.token"

    @property
    def remote_token(self) -> Path:
        """The secret in the remote interface's address."""
        return self.config / "remote.token"

    @property
    def transcripts(self) -> Path:
        """Captions that the user keeps, unless another folder is chosen."""
        return Path(platformdirs.user_documents_dir()) / "Sidetone captions"

    @property
    def midi_maps(self) -> Path:
        """The user's own maps of MIDI devices."""
        return self.config / "midi"

    @property
    def settings(self) -> Path:
        """The user's settings file."""
        return self.config / "settings.toml"

    @property
    def obs_ledger(self) -> Path:
        """What was in OBS before Sidetone changed it."""
        return self.config / "obs-before.json"


def program_folder() -> Path:
    """Where the program's own files lie, in a checkout and in a frozen program; read only."""
    frozen = getattr(sys, "_MEIPASS", None)
    return Path(frozen) if frozen else Path(__file__).resolve().parent.parent


def find_paths() -> Paths:
    """Where everything lies for this user.

    The variables SIDETONE_CONFIG_DIR, SIDETONE_CACHE_DIR and SIDETONE_RUNTIME_DIR override a folder each, for portable
    installations and for tests.

    Raises
    ------
    SidetoneError
        If one of them says where from here, and there is no here any more.
    """
    config = chosen_folder("CONFIG") or Path(platformdirs.user_config_dir(APP_NAME, appauthor=False))
    cache = cache_folder()
    return Paths(program_folder(), config, cache, cache / "log", chosen_folder("RUNTIME") or _runtime())


def _runtime() -> Path:
    # Without a login session (a container, a service) there is no runtime folder; then one of the user's own in the
    # temporary folder does. Its name is short, because a Unix socket's address may have 107 bytes.
    if sys.platform == "win32" or sys.platform == "darwin" or os.environ.get("XDG_RUNTIME_DIR"):
        return Path(platformdirs.user_runtime_dir(APP_NAME, appauthor=False))
    return Path(tempfile.gettempdir()) / f"{APP_NAME}-{os.getuid()}"
