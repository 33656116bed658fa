"""What a reader has to know of an answer: it may be cut, and something may be missing."""

from __future__ import annotations

from typing import Final

from services.imaging.domain.qido.asked import Question
from services.imaging.domain.scopes import Place
from services.imaging.operations.searching import Page

_AGENT: Final = "yibao"
_MOST_NAMED: Final = 10


def warning_header(page: Page, question: Question) -> str:
    """The same as a header `Warning` of HTTP; empty where there is nothing to know."""
    return ", ".join(f'299 {_AGENT} "{each}"' for each in warnings_of(page, question))


def warnings_of(page: Page, question: Question) -> list[str]:
    """What is to be known of an answer (PS3.18, 10.6.3 and 8.3.4.4): in English, as a header of HTTP is written."""
    told: list[str] = []
    if question.cut:
        told.append(f"At most {question.limit} results are told at once")
    if page.more:
        told.append(f"There are {page.more} additional results that can be requested")
    if page.away:
        told.append(
            f"Nodes that do not answer now: {', '.join(page.away)}; what they hold is found and cannot be opened"
        )
    if page.undecided:
        told.append(f"Cells that do not answer now: {', '.join(page.undecided)}; nothing of their persons is told")
    if page.behind:
        named = ", ".join(_silent(each) for each in page.behind[:_MOST_NAMED])
        others = f" and {len(page.behind) - _MOST_NAMED} more" if len(page.behind) > _MOST_NAMED else ""
        told.append(f"Nodes that are behind: {named}{others}; what they took lately may be missing")
    return told


def _silent(place: Place) -> str:
    return (
        f"{place.node_no} (heard at {place.heard_at:%Y-%m-%dT%H:%M:%SZ})"
        if place.heard_at
        else f"{place.node_no} (not heard)"
    )
