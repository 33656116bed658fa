"""Rows of four books as reconciliation compares them: lines of bills, charges, refunds, orders, settlements. Amounts are fen,
moments microseconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.payment.domain.charges import BillLine
from services.payment.domain.orders import ChargeState, RefundState
from services.payment.domain.phases import Phase
from services.payment.domain.splits import Split


@dataclass(frozen=True, slots=True)
class Billed:
    """A line of a provider's bill: of which account (`merchant_no`, with "/" the sub-merchant's) and where in that day's bill."""

    day: date
    channel: str
    merchant_no: str
    line_no: int
    line: BillLine

    @property
    def place(self) -> tuple[date, int]:
        """Where it stands among lines of one number."""
        return self.day, self.line_no


@dataclass(frozen=True, slots=True)
class OurCharge:
    """A charge, with what its order says of it."""

    charge_no: str
    pay_ord_id: str
    channel: str
    charge_fen: int
    charged_fen: int
    state: ChargeState
    trade_no: str
    created_at: int
    paid_at: int
    return_no: str
    returned_at: int
    fixmedins_code: str
    phase: Phase
    current: bool


@dataclass(frozen=True, slots=True)
class OurRefund:
    """A refund of cash, with whose it is."""

    refund_no: str
    pay_ord_id: str
    channel: str
    cash_fen: int
    state: RefundState
    created_at: int
    done_at: int
    fixmedins_code: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OurOrder:
    """An order that was paid, with what its charge and its refunds add up to. `collected_fen` is None without a charge;
    `insured_cell` is the cell that settles it, "" for the own one.
    """

    pay_ord_id: str
    open_no: str
    setl_id: str
    fixmedins_code: str
    phase: Phase
    split: Split | None
    charged_fen: int
    refunded_fen: int
    insured_returned: bool
    collected_fen: int | None
    returned_fen: int
    insured_cell: str = ""


@dataclass(frozen=True, slots=True)
class ComparedSettlement:
    """A settlement that payment opened, as settlement has it. `stands` is False before it is confirmed and once it is void."""

    order_no: str
    setl_id: str
    fixmedins_code: str
    stands: bool
    reversed: bool
    split: Split


@dataclass(frozen=True, slots=True)
class Statement:
    """What a comparison of details (3202) came to: `number` says whose it is, over which days, of which office and class;
    `file_qury_no` is that of its result. Counts of lines that are booked here alone, stand in the file alone, or differ, and
    their sums in fen.
    """

    fixmedins_code: str
    number: str
    file_qury_no: str
    only_here: int
    only_there: int
    otherwise: int
    here_fen: int
    there_fen: int
