"""What is cleared: settlements of remote care and their reversals, with what funds and accounts paid.

Cash and what the institution bears are never cleared. A journal never changes; it lies in the month of its day as long as
that is open, else in the present one, so that the reversal of a closed month is never refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple

from services.kernel.errors import Fault, conflict, invalid, precondition
from services.routing.domain.clearing.parties import Pair, pair_of
from services.routing.domain.clearing.terms import month_of, open_from

SETTLE, REVERSE = "settle", "reverse"
KINDS: Final = (SETTLE, REVERSE)

NOT_CLEARED: Final = frozenset({"999996", "999900", "630100", "640100"})
"""fund_pay_type of what the institution itself bears or remits (医院垫付, 医院减免金): no region pays it."""


class Key(NamedTuple):
    """A settlement is settled once and reversed at most once: its number and the kind name a journal for ever."""

    setl_id: str
    kind: str

    @property
    def source(self) -> str:
        """As postings name it."""
        return f"{self.kind}:{self.setl_id}"


@dataclass(frozen=True, slots=True)
class Journal:
    """One settlement or reversal as it came. Money in fen, negative in a reversal.

    `parts` are the amounts by fund_pay_type, the person's account being one of them, in the order of the codes, none 0.
    `setl_id` of a reversal is that of the settlement which it reverses.
    """

    setl_id: str
    kind: str
    order_no: str
    mdtrt_id: str
    fixmedins_code: str
    insured_area: str
    care_area: str
    insutype: str
    clr_type: str
    setl_at: datetime
    setl_day: date
    medfee_sumamt_fen: int
    parts: tuple[tuple[str, int], ...]

    @property
    def key(self) -> Key:
        """What names it."""
        return Key(self.setl_id, self.kind)

    @property
    def total_fen(self) -> int:
        """What the insured region owes for it."""
        return sum(amount for _, amount in self.parts)


@dataclass(frozen=True, slots=True)
class Filed:
    """A journal with its parties and the month in which it clears."""

    journal: Journal
    pair: Pair
    month: str


@dataclass(frozen=True, slots=True)
class FiledJournals:
    """What comes of a list: the new ones, and how many stood already."""

    fresh: tuple[Filed, ...]
    repeated: int


def parts_of(amounts: Iterable[tuple[str, int]], path: str) -> tuple[tuple[str, int], ...]:
    """Parts in the order of their codes, without those of 0.

    INVALID CLEARING_FUND_NOT_CLEARED for one that no region pays, INVALID for a code that stands twice.
    """
    found: dict[str, int] = {}
    for place, (fund, amount_fen) in enumerate(amounts):
        field = f"{path}[{place}].fund_pay_type"
        if fund in NOT_CLEARED:
            raise invalid(
                field, "clearing.fund", "a fund or an account", reason="CLEARING_FUND_NOT_CLEARED", fund_pay_type=fund
            )
        if fund in found:
            raise invalid(field, "clearing.fund_twice", "each kind of fund once")
        found[fund] = amount_fen
    return tuple(sorted((fund, amount) for fund, amount in found.items() if amount))


def file(
    journals: Sequence[Journal], standing: Mapping[Key, Journal], closed: Collection[str], today: date
) -> FiledJournals:
    """Decides a list. `standing` holds what stands under the settlements' numbers, `closed` the months that are not open.

    CONFLICT CLEARING_JOURNAL_EXISTS for other content under a key, PRECONDITION CLEARING_REVERSAL_MISMATCH for a reversal
    that is not the opposite of its settlement where both are known, INVALID for wrong signs, a day to come, or no remote care.
    """
    known = dict(standing)
    fresh: list[Filed] = []
    repeated = 0
    for place, journal in enumerate(journals):
        before = known.get(journal.key)
        if before is not None:
            if before != journal:
                raise conflict("CLEARING_JOURNAL_EXISTS", setl_id=journal.setl_id, journal_kind=journal.kind)
            repeated += 1
            continue
        _check(journal, f"journals[{place}]", today)
        known[journal.key] = journal
        fresh.append(Filed(journal, pair_of(journal.insured_area, journal.care_area), _month(journal, closed, today)))
    for filed in fresh:
        _check_opposite(filed.journal, known)
    return FiledJournals(tuple(fresh), repeated)


def _month(journal: Journal, closed: Collection[str], today: date) -> str:
    own = month_of(journal.setl_day)
    return open_from(month_of(today), closed) if own in closed else own


def _check(journal: Journal, path: str, today: date) -> None:
    sign = 1 if journal.kind == SETTLE else -1
    if any(amount * sign < 0 for _, amount in journal.parts):
        raise invalid(f"{path}.parts", "clearing.sign", "not negative in a settlement, not positive in a reversal")
    if journal.setl_day > today:
        raise invalid(f"{path}.setl_day", "clearing.day_to_come", "a day that has come")


def _check_opposite(journal: Journal, known: Mapping[Key, Journal]) -> None:
    other = known.get(Key(journal.setl_id, REVERSE if journal.kind == SETTLE else SETTLE))
    if other is None:
        return
    if (other.insured_area, other.care_area) != (journal.insured_area, journal.care_area) or _opposite(other) != dict(
        journal.parts
    ):
        raise _mismatch(journal)


def _opposite(journal: Journal) -> dict[str, int]:
    return {fund: -amount for fund, amount in journal.parts}


def _mismatch(journal: Journal) -> Fault:
    return precondition("CLEARING_REVERSAL_MISMATCH", setl_id=journal.setl_id)
