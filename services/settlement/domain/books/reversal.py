"""Reversals: which settlement a request means, whether its message may be taken back, and what a counter-entry says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.kernel.elsewhere import insured_elsewhere
from services.kernel.errors import invalid, not_found, precondition
from services.kernel.requests import Regions, RequestStamp
from services.settlement.domain.benefits.outcome import Components
from services.settlement.domain.books.entries import (
    PENDING,
    REVERSE,
    REVERSED,
    SETTLE,
    VOID,
    VOIDED,
    Heading,
    PolicyName,
    StoredAnswer,
)
from services.settlement.domain.books.ledger import LedgerKey
from services.settlement.domain.books.refund import SettledRef
from services.settlement.domain.care.bill import Desk
from services.settlement.domain.care.second_numbers import both_numbers

REVERSIBLE_SETTLEMENTS = ("2207", "2207A", "2304")
REVERSIBLE_ADMISSION = "2401"
_REVERSIBLE = (*REVERSIBLE_SETTLEMENTS, REVERSIBLE_ADMISSION)
_DOES: Final[Mapping[str, str]] = {"Settle": "2207", "SettleStay": "2304", "Admit": "2401"}


@dataclass(frozen=True, slots=True)
class SettlementName:
    """A settlement as 2208 and 2305 name it; `rpc` is the method that made it."""

    setl_id: str
    mdtrt_id: str
    psn_no: str
    rpc: str


@dataclass(frozen=True, slots=True)
class MessageName:
    """A message as 2601 names it: transaction and message id. `psn_no` may be empty.

    `own` where it came by REST or gRPC, whose clients choose the whole request id.
    """

    oinfno: str
    omsgid: str
    psn_no: str = ""
    own: bool = False

    @property
    def request_id(self) -> str:
        """The request id that the message came under."""
        return self.omsgid if self.own else f"{self.oinfno}:{self.omsgid}"

    @property
    def late_ids(self) -> tuple[str, ...]:
        """Every request id under which a message that has not come may still come: a void stands under each.

        2207 and 2207A are one transaction, and any may come by REST or gRPC.
        """
        return (*(f"{infno}:{self.omsgid}" for infno in both_numbers(self.oinfno)), self.omsgid)


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A message that came: its request id, its method, its person (empty where its entry names none) and its settlement."""

    request_id: str
    rpc: str
    psn_no: str
    setl_id: str = ""

    @property
    def infno(self) -> str:
        """Its transaction. Of one that did not come through the national envelope the one that does the same, where it
        may be taken back; else `REST`.
        """
        infno, colon, _ = self.request_id.partition(":")
        return infno if colon else _DOES.get(self.rpc.rpartition("/")[2], "REST")

    @property
    def msgid(self) -> str:
        """Its message id, the whole request id where it did not come through the national envelope."""
        return self.request_id.partition(":")[2] or self.request_id


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of a message that 2601 names: it had never arrived, or what it had left is undone.

    A settlement by its counter-entry, an admission by its cancellation.
    """

    arrived: bool
    setl_id: str = ""
    reversed_by: str = ""
    mdtrt_id: str = ""


NEVER_ARRIVED = TakenBack(arrived=False)


@dataclass(frozen=True, slots=True)
class ReversalRequest:
    """A reversal to be made: whose request, at which counter, when."""

    stamp: RequestStamp
    desk: Desk
    now: datetime


@dataclass(frozen=True, slots=True)
class DecidedReversal:
    """The counter-entry that the insured cell has made: number, moment, balance of the account after it, and its sums by their
    names here; of the settlement of which order."""

    order_no: str
    setl_id: str
    at: datetime
    balc_fen: int
    sums: Mapping[str, int]

    def check_of(self, components: Components) -> None:
        """INVALID (BILL_UNBALANCED) unless it takes back what stands; `components` are those of the counter-entry here."""
        if any(getattr(components, name) != fen for name, fen in self.sums.items()):
            raise invalid("counter.setlinfo", "counter.negates", "the sums taken back", reason="BILL_UNBALANCED")


@dataclass(frozen=True, slots=True)
class FoundBooked:
    """A bill on another cell's ledgers as a reversal names it; of an admission the stay and the cell alone."""

    insured_cell: str = ""
    order_no: str = ""
    setl_id: str = ""
    state: str = ""
    mdtrt_id: str = ""


