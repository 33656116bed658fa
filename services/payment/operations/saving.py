"""Saving, placing and revoking orders: what happens before anybody pays. What a bill says clinically goes to settlement and is
kept nowhere here.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from services.kernel import authorisations
from services.kernel.authorisations import Authorisation, digest_of
from services.kernel.elsewhere import CELL_UNAVAILABLE, ROUTING_UNAVAILABLE
from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from services.payment.domain import refusals
from services.payment.domain.orders import LEASE_S, SECOND, Bill, Goal, PayOrder, moved
from services.payment.domain.phases import PLACEABLE, Phase
from services.payment.operations.books import Books, Stale, Write
from services.payment.operations.driving import Driving, is_away
from services.payment.operations.ports import AuthorisationPort, BillPort, SettlementPort

_TOKEN_CHARS: Final = 32
_SAVES_S: Final = 2.0
_TURN: Final = 0.02
_OPEN: Final = frozenset({Phase.PLACING, Phase.WAITING})
_WHO_IS_AWAY: Final = frozenset({ROUTING_UNAVAILABLE, CELL_UNAVAILABLE, "CELLS_UNREAD"})
"""Refusals that say of a person of another cell who does not answer; the same bill may be sent again."""
_REVOKED: Final = frozenset({Phase.REVOKING, Phase.REVOKED})


@dataclass(frozen=True, slots=True)
class AskedBill:
    """A bill of 6201: whose it is, how it is paid, and the request itself, which settlement is told."""

    fixmedins_code: str
    med_org_ord: str
    person: str
    order_type: int
    fee_type: str
    admdvs: str
    bill: Bill
    pay_auth_no: str
    ec_token: bool
    request: Any


class Saving:
    """Saves, places and revokes. `token` is the key of order tokens; `balance` asks the bank of a card,
    `institution` refuses one that does not exist.
    """

    def __init__(
        self,
        books: Books,
        driving: Driving,
        settlements: SettlementPort,
        bills: BillPort,
        new_number: Callable[[str], str],
        token: Callable[[], bytes],
        elsewhere: AuthorisationPort,
        balance: Callable[[str, str], Awaitable[int]],
        institution: Callable[[str], Awaitable[None]],
    ) -> None:
        self._books = books
        self._driving = driving
        self._settlements = settlements
        self._bills = bills
        self._new_number = new_number
        self._token = token
        self._elsewhere = elsewhere
        self._balance = balance
        self._institution = institution

    def token_of(self, pay_ord_id: str) -> str:
        """payToken of an order: known to who saved it."""
        return hmac.new(self._token(), pay_ord_id.encode(), hashlib.sha256).hexdigest()[:_TOKEN_CHARS]

    async def save(self, stamp: RequestStamp, asked: AskedBill) -> PayOrder:
        """Saves a bill, or finds it saved.

        PAY_ORDER_EXISTS, PAY_ORDER_ENDED, PAY_AUTH_UNKNOWN, PAY_AUTH_OF_ANOTHER, CREDENTIAL_MISSING, OUTCOME_UNKNOWN,
        REQUEST_ID_REUSED, and settlement's refusals, after which nothing is saved.
        """
        known = await self._books.standing(stamp)
        order = await self._books.order(known.decode()) if known is not None else None
        order = order or await self._books.order_of(asked.fixmedins_code, asked.med_org_ord)
        if order is None:
            order = await self._new(stamp, asked)
        elif order.phase in _REVOKED:
            raise refusals.order_ended(order)
        elif not _same(order, asked):
            raise refusals.order_exists(order)
        elif order.phase is Phase.SAVING:
            order = await self._driving.again(await self._waited(order))
        if order.phase is not Phase.SAVING:
            return order
        return await self._registered(order, asked)

    async def _waited(self, order: PayOrder) -> PayOrder:
        """Another call that saves the same order is given a moment."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _SAVES_S
        while order.phase is Phase.SAVING and loop.time() < until:
            await asyncio.sleep(_TURN)
            order = await self._driving.again(order)
        return order

    async def _new(self, stamp: RequestStamp, asked: AskedBill) -> PayOrder:
        if not asked.ec_token and not asked.pay_auth_no and not asked.bill.mdtrt_id:
            raise refusals.credential_missing("data.pay_auth_no")
        now = self._books.now()
        pay_ord_id = self._new_number(f"ORD{asked.admdvs}")
        shown: tuple[Authorisation, ...] = ()
        if asked.pay_auth_no:
            of = (asked.bill.psn_no, asked.fixmedins_code, asked.med_org_ord)
            shown = (await self._shown(asked.pay_auth_no, *of, pay_ord_id),)
        order = PayOrder(
            pay_ord_id=pay_ord_id,
            fixmedins_code=asked.fixmedins_code,
            med_org_ord=asked.med_org_ord,
            person=asked.person,
            order_type=asked.order_type,
            fee_type=asked.fee_type,
            admdvs=asked.admdvs,
            bill=asked.bill,
            own_visit=not asked.bill.mdtrt_id,
            phase=Phase.SAVING,
            saved_at=now,
            changed_at=now,
            due_at=now + LEASE_S * SECOND,
            auth=shown[0].auth if shown else "",
        )
        try:
            entry = self._books.entry(stamp, pay_ord_id.encode())
            await self._books.keep(Write(order, authorisations=shown, entry=entry))
        except Stale:
            # The same order came by another message at the same time.
            raise refusals.still_changing(asked.med_org_ord) from None
        return order

    async def _registered(self, order: PayOrder, asked: AskedBill) -> PayOrder:
        """Registers the visit and uploads the lines; a refusal takes back what was registered."""
        bill = order.bill
        try:
            if not bill.mdtrt_id:
                # Its number is written with the lines': who dies before that has it found again (`BillPort.find_visit`).
                bill = _at(bill, await self._bills.register(order.pay_ord_id, asked.request))
            if order.is_deposit:
                await self._settlements.tried(order)
            else:
                await self._bills.upload(order.pay_ord_id, asked.request, bill.mdtrt_id, stay=bill.stay)
        except Fault as fault:
            if is_away(fault):
                raise fault if fault.reason in _WHO_IS_AWAY else refusals.on_its_way(order) from None
            await self._given_up(order, bill, fault.reason)
            raise
        after = moved(order, Phase.SAVED, self._books.now(), bill=bill)
        try:
            await self._books.keep(Write(after, order.version))
        except Stale:
            return await self._driving.again(order)
        return after

    async def _given_up(self, order: PayOrder, bill: Bill, reason: str) -> None:
        gone = moved(order, Phase.REVOKING, self._books.now(), bill=bill, reason=reason)
        try:
            await self._books.keep(Write(gone, order.version))
        except Stale:
            raise refusals.on_its_way(order) from None
        await self._driving.drive(gone, 2.0)

    async def place(self, stamp: RequestStamp, order: PayOrder, pay_auth_no: str, bank_card: str = "") -> PayOrder:
        """Places an order under an authorisation and tries its bill; by the card the bank of a real account is asked what it has.

        PAY_ORDER_STATE, PAY_AUTH_UNKNOWN, PAY_AUTH_SPENT, PAY_AUTH_OF_ANOTHER, REQUEST_ID_REUSED, settlement's refusals, and what
        the bank refuses.
        """
        if await self._books.standing(stamp) is not None:
            return order
        if order.phase not in PLACEABLE:
            raise refusals.wrong_phase(order, Phase.SAVED.value)
        shown: tuple[Authorisation, ...] = ()
        if pay_auth_no and digest_of(pay_auth_no) != order.auth:
            of = (order.bill.psn_no, order.fixmedins_code, order.med_org_ord)
            shown = (await self._shown(pay_auth_no, *of, order.pay_ord_id),)
        told = await self._balance(order.fixmedins_code, bank_card) if bank_card else None
        order = replace(order, balance_fen=told)
        tried = await self._settlements.tried(order)
        after = moved(
            order,
            Phase.TRIED,
            self._books.now(),
            split=tried.split,
            trial_hash=tried.trial_hash,
            insured_cell=tried.insured_cell,
            opened=None,
            auth=shown[0].auth if shown else order.auth,
            reason="",
            channel_code="",
            charged_fen=0,
            refunded_fen=0,
        )
        entry = self._books.entry(stamp, order.pay_ord_id.encode())
        try:
            await self._books.keep(Write(after, order.version, authorisations=shown, entry=entry))
        except Stale:
            raise refusals.on_its_way(order) from None
        return after

    async def revoke(self, stamp: RequestStamp, order: PayOrder, left_s: float) -> PayOrder:
        """Revokes an order that is not paid. PAY_ORDER_STATE, OUTCOME_UNKNOWN, REQUEST_ID_REUSED."""
        known = await self._books.standing(stamp) is not None
        if order.phase is Phase.REVOKED:
            return order
        entry = self._books.entry(stamp, order.pay_ord_id.encode())
        if order.phase in PLACEABLE:
            after = moved(order, Phase.REVOKING, self._books.now(), goal=Goal.REVOKED)
        elif order.phase in _OPEN:
            after = moved(order, Phase.CLOSING, self._books.now(), goal=Goal.REVOKED, reason="REVOKED")
        elif (order.running and order.goal is Goal.REVOKED) or order.phase is Phase.REVOKING:
            after = order
        elif order.running and order.phase not in (Phase.CHARGED, Phase.REFUNDING):
            raise refusals.on_its_way(order)
        else:
            raise refusals.wrong_phase(order, Phase.WAITING.value)
        try:
            await self._books.keep(Write(after, order.version, entry=None if known else entry))
        except Stale:
            raise refusals.on_its_way(order) from None
        return self._revoked(await self._driving.drive(after, left_s))

    def _revoked(self, order: PayOrder) -> PayOrder:
        if order.phase is Phase.REVOKED:
            return order
        paid = order.phase in (Phase.PAID, Phase.CHARGED, Phase.HELD)
        raise refusals.wrong_phase(order, Phase.WAITING.value) if paid else refusals.on_its_way(order)

    async def authorise(self, stamp: RequestStamp, psn_no: str, fixmedins_code: str, pay_auth_no: str) -> Authorisation:
        """Keeps an authorisation, or finds it kept: a repeat makes the same number. REQUEST_ID_REUSED, INSTITUTION_UNKNOWN, and
        ROUTING_UNAVAILABLE where the institution is of another cell.
        """
        auth = digest_of(pay_auth_no)
        await self._books.standing(stamp)
        found = await self._books.authorisation(auth)
        if found is None:
            await self._institution(fixmedins_code)
            await self._elsewhere.keep(auth, psn_no, fixmedins_code)
            found = authorisations.new(auth, psn_no, fixmedins_code, self._books.now())
            try:
                entry = self._books.entry(stamp, auth.encode())
                await self._books.keep(Write(authorisations=(found,), entry=entry))
            except Stale:
                # The same request, whose first caller has left, was written meanwhile.
                found = await self._books.authorisation(auth)
        if found is None:
            raise refusals.still_changing(stamp.request_id)
        return found

    async def _shown(
        self, pay_auth_no: str, psn_no: str, fixmedins_code: str, med_org_ord: str, pay_ord_id: str
    ) -> Authorisation:
        found = await self._books.authorisation(digest_of(pay_auth_no))
        if found is None:
            # Elsewhere it is spent before the order is stored: under a key that another attempt has too.
            used_by = hashlib.sha256(f"{fixmedins_code}\n{med_org_ord}".encode()).hexdigest()
            found = await self._elsewhere.spent(pay_auth_no, psn_no, fixmedins_code, used_by)
        return authorisations.shown(found, psn_no, fixmedins_code, pay_ord_id, self._books.now())


def _same(order: PayOrder, asked: AskedBill) -> bool:
    """Whether a bill is the one that an order was saved for; a visit that was registered for it is not named."""
    told = _at(asked.bill, asked.bill.mdtrt_id or order.bill.mdtrt_id)
    return order.bill == told and (order.person, order.order_type) == (asked.person, asked.order_type)


def _at(bill: Bill, mdtrt_id: str) -> Bill:
    return replace(bill, mdtrt_id=mdtrt_id)
