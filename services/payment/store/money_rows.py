"""Rows of charges, refunds, authorisations, and of what was heard once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.kernel.authorisations import Authorisation
from services.payment.domain.charges import ChannelState, Half
from services.payment.domain.orders import Charge, ChargeState, Refund, RefundKind, RefundState
from services.payment.store.tables import LATE, STRAY
from services.runtime.db import DriverConnection, sql

_CHARGE: Final = (
    *(
        "charge_no",
        "pay_ord_id",
        "channel",
        "form",
        "charge_fen",
        "message",
        "state",
        "standing",
        "half",
        "charged_fen",
    ),
    *(
        "trade_no",
        "mix_trade_no",
        "return_no",
        "front",
        "traceparent",
        "created_at",
        "expires_at",
        "due_at",
        "asked_at",
        "paid_at",
        "returned_at",
        "tries",
        "said_total_fen",
        "returned_fen",
    ),
)
CHARGES: Final = ", ".join(_CHARGE)
_REFUND: Final = (
    *(
        "refund_no",
        "pay_ord_id",
        "asked_no",
        "kind",
        "insured_fen",
        "cash_fen",
        "card_fen",
        "state",
        "counter_setl_id",
        "reason",
    ),
    *("created_at", "done_at", "said_fen"),
)
REFUNDS: Final = ", ".join(_REFUND)
_FIND_CHARGES: Final = sql(f"SELECT {CHARGES} FROM pay_charge WHERE AMONG(charge_no, ?1)")
_OF_RETURN: Final = sql(f"SELECT {CHARGES} FROM pay_charge WHERE return_no <> '' AND return_no = ?1")
_OF_ORDERS: Final = sql(
    f"SELECT {CHARGES} FROM pay_charge WHERE pay_ord_id = ?1 ORDER BY created_at DESC, charge_no DESC LIMIT ?2"
)
_STRAY: Final = sql(f"SELECT {CHARGES} FROM pay_charge WHERE {STRAY} AND due_at <= ?1 ORDER BY due_at LIMIT ?2")
_LATE: Final = sql(f"SELECT {CHARGES} FROM pay_charge WHERE {LATE} AND due_at <= ?1 ORDER BY due_at LIMIT ?2")
_OF_ORDER: Final = sql(f"SELECT {REFUNDS} FROM pay_refund WHERE pay_ord_id = ?1 ORDER BY created_at, refund_no")
_FIND_REFUND: Final = sql(f"SELECT {REFUNDS} FROM pay_refund WHERE refund_no = ?1")
_AUTH: Final = sql("SELECT auth, psn_no, fixmedins_code, used_by, made_at, expires_at FROM pay_auth WHERE auth = ?1")
_USERS: Final = sql("SELECT auth, used_by FROM pay_auth WHERE AMONG(auth, ?1) ORDER BY auth FOR UPDATE")
_HEARD: Final = sql("SELECT event FROM pay_event WHERE AMONG(event, ?1)")
_FORGET: Final = sql("DELETE FROM pay_event WHERE heard_at < ?1")
_FORGET_AUTHS: Final = sql("DELETE FROM pay_auth WHERE expires_at < ?1")


def _changes(key: str, columns: Sequence[str]) -> str:
    return f" ON CONFLICT ({key}) DO UPDATE SET " + ", ".join(
        f"{each} = excluded.{each}" for each in columns if each != key
    )


class MoneyRows:
    """Charges, refunds and what lets them be, in one transaction. `inserts` are the statements by table."""

    def __init__(self, connection: DriverConnection, inserts: Mapping[str, Mapping[str, str]]) -> None:
        self._connection = connection
        self._inserts = {name: each[connection.dialect] for name, each in inserts.items()}

    async def charges(self, numbers: Sequence[str]) -> dict[str, Charge]:
        """Those of these numbers."""
        return {
            each.charge_no: each for each in map(charge_of, await self._connection.run(_FIND_CHARGES, sorted(numbers)))
        }

    async def charges_of(self, pay_ord_id: str, most: int) -> list[Charge]:
        """Those of an order, the latest first."""
        return [charge_of(row) for row in await self._connection.run(_OF_ORDERS, pay_ord_id, most)]

    async def charge_of_return(self, return_no: str) -> Charge | None:
        """The charge that goes back under a number."""
        rows = await self._connection.run(_OF_RETURN, return_no)
        return charge_of(rows[0]) if rows else None

    async def strays(self, now: int, most: int) -> list[Charge]:
        """Charges that go back and whose orders do not wait for that."""
        return [charge_of(row) for row in await self._connection.run(_STRAY, now, most)]

    async def late(self, now: int, most: int) -> list[Charge]:
        """Charges that nobody waits for and about which the channel is asked again."""
        return [charge_of(row) for row in await self._connection.run(_LATE, now, most)]

    async def keep_charges(self, charges: Sequence[Charge]) -> None:
        """New ones, or as they are now."""
        rows = [
            (
                *(each.charge_no, each.pay_ord_id, each.channel, each.form, each.charge_fen, each.message),
                *(each.state.value, each.standing.value, each.half.value, each.charged_fen, each.trade_no),
                *(each.mix_trade_no, each.return_no, json.dumps(dict(each.front)), each.traceparent),
                *(each.created_at, each.expires_at),
                *(each.due_at, each.asked_at, each.paid_at, each.returned_at, each.tries, each.said_total_fen),
                each.returned_fen,
            )
            for each in sorted(charges, key=lambda each: each.charge_no)
        ]
        await self._connection.insert(self._inserts["pay_charge"] + _changes("charge_no", _CHARGE), rows)

    async def refunds(self, pay_ord_id: str) -> list[Refund]:
        """Those of an order, in the order of their begin."""
        return [refund_of(row) for row in await self._connection.run(_OF_ORDER, pay_ord_id)]

    async def refund(self, refund_no: str) -> Refund | None:
        """One."""
        rows = await self._connection.run(_FIND_REFUND, refund_no)
        return refund_of(rows[0]) if rows else None

    async def keep_refunds(self, refunds: Sequence[Refund]) -> None:
        """New ones, or as they are now; the institution's number is unique in an order."""
        rows = [
            (
                *(each.refund_no, each.pay_ord_id, each.asked_no, each.kind.value, each.insured_fen, each.cash_fen),
                each.card_fen,
                *(each.state.value, each.counter_setl_id, each.reason, each.created_at, each.done_at, each.said_fen),
            )
            for each in sorted(refunds, key=lambda each: each.refund_no)
        ]
        await self._connection.insert(self._inserts["pay_refund"] + _changes("refund_no", _REFUND), rows)

    async def authorisation(self, auth: str) -> Authorisation | None:
        """One by its digest."""
        for digest, psn_no, fixmedins_code, used_by, made_at, expires_at in await self._connection.run(_AUTH, auth):
            return Authorisation(digest, psn_no, fixmedins_code, made_at, expires_at, used_by)
        return None

    async def users(self, auths: Sequence[str]) -> dict[str, str]:
        """For which order each was shown, held until the transaction ends."""
        if not auths:
            return {}
        return {str(auth): str(user) for auth, user in await self._connection.run(_USERS, sorted(auths))}

    async def keep_authorisations(self, authorisations: Sequence[Authorisation]) -> None:
        """New ones, or as they are now."""
        rows = [
            (each.auth, each.psn_no, each.fixmedins_code, each.used_by, each.made_at, each.expires_at)
            for each in sorted(authorisations, key=lambda each: each.auth)
        ]
        change = " ON CONFLICT (auth) DO UPDATE SET used_by = excluded.used_by"
        await self._connection.insert(self._inserts["pay_auth"] + change, rows)

    async def heard(self, events: Sequence[str]) -> frozenset[str]:
        """Which of these were heard before."""
        return frozenset(str(event) for (event,) in await self._connection.run(_HEARD, sorted(events)))

    async def hear(self, events: Sequence[str], now: int) -> None:
        """Keeps that they were heard; each is unique."""
        await self._connection.insert(self._inserts["pay_event"], [(event, now) for event in sorted(events)])

    async def forget(self, before: int) -> None:
        """Events and authorisations of long ago."""
        await self._connection.run(_FORGET, before)
        await self._connection.run(_FORGET_AUTHS, before)


def charge_of(row: Sequence[Any]) -> Charge:
    """A charge by its columns."""
    at = dict(zip(_CHARGE, row, strict=True))
    at["state"], at["standing"], at["half"] = ChargeState(at["state"]), ChannelState(at["standing"]), Half(at["half"])
    at["front"], at["message"] = json.loads(at["front"]), bytes(at["message"])
    return Charge(**at)


def refund_of(row: Sequence[Any]) -> Refund:
    """A refund by its columns."""
    at = dict(zip(_REFUND, row, strict=True))
    at["kind"], at["state"] = RefundKind(at["kind"]), RefundState(at["state"])
    return Refund(**at)
