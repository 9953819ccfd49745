"""Documents of which each part is written by a run of its own."""

from __future__ import annotations

import re
from pathlib import Path


def put_section(path: Path, title: str, heading: str, body: str) -> None:
    """Write the section `heading` of a Markdown document, in place of the one it had; all others stay.

    Parameters
    ----------
    title : str
        Of the document, should there be none yet.
    """
    text = path.read_text("utf-8") if path.is_file() else f"# {title}\n"
    first, *rest = re.split(r"(?m)^## ", text)
    sections = {section.partition("\n")[0]: section.partition("\n")[2].strip() for section in rest}
    sections[heading] = body.strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        first.strip() + "\n" + "".join(f"\n## {name}\n\n{content}\n" for name, content in sections.items()), "utf-8"
    )
