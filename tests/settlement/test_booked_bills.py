"""Bills of care here for a person of another cell: told, booked as that cell decided them, confirmed and made void."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from services.kernel.errors import Fault
from services.settlement.domain.books import care_bills as domain_care
from services.settlement.domain.books.entries import StoredAnswer
from services.settlement.domain.books.notices import Notice
from services.settlement.domain.care.pending import moment_text
from services.settlement.operations.books.queries import SettlementQuestion
from services.settlement.servicer import convert_care_bills
from services.settlement.store.fees import EncounterBooks
from services.settlement.store.outbox import Outbox
from tests.settlement.ordering import confirm, later, lift_at_window, void
from tests.settlement.split_lines import lines_of
from tests.settlement.two_cells import (
    HOME,
    HOSPITAL,
    PERSON,
    Cells,
    reason,
    settle_request,
    stay_request,
    two_cells,
)
from tests.settlement.world import World, sqlite_url
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import order_state_pb2, settlement_pb2


@pytest.fixture
async def cells(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cells]:
    sqlite = getattr(request, "param", "sqlite") == "sqlite"
    url = sqlite_url(tmp_path) if sqlite else str(request.getfixturevalue("postgres_database"))
    async with two_cells(url, tmp_path) as made:
        yield made


SETTLE = "/yibao.settlement.v1.SettlementService/Settle"
INPATIENT = codes_pb2.MED_TYPE_INPATIENT
both = pytest.mark.parametrize("cells", ["sqlite", "postgresql"], indirect=True)


async def quiet(cells: Cells) -> bool:
    """Whether a check of both books finds nothing."""
    return (await cells.care.findings(), await cells.home.findings()) == ((), ())


@both
async def test_a_bill_is_told_booked_and_confirmed_and_answers_from_its_own_cell(cells: Cells) -> None:
    request = settle_request(await cells.visit(), 231_000)
    assert await reason(cells.settled(request)) == "INSURED_ELSEWHERE"
    found = await cells.get(request)
    assert (found.insured_cell, [each.line.feedetl_sn[-1] for each in lines_of(found.carried)]) == (HOME, ["1", "2"])
    opened = await cells.open_home(found.carried, "O1")
    assert opened.record.pay_loc == "4"
    assert await cells.open_home(found.carried, "O1") == opened
    booked = await cells.open_care(request, found, opened, "O1")
    assert (booked.settlement, booked.order.setl_id) == (opened.settlement, opened.order.setl_id)
    assert await cells.open_care(request, found, opened, "O1") == booked
    assert (await cells.get(request)).pending_order_no == "O1"
    # Routing waits for it: nothing else can.
    assert await reason(cells.settled(request)) == "INSURED_ELSEWHERE"
    assert await quiet(cells)
    for world in (cells.home, cells.care):
        await confirm(world, "O1")
    assert await cells.settled(request) == opened.settlement
    again = await cells.get(request)
    assert (again.settled, again.insured_cell) == (opened.settlement, HOME)
    info = opened.settlement.setlinfo
    told = await cells.care.queries.settlement(SettlementQuestion(HOSPITAL, PERSON, info.mdtrt_id, info.setl_id))
    assert (told.record, told.ledger_seq) == (opened.record.SerializeToString(), 0)
    assert (info.acct_pay_fen, await cells.home.balance(PERSON)) == (100_000, (0, 0))
    assert (await cells.care.balance(PERSON), await cells.care.accumulators(PERSON)) == ((0, 0), {})
    insured, care = [await noticed(world) for world in (cells.home, cells.care)]
    assert (insured.sides, care.sides) == (("insured",), ("care",))
    assert replace(insured, sides=()) == replace(care, sides=())
    assert await quiet(cells)


@both
async def test_a_void_bill_leaves_its_lines_open_and_its_message_void(cells: Cells) -> None:
    mdtrt_id = await cells.visit(over=1_000)
    request = settle_request(mdtrt_id, 231_000)
    opened = await cells.open_both(request)
    for world in (cells.home, cells.care):
        ended = await void(world, "O1")
        assert (ended.cause, bool(ended.counter_setl_id)) == ("opener", True)
    assert await quiet(cells)
    assert await reason(cells.settled(request)) == "MESSAGE_VOIDED"
    assert await reason(cells.get(request)) == "MESSAGE_VOIDED"
    info = opened.settlement.setlinfo
    question = SettlementQuestion(HOSPITAL, PERSON, info.mdtrt_id, info.setl_id)
    assert await reason(cells.care.queries.settlement(question)) == "SETTLEMENT_NOT_FOUND"
    anew = settle_request(mdtrt_id, 231_000, "2207:2")
    answer = await cells.open_both(anew, "O2")
    for world in (cells.home, cells.care):
        await confirm(world, "O2")
    assert await cells.settled(anew) == answer.settlement
    assert await quiet(cells)


async def test_a_bill_that_comes_after_its_void_is_refused_whichever_order_they_came_in(cells: Cells) -> None:
    request = settle_request(await cells.visit(), 231_000)
    found = await cells.get(request)
    opened = await cells.open_home(found.carried, "O1")
    await void(cells.care, "O1")
    assert await reason(cells.open_care(request, found, opened, "O1")) == "ORDER_VOID"
    opened = await cells.open_home((await cells.get(request)).carried, "O1")
    assert (await cells.get(request)).WhichOneof("found") == "carried"
    assert await cells.care.take_back("2207", "1", "2601:1", hospital=HOSPITAL)
    assert await reason(cells.get(request)) == "MESSAGE_VOIDED"
    await void(cells.home, "O1")
    opened = await cells.open_home(found.carried, "O2")
    assert await reason(cells.open_care(request, found, opened, "O2")) == "MESSAGE_VOIDED"
    assert (await cells.care.findings()) == ()


async def test_a_booked_bill_never_lapses_and_nobody_but_its_opener_ends_it(cells: Cells) -> None:
    mdtrt_id = await cells.visit()
    request = settle_request(mdtrt_id, 231_000)
    opened = await cells.open_both(request)
    later(cells.care, 3_600)
    care = cells.care
    assert await care.orders.overdue(10) == []
    await care.orders.lapse(["O1"])
    assert await care.orders.pending_of(PERSON) == []
    assert await reason(lift_at_window(care, "O1", HOSPITAL)) == "ORDER_NOT_FOUND"
    assert await reason(care.take_back("2207", "1", "2601:1", hospital=HOSPITAL)) == "INSURED_ELSEWHERE"
    assert await reason(care.reverse(opened.settlement, "2208:1", hospital=HOSPITAL, rpc=SETTLE)) == "ORDER_PENDING"
    async with EncounterBooks(care.database).reading() as snapshot:
        blocking = await snapshot.pending_order(mdtrt_id, PERSON)
    with pytest.raises(Fault) as caught:
        care.lapsing.check_free(blocking)
    told = caught.value.metadata
    assert (told["order_no"], told["lapses_at"]) == ("O1", moment_text(opened.order.lapses_time.ToMicroseconds()))
    # Its lines are not settled yet, whoever else would settle them.
    assert await reason(cells.get(settle_request(mdtrt_id, 231_000, "2207:3"))) == "ORDER_PENDING"
    # A second bill of the person waits, as it would on a ledger of this cell.
    other = settle_request(await cells.visit(5_000), 5_000, "2207:2")
    found = await cells.get(other)
    await cells.home.orders.lapse(["O1"])
    answer = await cells.open_home(found.carried, "O2")
    assert await reason(cells.open_care(other, found, answer, "O2")) == "ORDER_PENDING"
    assert (await confirm(care, "O1")).phase == "confirmed"
    assert await reason(void(care, "O1")) == "ORDER_CONFIRMED"
    await cells.open_care(other, found, answer, "O2")
    assert await reason(cells.get(settle_request(mdtrt_id, 231_000, "2207:3"))) == "BATCH_SETTLED"
    assert await care.findings() == ()


async def test_lines_that_have_changed_since_are_not_booked(cells: Cells) -> None:
    mdtrt_id = await cells.visit(batch="1")
    request = settle_request(mdtrt_id, 231_000)
    found = await cells.get(request)
    opened = await cells.open_home(found.carried, "O1")
    await cells.lines(mdtrt_id, 100, batch="1")
    assert await reason(cells.open_care(request, found, opened, "O1")) == "BILL_CHANGED"
    assert await reason(cells.get(request)) == "FEE_SUM_MISMATCH"
    await change(cells, "UPDATE fee_batch SET state = 'cancelled' WHERE medfee_fen = 100")
    await change(cells, "UPDATE encounter SET exp_content = 'x'")
    assert await reason(cells.open_care(request, found, opened, "O1")) == "BILL_CHANGED"
    await change(cells, "UPDATE fee_batch SET state = 'cancelled'")
    assert await reason(cells.open_care(request, found, opened, "O1")) == "BILL_CHANGED"
    await change(cells, "UPDATE encounter SET state = 'cancelled'")
    assert await reason(cells.open_care(request, found, opened, "O1")) == "ENCOUNTER_STATE"


async def test_what_single_lines_took_back_is_carried_as_it_is_left(cells: Cells) -> None:
    mdtrt_id = await cells.care.encounter(PERSON, kind="stay", hospital=HOSPITAL, insured_cell=HOME)
    await cells.lines(mdtrt_id, 200_000, 31_000, 70_000, cancelled=2, presel=500)
    await cells.lines(mdtrt_id, 40_000)
    assert await reason(cells.get(stay_request(mdtrt_id, 240_000))) == "NOT_DISCHARGED"
    request = stay_request(mdtrt_id, 240_000, mid_setl_flag=True)
    found = await cells.get(request)
    sums = [each.split.det_item_fee_sumamt_fen for each in lines_of(found.carried)]
    assert (sorted(sums), found.carried.med_type, found.carried.ipt_otp_no) == ([40_000, 200_000], INPATIENT, "N1")
    await cells.open_care(request, found, await cells.open_home(found.carried, "O1"), "O1")
    for world in (cells.home, cells.care):
        await confirm(world, "O1")
    assert await quiet(cells)
    # Of the rest of the stay every line was taken back: nothing is carried.
    await cells.lines(mdtrt_id, 700, cancelled=1)
    assert await reason(cells.get(stay_request(mdtrt_id, 0, "2304:2", mid_setl_flag=True))) == "NOTHING_TO_SETTLE"


async def test_a_bill_with_more_lines_than_a_message_holds_is_refused(
    cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = settle_request(await cells.visit(1, 2, 3), 6)
    monkeypatch.setattr(domain_care, "MOST_LINES", 2)
    assert await reason(cells.get(request)) == "BILL_TOO_LONG"
    monkeypatch.setattr(domain_care, "MOST_LINES", 3)
    assert len(lines_of((await cells.get(request)).carried)) == 3
    monkeypatch.setattr(convert_care_bills, "MOST_BYTES", 120)
    assert await reason(cells.get(request)) == "BILL_TOO_LONG"


async def test_what_the_place_of_care_decides_is_refused_before_anything_is_carried(cells: Cells) -> None:
    mdtrt_id = await cells.visit(presel=1_000, over=2_000)
    late = settle_request(mdtrt_id, 231_000)
    late.data.insutype = "390"
    found = {
        "no visit": settle_request("M9", 231_000),
        "another person": settle_request(mdtrt_id, 231_000, psn_no="P2"),
        "insurance": late,
        "sum": settle_request(mdtrt_id, 231_001),
        "limit": settle_request(mdtrt_id, 231_000, overlmt_selfpay_fen=1),
        "a stay": stay_request(mdtrt_id, 231_000),
    }
    reasons = {name: await reason(cells.get(request)) for name, request in found.items()}
    assert reasons == {
        "no visit": "ENCOUNTER_NOT_FOUND",
        "another person": "ENCOUNTER_NOT_FOUND",
        "insurance": "INVALID_REQUEST",
        "sum": "FEE_SUM_MISMATCH",
        "limit": "SPLIT_CHANGED",
        "a stay": "ENCOUNTER_NOT_FOUND",
    }
    # What only a policy can say is passed on, and told by the insured cell.
    told = await cells.get(settle_request(mdtrt_id, 231_000, overlmt_selfpay_fen=2_000, preselfpay_amt_fen=7))
    assert (told.carried.overlmt_selfpay_fen, told.carried.preselfpay_amt_fen) == (2_000, 7)
    assert await reason(cells.open_home(told.carried, "O1")) == "SPLIT_CHANGED"
    trial = settlement_pb2.TrialRequest(desk=late.desk, data=settle_request(mdtrt_id, 231_000).data)
    assert (await cells.get(trial)).carried.lines == told.carried.lines


async def test_one_list_tells_each_bill_and_what_is_wrong_with_one_harms_no_other(cells: Cells) -> None:
    good = [settle_request(await cells.visit(100 + place), 100 + place, f"2207:{place}") for place in range(3)]
    bad = [settle_request("M9", 1, "2207:8"), settle_request(good[0].data.mdtrt_id, 1, "2207:9")]
    kind = settle_request(good[1].data.mdtrt_id, 101, "2207:7")
    kind.data.med_type = INPATIENT
    mixed = [good[0], bad[0], good[1], bad[1], kind, good[2]]
    found = await cells.care.care_bills.find([cells.order(each) for each in mixed])
    told = [each.reason if isinstance(each, Fault) else len(getattr(each, "lines", ())) for each in found]
    assert told == [1, "ENCOUNTER_NOT_FOUND", 1, "FEE_SUM_MISMATCH", "MED_TYPE_MISMATCH", 1]


async def test_a_list_settles_the_bills_of_this_cell_and_says_which_are_elsewhere(cells: Cells) -> None:
    care = cells.care
    first, second = await cells.visit(), await cells.visit(100, psn_no="P3")
    await cells.open_both(settle_request(first, 231_000))
    care.person("P2")
    own = care.order("P2", await care.visit_with_fees("P2", 500), 500, "2207:2")
    elsewhere = [settle_request(first, 231_000), settle_request(second, 100, "2207:3", psn_no="P3")]
    one, settled, other = await care.settle_all(cells.order(elsewhere[0]), own, cells.order(elsewhere[1]))
    assert isinstance(settled, StoredAnswer)
    told = [(each.reason, each.metadata["cell"]) for each in (one, other) if isinstance(each, Fault)]
    assert told == [("INSURED_ELSEWHERE", HOME)] * 2
    assert await quiet(cells)


async def test_each_step_of_a_booked_order_may_come_again_and_another_one_under_its_names_is_refused(
    cells: Cells,
) -> None:
    request = settle_request(await cells.visit(), 231_000)
    found = await cells.get(request)
    opened = await cells.open_home(found.carried, "O1")
    booked = await cells.open_care(request, found, opened, "O1")
    # The same under a request of its own; the insured cell may have gone on by then.
    await confirm(cells.home, "O1", request="c")
    gone_on = await cells.open_home(found.carried, "O1")
    assert gone_on.order != opened.order
    assert await cells.open_care(request, found, gone_on, "O1", "again") == booked
    other = settle_request(request.data.mdtrt_id, 231_000, invono="7")
    assert await reason(cells.open_care(other, found, opened, "O1")) == "REQUEST_ID_REUSED"
    assert await reason(cells.open_care(other, found, opened, "O1", "other")) == "ORDER_EXISTS"
    for _ in range(2):
        assert (await confirm(cells.care, "O1", request="c")).phase == "confirmed"
    assert (await cells.open_care(request, found, opened, "O1")).order.phase == order_state_pb2.ORDER_PHASE_CONFIRMED
    assert await quiet(cells)


@both
async def test_whatever_comes_at_once_an_order_ends_once_and_the_books_agree(cells: Cells) -> None:
    async def answered(work: Awaitable[object]) -> str:
        try:
            await work
        except Fault as fault:
            return fault.reason
        return ""

    work: list[Awaitable[str]] = []
    for place in range(8):
        psn_no, order_no = cells.home.person(f"Q{place}"), f"O{place}"
        request = settle_request(await cells.visit(psn_no=psn_no), 231_000, f"2207:{place}", psn_no=psn_no)
        found = await cells.get(request)
        opened = await cells.open_home(found.carried, order_no)
        opening = [cells.open_care(request, found, opened, order_no, f"{order_no}:{each}") for each in range(2)]
        steps = [confirm(cells.care, order_no), void(cells.care, order_no)]
        work += [answered(each) for each in (*opening, *(steps if place % 2 else reversed(steps)))]
    found_reasons = set(await asyncio.gather(*work))
    assert found_reasons <= {"", "ORDER_VOID", "ORDER_NOT_FOUND", "ORDER_CONFIRMED", "MESSAGE_VOIDED"}
    ends = [await cells.care.orders.order(f"O{place}") for place in range(8)]
    assert {each.phase for each in ends} <= {"confirmed", "void"}
    assert await cells.care.findings() == ()


async def test_an_answer_that_is_not_of_the_bill_is_not_booked(cells: Cells) -> None:
    request = settle_request(await cells.visit(), 231_000)
    found = await cells.get(request)
    opened = await cells.open_home(found.carried, "O1")
    for name, changed in {"hifp_pay_fen": 1, "psn_cash_pay_fen": -1, "medfee_sumamt_fen": 1}.items():
        other = type(opened)()
        other.CopyFrom(opened)
        setattr(other.settlement.setlinfo, name, getattr(other.settlement.setlinfo, name) + changed)
        assert await reason(cells.open_care(request, found, other, "O1")) == "BILL_UNBALANCED"
    opened.order.order_no = "O2"
    assert await reason(cells.open_care(request, found, opened, "O1")) == "INVALID_REQUEST"
    assert (await cells.get(request)).WhichOneof("found") == "carried"


@pytest.mark.parametrize(
    ("rule", "planted"),
    [
        ("elsewhere_postings_are_owed", "UPDATE posting SET amount_fen = -1 WHERE ledger_account LIKE 'elsewhere%'"),
        ("account_postings_are_acct_pay", "UPDATE settlement SET insured_cell = ''"),
        ("place_is_in_its_own_ledger", "UPDATE settlement SET ledger_seq = 1"),
        ("insured_cell_is_the_encounters", "UPDATE encounter SET insured_cell = '110000'"),
        ("order_is_its_bill", "UPDATE settle_order SET insured_cell = ''"),
        ("settlement_is_its_batches", "UPDATE fee_batch SET medfee_fen = 1, inscp_fen = 1"),
        (
            "accumulator_has_source",
            "INSERT INTO accumulator_entry SELECT psn_no, insutype, '1', '2025', 1, 'k', 1, setl_id FROM settlement",
        ),
    ],
)
async def test_a_check_of_the_books_finds_what_was_changed_in_a_booked_bill(
    cells: Cells, rule: str, planted: str
) -> None:
    await cells.open_both(settle_request(await cells.visit(), 231_000))
    await change(cells, planted)
    assert rule in {each.rule for each in await cells.care.findings()}


async def test_a_token_that_was_shown_at_the_registration_is_spent_where_it_was_made(cells: Cells) -> None:
    first = settle_request(await cells.visit(), 231_000)
    await change(cells, "UPDATE encounter SET ec_token_digest = 'digest'")
    found = await cells.get(first)
    await cells.open_home(found.carried, "O1")
    await confirm(cells.home, "O1")
    second = await cells.get(settle_request(await cells.visit(100), 100, "2207:2"))
    second.carried.ec_token_digest = found.carried.ec_token_digest
    assert await reason(cells.open_home(second.carried, "O2")) == "EC_TOKEN_SPENT"
    second.carried.ec_token_digest = ""
    await cells.open_home(second.carried, "O2")


async def noticed(world: World) -> Notice:
    """The only notice of a member's outbox."""
    async with Outbox(world.database).reading() as snapshot:
        (placed,) = await snapshot.after(0, 10)
    return placed.notice


async def change(cells: Cells, statement: str) -> None:
    async with cells.care.database.write() as connection:
        await connection.execute(text(statement))
