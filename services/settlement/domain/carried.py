"""What a bill of another cell carries along: its filing, and its lines as the place of care has split them.

The insured cell stores them, so that the person sees what was charged; it never splits them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple, TypeAlias

from services.kernel.clock import beijing_day, from_micros, to_micros
from services.kernel.errors import Fault, FaultKind, Violation, Violations, invalid
from services.settlement.domain.lines import LineSplit

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


@dataclass(frozen=True, slots=True)
class CarriedLine:
    """A line with its split; `tags` are those that a policy may free, `detail` and `answer` opaque bytes.

    `agrees` says whether the split came with the number and the amount of the line itself.
    """

    feedetl_sn: str
    init_feedetl_sn: str
    chrg_bchno: str
    fee_at: datetime
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
    part is not over the limit, or whose number another one has."""
    broken = Violations()
    seen: set[str] = set()
    for place, line in enumerate(lines):
        path, split = f"carried.lines[{place}]", line.split
        if sum(split[1:5]) != split.amount_fen:
            broken.add(Violation(f"{path}.split", "totals.sum", "the four parts are the amount"))
        if any(part * split.amount_fen < 0 or (part and not split.amount_fen) for part in split[1:5]):
            # What one part had too little would be paid as another one.
            broken.add(Violation(f"{path}.split", "split.sign", "no part has another sign than the amount"))
        if not line.agrees:
            broken.add(Violation(f"{path}.split", "split.of_line", "number and amount are those of the line"))
        if split.hosp_part_fen not in (0, split.overlmt_fen):
            broken.add(Violation(f"{path}.split.hosp_part_amt_fen", "hosp_part.range"))
        if line.feedetl_sn in seen:
            broken.add(Violation(f"{path}.line.feedetl_sn", "duplicate", "a number stands once"))
        seen.add(line.feedetl_sn)
    if broken:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)


def line_row(setl_id: str, line_no: int, line: CarriedLine) -> tuple[Any, ...]:
    """The row of a line."""
    return (
        *(setl_id, line_no, line.feedetl_sn, line.init_feedetl_sn, line.chrg_bchno, to_micros(line.fee_at), line.cnt),
        *line.split,
        *(line.detail, line.answer),
    )
