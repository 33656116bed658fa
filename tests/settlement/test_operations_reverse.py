"""Reversals and messages taken back, on a real store: everything returns to where it was, last in, first out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from services.kernel.errors import Fault
from services.settlement.operations.books.queries import SettlementQuestion
from tests.settlement.world import HOSPITAL, OTHER_HOSPITAL, RESIDENT, START, World, sqlite_url, world_on

ELSEWHERE: Final = "990200"
"""Another pooling area."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(sqlite_url(tmp_path)) as made:
        yield made


async def test_a_reversal_negates_every_sum_and_gives_everything_back(world: World) -> None:
    owner, psn_no = world.person("P1"), world.person("P2")
    world.family(psn_no, owner)
    await world.open_ledger(owner, balance=300_000, current=100_000)
    await world.open_ledger(psn_no, balance=40_000, current=15_000, op_dedc=1_000, op_inscp=1_000)
    before = (await world.accumulators(psn_no), await world.balance(psn_no), await world.balance(owner))
    mdtrt_id = await world.visit_with_fees(psn_no, 230_000, presel=1_000)
    order = world.order(psn_no, mdtrt_id, 231_000, "2207:A1", use_own=True, use_family=True)
    settled = await world.settle(order)
    assert settled.setlinfo.acct_mulaid_pay_fen > 0
    counter = await world.reverse(settled, "2208:B1")
    info, original = counter.setlinfo, settled.setlinfo
    for field in original.DESCRIPTOR.fields:
        if field.name.endswith("_fen") and field.name != "balc_fen":
            assert getattr(info, field.name) == -getattr(original, field.name), field.name
    for row, was in zip(counter.setldetail, settled.setldetail, strict=True):
        assert (row.fund_pay_type, row.fund_payamt_fen) == (was.fund_pay_type, -was.fund_payamt_fen)
        assert row.inscp_scp_amt_fen == -was.inscp_scp_amt_fen
        # A limit is no sum: it is what it was.
        assert row.crt_payb_lmt_amt_fen == was.crt_payb_lmt_amt_fen
    assert counter.setldetail[0].inscp_scp_amt_fen == -230_000
    assert info.setl_id != original.setl_id
    assert (info.medins_setl_id, info.balc_fen, info.mdtrt_id) == ("B1", 40_000, mdtrt_id)
    assert info.pool_prop_selfpay == original.pool_prop_selfpay
    assert (await world.accumulators(psn_no), await world.balance(psn_no), await world.balance(owner)) == before
    assert await world.findings() == ()
    again = await world.settle(world.order(psn_no, mdtrt_id, 231_000, "2207:A2", use_own=True, use_family=True))
    assert again.setlinfo.hifp_pay_fen == original.hifp_pay_fen


async def test_reversals_go_last_in_first_out(world: World) -> None:
    psn_no = world.person("P1")
    settled = []
    for place in range(3):
        mdtrt_id = await world.visit_with_fees(psn_no, 90_000)
        settled.append(await world.settle(world.order(psn_no, mdtrt_id, 90_000, f"2207:A{place}")))
    state = await world.accumulators(psn_no)
    with pytest.raises(Fault) as caught:
        await world.reverse(settled[0], "2208:B0")
    assert caught.value.reason == "LATER_SETTLEMENT_EXISTS"
    assert (caught.value.metadata["count"], caught.value.metadata["later_setl_id"]) == (
        "2",
        settled[2].setlinfo.setl_id,
    )
    assert await world.accumulators(psn_no) == state
    for place in (2, 1, 0):
        await world.reverse(settled[place], f"2208:C{place}")
    assert await world.accumulators(psn_no) == {}
    assert await world.findings() == ()


async def test_a_later_settlement_of_another_institution_is_counted_but_not_named(world: World) -> None:
    psn_no = world.person("P1")
    first = await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 9_000), 9_000, "2207:A1"))
    elsewhere = await world.encounter(psn_no, hospital=OTHER_HOSPITAL)
    await world.fees(elsewhere, 9_000)
    await world.settle(world.order(psn_no, elsewhere, 9_000, "2207:A1", hospital=OTHER_HOSPITAL))
    with pytest.raises(Fault) as caught:
        await world.reverse(first, "2208:B1")
    told = {"admdvs": "990100", "day": "2025-03-10"}
    assert caught.value.metadata == {"setl_id": first.setlinfo.setl_id, "count": "1"} | told