@dataclass(frozen=True, slots=True)
class BookedSettlement:
    """A settlement or counter-entry as it stands in the books. `counter_setl_id` is the other one of the two, or empty.
    `insured_cell` is the other cell whose ledgers it moved; it has no place in a ledger here then. `replays` is the settlement
    that was first settled, in whose place a replay has put this one.
    """

    setl_id: str
    scope: str
    request_id: str
    rpc: str
    kind: str
    state: str
    counter_setl_id: str
    mdtrt_id: str
    key: LedgerKey
    ledger_seq: int
    med_type: str
    msgid: str
    invono: str
    policies: tuple[PolicyName, ...]
    preselfpay_in_base: bool
    response: bytes
    record: bytes
    regions: Regions
    components: Components
    insured_cell: str = ""
    replays: str = ""

    @property
    def settled(self) -> bool:
        """Whether it is a settlement or counter-entry for those who ask: no void, and no bill of an order that was not
        confirmed."""
        return self.kind != VOID and self.state not in (PENDING, VOIDED)

    @property
    def undone(self) -> bool:
        """Whether nothing stands of it, and nothing will."""
        return self.kind == VOID or self.state in (REVERSED, VOIDED)

    @property
    def reversed_by(self) -> str:
        """The counter-entry that has reversed this settlement; empty for one that stands and for a counter-entry."""
        return self.counter_setl_id if self.kind == SETTLE else ""

    @property
    def reverses(self) -> str:
        """The settlement that this counter-entry reverses; empty for a settlement."""
        return self.counter_setl_id if self.kind == REVERSE else ""

    @property
    def ref(self) -> SettledRef:
        """Its place among the settlements of the ledger."""
        return SettledRef(self.setl_id, self.ledger_seq, self.scope)


def named_settlement(name: SettlementName, scope: str, found: BookedSettlement | None) -> BookedSettlement:
    """The settlement if it is the one named, at this institution; SETTLEMENT_NOT_FOUND whatever does not fit."""
    if (
        found is None
        or found.kind != SETTLE
        or found.state == VOIDED
        or found.scope != scope
        or (found.mdtrt_id, found.key.psn_no, found.rpc) != (name.mdtrt_id, name.psn_no, name.rpc)
    ):
        raise not_found("SETTLEMENT_NOT_FOUND", setl_id=name.setl_id, fixmedins_code=scope)
    return found


def check_insured_here(found: BookedSettlement) -> None:
    """PRECONDITION (INSURED_ELSEWHERE) where the ledgers of another cell have moved for it: they move back first."""
    if found.insured_cell and not found.undone:
        raise insured_elsewhere(found.insured_cell)


def named_message(
    name: MessageName, found: BookedSettlement | None, entry: StoredAnswer | None
) -> BookedSettlement | None:
    """What the message left: a settlement, a void, or nothing as it never came.

    Raises NOT_REVERSIBLE where it was another person's, or left no settlement: a counter-entry, or an entry of its own.
    """
    if found is None and entry is None:
        return None
    if found is None or found.kind == REVERSE or (found.kind != VOID and name.psn_no not in ("", found.key.psn_no)):
        raise precondition("NOT_REVERSIBLE", oinfno=name.oinfno)
    return found


