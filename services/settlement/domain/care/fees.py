"""Fee lines and charge batches of an encounter: what an upload adds, what a return may take, what a cancellation undoes.

Nothing stored is changed but a state; a single line that is cancelled names the batch of negative totals that balances it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.kernel.errors import Fault, FaultKind, Violation, Violations, conflict, not_found
from services.kernel.money import scaled_of
from services.settlement.domain.care.bill import ALL_BATCHES
from services.settlement.domain.care.lines import BillTotals, LineSplit, totals_of
from services.settlement.domain.care.pricing import PricedLine, SentLine
from services.settlement.domain.care.returns import Goods, LineLeft, goods_of, line_left, split_returns

OPEN = "open"
SETTLED = "settled"
CANCELLED = "cancelled"
UPLOAD = "upload"
CANCEL = "cancel"

MAX_LISTED = 5000


@dataclass(frozen=True, slots=True)
class FeeBatch:
    """The lines that came together under one charge batch number, or (`cancel`) the negative of lines taken back."""

    fee_batch_id: str
    mdtrt_id: str
    chrg_bchno: str
    kind: str
    state: str
    setl_id: str | None
    totals: BillTotals
    line_count: int
    created_at: datetime
    opter: str = ""
    opter_name: str = ""


@dataclass(frozen=True, slots=True)
class FeeLine:
    """A stored line; `detail` and `answer` are the line as it was sent and as it was answered, opaque here."""

    line_id: str
    mdtrt_id: str
    feedetl_sn: str
    fee_batch_id: str
    line_no: int
    state: str
    fee_at: datetime
    split: LineSplit
    init_feedetl_sn: str
    cnt: str
    detail: bytes
    answer: bytes

    @property
    def takes_back(self) -> bool:
        """Whether it takes something back, of whatever line."""
        return self.split.amount_fen < 0 or self.cnt.startswith("-")

    @property
    def is_return(self) -> bool:
        """Whether it takes a line back that it names."""
        return bool(self.init_feedetl_sn) and self.takes_back


@dataclass(frozen=True, slots=True)
class StandingLine:
    """A line that stands, or stood when a settlement took it, with the state of its batch, and who uploaded it when.

    `setl_id` is the settlement of its batch, or the one whose lines were asked for; empty for none.
    """

    line: FeeLine
    chrg_bchno: str
    batch_state: str
    setl_id: str
    created_at: datetime
    opter: str
    opter_name: str


@dataclass(frozen=True, slots=True)
class StandingFees:
    """What stands on the encounter that an upload must know: the lines it names, the returns of them, all batches.

    `goods` is what the lines that it takes back charge; a line that is a return itself has none.
    """

    lines: Mapping[str, StandingLine] = field(default_factory=dict)
    returns: Sequence[StandingLine] = ()
    batches: Sequence[FeeBatch] = ()
    goods: Mapping[str, Goods] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upload:
    """What an upload does: `places` of the lines that are new, and the stored answers of those that stand already.

    `returned` are the splits of the new lines that take others back.
    """

    places: tuple[int, ...]
    stored: Mapping[int, bytes]
    returned: Mapping[int, LineSplit]


def decide_upload(priced: Sequence[PricedLine], standing: StandingFees, *, stay: bool) -> Upload:
    """Which lines are new. A line that stands already with the same content is answered again.

    INVALID where the message itself holds two contents under one number. CONFLICT: FEE_LINE_EXISTS (a line stands with
    other content), BATCH_SETTLED (a visit's charge batch that is settled takes no more lines), and what `split_returns`
    raises.
    """
    lines = [line.sent for line in priced]
    first: dict[str, int] = {}
    new: list[int] = []
    stored: dict[int, bytes] = {}
    changed: list[int] = []
    twice: dict[int, int] = {}
    for place, line in enumerate(lines):
        known = standing.lines.get(line.feedetl_sn)
        if known is not None:
            stored[place] = known.line.answer
            if known.line.detail != line.detail:
                changed.append(place)
        elif line.feedetl_sn in first:
            if lines[first[line.feedetl_sn]].detail != line.detail:
                twice[place] = first[line.feedetl_sn]
        else:
            first[line.feedetl_sn] = place
            new.append(place)
    if twice:
        raise _stands_twice(twice)
    if changed:
        raise _lines_fault(FaultKind.CONFLICT, "FEE_LINE_EXISTS", lines, changed, "feedetl_sn", "same_content")
    if not stay:
        _check_batches_unsettled({lines[place].chrg_bchno for place in new}, standing.batches)
    return Upload(tuple(new), stored, _returns(priced, lines, new, standing, stay=stay))


def _stands_twice(twice: Mapping[int, int]) -> Fault:
    """INVALID: rows of one number with different content, each naming the other; `twice` is the first row by the later."""
    broken = Violations()
    named: set[int] = set()
    for later, first in twice.items():
        for place, other in ((first, later), (later, first)):
            if place not in named and not broken.full():
                named.add(place)
                path, row = f"feedetail[{place}].feedetl_sn", str(other + 1)
                broken.append(Violation(path, "line.twice", values={"row": row}))
    return Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)


def _check_batches_unsettled(numbers: set[str], batches: Sequence[FeeBatch]) -> None:
    for batch in batches:
        if batch.state == SETTLED and batch.chrg_bchno in numbers:
            raise conflict("BATCH_SETTLED", chrg_bchno=batch.chrg_bchno, setl_id=batch.setl_id or "")


def _returns(
    priced: Sequence[PricedLine], lines: Sequence[SentLine], new: Sequence[int], standing: StandingFees, *, stay: bool
) -> dict[int, LineSplit]:
    """The splits of the new lines that take others back, by place. A visit's negative line need not name what it takes."""
    places = [place for place in new if lines[place].names_origin or (stay and lines[place].is_return)]
    if not places:
        return {}
    known: dict[str, LineLeft] = {}
    for number, entry in standing.lines.items():
        known[number] = line_left(entry.line.split, standing.goods.get(number), entry.line.cnt)
    for entry in standing.returns:
        if entry.line.init_feedetl_sn in known:
            known[entry.line.init_feedetl_sn].take(scaled_of(entry.line.cnt, 4), entry.line.split)
    for place in new:
        line = lines[place]
        known[line.feedetl_sn] = line_left(priced[place].split, None if line.is_return else goods_of(line), line.cnt)
    return split_returns(lines, places, known)


def new_batches(
    priced: Sequence[PricedLine], ids: Mapping[str, str], mdtrt_id: str, created_at: datetime
) -> list[FeeBatch]:
    """One batch for each charge batch number among the lines; `ids` are their ids by number."""
    groups: dict[str, list[PricedLine]] = {}
    for line in priced:
        groups.setdefault(line.sent.chrg_bchno, []).append(line)
    return [
        FeeBatch(
            fee_batch_id=ids[number],
            mdtrt_id=mdtrt_id,
            chrg_bchno=number,
            kind=UPLOAD,
            state=OPEN,
            setl_id=None,
            totals=totals_of([line.split for line in own], [line.tags for line in own]),
            line_count=len(own),
            created_at=created_at,
        )
        for number, own in groups.items()
    ]


def chosen_for_cancel(batches: Iterable[FeeBatch], chrg_bchno: str, path: str) -> list[FeeBatch]:
    """The unsettled batches that 2205 names at `path`, all with "0000"; there need be none, nor where all are cancelled.

    CONFLICT BATCH_SETTLED naming the settlement, NOT_FOUND CHARGE_BATCH_NOT_FOUND.
    """
    named = [batch for batch in batches if chrg_bchno in (ALL_BATCHES, batch.chrg_bchno)]
    chosen = [batch for batch in named if batch.state == OPEN]
    if chosen or chrg_bchno == ALL_BATCHES:
        return chosen
    settled = next((batch for batch in reversed(named) if batch.state == SETTLED), None)
    if settled is not None:
        setl_id = settled.setl_id or ""
        told = {"chrg_bchno": chrg_bchno, "setl_id": setl_id}
        broken = [Violation(path, "cancel.settled_of_visit", values={"setl_id": setl_id})]
        raise Fault(FaultKind.CONFLICT, "BATCH_SETTLED", told, violations=broken)
    if not named:
        raise not_found("CHARGE_BATCH_NOT_FOUND", chrg_bchno=chrg_bchno)
    return []


def check_no_return_left(returns: Sequence[StandingLine], path: str) -> None:
    """PRECONDITION RETURN_EXCEEDS_LINE where returns of lines in the batches to be cancelled would stand alone.

    `returns` are those outside these batches; the fault names them, its violation of `path` their charge batches.
    """
    if returns:
        holding = ", ".join(dict.fromkeys(entry.chrg_bchno for entry in returns))
        expected = f"charge batch {holding} takes lines of it back: cancel that first"
        raise Fault(
            FaultKind.PRECONDITION,
            "RETURN_EXCEEDS_LINE",
            {"feedetl_sn": returns[0].line.feedetl_sn, "lines": str(len(returns))},
            violations=[Violation(path, "return_stands", expected, {"holding": holding})],
        )


def lines_for_cancel(
    numbers: Sequence[str], standing: StandingFees, cancelled: Collection[str] = ()
) -> list[StandingLine]:
    """The unsettled lines that 2302 names; those that do not stand because they are `cancelled` already are left out.

    NOT_FOUND FEE_LINE_NOT_FOUND, CONFLICT BATCH_SETTLED, PRECONDITION RETURN_EXCEEDS_LINE where a return of a line would
    stand alone; each naming every row.
    """
    rows: dict[str, int] = {}
    for place, number in enumerate(numbers):
        rows.setdefault(number, place)
    known = {number: place for number, place in rows.items() if number in standing.lines}
    lost = [place for number, place in rows.items() if number not in known and number not in cancelled]
    if lost:
        raise _rows_fault(FaultKind.NOT_FOUND, "FEE_LINE_NOT_FOUND", numbers, lost, "unsettled_line")
    settled = [place for number, place in known.items() if standing.lines[number].batch_state == SETTLED]
    if settled:
        one = standing.lines[numbers[settled[0]]]
        more = {"chrg_bchno": one.chrg_bchno, "setl_id": one.setl_id}
        raise _rows_fault(FaultKind.CONFLICT, "BATCH_SETTLED", numbers, settled, "cancel.settled_of_stay", more)
    alone = {entry.line.init_feedetl_sn for entry in standing.returns if entry.line.feedetl_sn not in rows}
    bare = [place for number, place in known.items() if number in alone]
    if bare:
        raise _rows_fault(FaultKind.PRECONDITION, "RETURN_EXCEEDS_LINE", numbers, bare, "return_of_line_stands")
    return [standing.lines[number] for number in known]


def balancing_batches(
    lines: Sequence[StandingLine], tags: Sequence[frozenset[str]], ids: Mapping[str, str], created_at: datetime
) -> list[FeeBatch]:
    """Batches of negative totals for single lines taken back, one for each charge batch number."""
    groups: dict[str, list[int]] = {}
    for place, entry in enumerate(lines):
        groups.setdefault(entry.chrg_bchno, []).append(place)
    return [
        FeeBatch(
            fee_batch_id=ids[number],
            mdtrt_id=lines[own[0]].line.mdtrt_id,
            chrg_bchno=number,
            kind=CANCEL,
            state=OPEN,
            setl_id=None,
            totals=_negated(totals_of([lines[place].line.split for place in own], [tags[place] for place in own])),
            line_count=len(own),
            created_at=created_at,
        )
        for number, own in groups.items()
    ]


def _negated(totals: BillTotals) -> BillTotals:
    return BillTotals(
        -totals.medfee_fen,
        -totals.fulamt_ownpay_fen,
        -totals.overlmt_fen,
        -totals.preselfpay_fen,
        -totals.inscp_fen,
        {tag: -fen for tag, fen in totals.exempt_inscp_by_tag.items()},
        -totals.hosp_part_fen,
    )


def _lines_fault(
    kind: FaultKind, reason: str, lines: Sequence[SentLine], places: Sequence[int], name: str, rule: str
) -> Fault:
    return Fault(
        kind,
        reason,
        {"feedetl_sn": lines[places[0]].feedetl_sn, "lines": str(len(places))},
        violations=[Violation(f"feedetail[{place}].{name}", rule) for place in places],
    )


def _rows_fault(
    kind: FaultKind,
    reason: str,
    numbers: Sequence[str],
    places: Sequence[int],
    rule: str,
    more: Mapping[str, str] | None = None,
) -> Fault:
    return Fault(
        kind,
        reason,
        {"feedetl_sn": numbers[places[0]], "lines": str(len(places)), **(more or {})},
        violations=[Violation(f"data[{place}].feedetl_sn", rule, values=more or {}) for place in places],
    )
