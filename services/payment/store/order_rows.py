"""Rows of orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.payment.domain.orders import Bill, Goal, PayOrder
from services.payment.domain.phases import Phase
from services.payment.domain.splits import Split
from services.payment.store.tables import DEPOSITS, RUNNING
from services.runtime.db import DriverConnection, sql

_PARTS: Final = ("total", "fund", "acct", "other", "hosp", "cash", "mulaid", "bank")
COLUMNS: Final = (
    *("pay_ord_id", "fixmedins_code", "med_org_ord", "person", "fee_type", "admdvs"),
    *("psn_no", "insutype", "mdtrt_id", "chrg_bchno", "local_med_type", "psn_setlway", "invono", "ipt_otp_no"),
    *("order_type", "med_type", "acct_used_flag", "stay", "own_visit", "fee_fen", "phase", "goal"),
    *("has_split", "has_opened"),
    *(f"tried_{part}_fen" for part in _PARTS),
    *(f"opened_{part}_fen" for part in _PARTS),
    *("trial_hash", "insured_cell", "setl_id", "auth", "open_no", "charge_no", "refund_no", "traceparent"),
    *("attempt", "charged_fen", "refunded_fen"),
    *("insured_returned", "agreed", "has_balance", "balance_fen", "deposit_fen"),
    *("reason", "channel_code", "saved_at", "changed_at", "due_at", "paid_at"),
    *("tries", "version"),
)
ORDERS: Final = ", ".join(COLUMNS)
_FIND: Final = sql(f"SELECT {ORDERS} FROM pay_order WHERE AMONG(pay_ord_id, ?1)")
_VERSIONS: Final = sql(
    "SELECT pay_ord_id, version FROM pay_order WHERE AMONG(pay_ord_id, ?1) ORDER BY pay_ord_id FOR UPDATE"
)
_OF_INSTITUTION: Final = sql(f"SELECT {ORDERS} FROM pay_order WHERE fixmedins_code = ?1 AND med_org_ord = ?2")
_OF_STAY: Final = sql(
    f"SELECT {ORDERS} FROM pay_order WHERE mdtrt_id = ?2 AND fixmedins_code = ?1 AND {DEPOSITS}"
    " ORDER BY pay_ord_id FOR UPDATE"
)
_ANY_DUE: Final = sql(f"SELECT 1 FROM pay_order WHERE {RUNNING} AND due_at <= ?1 LIMIT 1")
_DUE: Final = sql(
    f"SELECT {ORDERS} FROM pay_order WHERE {RUNNING} AND due_at <= ?1 ORDER BY due_at LIMIT ?2 FOR UPDATE SKIP LOCKED"
)
_RELEASE: Final = sql(f"UPDATE pay_order SET due_at = ?1 WHERE {RUNNING} AND phase <> 'waiting' AND due_at > ?1")
_KEY: Final = "pay_ord_id"
_CHANGE: Final = " ON CONFLICT (pay_ord_id) DO UPDATE SET " + ", ".join(
    f"{each} = excluded.{each}" for each in COLUMNS if each != _KEY
)


class OrderRows:
    """Orders, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def find(self, numbers: Sequence[str]) -> dict[str, PayOrder]:
        """Those of these numbers."""
        rows = await self._connection.run(_FIND, sorted(numbers))
        return {order.pay_ord_id: order for order in map(order_of, rows)}

    async def versions(self, numbers: Sequence[str]) -> dict[str, int]:
        """Their versions, held until the transaction ends."""
        return {str(number): int(version) for number, version in await self._connection.run(_VERSIONS, sorted(numbers))}

    async def of_institution(self, fixmedins_code: str, med_org_ord: str) -> PayOrder | None:
        """The one under an institution's own number."""
        rows = await self._connection.run(_OF_INSTITUTION, fixmedins_code, med_org_ord)
        return order_of(rows[0]) if rows else None

    async def of_stay(self, fixmedins_code: str, mdtrt_id: str) -> list[PayOrder]:
        """A stay's deposits, and orders that take from them, held until the transaction ends."""
        return [order_of(row) for row in await self._connection.run(_OF_STAY, fixmedins_code, mdtrt_id)]

    async def any_due(self, now: int) -> bool:
        """Whether there are running ones at which nobody is."""
        return bool(await self._connection.run(_ANY_DUE, now))

    async def due(self, now: int, most: int) -> list[PayOrder]:
        """Those, the longest first, held until the transaction ends."""
        return [order_of(row) for row in await self._connection.run(_DUE, now, most)]

    async def release(self, now: int) -> None:
        """From now on nobody is at any; who waits for a person goes on to."""
        await self._connection.run(_RELEASE, now)

    async def keep(self, orders: Sequence[PayOrder]) -> None:
        """New ones, or as they are now; an institution's number is unique."""
        rows = [_row(each) for each in sorted(orders, key=lambda each: each.pay_ord_id)]
        await self._connection.insert(self._insert + _CHANGE, rows)


