"""What a bill of another cell carries along: its filing, and its lines as the place of care has split them.

The insured cell stores them, so that the person sees what was charged; it never splits them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple, TypeAlias

from services.kernel.clock import beijing_day, from_micros, to_micros
from services.kernel.errors import Fault, FaultKind, Violation, Violations, invalid
from services.settlement.domain.lines import LineSplit

MOST_LINES: Final = 3000
"""Lines that a carried bill holds at most (our decision: a message has bounds)."""

LONG_TERM: Final = "long_term"
TEMPORARY: Final = "temporary"
REFERRAL: Final = "referral"

# As every moment of the contract.
_FIRST_MOMENT: Final = to_micros(datetime(1900, 1, 1, tzinfo=UTC))
_NO_MOMENT: Final = to_micros(datetime(2100, 1, 1, tzinfo=UTC))
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


class CarriedLine(NamedTuple):
    """A line with its split; `fee_at` in microseconds UTC, `tags` those that a policy may free, `detail` and `answer` the bytes
    as which it came.

    `agrees` says whether it has a number, and the split came with it and with the amount of the line itself.
    """

    feedetl_sn: str
    init_feedetl_sn: str
    chrg_bchno: str
    fee_at: int
    cnt: str
    split: LineSplit
    tags: frozenset[str]
    detail: bytes
    answer: bytes
    agrees: bool = True


CarriedKey: TypeAlias = tuple[str, str, str]
"""A line of another cell: institution, encounter, number of the line."""


class CarriedRows(NamedTuple):
    """The rows of a carried bill and its lines, in the order of their stored columns."""

    bill: tuple[Any, ...]
    lines: Sequence[tuple[Any, ...]]


def check_filing(filing: Filing | None, begin_at: int, path: str = "carried.filing") -> None:
    """INVALID unless the filing holds on the day that the care began; `begin_at` in microseconds."""
    if filing is not None:
        day = beijing_day(from_micros(begin_at))
        if day < filing.from_day or (filing.to_day is not None and day > filing.to_day):
            raise invalid(path, "filing.holds", "the filing does not hold on the day that the care began")


def check_lines(lines: Sequence[CarriedLine]) -> None:
    """INVALID with every line whose split is not of it, whose parts are not its amount or not of its sign, whose hospital
    part is not over the limit, whose number another one has, or whose moment is none; and for none or too many of them."""
    if not lines:
        raise invalid("carried.lines", "required", "a bill has lines")
    if len(lines) > MOST_LINES:
        raise invalid("carried.lines", "repeated.max_items", f"at most {MOST_LINES} lines", limit=str(MOST_LINES))
    broken = Violations()
    seen: set[str] = set()
    for place, line in enumerate(lines):
        if line.feedetl_sn in seen:
            path = f"carried.lines[{place}].line.feedetl_sn"
            broken.add(Violation(path, "duplicate", "a number stands once"))
        seen.add(line.feedetl_sn)
        if not _holds(line):
            for each in _broken(line, f"carried.lines[{place}]"):
                broken.add(each)
    if broken:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)


def _holds(line: CarriedLine) -> bool:
    """Whether nothing is wrong with a line by itself: what nearly all are asked, in one go."""
    amount, full, over, advance, scope, borne = line.split
    least, most = (0, amount) if amount > 0 else (amount, 0)
    return (
        line.agrees
        and full + over + advance + scope == amount
        and least <= full <= most
        and least <= over <= most
        and least <= advance <= most
        and least <= scope <= most
        and borne in (0, over)
        and _FIRST_MOMENT <= line.fee_at < _NO_MOMENT
    )


def _broken(line: CarriedLine, path: str) -> Iterator[Violation]:
    """What is wrong with a line by itself."""
    split = line.split
    if sum(split[1:5]) != split.amount_fen:
        yield Violation(f"{path}.split", "totals.sum", "the four parts are the amount")
    if any(part * split.amount_fen < 0 or (part and not split.amount_fen) for part in split[1:5]):
        # What one part had too little would be paid as another one.
        yield Violation(f"{path}.split", "split.sign", "no part has another sign than the amount")
    if not line.agrees:
        yield Violation(f"{path}.split", "split.of_line", "number and amount are those of the line")
    if split.hosp_part_fen not in (0, split.overlmt_fen):
        yield Violation(f"{path}.split.hosp_part_amt_fen", "hosp_part.range")
    if not _FIRST_MOMENT <= line.fee_at < _NO_MOMENT:
        yield Violation(f"{path}.line.fee_ocur_time", "timestamp", "must be a moment that there is")


def line_row(setl_id: str, line_no: int, line: CarriedLine) -> tuple[Any, ...]:
    """The row of a line."""
    return (
        *(setl_id, line_no, line.feedetl_sn, line.init_feedetl_sn, line.chrg_bchno, line.fee_at, line.cnt),
        *line.split,
        *(line.detail, line.answer),
    )
