"""Bills as their institution sees them (3260), and what it says to them (3261): confirmed, or left out of this month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.kernel.errors import not_found, precondition
from services.kernel.money import yuan_text
from services.routing.domain.clearing.journals import Journal

LEFT_OUT, CONFIRMED = "0", "1"
PAGE: Final = 100
"""Bills of one answer of 3260 and of one message of 3261."""


class Bill(NamedTuple):
    """A journal with the flag that its institution gave it (empty: none), and the message by which it did."""

    journal: Journal
    flag: str
    number: str


class InstitutionSaid(NamedTuple):
    """What an institution says to a settlement, or to the reversal of it; sums in fen where it sends them."""

    setl_id: str
    flag: str
    medfee_sumamt_fen: int | None
    optins_pay_sumamt_fen: int | None


def check_told(told: Sequence[InstitutionSaid], standing: Sequence[Bill], month: str) -> None:
    """NOT_FOUND CLEARING_BILL_NOT_FOUND for one that does not clear for it in that month.

    PRECONDITION CLEARING_BILL_DIFFERS where a sum that it sends is of no journal of that number.
    """
    known: dict[str, list[Journal]] = {}
    for each in standing:
        known.setdefault(each.journal.setl_id, []).append(each.journal)
    for said in told:
        journals = known.get(said.setl_id)
        if journals is None:
            raise not_found("CLEARING_BILL_NOT_FOUND", setl_id=said.setl_id, month=month)
        _check_sum(said.setl_id, "medfee_sumamt", said.medfee_sumamt_fen, [each.medfee_sumamt_fen for each in journals])
        _check_sum(said.setl_id, "optins_pay_sumamt", said.optins_pay_sumamt_fen, [each.total_fen for each in journals])


def _check_sum(setl_id: str, part: str, sent: int | None, known: Sequence[int]) -> None:
    if sent is not None and sent not in known:
        raise precondition(
            "CLEARING_BILL_DIFFERS", setl_id=setl_id, part=part, sent=yuan_text(sent), found=yuan_text(known[-1])
        )
