"""What settlement tells of its orders to whoever compares books."""

from __future__ import annotations

from typing import NamedTuple

from services.kernel.pages import Place


class SettledOrder(NamedTuple):
    """An order with the sums of its bill, in fen. `at` is when it was confirmed or reversed, in microseconds UTC."""

    at: int
    order_no: str
    setl_id: str
    fixmedins_code: str
    phase: str
    state: str
    medfee_sumamt_fen: int
    fund_pay_sumamt_fen: int
    acct_pay_fen: int
    acct_mulaid_pay_fen: int
    psn_cash_pay_fen: int
    hosp_part_amt_fen: int

    @property
    def place(self) -> Place:
        """Where it stands in a list."""
        return self.at, self.order_no
