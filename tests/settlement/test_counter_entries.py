"""Counter-entries: whatever sum an answer can have, each stands negated in the entry that undoes it, and nothing else does."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import pytest

from services.runtime.wire import moment_message
from services.settlement.domain.benefits.outcome import FUND_FIELDS, Components
from services.settlement.domain.books.answer import Reversal
from services.settlement.domain.books.refund import refund
from services.settlement.domain.care.bill import Desk
from services.settlement.servicer.convert_settlement import MessageScribe
from yibao.settlement.v1 import common_pb2, reversal_pb2, settlement_pb2, settlement_query_pb2

AT: Final = datetime(2026, 6, 11, 2, 0, tzinfo=UTC)
DESK: Final = Desk("H99010000001", "UNDONE", "op2", "退费员")
LIMIT: Final = "crt_payb_lmt_amt_fen"
"""A limit is no sum: it is told as it was."""
NOBODYS: Final = "hifdm_pay_fen"
"""No policy knows this fund, so no answer has a sum of it."""


def sums_of(message: Any) -> list[str]:
    """The names of amounts in a message."""
    return [each.name for each in message.DESCRIPTOR.fields if each.name.endswith("_fen") and each.name != NOBODYS]


def test_no_policy_pays_by_the_fund_whose_sum_no_answer_has() -> None:
    assert NOBODYS.removesuffix("_fen") not in FUND_FIELDS


def filled(message: Any, numbers: Any) -> Any:
    """A message in which each amount is another one, and none is 0."""
    for name in sums_of(message):
        setattr(message, name, next(numbers))
    return message


@pytest.mark.parametrize("of_stay", [False, True], ids=["visit", "stay"])
def test_every_sum_of_an_answer_stands_negated_in_the_counter_entry(of_stay: bool) -> None:
    numbers = count(101)
    info = filled(common_pb2.Setlinfo(setl_id="S1", mdtrt_id="M1", pool_prop_selfpay="0.7"), numbers)
    shares = [filled(common_pb2.FundShare(fund_pay_type=f"31010{place}"), numbers) for place in range(2)]
    settled = settlement_pb2.SettleResponse(setlinfo=info, setldetail=shares)
    record = settlement_query_pb2.SetlinfoRecord(insu_optins="990100", invono="I1", opter_id="op1")
    made: Any = reversal_pb2.ReverseStayResponse if of_stay else reversal_pb2.ReverseResponse
    reversal = Reversal("S2", DESK, AT, balc_fen=77, of_stay=of_stay)
    response, told = MessageScribe().reversed(settled.SerializeToString(), record.SerializeToString(), reversal)
    counter = made.FromString(response)
    for name in sums_of(info):
        expected = 77 if name == "balc_fen" else -getattr(info, name)
        assert getattr(counter.setlinfo, name) == expected, name
    for share, was in zip(counter.setldetail, shares, strict=True):
        for name in sums_of(was):
            assert getattr(share, name) == (1 if name == LIMIT else -1) * getattr(was, name), name
        assert share.fund_pay_type == was.fund_pay_type
    assert counter.setlinfo.pool_prop_selfpay == info.pool_prop_selfpay
    said = settlement_query_pb2.SetlinfoRecord.FromString(told)
    assert (said.refd_setl_flag, said.opter_id, said.opter_name, said.invono) == (True, "op2", "退费员", "I1")
    assert said.opt_time == counter.setlinfo.setl_time == moment_message(AT)
    if of_stay:
        assert counter.record.crt_dedc_fen == -info.act_pay_dedc_fen


def test_a_refund_negates_every_amount_and_repeats_the_ratio() -> None:
    amounts = {each.name: number for number, each in enumerate(fields(Components), 101)}
    back = refund(Components(**amounts))
    for name, amount in amounts.items():
        assert getattr(back, name) == (-amount if name.endswith("_fen") else amount), name
