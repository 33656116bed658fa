"""What settlement tells of its orders to whoever compares books."""

from __future__ import annotations

from typing import NamedTuple

from services.kernel.codes import clr_type, pooling_area
from services.kernel.money import yuan_text
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


class Group(NamedTuple):
    """Settlements of a kind of care and an insured place, counter-entries among them: how many, and their sums in fen."""

    med_type: str
    insuplc_admdvs: str
    number: int
    medfee_fen: int
    fund_fen: int
    acct_fen: int


class OrderTotals(NamedTuple):
    """How many settlements and counter-entries, and their sums in fen."""

    number: int
    medfee_fen: int
    fund_fen: int
    acct_fen: int

    @property
    def told(self) -> str:
        """The same as a sentence of the national face, which speaks Chinese (stmt_rslt_dscr)."""
        sums = "、".join(map(yuan_text, (self.medfee_fen, self.fund_fen, self.acct_fen)))
        return f"中心{self.number}笔，医疗费总额、基金支付总额、个人账户支付依次为{sums}元"


def totals_of(groups: list[Group], clearing: str, optins: str) -> OrderTotals:
    """The totals of those of a clearing class and a settling office; "" for all."""
    held = [
        each
        for each in groups
        if clearing in ("", clr_type(each.med_type)) and optins in ("", pooling_area(each.insuplc_admdvs))
    ]
    return OrderTotals(
        sum(each.number for each in held),
        sum(each.medfee_fen for each in held),
        sum(each.fund_fen for each in held),
        sum(each.acct_fen for each in held),
    )
