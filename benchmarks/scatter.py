"""A plot of named points as SVG: text, so that git sees what changed, and no plotting package is needed."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, MARGIN = 760, 460, 60
TICKS = 6


@dataclass(frozen=True, slots=True)
class Point:
    """One point; `is_ours` is drawn filled."""

    x: float
    y: float
    name: str
    is_ours: bool


def scatter(points: list[Point], x_label: str, y_label: str) -> str:
    """The plot, readable on light and on dark ground."""
    x_of = _scale([point.x for point in points], MARGIN, WIDTH - 3 * MARGIN)
    y_of = _scale([point.y for point in points], HEIGHT - MARGIN, MARGIN // 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text x="16" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 {HEIGHT / 2})">{escape(y_label)}</text>',
    ]
    for value, place in x_of.ticks:
        parts.append(f'<path d="M{place:.1f} {MARGIN / 2}V{HEIGHT - MARGIN}" stroke="#ddd"/>')
        parts.append(f'<text x="{place:.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{value:.3g}</text>')
    for value, place in y_of.ticks:
        parts.append(f'<path d="M{MARGIN} {place:.1f}H{WIDTH - MARGIN}" stroke="#ddd"/>')
        parts.append(f'<text x="{MARGIN - 6}" y="{place + 4:.1f}" text-anchor="end">{value:.2f}</text>')
    for point in points:
        x, y = x_of(point.x), y_of(point.y)
        colour = "#c2410c" if point.is_ours else "#475569"
        fill = colour if point.is_ours else "#fff"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{fill}" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{x + 9:.1f}" y="{y + 4:.1f}" fill="{colour}">{escape(point.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


class _scale:  # noqa: N801 - reads as a function
    def __init__(self, values: list[float], start: float, end: float) -> None:
        pad = 0.05 * (max(values) - min(values)) or 1.0
        self._low, self._high = min(values) - pad, max(values) + pad
        self._start, self._end = start, end
        steps = [self._low + i * (self._high - self._low) / (TICKS - 1) for i in range(TICKS)]
        self.ticks = [(value, self(value)) for value in steps]

    def __call__(self, value: float) -> float:
        return self._start + (value - self._low) / (self._high - self._low) * (self._end - self._start)
