"""Bills of other cells taken back at the place of care: by 2208, 2305 and 2601, at each moment, once whatever is repeated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.settlement.operations.books.queries import SettlementQuestion
from services.settlement.store.outbox import Outbox
from tests.settlement.ordering import confirm, reverse_order, void
from tests.settlement.two_cells import (
    HOME,
    HOSPITAL,
    PERSON,
    Cells,
    reason,
    reverse_request,
    settle_request,
    stay_request,
    take_back_request,
    two_cells,
)
from tests.settlement.world import sqlite_url
from yibao.settlement.v1 import care_pb2, reversal_pb2

TAKEN_BACK = reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK
NOT_ARRIVED = reversal_pb2.MESSAGE_OUTCOME_NOT_ARRIVED
PENDING, STANDING, UNDONE = (
    care_pb2.BOOKED_STATE_PENDING,
    care_pb2.BOOKED_STATE_STANDING,
    care_pb2.BOOKED_STATE_UNDONE,
)


@pytest.fixture
async def cells(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cells]:
    sqlite = getattr(request, "param", "sqlite") == "sqlite"
    url = sqlite_url(tmp_path) if sqlite else str(request.getfixturevalue("postgres_database"))
    async with two_cells(url, tmp_path) as made:
        yield made


both = pytest.mark.parametrize("cells", ["sqlite", "postgresql"], indirect=True)


async def quiet(cells: Cells) -> bool:
    return (await cells.care.findings(), await cells.home.findings()) == ((), ())


@both
async def test_a_bill_is_taken_back_by_the_counter_entry_of_the_insured_cell(cells: Cells) -> None:
    mdtrt_id = await cells.visit()
    info = (await cells.stand(settle_request(mdtrt_id, 231_000))).settlement.setlinfo
    request = reverse_request(info)
    assert await reason(cells.unary(request)) == "INSURED_ELSEWHERE"
    found = await cells.find(request)
    assert (found.insured_cell, found.order_no, found.setl_id, found.state) == (HOME, "O1", info.setl_id, STANDING)
    counter = await cells.reverse_home("O1", "1")
    booked = (await cells.book(request, "O1", counter)).visit
    assert booked.setlinfo.setl_id == counter.setlinfo.setl_id
    assert (booked.setlinfo.acct_pay_fen, booked.setlinfo.balc_fen) == (-100_000, 100_000)
    # As often as it is repeated, by whichever way and under whatever number.
    assert (await cells.book(request, "O1", counter)).visit == await cells.unary(request) == booked
    assert (await cells.unary(reverse_request(info, "2208:2"))) == booked
    assert (await cells.book(reverse_request(info, "2208:3"), "O1", counter)).visit == booked
    assert (await cells.find(reverse_request(info, "2208:4"))).state == UNDONE
    told = await cells.unary(take_back_request("1"))
    assert (told.outcome, told.setl_id, told.reversed_by) == (TAKEN_BACK, info.setl_id, counter.setlinfo.setl_id)
    question = SettlementQuestion(HOSPITAL, PERSON, info.mdtrt_id, counter.setlinfo.setl_id)
    assert (await cells.care.queries.settlement(question)).reverses == info.setl_id
    assert (await cells.get(settle_request(mdtrt_id, 231_000))).settled.reversed_by == counter.setlinfo.setl_id
    async with Outbox(cells.care.database).reading() as snapshot:
        settled, reversed_ = [each.notice for each in await snapshot.after(0, 10)]
    assert (settled.sides, reversed_.sides, reversed_.kind) == (("care",), ("care",), "reverse")
    assert reversed_.parts == tuple((fund, -fen) for fund, fen in settled.parts)
    assert await quiet(cells)
    await cells.stand(settle_request(mdtrt_id, 231_000, "2207:2"), "O2")
    assert await quiet(cells)


async def test_a_stay_is_taken_back_with_what_2305_tells(cells: Cells) -> None:
    mdtrt_id = await cells.care.encounter(PERSON, kind="stay", hospital=HOSPITAL, insured_cell=HOME)
    await cells.lines(mdtrt_id, 300_000)
    info = (await cells.stand(stay_request(mdtrt_id, 300_000, mid_setl_flag=True))).settlement.setlinfo
    request = reverse_request(info, "2305:1", reversal_pb2.ReverseStayRequest)
    assert await reason(cells.unary(reverse_request(info))) == "SETTLEMENT_NOT_FOUND"
    booked = (await cells.book(request, "O1", await cells.reverse_home("O1", "1"))).stay
    assert (booked.record.setl_type, booked.record.crt_dedc_fen) == ("2", -info.act_pay_dedc_fen)
    assert await cells.unary(request) == booked
    assert await quiet(cells)


@both
async def test_a_message_that_stands_elsewhere_is_taken_back_there_first(cells: Cells) -> None:
    request = settle_request(await cells.visit(), 231_000)
    info = (await cells.open_both(request)).settlement.setlinfo
    asked = take_back_request("1")
    # Pending: routing makes it void in both cells, or finishes it.
    assert await reason(cells.unary(asked)) == "INSURED_ELSEWHERE"
    assert ((await cells.find(asked)).state, (await cells.find(asked)).order_no) == (PENDING, "O1")
    assert await reason(cells.find(reverse_request(info))) == "ORDER_PENDING"
    await confirm(cells.home, "O1")
    counter = await cells.reverse_home("O1", "1")
    assert await reason(cells.book(asked, "O1", counter)) == "ORDER_PENDING"
    await confirm(cells.care, "O1")
    assert await reason(cells.unary(asked)) == "INSURED_ELSEWHERE"
    assert (await cells.find(asked)).state == STANDING
    booked = (await cells.book(asked, "O1", counter)).message
    assert (booked.outcome, booked.setl_id) == (TAKEN_BACK, info.setl_id)
    assert booked.reversed_by == counter.setlinfo.setl_id
    assert (await cells.book(asked, "O1", counter)).message == await cells.unary(asked) == booked
    assert await cells.unary(take_back_request("1", "2601:2")) == booked
    assert (await cells.book(take_back_request("1", "2601:3"), "O1", counter)).message == booked
    assert (await cells.find(take_back_request("1", "2601:4"))).state == UNDONE
    assert await quiet(cells)


async def test_a_message_whose_order_is_void_or_that_never_came_is_told_here_alone(cells: Cells) -> None:
    await cells.open_both(settle_request(await cells.visit(), 231_000))
    for world in (cells.home, cells.care):
        await void(world, "O1")
    told = await cells.unary(take_back_request("1"))
    assert (told.outcome, bool(told.reversed_by)) == (TAKEN_BACK, True)
    assert (await cells.find(take_back_request("1", "2601:9"))).state == UNDONE
    assert await reason(cells.find(take_back_request("7", "2601:2"))) == "SETTLEMENT_NOT_FOUND"
    assert (await cells.unary(take_back_request("7", "2601:2"))).outcome == NOT_ARRIVED
    assert (await cells.find(take_back_request("7", "2601:3"))).state == UNDONE
    assert await quiet(cells)


async def test_only_the_counter_entry_of_that_very_bill_is_booked(cells: Cells) -> None:
    info = (await cells.stand(settle_request(await cells.visit(), 231_000))).settlement.setlinfo
    counter = await cells.reverse_home("O1", "1")
    request = reverse_request(info)
    assert await reason(cells.book(request, "O2", counter)) == "SETTLEMENT_NOT_FOUND"
    other = reverse_request(info)
    other.data.mdtrt_id = "M9"
    assert await reason(cells.book(other, "O1", counter)) == "SETTLEMENT_NOT_FOUND"
    nothing = reversal_pb2.ReverseResponse()
    assert await reason(cells.book(request, "O1", nothing)) == "INVALID_REQUEST"
    changed = reversal_pb2.ReverseResponse()
    changed.CopyFrom(counter)
    changed.setlinfo.hifp_pay_fen += 1
    assert await reason(cells.book(request, "O1", changed)) == "BILL_UNBALANCED"
    # Its ledgers are not here: an order's opener takes it back where they are.
    assert await reason(reverse_order(cells.care, "O1")) == "INSURED_ELSEWHERE"
    await cells.book(request, "O1", counter)
    again = reverse_request(info)
    again.data.exp_content = "x"
    assert await reason(cells.book(again, "O1", counter)) == "REQUEST_ID_REUSED"
    # A bill of this cell is found by nobody who looks for others.
    own = cells.care
    own.person("P2")
    mdtrt_id = await own.encounter("P2", hospital=HOSPITAL)
    await own.fees(mdtrt_id, 500)
    settled = await own.settle(own.order("P2", mdtrt_id, 500, "2207:8", hospital=HOSPITAL))
    assert await reason(cells.find(reverse_request(settled.setlinfo, "2208:8"))) == "SETTLEMENT_NOT_FOUND"
    assert await quiet(cells)
