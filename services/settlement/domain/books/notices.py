"""Notices of what is cleared between regions: settlements of cross-region care and their reversals, as an outbox keeps them.

Elsewhere means another pooling area. A notice tells funds and account, never cash nor what the institution bears, and
nothing of a person. The insured place owns the money: its notice becomes the journal, that of the place of care is compared
with it; one cell that has both places gives one notice for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from services.kernel.codes import account_fund, clr_type, fund_pay_type, pooling_area
from services.kernel.requests import Regions
from services.settlement.domain.benefits.outcome import FUND_FIELDS

INSURED, CARE = "insured", "care"
MOST: Final = 500
"""Notices of a page, and rows that one step takes away."""
KEPT: Final = timedelta(days=35)
"""How long notices that have arrived are kept: a copy of the receiver's store may be put back for so long (our decision)."""


@dataclass(frozen=True, slots=True)
class ClearedRow:
    """A row of the books that is cleared, as the store reads it; `at` in microseconds, amounts negative in a reversal.

    `setl_id` is the row's own number and `of` the settlement that it is or reverses. `sides` are the places that this cell
    has of it. `funds_fen` are in the order of FUND_FIELDS.
    """

    setl_id: str
    of: str
    kind: str
    sides: tuple[str, ...]
    order_no: str
    mdtrt_id: str
    fixmedins_code: str
    regions: Regions
    insutype: str
    med_type: str
    at: int
    bill_total_fen: int
    account_fen: int
    funds_fen: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told of it; `parts` are amounts by fund_pay_type, none 0."""

    kind: str
    sides: tuple[str, ...]
    setl_id: str
    order_no: str
    mdtrt_id: str
    fixmedins_code: str
    insured_area: str
    care_area: str
    insutype: str
    clr_type: str
    at: int
    bill_total_fen: int
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A notice at its place; `traceparent` names the span that booked it, "" for none."""

    seq: int
    notice: Notice
    traceparent: str


class Head(NamedTuple):
    """The first place that is kept, the last that was given, and up to which notices have arrived."""

    first_seq: int = 1
    last_seq: int = 0
    acked_seq: int = 0


@dataclass(frozen=True, slots=True)
class NoticeOrigin:
    """When and by which span notices are written; the moment in microseconds."""

    at: int = 0
    traceparent: str = ""


NO_ORIGIN: Final = NoticeOrigin()
"""Of changes that book nothing of cross-region care."""


def apart(regions: Regions) -> bool:
    """Whether insured place and place of care are two pooling areas."""
    home, care = regions
    return home != care and pooling_area(home) != pooling_area(care)


def notice_of(booked: ClearedRow) -> Notice:
    """The notice of a row of the books."""
    return Notice(
        kind=booked.kind,
        sides=booked.sides,
        setl_id=booked.of,
        order_no=booked.order_no or booked.setl_id,
        mdtrt_id=booked.mdtrt_id,
        fixmedins_code=booked.fixmedins_code,
        insured_area=pooling_area(booked.regions.insuplc_admdvs),
        care_area=pooling_area(booked.regions.mdtrtarea_admvs),
        insutype=booked.insutype,
        clr_type=clr_type(booked.med_type),
        at=booked.at,
        bill_total_fen=booked.bill_total_fen,
        parts=_parts(booked),
    )


def _parts(booked: ClearedRow) -> tuple[tuple[str, int], ...]:
    named = [
        (fund_pay_type(fund, booked.insutype), fen) for fund, fen in zip(FUND_FIELDS, booked.funds_fen, strict=True)
    ]
    named.append((account_fund(booked.insutype), booked.account_fen))
    return tuple(sorted(each for each in named if each[1]))
