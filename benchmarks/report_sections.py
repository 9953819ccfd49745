"""A report whose sections are measured one at a time: each run replaces its own, and what was measured before stays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path


def write_section(report: Path, title: str, lines: Iterable[str]) -> None:
    """Put a section of this title into a Markdown file in place of the one of the same title, or at its end."""
    text = report.read_text(encoding="utf-8")
    section = "\n".join([f"## {title}", "", *lines, ""])
    pattern = re.compile(rf"^## {re.escape(title)}$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    is_there = pattern.search(text) is not None
    text = pattern.sub(lambda _: section + "\n", text) if is_there else f"{text.rstrip()}\n\n{section}"
    report.write_text(text.rstrip() + "\n", encoding="utf-8")