def meant_message(name: MessageName, known: Sequence[KnownMessage]) -> MessageName:
    """The message as it came, or as it was named where nothing came.

    `known` are the messages that the number may stand for at the institution. A void keeps its place: it was named so.
    Raises MESSAGE_MISNAMED where no message of that name came, but its number stands for others of the person.
    """
    came = {message.request_id for message in known}
    if name.request_id in came:
        return name
    same = both_numbers(name.oinfno)
    for infno in same:
        # One transaction under two numbers: it is the same message.
        if f"{infno}:{name.omsgid}" in came:
            return replace(name, oinfno=infno)
    if any(message.request_id == name.omsgid and message.infno in same for message in known):
        return replace(name, own=True)
    meant = [message for message in known if not message.psn_no or name.psn_no in ("", message.psn_no)]
    if meant:
        best = next((message for message in meant if message.infno in _REVERSIBLE), meant[0])
        raise precondition(
            "MESSAGE_MISNAMED", omsgid=name.omsgid, asked=name.oinfno, oinfno=best.infno, meant=best.msgid
        )
    return name


def check_one(name: MessageName, known: Sequence[KnownMessage]) -> None:
    """Raises MESSAGE_AMBIGUOUS where the number stands for several settlements of the person: as two clients of one institution
    chose it, or as a store of before has it under both numbers of the transaction. None is taken back by a guess (our decision).
    """
    ids, same = name.late_ids, both_numbers(name.oinfno)
    named = {each.request_id: each for each in known if each.request_id in ids and each.infno in same}
    if (exact := named.get(name.request_id)) is not None and not exact.setl_id:
        # Void under that very number: nothing is taken back.
        return
    settled = sorted(each.setl_id for each in named.values() if each.setl_id and name.psn_no in ("", each.psn_no))
    if len(settled) > 1:
        raise precondition("MESSAGE_AMBIGUOUS", omsgid=name.omsgid, oinfno=name.oinfno, settlements=", ".join(settled))


def taken_back(found: BookedSettlement) -> TakenBack:
    """What is told of a message whose settlement is reversed, or that is void."""
    return NEVER_ARRIVED if found.kind == VOID else TakenBack(True, found.setl_id, found.reversed_by)


def check_reversible(name: MessageName) -> None:
    """Raises NOT_REVERSIBLE for a message of any other transaction."""
    if name.oinfno not in _REVERSIBLE:
        raise precondition("NOT_REVERSIBLE", oinfno=name.oinfno)


def check_admission(name: MessageName) -> None:
    """Raises NOT_REVERSIBLE for a message that is no admission."""
    if name.oinfno != REVERSIBLE_ADMISSION:
        raise precondition("NOT_REVERSIBLE", oinfno=name.oinfno)


def counter_heading(
    original: BookedSettlement, request: ReversalRequest, setl_id: str, seq: int | None, at: int
) -> Heading:
    """What the row of a counter-entry says beside its amounts."""
    return Heading(
        setl_id=setl_id,
        stamp=request.stamp.resolved(original.regions),
        kind="reverse",
        mdtrt_id=original.mdtrt_id,
        key=original.key,
        ledger_seq=seq,
        med_type=original.med_type,
        setl_at=at,
        msgid=request.desk.msgid,
        opter=request.desk.opter,
        opter_name=request.desk.opter_name,
        invono=original.invono,
        reverses=original.setl_id,
        policies=original.policies,
        preselfpay_in_base=original.preselfpay_in_base,
        insured_cell=original.insured_cell,
    )


def void_heading(request: ReversalRequest, name: MessageName, request_id: str, setl_id: str, at: int) -> Heading:
    """What stands in the place of a settlement whose message was taken back before it came; all amounts are 0."""
    return Heading(
        setl_id=setl_id,
        stamp=RequestStamp(request.stamp.scope, request_id, "ReverseMessage", ""),
        kind="void",
        mdtrt_id="",
        key=LedgerKey("", "", "", ""),
        ledger_seq=None,
        med_type="",
        setl_at=at,
        msgid=name.omsgid,
    )