async def test_a_settlement_reversed_already_answers_its_counter_entry_again(world: World) -> None:
    psn_no = world.person("P1")
    settled = await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 9_000), 9_000, "2207:A1"))
    counter = await world.reverse(settled, "2208:B1")
    assert await world.reverse(settled, "2208:B1") == counter
    assert await world.reverse(settled, "2208:B2") == counter
    assert await world.reverse(settled, "2208:B2") == counter
    assert await world.findings() == ()


async def test_a_reversal_with_a_request_id_of_other_content_is_refused(world: World) -> None:
    psn_no = world.person("P1")
    first = await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 9_000), 9_000, "2207:A1"))
    second = await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 8_000), 8_000, "2207:A2"))
    await world.reverse(second, "2208:B1")
    for request in ("2208:B1", "2207:A1"):
        with pytest.raises(Fault) as caught:
            await world.reverse(first, request)
        assert caught.value.reason == "REQUEST_ID_REUSED"


async def test_only_the_institution_that_settled_it_reverses_a_settlement_of_its_kind(world: World) -> None:
    psn_no = world.person("P1")
    settled = await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 9_000), 9_000, "2207:A1"))
    counter = await world.reverse(settled, "2208:B0")
    for hospital, rpc, setl_id in (
        (OTHER_HOSPITAL, "Settle", settled.setlinfo.setl_id),
        (HOSPITAL, "SettleStay", settled.setlinfo.setl_id),
        (HOSPITAL, "Settle", counter.setlinfo.setl_id),
        (HOSPITAL, "Settle", "0"),
    ):
        settled.setlinfo.setl_id = setl_id
        with pytest.raises(Fault) as caught:
            await world.reverse(settled, "2208:B1", hospital=hospital, rpc=rpc)
        assert caught.value.reason == "SETTLEMENT_NOT_FOUND"


async def test_a_reversal_of_last_year_touches_only_last_years_ledger(world: World) -> None:
    psn_no = world.person("P1")
    await world.open_ledger(psn_no, balance=100_000, current=60_000)
    old = await world.settle(
        world.order(psn_no, await world.visit_with_fees(psn_no, 80_000), 80_000, "2207:A1", use_own=True)
    )
    world.clock.at = START + timedelta(days=365)
    mdtrt_id = await world.visit_with_fees(psn_no, 190_000)
    new = await world.settle(world.order(psn_no, mdtrt_id, 190_000, "2207:A2", use_own=True))
    assert new.setlinfo.act_pay_dedc_fen == 180_000
    assert (await world.accumulators(psn_no, "2026"))["op_dedc"] == 180_000
    state = await world.accumulators(psn_no, "2026")
    await world.reverse(old, "2208:B1")
    assert await world.accumulators(psn_no, "2025") == {}
    assert await world.accumulators(psn_no, "2026") == state
    assert await world.balance(psn_no) == (80_000, 0)
    assert await world.findings() == ()


async def test_a_stay_settled_in_between_is_not_reversed_under_its_rest_of_the_next_year(world: World) -> None:
    psn_no = world.person("P1")
    stay: dict[str, Any] = {"kind": "stay", "med_type": "", "chrg_bchno": "0000", "interim": True}
    world.clock.at = datetime(2025, 12, 30, 1, 0, tzinfo=UTC)
    mdtrt_id = await world.encounter(psn_no, kind="stay")
    await world.fees(mdtrt_id, 1_000_000)
    first = await world.settle(world.order(psn_no, mdtrt_id, 1_000_000, "2304:A1", **stay))
    world.clock.at = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
    await world.fees(mdtrt_id, 500_000)
    rest = await world.settle(world.order(psn_no, mdtrt_id, 500_000, "2304:A2", **stay))
    assert [each.setlinfo.act_pay_dedc_fen for each in (first, rest)] == [130_000, 0]
    assert (await world.accumulators(psn_no, "2026"))["ip_fund"] > 0
    for take_back in (world.reverse(first, "2305:B1"), world.take_back("2304", "A1", "2601:B1")):
        with pytest.raises(Fault) as caught:
            await take_back
        assert caught.value.metadata == {
            "setl_id": first.setlinfo.setl_id,
            "count": "1",
            "later_setl_id": rest.setlinfo.setl_id,
            "admdvs": "990100",
            "day": "2026-01-05",
        }
    for settled, request in ((rest, "2305:B2"), (first, "2305:B3")):
        await world.reverse(settled, request, rpc="Settle")
    again = await world.settle(world.order(psn_no, mdtrt_id, 1_500_000, "2304:A3", **stay))
    assert again.setlinfo.act_pay_dedc_fen == 130_000
    assert await world.findings() == ()


