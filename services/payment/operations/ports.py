"""What payment's operations need of others: settlement of the cell, and the channels. Small, so that a test is one too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from services.kernel.authorisations import Authorisation
from services.payment.domain.charges import BillLine, Heard, Hearing, RefundSeen, Seen
from services.payment.domain.compared import ComparedSettlement, Statement
from services.payment.domain.notices import OrderNotice, TellingOutcome
from services.payment.domain.opened import OpenedBill, Tried
from services.payment.domain.orders import Charge, PayOrder, Refund
from services.payment.domain.profiles import Profile


class SettlementPort(Protocol):
    """Settlements in two phases; refusals are Faults, and each step is safe to repeat."""

    async def tried(self, order: PayOrder) -> Tried:
        """How the bill is split now."""
        ...

    async def open(self, order: PayOrder, expires_s: int, *, charged: bool) -> OpenedBill:
        """Opens it as pending; `charged` says that cash is about to be collected for it: nobody else lifts it then."""
        ...

    async def hold(self, order: PayOrder, expires_s: int) -> None:
        """Marks it as charged and moves its expiry, where its opening has not."""
        ...

    async def confirm(self, order: PayOrder) -> None:
        """Makes it stand."""
        ...

    async def void(self, order: PayOrder) -> None:
        """Makes it void."""
        ...

    async def reverse(self, order: PayOrder, refund_no: str) -> str:
        """Its counter-entry."""
        ...


class AuthorisationPort(Protocol):
    """Authorisations that another cell has to know, or has made; refusals are Faults."""

    async def keep(self, auth: str, psn_no: str, fixmedins_code: str) -> None:
        """Has one kept where the institution's cell finds it; nothing where that is the own one."""
        ...

    async def spent(self, pay_auth_no: str, psn_no: str, fixmedins_code: str, used_by: str) -> Authorisation | None:
        """One that another cell has made, spent for an order; None for one of the own cell."""
        ...


class BillPort(Protocol):
    """Visits and lines of bills."""

    async def register(self, order_no: str, request: Any) -> str:
        """A visit for the bill."""
        ...

    async def find_visit(self, order: PayOrder) -> str:
        """The visit that was registered for an order which died before it wrote the number down; "" where there is none."""
        ...

    async def upload(self, order_no: str, request: Any, mdtrt_id: str, *, stay: bool) -> None:
        """Diagnoses and lines."""
        ...

    async def take_back_lines(self, order: PayOrder) -> None:
        """Cancels the batch's lines."""
        ...

    async def take_back_visit(self, order: PayOrder) -> None:
        """Cancels the visit."""
        ...


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a charge needs once and nobody keeps: the code that was scanned, who pays, the authorisation. `payer` and `patient`
    are messages of the contract, as they came.
    """

    code: str = ""
    user_no: str = ""
    pay_auth_no: str = ""
    location: str = ""
    payer: Any = None
    patient: Any = None


class NoticePort(Protocol):
    """Whoever tells institutions."""

    async def tell(
        self, profile: Profile, notice: OrderNotice, order: PayOrder, refund: Refund | None
    ) -> TellingOutcome:
        """Tells one notice, with the order as it stands; what came of it."""
        ...


class ChannelPort(Protocol):
    """All channels, by what stands in the charge's row. Where nobody knows, UNKNOWN is what is seen."""

    async def place(self, charge: Charge, secrets: Secrets) -> Seen:
        """Asks for it."""
        ...

    async def look(self, charge: Charge) -> Seen:
        """How it stands."""
        ...

    async def close(self, charge: Charge) -> Seen:
        """Lets nobody pay it any more."""
        ...

    async def give_back(self, charge: Charge, refund_no: str, cash_fen: int, refund: Refund | None) -> RefundSeen:
        """Returns cash of it: asks how that stands, and asks for it where the channel knows nothing."""
        ...

    async def tell_returned(self, charge: Charge, order: PayOrder, refund: Refund) -> Hearing:
        """Tells the channel of a mixed order that the insured part went back, under the number of a refund."""
        ...

    def tells(self, charge: Charge) -> bool:
        """Whether the channel calls when a charge is paid."""
        ...

    def hear(self, channel: str, delivery: Any) -> Heard:
        """What a notify says, verified; a Fault where it proves nothing."""
        ...

    def is_of(self, charge: Charge, channel: str, heard: Heard) -> bool:
        """Whether a notify speaks of the account that collects a charge."""
        ...


@dataclass(frozen=True, slots=True)
class BilledAccount:
    """An account with a channel that has a bill of its own; `owners` are the institutions whose money stands in it."""

    channel: str
    merchant_no: str
    owners: frozenset[str]


class BillUnread(Exception):
    """A bill that is not ready, does not come, or cannot be believed; `reason` is a word for logs."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class ChannelBills(Protocol):
    """The bills of all accounts."""

    def accounts(self) -> Sequence[BilledAccount]:
        """All that have one."""
        ...

    async def bill(self, account: BilledAccount, day: date) -> Sequence[BillLine]:
        """The lines of a day; `BillUnread`."""
        ...


class StatementPort(Protocol):
    """What settlement has booked for payment."""

    def settled(self, span: tuple[int, int], *, reversed_ones: bool) -> AsyncIterator[Sequence[ComparedSettlement]]:
        """Page by page those that were confirmed from a moment and before another, or reversed."""
        ...

    def compared(self, span: tuple[int, int]) -> AsyncIterator[Sequence[Statement]]:
        """Page by page what comparisons of details (3202) came to that institutions made from a moment and before another."""
        ...

    async def found(self, order_nos: Sequence[str]) -> dict[str, ComparedSettlement]:
        """Those of these numbers, as they stand."""
        ...

    async def found_elsewhere(self, cells: Mapping[str, str]) -> tuple[dict[str, ComparedSettlement], frozenset[str]]:
        """The same of numbers that other cells settle, which are named; and of which numbers something is known: of the others'
        cells nobody answered.
        """
        ...
