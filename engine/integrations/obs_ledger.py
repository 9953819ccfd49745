"""What was in OBS before Sidetone changed it, kept in a file, so that it is put back even after a crash.

Scene collections have inputs of their own, so there is a page for each. Service thread; writing waits for the disk.
"""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from engine.errors import SidetoneError
from engine.files import write_whole

_log = logging.getLogger("sidetone.obs")


class WrittenOffset(msgspec.Struct, frozen=True):
    """A sync offset as it was, and as it was written last."""

    before_ms: int
    written_ms: int


class LedgerPage(msgspec.Struct):
    """What was changed in one scene collection.

    Attributes
    ----------
    offsets : dict
        Sync offsets by input.
    texts : dict
        Texts that were there before, by text source.
    delayed : list of str
        Sources that were given a Render Delay filter.
    """

    offsets: dict[str, WrittenOffset] = {}
    texts: dict[str, str] = {}
    delayed: list[str] = []

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to put back."""
        return not (self.offsets or self.texts or self.delayed)


class ObsLedger:
    """The pages of all scene collections.

    Parameters
    ----------
    path : Path
        The file; need not exist. A damaged one is told of in the log and begun anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pages = _read(path)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to put back anywhere."""
        return all(page.is_empty for page in self._pages.values())

    def page(self, collection: str) -> LedgerPage:
        """The page of a scene collection; `save` after changing it, and before changing OBS."""
        return self._pages.setdefault(collection, LedgerPage())

    def save(self) -> None:
        """Write it down; a disk that refuses is told of in the log, and what is known stays in memory."""
        pages = {name: page for name, page in self._pages.items() if not page.is_empty}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, msgspec.json.encode(pages))
        except (OSError, SidetoneError) as error:
            _log.warning("what was in OBS before cannot be kept: %s", error)


def _read(path: Path) -> dict[str, LedgerPage]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, LedgerPage])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _log.warning("%s cannot be read (%s); what was in OBS before is not known", path, error)
        return {}
