"""Seals models/catalog.toml after a change: the program reads no catalogue but the one whose sha256 it knows."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.inference.catalog import seal_of

ROOT = Path(__file__).resolve().parent.parent
CATALOG = ROOT / "models" / "catalog.toml"
SEAL = ROOT / "engine" / "inference" / "catalog_seal.py"
TEXT = '''"""What models/catalog.toml of this program is: its sha256, written by `python -m scripts.seal_catalog`."""

SHIPPED_SEAL = "{seal}"
'''


def main() -> int:
    """Write the seal."""
    seal = seal_of(CATALOG.read_text("utf-8"))
    SEAL.write_text(TEXT.format(seal=seal), "utf-8", newline="\n")
    print(f"{CATALOG.relative_to(ROOT)} is sealed: {seal}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