def moved(world: World, psn_no: str, area: str) -> None:
    """From now on the person is insured in another pooling area."""
    known = world.identity.people[psn_no]
    (enrolment,) = known.enrolments
    world.identity.people[psn_no] = replace(known, enrolments=(replace(enrolment, insuplc_admdvs=area),))


async def test_a_stay_settled_in_between_is_not_reversed_under_its_rest_in_another_pooling_area(world: World) -> None:
    psn_no = world.person("P1")
    stay: dict[str, Any] = {"kind": "stay", "med_type": "", "chrg_bchno": "0000", "interim": True}
    mdtrt_id = await world.encounter(psn_no, kind="stay")
    await world.fees(mdtrt_id, 1_000_000)
    first = await world.settle(world.order(psn_no, mdtrt_id, 1_000_000, "2304:A1", **stay))
    moved(world, psn_no, ELSEWHERE)
    await world.fees(mdtrt_id, 500_000)
    rest = await world.settle(world.order(psn_no, mdtrt_id, 500_000, "2304:A2", **stay))
    assert [each.setlinfo.clr_optins for each in (first, rest)] == ["990100", ELSEWHERE]
    with pytest.raises(Fault, match="LATER_SETTLEMENT_EXISTS") as caught:
        await world.reverse(first, "2305:B1")
    assert caught.value.metadata["later_setl_id"] == rest.setlinfo.setl_id
    for settled, request in ((rest, "2305:B2"), (first, "2305:B3")):
        await world.reverse(settled, request)
    assert await world.findings() == ()


def to_another_area(world: World) -> str:
    moved(world, "P1", ELSEWHERE)
    return "P1"


def to_the_next_year(world: World) -> str:
    world.clock.at = START + timedelta(days=365)
    return "P1"


def to_another_insurance(world: World) -> str:
    return world.person("P1", RESIDENT)


def to_somebody_else(world: World) -> str:
    return world.person("P2")


@pytest.mark.parametrize("change", [to_another_area, to_the_next_year, to_another_insurance, to_somebody_else])
async def test_later_bills_on_another_ledger_stand_in_nobodys_way(world: World, change: Callable[[World], str]) -> None:
    """What one area, year, insurance or person has paid is nothing to the deductibles and ceilings of another."""
    psn_no = world.person("P1")
    first = await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 190_000), 190_000, "2207:A1"))
    whose = change(world)
    for request in ("2207:A2", "2207:A3", "2207:A4"):
        await world.settle(world.order(whose, await world.visit_with_fees(whose, 9_000), 9_000, request))
    counter = await world.reverse(first, "2208:B1")
    assert counter.setlinfo.medfee_sumamt_fen == -190_000
    assert await world.findings() == ()


async def test_a_settlement_is_found_by_number_and_by_message_and_told_as_it_was(world: World) -> None:
    psn_no = world.person("P1")
    mdtrt_id = await world.visit_with_fees(psn_no, 9_000)
    settled = await world.settle(world.order(psn_no, mdtrt_id, 9_000, "2207:A1"))
    counter = await world.reverse(settled, "2208:B1")
    question = SettlementQuestion(HOSPITAL, psn_no, mdtrt_id, setl_id=settled.setlinfo.setl_id)
    found = await world.queries.settlement(question)
    assert type(settled).FromString(found.response) == settled
    assert (found.counter_setl_id, found.state) == (counter.setlinfo.setl_id, "reversed")
    by_message = await world.queries.settlement(SettlementQuestion(HOSPITAL, psn_no, mdtrt_id, msgid="B1"))
    assert by_message.setl_id == counter.setlinfo.setl_id
    assert by_message.counter_setl_id == settled.setlinfo.setl_id
    for wrong in (
        SettlementQuestion(OTHER_HOSPITAL, psn_no, mdtrt_id, setl_id=settled.setlinfo.setl_id),
        SettlementQuestion(HOSPITAL, "P9", mdtrt_id, setl_id=settled.setlinfo.setl_id),
        SettlementQuestion(HOSPITAL, psn_no, mdtrt_id, msgid="none"),
    ):
        with pytest.raises(Fault, match="SETTLEMENT_NOT_FOUND"):
            await world.queries.settlement(wrong)


