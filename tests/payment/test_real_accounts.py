"""Orders where a bank keeps the own account (实账户): its word on the balance is a fact of the bill, its card is charged for that
part, and less at the charge is another bill.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.kernel.errors import Fault
from services.payment.domain import steps
from services.payment.domain.charges import ChannelState, Seen
from services.payment.domain.orders import Charge, PayOrder, RefundKind, told_stas
from services.payment.domain.phases import Phase
from services.payment.domain.refunds import Parts
from services.payment.operations.ports import Secrets
from services.payment.servicer.convert import arrival
from tests.payment.order_fakes import BANK, House


async def paid(house: House) -> PayOrder:
    """An order that a card has paid: 30.00 of cash, and 8.00 for the account."""
    order = await house.tried(BANK)
    await house.tries(lambda: house.paying.pay(house.stamp(), order, house.plan, 1.0))
    house.channel.person_pays((await house.now(order)).charge_no)
    return await house.rests(order)


async def test_what_the_bank_told_stands_with_the_order_and_goes_with_every_try(house: House) -> None:
    order = await house.tried(BANK)
    asked = await house.saving.place(house.stamp(), order, "", "90000")
    assert (await house.now(order)).balance_fen == asked.balance_fen == 90_000
    assert (await house.saving.place(house.stamp(), asked, "")).balance_fen is None


async def test_the_card_is_charged_for_cash_and_account_and_each_goes_back_with_its_part(house: House) -> None:
    order = await paid(house)
    assert (order.phase, order.charged_fen) == (Phase.PAID, 3_800)
    insured = Parts(7_000, BANK.acct_fen, BANK.fund_fen, 0)
    order, _ = await house.refunding.refund(house.stamp(), order, "A1", RefundKind.INSURED, insured, 1.0)
    assert (order.refunded_fen, told_stas(order)) == (800, 8)
    with pytest.raises(Fault, match="REFUND_EXCEEDS_PAID"):
        await house.refunding.refund(house.stamp(), order, "A2", RefundKind.CASH, Parts(3_001, 0, 0, 3_001), 1.0)
    order, _ = await house.refunding.refund(house.stamp(), order, "A3", RefundKind.CASH, Parts(3_000, 0, 0, 3_000), 1.0)
    assert (order.refunded_fen, told_stas(order)) == (3_800, 7)


async def test_less_at_the_charge_makes_the_settlement_void_and_the_order_is_placed_again(house: House) -> None:
    order = await house.tried(BANK)
    house.channel.place = _short  # type: ignore[method-assign]  # the bank says that the account has less
    with pytest.raises(Fault) as refused:
        await house.paying.pay(house.stamp(), order, house.plan, 1.0)
    assert (refused.value.reason, refused.value.metadata["part"]) == ("BANK_BALANCE_LESS", "8.00")
    after = await house.now(order)
    assert (after.phase, after.reason, after.charged_fen) == (Phase.SAVED, steps.BANK_BALANCE_LESS, 0)
    assert house.settlement.states[after.open_no] == "void"
    house.settlement.split = replace(BANK, acct_fen=600, cash_fen=3_400, bank_fen=400)
    again = await house.saving.place(house.stamp(), after, "", "400")
    assert (again.phase, again.split) == (Phase.TRIED, house.settlement.split)


def test_what_a_card_was_charged_arrives_on_the_next_day_of_beijing() -> None:
    late = 1_796_054_399_000_000  # 2026-11-30 23:59:59 in Beijing
    assert f"{arrival('bank', late)}" == "2026-12-01"
    assert f"{arrival('bank', late + 1_000_000)}" == "2026-12-02"
    assert arrival("wechat", late) is None
    assert arrival("bank", 0) is None


async def _short(charge: Charge, secrets: Secrets) -> Seen:
    return Seen(ChannelState.REFUSED, code="51", short=True)
