"""What goes back is a part of what was paid: of the insured part all or nothing, of the cash what is left, and both add up."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from services.kernel.errors import Fault
from services.payment.domain.orders import PayOrder, RefundKind
from services.payment.domain.refunds import Parts, checked
from services.payment.domain.splits import Split
from tests.payment.test_stores import ORDER

SPLIT: Final = Split(10_000, fund_fen=6_000, acct_fen=1_000, other_fen=400, hosp_fen=300, cash_fen=2_300)
PAID: Final = replace(ORDER, split=SPLIT, opened=SPLIT, charged_fen=2_300, refunded_fen=0, insured_returned=False)
WHOLE: Final = Parts(9_700, 1_000, 6_400, 2_300)
INSURED: Final = Parts(7_400, 1_000, 6_400, 0)
CASH: Final = Parts(500, 0, 0, 500)


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        (RefundKind.ALL, WHOLE),
        (RefundKind.ALL, replace(WHOLE, total_fen=10_000)),
        (RefundKind.INSURED, INSURED),
        (RefundKind.CASH, CASH),
        (RefundKind.CASH, Parts(2_300, 0, 0, 2_300)),
    ],
)
def test_what_adds_up_goes_back(kind: RefundKind, parts: Parts) -> None:
    checked(PAID, kind, parts)


@pytest.mark.parametrize(
    ("kind", "parts", "path"),
    [
        (RefundKind.ALL, replace(WHOLE, cash_fen=2_299, total_fen=9_699), "data.cash_refd_amt_fen"),
        (RefundKind.ALL, replace(WHOLE, fund_fen=6_000, total_fen=9_300), "data.fund_refd_amt_fen"),
        (RefundKind.ALL, replace(WHOLE, total_fen=9_701), "data.totl_refd_amt_fen"),
        (RefundKind.INSURED, replace(INSURED, acct_fen=999), "data.fund_refd_amt_fen"),
        (RefundKind.INSURED, replace(INSURED, cash_fen=1, total_fen=7_401), "data.cash_refd_amt_fen"),
        (RefundKind.CASH, replace(CASH, acct_fen=1), "data.fund_refd_amt_fen"),
        (RefundKind.CASH, Parts(0, 0, 0, 0), "data.cash_refd_amt_fen"),
        (RefundKind.CASH, replace(CASH, total_fen=501), "data.totl_refd_amt_fen"),
    ],
)
def test_what_does_not_add_up_is_refused_by_its_sum(kind: RefundKind, parts: Parts, path: str) -> None:
    with pytest.raises(Fault) as raised:
        checked(PAID, kind, parts)
    assert (raised.value.reason, [each.path for each in raised.value.violations]) == ("REFUND_UNBALANCED", [path])


@pytest.mark.parametrize(
    ("paid", "kind", "parts"),
    [
        (PAID, RefundKind.CASH, Parts(2_301, 0, 0, 2_301)),
        (replace(PAID, refunded_fen=1_801), RefundKind.CASH, CASH),
        (replace(PAID, insured_returned=True), RefundKind.INSURED, INSURED),
        (replace(PAID, insured_returned=True), RefundKind.ALL, WHOLE),
        (replace(PAID, split=None), RefundKind.CASH, CASH),
    ],
)
def test_more_than_is_left_does_not_go_back(paid: PayOrder, kind: RefundKind, parts: Parts) -> None:
    with pytest.raises(Fault, match="REFUND_EXCEEDS_PAID"):
        checked(paid, kind, parts)
