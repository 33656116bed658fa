"""Real accounts (实账户): the bank's word on the balance enters trial and settlement, and what the account pays the bank owes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kernel.errors import Fault
from services.runtime.db import sql
from services.settlement.domain.benefits.stack import StackChoice, StackRequest, compile_stack
from services.settlement.servicer.convert_settlement import BillReader
from tests.settlement.stacks import document
from tests.settlement.synthetic import compiled
from tests.settlement.world import World, sqlite_url, world_on
from yibao.settlement.v1 import common_pb2, settlement_pb2, stay_bill_pb2


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Beijing's policy in a place where a bank keeps own accounts."""
    held = {"account": {"scope": "all_personal", "order": ["own"], "held": "bank"}}
    policy = compiled({**document("beijing-employee@2023-01-01"), **held})

    async def stack(_request: StackRequest) -> StackChoice:
        return StackChoice((), compile_stack([policy]))

    async with world_on(sqlite_url(tmp_path)) as made:
        made.catalogue.stack = stack  # type: ignore[assignment,method-assign]  # an area of its own
        made.catalogue.published[policy.content_hash] = "beijing-employee@2023-01-01"
        yield made


async def owed_by_bank(world: World) -> list[int]:
    """Postings on the bank, in their order."""
    async with world.database.driver_read() as connection:
        found = await connection.run(
            sql("SELECT amount_fen FROM posting WHERE ledger_account = 'bank' ORDER BY source_id")
        )
    return [int(fen) for (fen,) in found]


async def test_the_bank_owes_what_the_account_pays_and_the_ledger_keeps_its_balance(world: World) -> None:
    psn_no = world.person("P1")
    await world.open_ledger(psn_no, balance=70_000)
    mdtrt_id = await world.visit_with_fees(psn_no, 80_000)
    settled = await world.settle(world.order(psn_no, mdtrt_id, 80_000, "2207:A1", use_own=True, bank_fen=50_000))
    info = settled.setlinfo
    assert (info.acct_pay_fen, info.psn_cash_pay_fen, info.balc_fen) == (50_000, 30_000, 0)
    assert settled.bank_pay_fen == 50_000
    assert (await owed_by_bank(world), await world.balance(psn_no)) == ([-50_000], (70_000, 0))
    await world.reverse(settled, "2208:A2")
    assert (sorted(await owed_by_bank(world)), await world.balance(psn_no)) == ([-50_000, 50_000], (70_000, 0))
    assert await world.findings() == ()


async def test_nobody_asked_the_bank_so_the_account_pays_nothing(world: World) -> None:
    psn_no = world.person("P1")
    await world.open_ledger(psn_no, balance=70_000)
    mdtrt_id = await world.visit_with_fees(psn_no, 80_000)
    info = (await world.settle(world.order(psn_no, mdtrt_id, 80_000, "2207:A1", use_own=True))).setlinfo
    assert (info.acct_pay_fen, info.psn_cash_pay_fen) == (0, 80_000)
    assert await world.findings() == ()


async def test_less_at_the_bank_than_at_the_trial_is_another_bill(world: World) -> None:
    psn_no = world.person("P1")
    mdtrt_id = await world.visit_with_fees(psn_no, 80_000)
    trial = await world.try_bill(world.order(psn_no, mdtrt_id, 80_000, use_own=True, bank_fen=50_000))
    assert trial.setlinfo.acct_pay_fen == 50_000
    with pytest.raises(Fault) as refused:
        await world.settle(
            world.order(psn_no, mdtrt_id, 80_000, "2207:A1", trial_hash=trial.trial_hash, use_own=True, bank_fen=49_999)
        )
    assert refused.value.reason == "TRIAL_OUTDATED"
    again = world.order(psn_no, mdtrt_id, 80_000, "2207:A2", trial_hash=trial.trial_hash, use_own=True, bank_fen=50_000)
    assert (await world.settle(again)).setlinfo.acct_pay_fen == 50_000


def test_the_balance_is_read_from_bills_of_visits_and_stays_and_absent_is_not_nothing() -> None:
    reader, desk = BillReader(), common_pb2.Desk()
    told, empty = common_pb2.BankBalance(balance_fen=5), common_pb2.BankBalance()
    assert reader.visit(desk, settlement_pb2.Bill(bank_balance=told)).bank_fen == 5
    assert reader.stay(desk, stay_bill_pb2.StayBill(bank_balance=empty)).bank_fen == 0
    assert reader.visit(desk, settlement_pb2.Bill()).bank_fen is None
