"""What the desk of all channels does where an answer was lost, a merchant is gone, or the drawer of a window is meant."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.kernel.errors import Fault
from services.payment.channels.cash import Cash
from services.payment.channels.desk import Accounts, ChannelDesk
from services.payment.channels.protocol import Channel, Lost, Terms
from services.payment.domain import steps
from services.payment.domain.accounts import Account
from services.payment.domain.charges import About, ChannelState, Heard, RefundSeen, RefundStanding, Seen
from services.payment.domain.held import Decision
from services.payment.domain.orders import Charge, ChargeState, PayOrder, Refund, RefundKind, RefundState
from services.payment.domain.phases import Phase
from services.payment.domain.splits import Split
from services.payment.loader import read_merchants
from services.payment.operations.deciding import FIRST, AskedDecision, Deciding
from services.payment.operations.driving import Driving
from services.payment.operations.paying import Paying, Planned
from services.payment.operations.ports import Secrets
from services.payment.store.order_rows import _DUE
from tests.payment.bill_fakes import FakeBills
from tests.payment.order_fakes import SPLIT, House
from yibao.payment.v1 import channel_pb2

ACCOUNT = Account("wechat", "H11010000001", "M1", "http://127.0.0.1:9")
FORMS = frozenset({channel_pb2.PAY_FORM_NATIVE, channel_pb2.PAY_FORM_CODE})


PLANNED = Charge("C1", "O1", "wechat", 1, 1, b"", ChargeState.WAITING, 0, 0, 0)


class Scripted:
    """A channel that says what a test has laid ready, and keeps what it was asked."""

    terms = Terms("wechat", channel_pb2.CHANNEL_KIND_WECHAT, FORMS)

    def __init__(self, **says: list[Any]) -> None:
        self.says = says
        self.asked: list[str] = []

    def __getattr__(self, call: str) -> Any:
        async def told(message: Any) -> Any:
            self.asked.append(call)
            said = self.says[call].pop(0) if len(self.says[call]) > 1 else self.says[call][0]
            if isinstance(said, Exception):
                raise said
            return said

        return told


def desk(*channels: Any, accounts: tuple[Account, ...] = (ACCOUNT,)) -> ChannelDesk:
    made: list[Channel] = [*channels]
    return ChannelDesk(made, Accounts(accounts), lambda *_: None, lambda *_: nullcontext())


def charge(form: channel_pb2.PayForm.ValueType = channel_pb2.PAY_FORM_NATIVE, channel: str = "wechat") -> Charge:
    merchant = channel_pb2.Merchant(fixmedins_code="H11010000001", merchant_no="M1")
    message = channel_pb2.ChannelCharge(charge_no="C1", form=form, merchant=merchant).SerializeToString()
    return Charge("C1", "O1", channel, form, 3_000, message, ChargeState.WAITING, 0, 0, 0)


async def paying(house: House, made: ChannelDesk, form: channel_pb2.PayForm.ValueType) -> PayOrder:
    """An order that is paid through a desk, as far as it came."""
    driving = Driving(house.books, house.settlement, FakeBills(), made)
    paying = Paying(house.books, driving, house.settlement, made, lambda: house.number("C"))
    house.driving = driving

    def plan(order: PayOrder, split: Split) -> Planned:
        return Planned("wechat", form, split.cash_fen, 900, Secrets(), lambda *_: charge(form).message)

    order = await house.tried()
    await house.tries(lambda: paying.pay(house.stamp(), order, plan, 1.0))
    return await house.now(order)


async def test_a_code_whose_answer_was_lost_is_asked_for_again_by_the_same_number(house: House) -> None:
    waiting, shown = Seen(ChannelState.WAITING), Seen(ChannelState.WAITING, front={"code_url": "weixin://1"})
    channel = Scripted(place=[Lost("TIMEOUT"), shown], look=[waiting])
    order = await paying(house, desk(channel), channel_pb2.PAY_FORM_NATIVE)
    kept = await house.books.charge(order.charge_no)
    assert kept is not None
    assert (order.phase, kept.front) == (Phase.WAITING, {"code_url": "weixin://1"})
    assert channel.asked == ["place", "look", "place"]


async def test_a_code_that_the_channel_gives_no_more_is_closed_so_that_the_order_can_be_placed_anew(
    house: House,
) -> None:
    channel = Scripted(
        place=[Lost("TIMEOUT"), Seen(ChannelState.UNKNOWN)],
        look=[Seen(ChannelState.WAITING)],
        close=[Seen(ChannelState.CLOSED)],
    )
    order = await paying(house, desk(channel), channel_pb2.PAY_FORM_NATIVE)
    assert order.phase is Phase.FAILED
    assert house.settlement.states[order.open_no] == "void"


async def test_what_never_left_the_house_is_told_as_that(house: House) -> None:
    order = await paying(house, desk(Scripted(place=[Lost("ConnectError", sent=False)])), channel_pb2.PAY_FORM_CODE)
    assert (order.phase, order.reason) == (Phase.FAILED, steps.NOT_SENT)


async def test_an_order_of_a_merchant_that_is_gone_rests_where_people_see_it_until_it_is_back(house: House) -> None:
    channel = Scripted(place=[Seen(ChannelState.WAITING)], look=[Seen(ChannelState.WAITING)])
    order = await paying(house, desk(channel), channel_pb2.PAY_FORM_CODE)
    assert order.phase is Phase.WAITING
    asked = AskedDecision(order.pay_ord_id, Decision.ASK_AGAIN, "the file is mended", "", "op1")
    for gone in (desk(channel, accounts=(replace(ACCOUNT, merchant_no="M2"),)), desk(accounts=())):
        driving = Driving(house.books, house.settlement, FakeBills(), gone)
        deciding = Deciding(house.books, driving, lambda: house.number("D"))
        if order.phase is Phase.WAITING:
            order = await driving.drive(order, 1.0)
        (held,) = (await deciding.page(FIRST, 10)).entries
        assert (held.reason, held.order.phase) == (steps.MERCHANT_UNKNOWN, Phase.HELD)
        assert held.safe == (Decision.ASK_AGAIN, Decision.TAKEN_AS_GIVEN_BACK)
        _, order = await deciding.decide(house.stamp(), asked, 1.0)
        assert order.phase is Phase.HELD, "it is not mended"
    channel.says["look"] = [Seen(ChannelState.CHARGED, charged_fen=SPLIT.cash_fen)]
    back = Deciding(house.books, house.driving, lambda: house.number("D"))
    _, order = await back.decide(house.stamp(), asked, 1.0)
    assert (order.phase, order.charged_fen) == (Phase.PAID, SPLIT.cash_fen)


async def test_nothing_of_an_order_whose_merchant_is_gone_was_taken_where_a_proof_says_so(house: House) -> None:
    channel = Scripted(place=[Seen(ChannelState.WAITING)], look=[Seen(ChannelState.WAITING)])
    order = await paying(house, desk(channel), channel_pb2.PAY_FORM_CODE)
    driving = Driving(house.books, house.settlement, FakeBills(), desk(accounts=()))
    order = await driving.drive(order, 1.0)
    deciding = Deciding(house.books, driving, lambda: house.number("D"))
    asked = AskedDecision(order.pay_ord_id, Decision.TAKEN_AS_GIVEN_BACK, "never paid", "P1", "op1")
    _, order = await deciding.decide(house.stamp(), asked, 1.0)
    assert (order.phase, order.charged_fen, order.refunded_fen) == (Phase.FAILED, 0, 0)
    assert house.settlement.states[order.open_no] == "void"


async def test_cash_that_nobody_asked_to_give_back_is_handed_out_by_people() -> None:
    drawer, own = desk(Cash(), accounts=()), replace(charge(channel="cash"), charged_fen=3_000)
    asked = Refund("F1", "O1", "A1", RefundKind.CASH, 0, 3_000, RefundState.INSURED_BACK, 0)
    assert (await drawer.give_back(own, "F1", 3_000, asked)).standing is RefundStanding.RETURNED
    seen = await drawer.give_back(own, "BC1", 3_000, None)
    assert seen == RefundSeen(RefundStanding.ABNORMAL)
    held = steps.after_stray_return(own, seen, 1)
    assert (held.state, steps.why_back(held)) == (ChargeState.HELD, steps.CASH_TO_HAND_OUT)


async def test_a_split_that_has_moved_is_told_to_a_repeat_too(house: House) -> None:
    order, stamp = await house.tried(), house.stamp()
    house.settlement.split = Split(total_fen=10_000, fund_fen=5_000, cash_fen=5_000)
    for _ in range(2):
        with pytest.raises(Fault) as refused:
            await house.paying.pay(stamp, await house.now(order), house.plan, 1.0)
        assert (refused.value.reason, refused.value.metadata["cash"]) == ("SPLIT_MOVED", "50.00")
    assert not house.channel.booked


def test_a_notify_is_of_the_account_that_collects() -> None:
    merchant = channel_pb2.Merchant(merchant_no="M1", sub_merchant_no="S1")
    charge = replace(PLANNED, message=channel_pb2.ChannelCharge(merchant=merchant).SerializeToString())
    told = [("M1", "S1"), ("M1", ""), ("M1", "S2"), ("M2", "S1"), ("", "")]
    heard = [Heard("e", About.CHARGE, "C1", merchant=each) for each in told]
    assert [desk(Scripted()).is_of(charge, "wechat", each) for each in heard] == [True, True, False, False, False]
    assert not desk(Scripted()).is_of(charge, "alipay", heard[0])


def test_a_channel_tells_of_no_code_and_one_that_calls_nobody_of_nothing() -> None:
    native, code = charge(), charge(channel_pb2.PAY_FORM_CODE)
    silent = Scripted()
    silent.terms = replace(Scripted.terms, notifies=False)
    assert [desk(Scripted()).tells(each) for each in (native, code)] == [True, False]
    assert [desk(each).tells(native) for each in (silent, Cash())] == [False, False]


async def test_a_definite_refusal_is_told_as_one_and_an_absence_is_not() -> None:
    own = replace(charge(), charged_fen=3_000, mix_trade_no="X1")
    for lost in (Lost("SIGN_ERROR", refused=True), Lost("TIMEOUT")):
        asked = desk(Scripted(look=[lost], close=[lost], look_refund=[lost]))
        for seen in (await asked.look(own), await asked.close(own), await asked.give_back(own, "F1", 1, None)):
            assert (seen.standing.name, seen.refused, seen.code) == (
                "UNKNOWN",
                lost.refused,
                lost.reason if lost.refused else "",
            )


def test_a_switch_names_a_channel_that_there_is(tmp_path: Path) -> None:
    file = tmp_path / "merchants.yaml"
    file.write_text('closed:\n  - {area: "37", from_day: "2026-01-01", channel: "wechatt"}\n', encoding="utf-8")
    with pytest.raises(Fault) as refused:
        read_merchants(file)
    assert [each.path for each in refused.value.violations] == ["closed[0].channel"]
    file.write_text('closed:\n  - {area: "37", from_day: "2026-01-01", channel: "national"}\n', encoding="utf-8")
    assert read_merchants(file).closed[0].channel == "national"


def test_two_processes_take_different_orders_up() -> None:
    assert _DUE["postgresql"].endswith("FOR UPDATE SKIP LOCKED")
    assert "LOCKED" not in _DUE["sqlite"]