async def test_a_message_taken_back_is_reversed_and_a_second_time_too(world: World) -> None:
    psn_no = world.person("P1")
    mdtrt_id = await world.visit_with_fees(psn_no, 190_000)
    settled = await world.settle(world.order(psn_no, mdtrt_id, 190_000, "2207:A1"))
    assert await world.take_back("2207", "A1", "2601:B1", psn_no) is False
    assert await world.accumulators(psn_no) == {}
    assert await world.take_back("2207", "A1", "2601:B1", psn_no) is False
    assert await world.take_back("2207", "A1", "2601:B2") is False
    counter = await world.reverse(settled, "2208:B3")
    assert counter.setlinfo.medfee_sumamt_fen == -190_000
    assert await world.findings() == ()


async def test_a_message_that_never_came_is_void_and_refused_when_it_comes_late(world: World) -> None:
    psn_no = world.person("P1")
    mdtrt_id = await world.visit_with_fees(psn_no, 9_000)
    assert await world.take_back("2207", "LATE", "2601:B1", psn_no) is True
    with pytest.raises(Fault, match="MESSAGE_VOIDED"):
        await world.settle(world.order(psn_no, mdtrt_id, 9_000, "2207:LATE"))
    assert await world.take_back("2207", "LATE", "2601:B1", psn_no) is True
    assert await world.take_back("2207", "LATE", "2601:B2") is True
    await world.settle(world.order(psn_no, mdtrt_id, 9_000, "2207:NEW"))
    assert await world.findings() == ()


async def test_a_message_of_somebody_else_or_under_a_later_settlement_is_not_taken_back(world: World) -> None:
    psn_no = world.person("P1")
    for request in ("2207:A1", "2207:A2"):
        await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 9_000), 9_000, request))
    with pytest.raises(Fault, match="NOT_REVERSIBLE"):
        await world.take_back("2207", "A2", "2601:B1", "P9")
    with pytest.raises(Fault, match="LATER_SETTLEMENT_EXISTS"):
        await world.take_back("2207", "A1", "2601:B1")
    assert await world.take_back("2207", "A2", "2601:B1") is False
    with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
        await world.take_back("2207", "A1", "2601:B1")


async def test_a_message_that_was_a_reversal_itself_is_not_taken_back(world: World) -> None:
    psn_no = world.person("P1")
    settled = await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 9_000), 9_000, "2207:A1"))
    counter = await world.reverse(settled, "2207:X1")
    assert await world.reverse(settled, "2207:X2") == counter
    for omsgid in ("X1", "X2"):
        with pytest.raises(Fault) as caught:
            await world.take_back("2207", omsgid, f"2601:{omsgid}")
        assert (caught.value.reason, caught.value.metadata) == ("NOT_REVERSIBLE", {"oinfno": "2207"})
    assert await world.reverse(settled, "2207:X2") == counter


async def test_the_token_of_a_reversed_settlement_stays_spent(world: World) -> None:
    psn_no = world.person("P1")
    mdtrt_id = await world.visit_with_fees(psn_no, 9_000)
    shown = {"mdtrt_cert_type": "01", "mdtrt_cert_no": f"token:{psn_no}:1"}
    settled = await world.settle(world.order(psn_no, mdtrt_id, 9_000, "2207:A1", **shown))
    await world.reverse(settled, "2208:B1")
    with pytest.raises(Fault, match="EC_TOKEN_SPENT"):
        await world.settle(world.order(psn_no, mdtrt_id, 9_000, "2207:A2", **shown))
