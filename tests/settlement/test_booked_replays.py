"""Replays of bills whose care was given in another cell: its rows come to agree with the ledgers, whatever comes in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.kernel.errors import Fault
from services.settlement.domain.books.notices import Notice
from services.settlement.operations.books.queries import SettlementQuestion
from services.settlement.servicer.convert_carried_lines import unpacked
from services.settlement.servicer.replays import ReplayServicer
from services.settlement.store.outbox import Outbox
from services.settlement.store.own_books import OwnBookRows
from tests.settlement.ordering import confirm
from tests.settlement.replaying import MEMO, adjustments, left, paid, replayed, told
from tests.settlement.two_cells import (
    HOME,
    HOSPITAL,
    PERSON,
    Cells,
    calling,
    reason,
    reverse_request,
    settle_request,
    take_back_request,
    two_cells,
)
from tests.settlement.world import World, sqlite_url
from yibao.settlement.v1 import care_pb2, replay_pb2, reversal_pb2


@pytest.fixture(params=["sqlite", "postgresql"])
async def any_cells(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cells]:
    care = request.getfixturevalue("postgres_database") if request.param == "postgresql" else sqlite_url(tmp_path)
    async with two_cells(care, tmp_path) as made:
        yield made


@pytest.fixture
async def cells(tmp_path: Path) -> AsyncIterator[Cells]:
    async with two_cells(sqlite_url(tmp_path), tmp_path) as made:
        yield made


async def stood(cells: Cells, *amounts: int) -> list[Any]:
    """Bills that stand in both cells, one after the other."""
    found = []
    for place, amount in enumerate(amounts, 1):
        mdtrt_id = await cells.visit(amount)
        opened = await cells.stand(settle_request(mdtrt_id, amount, f"2207:{place}"), f"O{place}")
        found.append(opened.settlement)
    return found


async def waiting(cells: Cells) -> list[replay_pb2.ReplayedElsewhere]:
    """What the insured cell has for the place of care."""
    servicer = ReplayServicer(cells.home.replaying)
    return [*(await servicer.ListReplayedElsewhere(replay_pb2.ListReplayedElsewhereRequest(), None)).replayed]


async def book(cells: Cells, told_of: replay_pb2.ReplayedElsewhere) -> None:
    with calling(cells.care):
        await cells.bills.replayed(care_pb2.BookReplayedRequest(insured_cell=HOME, replayed=told_of))


async def brought(cells: Cells) -> int:
    """Brings it there, as routing does; how many."""
    found = await waiting(cells)
    for each in found:
        await book(cells, each)
    if found:
        ids = [each.setl_id for each in found]
        servicer = ReplayServicer(cells.home.replaying)
        await servicer.AckReplayedElsewhere(replay_pb2.AckReplayedElsewhereRequest(setl_ids=ids), None)
    return len(found)


async def cleared(world: World) -> list[tuple[str, str, int, int]]:
    """What a cell lists for the clearing: settlement, kind, moment, sum."""
    async with Outbox(world.database).reading() as snapshot:
        notices: list[Notice] = [each.notice for each in await snapshot.after(0, 100)]
    return sorted((each.setl_id, each.kind, each.at, sum(fen for _, fen in each.parts)) for each in notices)


async def agree(cells: Cells) -> None:
    """Both cells list the same for the clearing, and their books are right."""
    assert await cleared(cells.care) == await cleared(cells.home)
    assert await cells.care.findings() == ()
    assert await cells.home.findings() == ()


async def answered(cells: Cells, settled: Any) -> Any:
    """5203 at the place of care by the number that was told there."""
    info = settled.setlinfo
    return await cells.care.queries.settlement(
        SettlementQuestion(HOSPITAL, PERSON, info.mdtrt_id, setl_id=info.setl_id)
    )


async def test_the_place_of_care_comes_to_agree_with_the_ledgers_and_a_repeat_changes_nothing(any_cells: Cells) -> None:
    cells = any_cells
    first, second, third = await stood(cells, 200_000, 90_000, 300_000)
    answer = await replayed(cells.home, first)
    assert [paid(each.before) for each in answer.settlements] == [
        told(each.setlinfo) for each in (first, second, third)
    ]
    assert any(paid(each.before) != paid(each.after) for each in answer.settlements[1:])
    assert {(each.elsewhere, each.HasField("booked_time")) for each in await adjustments(cells.home)} == {(True, False)}
    told_of = await waiting(cells)
    assert await brought(cells) == 3
    assert await waiting(cells) == []
    assert {each.HasField("booked_time") for each in await adjustments(cells.home)} == {True}
    for each in told_of:
        await book(cells, each)
    await agree(cells)
    # The institution reads in its own cell what it owes and is owed.
    here, there = await adjustments(cells.care, hospital=HOSPITAL), await adjustments(cells.home, PERSON)
    assert [(each.setl_id, left(each), each.replay_no, each.memo) for each in here] == [
        (each.setl_id, left(each), answer.replay_no, MEMO) for each in there
    ]
    assert await adjustments(cells.care, PERSON, "H99010000009") == []
    assert await adjustments(cells.care, "P9", HOSPITAL) == []
    for before, now in zip((second, third), answer.settlements[1:], strict=True):
        found = await answered(cells, before)
        assert (found.setl_id, found.replays, found.reversed_by) == (now.replayed_by, before.setlinfo.setl_id, "")
        assert (found.components.fund_pay_sumamt_fen, found.components.psn_cash_pay_fen) == paid(now.after)[::2]
    assert (await answered(cells, first)).reversed_by == answer.settlements[0].reversed_by
    again = await cells.get(settle_request(third.setlinfo.mdtrt_id, 300_000, "2207:3"))
    assert again.settled.setlinfo == third.setlinfo
    assert (again.settled.replayed_by, again.settled.reversed_by) == (answer.settlements[2].replayed_by, "")
    # The lines of the one that was taken out are charged anew.
    await cells.stand(settle_request(first.setlinfo.mdtrt_id, 200_000, "2207:9"), "O9")
    await agree(cells)


async def test_what_was_replayed_is_taken_back_by_its_old_number_or_message_in_both_cells(cells: Cells) -> None:
    first, _, third = await stood(cells, 200_000, 90_000, 300_000)
    answer = await replayed(cells.home, first)
    # As long as the place of care has not heard of it, a reversal waits.
    assert await reason(cells.reverse_home("O3", "saga:1")) == "REPLAY_ON_ITS_WAY"
    await brought(cells)
    request, message = reverse_request(third.setlinfo), take_back_request("2")
    for each in (request, message):
        assert await reason(cells.unary(each)) == "INSURED_ELSEWHERE"
    found = await cells.find(request)
    assert (found.order_no, found.setl_id) == ("O3", answer.settlements[2].replayed_by)
    counter = await cells.reverse_home("O3", "saga:2")
    booked = await cells.book(request, "O3", counter)
    assert told(booked.visit.setlinfo) == tuple(-fen for fen in paid(answer.settlements[2].after))
    assert (await cells.find(message)).order_no == "O2"
    back = await cells.book(message, "O2", await cells.reverse_home("O2", "saga:3"))
    assert back.message.outcome == reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK
    assert back.message.setl_id == answer.settlements[1].replayed_by
    assert await cells.home.accumulators(PERSON) == {}
    await agree(cells)


async def test_a_reversal_of_the_one_that_was_taken_out_books_the_same_counter_entry(cells: Cells) -> None:
    first, _ = await stood(cells, 200_000, 90_000)
    await replayed(cells.home, first)
    request = reverse_request(first.setlinfo)
    await cells.book(request, "O1", await cells.reverse_home("O1", "saga:1"))
    assert await brought(cells) == 2
    await agree(cells)


async def test_a_bill_that_is_not_confirmed_at_its_place_of_care_waits_for_that(cells: Cells) -> None:
    (first,) = await stood(cells, 200_000)
    mdtrt_id = await cells.visit(90_000)
    await cells.open_both(settle_request(mdtrt_id, 90_000, "2207:2"), "O2")
    await confirm(cells.home, "O2")
    await replayed(cells.home, first)
    later = next(each for each in await waiting(cells) if each.HasField("replacement"))
    assert await reason(book(cells, later)) == "ORDER_PENDING"
    await confirm(cells.care, "O2")
    assert await brought(cells) == 2
    await agree(cells)


async def test_replays_one_after_another_are_booked_in_their_order(cells: Cells) -> None:
    first, second, third = await stood(cells, 200_000, 90_000, 300_000)
    await replayed(cells.home, first)
    await replayed(cells.home, second, "R2")
    *_, last = await waiting(cells)
    assert await reason(book(cells, last)) == "SETTLEMENT_NOT_FOUND"
    assert await brought(cells) == 5
    assert (await answered(cells, third)).components.medfee_sumamt_fen == 300_000
    await agree(cells)


async def test_what_does_not_fit_the_bill_is_not_booked(cells: Cells) -> None:
    first, _ = await stood(cells, 200_000, 90_000)
    await replayed(cells.home, first)
    told_of = next(each for each in await waiting(cells) if each.HasField("replacement"))
    before = await cells.care.findings(), await cleared(cells.care)
    for change, refused in (
        (lambda each: setattr(each.replacement.setlinfo, "medfee_sumamt_fen", 1), "BILL_UNBALANCED"),
        (lambda each: setattr(each.counter.setlinfo, "psn_cash_pay_fen", 1), "BILL_UNBALANCED"),
        (lambda each: each.replacement.setlinfo.ClearField("setl_id"), "INVALID_REQUEST"),
        (lambda each: setattr(each, "setl_id", "none"), "SETTLEMENT_NOT_FOUND"),
    ):
        wrong = replay_pb2.ReplayedElsewhere()
        wrong.CopyFrom(told_of)
        change(wrong)
        assert await reason(book(cells, wrong)) == refused
    assert (await cells.care.findings(), await cleared(cells.care)) == before
    await brought(cells)
    other = replay_pb2.ReplayedElsewhere()
    other.CopyFrom(told_of)
    other.counter.setlinfo.setl_id = "another"
    assert await reason(book(cells, other)) == "SETTLEMENT_REFUNDED"


async def test_the_place_of_care_sends_an_operator_to_the_cell_with_the_ledgers(cells: Cells) -> None:
    (first,) = await stood(cells, 200_000)
    with pytest.raises(Fault) as caught:
        await replayed(cells.care, first)
    assert (caught.value.reason, caught.value.metadata["cell"]) == ("REPLAY_ELSEWHERE", HOME)


async def test_the_person_reads_the_lines_of_a_replayed_bill_of_another_cell(cells: Cells) -> None:
    first, second = await stood(cells, 200_000, 90_000)
    _, later = (await replayed(cells.home, first)).settlements
    async with OwnBookRows(cells.home.database).reading() as snapshot:
        old = await snapshot.carried_lines(second.setlinfo.setl_id)
        new = await snapshot.carried_lines(later.replayed_by)
    assert old is not None
    assert new == old._replace(setl_id=later.replayed_by)
    assert len(await unpacked(new, 0, 9)) == 1
