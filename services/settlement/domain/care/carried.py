"""What a bill of another cell carries along: its filing, and its lines as the place of care has split them.

The insured cell stores them, so that the person sees what was charged; it never splits them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import eq
from typing import Final, NamedTuple, TypeAlias

from services.kernel.clock import beijing_day, from_micros
from services.kernel.errors import Fault, FaultKind, Violation, Violations, invalid
from services.settlement.domain.care.lines import BillTotals, LineSplit
from services.settlement.domain.care.pricing import exempt_sums

MOST_LINES: Final = 3000
"""Lines that a carried bill holds at most (our decision: a message has bounds)."""

LONG_TERM: Final = "long_term"
TEMPORARY: Final = "temporary"
REFERRAL: Final = "referral"

_REMOTE_KINDS: Final = {LONG_TERM: "filed_long_term", REFERRAL: "transfer", TEMPORARY: "temporary"}


@dataclass(frozen=True, slots=True)
class Filing:
    """A filing (备案) for care elsewhere, as routing found it; `to_day` is None where it has no end."""

    kind: str
    filing_no: str
    from_day: date
    to_day: date | None

    @property
    def remote_kind(self) -> str:
        """The fact `remote` that policies read."""
        return _REMOTE_KINDS[self.kind]


@dataclass(frozen=True, slots=True)
class Sought:
    """What routing found when it looked for a filing for care that this cell gives and insures: `filing` is None for none."""

    filing: Filing | None


class CarriedLines(NamedTuple):
    """The lines of a bill in columns, each with one value for each line, in the order in which they came; money in fen.

    `essential` and `negotiated` are the flags by which a policy may free a line; `packed` is the whole as it came, with what is
    shown of the lines, opaque bytes.
    """

    numbers: Sequence[str]
    amounts: Sequence[int]
    fulamt_ownpay: Sequence[int]
    overlmt: Sequence[int]
    preselfpay: Sequence[int]
    inscp: Sequence[int]
    hosp_part: Sequence[int]
    essential: Sequence[bool]
    negotiated: Sequence[bool]
    packed: bytes

    def check(self) -> None:
        """INVALID for none or too many lines, and with every line whose parts are not its amount or not of its sign, whose
        hospital part is not over the limit, or whose number is none or another one's."""
        count, *columns = map(len, self[:-1])
        if not count:
            raise invalid("carried.lines", "required", "a bill has lines")
        if count > MOST_LINES:
            raise invalid("carried.lines", "repeated.max_items", f"at most {MOST_LINES} lines", limit=str(MOST_LINES))
        if any(column != count for column in columns):
            raise invalid("carried.lines", "lines.readable", "a value of every kind for every line")
        if self._hold():
            return
        broken, seen = Violations(), set[str]()
        for place, (number, *split) in enumerate(zip(*self[:7], strict=True)):
            path = f"carried.lines[{place}]"
            if not number or number in seen:
                broken.add(Violation(f"{path}.feedetl_sn", "duplicate", "a number stands once"))
            seen.add(number)
            for each in _broken(LineSplit(*split), path):
                broken.add(each)
        if broken:
            raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)

    def totals(self) -> BillTotals:
        """Their sums."""
        return BillTotals(
            *(sum(self.amounts), sum(self.fulamt_ownpay), sum(self.overlmt), sum(self.preselfpay), sum(self.inscp)),
            exempt_sums(self.inscp, self.essential, self.negotiated),
            sum(self.hosp_part),
        )

    def _hold(self) -> bool:
        """Whether nothing is wrong and nothing is taken back: what nearly all bills are asked, column by column."""
        parts = (self.fulamt_ownpay, self.overlmt, self.preselfpay, self.inscp)
        return (
            all(self.numbers)
            and len(set(self.numbers)) == len(self.numbers)
            and not any(self.hosp_part)
            and min(map(min, parts)) >= 0
            and all(map(eq, self.amounts, map(sum, zip(*parts, strict=True))))
        )


class KeptLines(NamedTuple):
    """The lines of a settlement that another cell carried here: the encounter there, when and by whom it was settled, and the
    lines as they came."""

    setl_id: str
    mdtrt_id: str
    created_at: datetime
    opter: str
    opter_name: str
    packed: bytes


CarriedKey: TypeAlias = tuple[str, str, str]
"""A line of another cell: institution, encounter, number of the line."""


def check_filing(filing: Filing | None, begin_at: int, path: str = "carried.filing") -> None:
    """INVALID unless the filing holds on the day that the care began; `begin_at` in microseconds."""
    if filing is not None:
        day = beijing_day(from_micros(begin_at))
        if day < filing.from_day or (filing.to_day is not None and day > filing.to_day):
            raise invalid(path, "filing.holds", "the filing does not hold on the day that the care began")


def _broken(split: LineSplit, path: str) -> Iterator[Violation]:
    """What is wrong with a line by itself."""
    if sum(split[1:5]) != split.amount_fen:
        yield Violation(f"{path}.split", "totals.sum", "the four parts are the amount")
    if any(part * split.amount_fen < 0 or (part and not split.amount_fen) for part in split[1:5]):
        # What one part had too little would be paid as another one.
        yield Violation(f"{path}.split", "split.sign", "no part has another sign than the amount")
    if split.hosp_part_fen not in (0, split.overlmt_fen):
        yield Violation(f"{path}.split.hosp_part_amt_fen", "hosp_part.range")
