"""A picture of net positions as SVG: a bar for each region, to the right what it gets, to the left what it pays. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from services.kernel.money import yuan_text

_ROW: Final = 22
_TOP: Final = 48
_MIDDLE: Final = 420
_REACH: Final = 250
_WIDTH: Final = 840
_GETS, _PAYS = "#2f7d4f", "#b5493a"


def picture(nets: Sequence[tuple[str, int]], title: str) -> str:
    """The document; `nets` are regions with their net in fen, drawn from the largest to the smallest."""
    rows = sorted(nets, key=lambda each: (-each[1], each[0]))
    height = _TOP + _ROW * max(len(rows), 1) + 20
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
        ' font-family="sans-serif" font-size="12" role="img">'
    )
    return "\n".join((head, *_body(rows, title, height), "</svg>", ""))


def _body(rows: Sequence[tuple[str, int]], title: str, height: int) -> Iterator[str]:
    said = escape(title)
    yield f"<title>{said}</title>"
    yield f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>'
    yield f'<text x="16" y="26" font-size="16">{said}</text>'
    most = max((abs(net) for _, net in rows), default=0)
    for place, (region, net) in enumerate(rows):
        top = _TOP + place * _ROW
        # Whole pixels: the same positions draw the same picture.
        long = abs(net) * _REACH // most if most else 0
        left = _MIDDLE if net >= 0 else _MIDDLE - long
        anchor, beside = ("start", _MIDDLE + long + 6) if net >= 0 else ("end", _MIDDLE - long - 6)
        yield f'<rect x="{left}" y="{top}" width="{long}" height="{_ROW - 6}" fill="{_GETS if net >= 0 else _PAYS}"/>'
        yield f'<text x="16" y="{top + 12}">{escape(region)}</text>'
        yield f'<text x="{beside}" y="{top + 12}" text-anchor="{anchor}">{yuan_text(net)}</text>'
    yield f'<line x1="{_MIDDLE}" y1="{_TOP - 8}" x2="{_MIDDLE}" y2="{height - 12}" stroke="#444444"/>'
