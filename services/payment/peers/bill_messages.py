"""Bills of orders as settlement and routing take them, and how they are split."""

from __future__ import annotations

from typing import Any, Final

from services.payment.domain.opened import OpenedBill
from services.payment.domain.orders import PayOrder
from services.payment.domain.splits import Split
from yibao.settlement.v1 import common_pb2, reversal_pb2, settlement_pb2, stay_bill_pb2

MEMBER: Final = "settlement"
VISIT: Final = "visit"
STAY: Final = "stay"
"""What a bill is of, as the fields of requests are called."""


def desk_of(order: PayOrder) -> common_pb2.Desk:
    """The order's institution, of whom nobody in particular asks."""
    return common_pb2.Desk(fixmedins_code=order.fixmedins_code)


def settle_request(order: PayOrder) -> dict[str, Any]:
    """The bill as 2207 or 2304 sends it, under a request id of its attempt, in the field of a request."""
    form: dict[str, Any] = {"request_id": f"{order.open_no}:settle", "desk": desk_of(order)}
    if order.bill.stay:
        return {STAY: stay_bill_pb2.SettleStayRequest(**form, data=stay_bill(order))}
    return {VISIT: settlement_pb2.SettleRequest(**form, data=visit_bill(order))}


def reverse_request(order: PayOrder, refund_no: str) -> dict[str, Any]:
    """The settlement as 2208 or 2305 names it, in the field of a request."""
    named = reversal_pb2.SettlementReference(
        setl_id=order.setl_id, mdtrt_id=order.bill.mdtrt_id, psn_no=order.bill.psn_no
    )
    form: dict[str, Any] = {"request_id": f"{refund_no}:reverse", "desk": desk_of(order), "data": named}
    if order.bill.stay:
        return {STAY: reversal_pb2.ReverseStayRequest(**form)}
    return {VISIT: reversal_pb2.ReverseRequest(**form)}


def opened_of(settlement: settlement_pb2.SettleResponse) -> OpenedBill:
    """A bill that is pending."""
    return OpenedBill(split_of(settlement.setlinfo, settlement.bank_pay_fen), settlement.setlinfo.setl_id)


def visit_bill(order: PayOrder) -> settlement_pb2.Bill:
    """The bill of a visit, as 2206 and 2207 send it."""
    bill = order.bill
    return settlement_pb2.Bill(
        psn_no=bill.psn_no,
        med_type=bill.med_type,  # type: ignore[arg-type]  # the number of the contract's own enumeration
        local_med_type=bill.local_med_type,
        medfee_sumamt_fen=bill.fee_fen,
        psn_setlway=bill.psn_setlway,
        mdtrt_id=bill.mdtrt_id,
        chrg_bchno=bill.chrg_bchno,
        acct_used_flag=bill.acct_used_flag,  # type: ignore[arg-type]  # as above
        insutype=bill.insutype,
        invono=bill.invono,
        bank_balance=_bank_balance(order),
    )


def stay_bill(order: PayOrder) -> stay_bill_pb2.StayBill:
    """The bill of a stay, as 2303 and 2304 send it."""
    bill = order.bill
    return stay_bill_pb2.StayBill(
        psn_no=bill.psn_no,
        medfee_sumamt_fen=bill.fee_fen,
        psn_setlway=bill.psn_setlway,
        mdtrt_id=bill.mdtrt_id,
        acct_used_flag=bill.acct_used_flag,  # type: ignore[arg-type]  # as above
        insutype=bill.insutype,
        invono=bill.invono,
        bank_balance=_bank_balance(order),
    )


def _bank_balance(order: PayOrder) -> common_pb2.BankBalance | None:
    """What the bank of a real account told; absent where nobody asked it."""
    return None if order.balance_fen is None else common_pb2.BankBalance(balance_fen=order.balance_fen)


def split_of(told: Any, bank_fen: int = 0) -> Split:
    """A settlement's sums as parts of one bill (C§4.5: own, account and funds, and what the institution bears); `bank_fen` is
    what the bank of a real account owes of it.
    """
    return Split(
        total_fen=told.medfee_sumamt_fen,
        fund_fen=told.fund_pay_sumamt_fen,
        acct_fen=told.acct_pay_fen,
        hosp_fen=told.hosp_part_amt_fen,
        cash_fen=told.psn_cash_pay_fen,
        mulaid_fen=told.acct_mulaid_pay_fen,
        bank_fen=bank_fen,
    )
