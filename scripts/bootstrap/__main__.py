"""Entry: refuses a Python that does not suit, then hands over. Parses on any Python 3, so that an old one gets a sentence."""

import os.path
import sys

OLDEST = (3, 11)
NEWEST = (3, 14)


def suits(version: "tuple[int, int]") -> bool:
    """Tell whether the locked packages exist for this (major, minor)."""
    return OLDEST <= version <= NEWEST


if __name__ == "__main__":
    here = sys.version_info[:2]
    if sys.argv[1:] == ["--suits"]:
        sys.exit(0 if suits(here) else 1)
    if not suits(here):
        sys.exit(
            f"Sidetone needs Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}, and this is {here[0]}.{here[1]}: "
            "install one of them, delete the folder .venv and start again."
        )
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    from scripts.bootstrap.launch import main

    sys.exit(main(sys.argv[1:]))
