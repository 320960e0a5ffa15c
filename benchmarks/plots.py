"""Bar charts as SVG, readable on a light and on a dark page."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH = 760
_LABEL_WIDTH = 190
_VALUE_WIDTH = 90
_BAR_HEIGHT = 18
_GAP = 6
_TOP = 52
_OURS, _OTHER = "#1a7f37", "#8c959f"
_STYLE = "font: 13px system-ui, sans-serif; fill: #1f2328"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its value, the lowest and the highest of the rounds; `ours` has its own colour."""

    label: str
    value: float
    low: float
    high: float
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Bars under one heading."""

    heading: str
    bars: Sequence[Bar]


def chart(title: str, unit: str, groups: Sequence[Group]) -> str:
    """A chart of horizontal bars from 0, one scale for all groups; values carry their unit."""
    highest = max(bar.high for group in groups for bar in group.bars)
    room = _WIDTH - _LABEL_WIDTH - _VALUE_WIDTH
    lines: list[str] = []
    top = _TOP
    for group in groups:
        lines.append(_text(12, top + 13, group.heading, weight="600"))
        top += _BAR_HEIGHT + _GAP
        for bar in group.bars:
            lines += _drawn(bar, top, room / highest, unit)
            top += _BAR_HEIGHT + _GAP
        top += _GAP
    height = top + _GAP
    size = f'width="{_WIDTH}" height="{height}"'
    name = escape(title, {'"': "&quot;"})
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{name}">',
            f'<rect {size} rx="6" fill="#ffffff"/>',
            _text(12, 26, title, weight="700"),
            *lines,
            "</svg>\n",
        ]
    )


def _drawn(bar: Bar, top: int, scale: float, unit: str) -> list[str]:
    middle = top + _BAR_HEIGHT / 2
    low, high = (_LABEL_WIDTH + value * scale for value in (bar.low, bar.high))
    width = max(bar.value * scale, 1.0)
    colour = _OURS if bar.ours else _OTHER
    return [
        _text(_LABEL_WIDTH - 8, top + 13, bar.label, anchor="end"),
        f'<rect x="{_LABEL_WIDTH}" y="{top}" width="{width:.1f}" height="{_BAR_HEIGHT}" fill="{colour}"/>',
        f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#1f2328" stroke-width="2"/>',
        _text(max(high, _LABEL_WIDTH + width) + 8, top + 13, f"{bar.value:.3g} {unit}"),
    ]


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "400") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" style="{_STYLE}">'
        f"{escape(text)}</text>"
    )
