"""What one batch reads from the books and writes to them: plain values between the operations and the store.

How a row keeps them is the store's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from services.kernel.elsewhere import insured_elsewhere
from services.kernel.errors import Fault
from services.kernel.requests import Regions, RequestStamp, refusal_of
from services.settlement.domain.benefits.outcome import Components
from services.settlement.domain.books.basis import Basis
from services.settlement.domain.books.booking import Posting
from services.settlement.domain.books.ledger import AccountHead, AccountKey, LedgerKey, YearLedger
from services.settlement.domain.books.notices import NO_ORIGIN, NoticeOrigin
from services.settlement.domain.books.orders import Order
from services.settlement.domain.care.bill import Bill, BilledBatch, BilledEncounter, CarriedCare
from services.settlement.domain.care.carried import CarriedKey
from services.settlement.domain.care.encounters import Entry
from services.settlement.domain.care.moments import FeeMoment
from services.settlement.domain.care.pending import PendingOrder, order_pending

SETTLE = "settle"
REVERSE = "reverse"
VOID = "void"

# States of a settlement's row.
STANDING = "standing"
REVERSED = "reversed"
PENDING = "pending"
VOIDED = "voided"

RequestKey = tuple[str, str]
"""Scope and request id."""

PolicyName = tuple[str, str]
"""A policy that decided a settlement: its name, and the hash of its content."""

NOTHING = Components(*(0,) * len(Components.__slots__))


class StoredAnswer(NamedTuple):
    """An answer that was given to a request before.

    `reversed_by` is the counter-entry that has reversed the settlement since, empty for none: it travels beside the
    stored bytes, never in them. `regions` are the places that the request resolved to. `state` is that of the row; of the
    bill of an order `order_no` and `lapses_at` are the order's. `insured_cell` is the other cell whose ledgers it moved.
    `replayed_by` is the settlement that a replay has put in its place, whose counter-entry `reversed_by` then is.
    """

    scope: str
    request_id: str
    content_hash: str
    kind: str
    setl_id: str
    response: bytes
    hash_version: int
    regions: Regions
    reversed_by: str = ""
    state: str = STANDING
    order_no: str = ""
    lapses_at: int = 0
    insured_cell: str = ""
    replayed_by: str = ""

    @property
    def voided(self) -> bool:
        """Whether the message was taken back before it came, or its bill was of an order that is void."""
        return self.kind == VOID or self.state == VOIDED

    def is_of(self, stamp: RequestStamp) -> bool:
        """Whether this same request was answered so."""
        return stamp.repeats(self.content_hash, self.hash_version, self.regions)


def answer_of_entry(stamp: RequestStamp, entry_id: str) -> StoredAnswer:
    """What the entry of a step stands for until it is read back: its answer is made anew from the rows."""
    return StoredAnswer(
        *(stamp.scope, stamp.request_id, stamp.content_hash, "entry", entry_id, b""),
        *(stamp.hash_version, stamp.regions),
    )


def repeat_of(stamp: RequestStamp, stored: StoredAnswer) -> StoredAnswer | Fault:
    """What a request is told under whose id something stands: its answer of before, or why that is none.

    The bill of a pending order is no settlement yet: ORDER_PENDING, and INSURED_ELSEWHERE where routing can wait for it.
    """
    refusal = refusal_of(stamp, stored)
    if refusal is None and stored.state == PENDING:
        if stored.insured_cell:
            return insured_elsewhere(stored.insured_cell)
        return order_pending(PendingOrder(stored.order_no, stored.setl_id, stored.lapses_at))
    return refusal or stored


class AccumulatorEntry(NamedTuple):
    """One movement of one accumulator."""

    psn_no: str
    insutype: str
    insuplc_admdvs: str
    benefit_year: str
    seq: int
    key: str
    delta: int
    source_id: str


class Wanted(NamedTuple):
    """What a batch has to know before it decides; `encounters`, `batches` and `stays` are named by encounter.

    `orders` are numbers of orders, `entries` requests that leave no settlement: only where orders are opened. `carried` are
    encounters of another cell.
    """

    requests: tuple[RequestKey, ...] = ()
    encounters: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    ledgers: tuple[LedgerKey, ...] = ()
    accounts: tuple[AccountKey, ...] = ()
    stays: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    entries: tuple[RequestKey, ...] = ()
    carried: tuple[str, ...] = ()


@dataclass(slots=True)
class Books:
    """What the store knew when it was asked; it moves as the bills of a batch are decided one after the other.

    `spent` are digests of ecTokens with the encounters they paid for, `continued` the stays with a standing or pending bill,
    `outside` unsettled fees that arose outside their stay, `pending` the orders that block accounts with their ledgers,
    `carried` lines of another cell with the bills that hold them.
    """

    answers: dict[RequestKey, StoredAnswer] = field(default_factory=dict)
    encounters: dict[str, BilledEncounter] = field(default_factory=dict)
    batches: dict[str, list[BilledBatch]] = field(default_factory=dict)
    spent: dict[str, str] = field(default_factory=dict)
    years: dict[LedgerKey, YearLedger] = field(default_factory=dict)
    accounts: dict[AccountKey, AccountHead] = field(default_factory=dict)
    continued: set[str] = field(default_factory=set)
    outside: dict[str, list[FeeMoment]] = field(default_factory=dict)
    pending: dict[AccountKey, PendingOrder] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    entries: dict[RequestKey, StoredAnswer] = field(default_factory=dict)
    carried: dict[CarriedKey, str] = field(default_factory=dict)


class CarriedBill(NamedTuple):
    """What a bill of another cell brought along, kept beside its settlement; `at` in microseconds."""

    setl_id: str
    care: CarriedCare
    bill: Bill
    at: int


@dataclass(slots=True)
class BookChanges:
    """Rows to be stored together; `settled` pairs each fee batch with the settlement that settles it.

    `orders`, `entries` and `carried` are those of orders that are opened. `noticed` are settlements and counter-entries of
    cross-region care that stand by these changes, `told` when and by which span that is.
    """

    settlements: list[NewSettlement] = field(default_factory=list)
    accumulators: list[AccumulatorEntry] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    settled: list[tuple[str, str]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    carried: list[CarriedBill] = field(default_factory=list)
    noticed: list[str] = field(default_factory=list)
    told: NoticeOrigin = NO_ORIGIN


class Heading(NamedTuple):
    """What a settlement's row says beside its amounts; `setl_at` is in microseconds UTC.

    `fee_batches` are the ids of the fee batches that it settles; a counter-entry or void settles none. `insured_cell` is the
    other cell whose ledgers it moved: it then has no place in a ledger here. `policies` are those that decided
    it, `basis` is what a replay decides it by (None where none was kept), `replays`
    the first settlement in whose place it stands.
    """

    setl_id: str
    stamp: RequestStamp
    kind: str
    mdtrt_id: str
    key: LedgerKey
    ledger_seq: int | None
    med_type: str
    setl_at: int
    msgid: str
    opter: str = ""
    opter_name: str = ""
    invono: str = ""
    ec_token_digest: str | None = None
    reverses: str | None = None
    policies: tuple[PolicyName, ...] = ()
    fee_batches: tuple[str, ...] = ()
    preselfpay_in_base: bool = False
    state: str = STANDING
    insured_cell: str = ""
    basis: Basis | None = None
    replays: str | None = None


class NewSettlement(NamedTuple):
    """A settlement, counter-entry or void as the books take it in, with its answer and what a query tells beyond it."""

    heading: Heading
    components: Components
    response: bytes
    record: bytes


def accumulator_entries(key: LedgerKey, seq: int, deltas: Mapping[str, int], source_id: str) -> list[AccumulatorEntry]:
    """The movements of one source."""
    return [AccumulatorEntry(*key, seq, name, delta, source_id) for name, delta in deltas.items()]