def _row(order: PayOrder) -> tuple[Any, ...]:
    bill = order.bill
    return (
        *(order.pay_ord_id, order.fixmedins_code, order.med_org_ord, order.person, order.fee_type, order.admdvs),
        *(
            bill.psn_no,
            bill.insutype,
            bill.mdtrt_id,
            bill.chrg_bchno,
            bill.local_med_type,
            bill.psn_setlway,
            bill.invono,
            bill.ipt_otp_no,
        ),
        *(order.order_type, bill.med_type, bill.acct_used_flag, int(bill.stay), int(order.own_visit), bill.fee_fen),
        *(order.phase.value, order.goal.value, int(order.split is not None), int(order.opened is not None)),
        *_parts(order.split),
        *_parts(order.opened),
        *(
            order.trial_hash,
            order.insured_cell,
            order.setl_id,
            order.auth,
            order.open_no,
            order.charge_no,
            order.refund_no,
            order.traceparent,
        ),
        *(order.attempt, order.charged_fen, order.refunded_fen, int(order.insured_returned), int(order.agreed)),
        *(int(order.balance_fen is not None), order.balance_fen or 0, order.deposit_fen),
        *(order.reason, order.channel_code, order.saved_at, order.changed_at, order.due_at, order.paid_at),
        *(order.tries, order.version),
    )


def _parts(split: Split | None) -> tuple[int, ...]:
    if split is None:
        return (0,) * len(_PARTS)
    return (
        *(split.total_fen, split.fund_fen, split.acct_fen, split.other_fen, split.hosp_fen, split.cash_fen),
        *(split.mulaid_fen, split.bank_fen),
    )


_SAME: Final = (
    *("pay_ord_id", "fixmedins_code", "med_org_ord", "person", "order_type", "fee_type", "admdvs", "saved_at"),
    *("changed_at", "due_at", "trial_hash", "insured_cell", "setl_id", "auth", "attempt", "open_no", "charge_no"),
    *("refund_no", "charged_fen", "refunded_fen", "deposit_fen", "reason", "channel_code", "paid_at", "tries"),
    *("version", "traceparent"),
)
"""Columns that stand in an order as they are."""


def order_of(row: Sequence[Any]) -> PayOrder:
    at = dict(zip(COLUMNS, row, strict=True))
    bill = Bill(
        psn_no=at["psn_no"],
        insutype=at["insutype"],
        mdtrt_id=at["mdtrt_id"],
        chrg_bchno=at["chrg_bchno"],
        med_type=at["med_type"],
        local_med_type=at["local_med_type"],
        psn_setlway=at["psn_setlway"],
        acct_used_flag=at["acct_used_flag"],
        fee_fen=at["fee_fen"],
        stay=bool(at["stay"]),
        invono=at["invono"],
        ipt_otp_no=at["ipt_otp_no"],
    )
    return PayOrder(
        **{name: at[name] for name in _SAME},
        bill=bill,
        own_visit=bool(at["own_visit"]),
        phase=Phase(at["phase"]),
        goal=Goal(at["goal"]),
        split=_split(at, "tried") if at["has_split"] else None,
        opened=_split(at, "opened") if at["has_opened"] else None,
        insured_returned=bool(at["insured_returned"]),
        agreed=bool(at["agreed"]),
        balance_fen=at["balance_fen"] if at["has_balance"] else None,
    )


def _split(at: dict[str, Any], prefix: str) -> Split:
    return Split(**{f"{part}_fen": at[f"{prefix}_{part}_fen"] for part in _PARTS})
