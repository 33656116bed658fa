"""Fee lines through the operations: split once, answered alike, taken back by new entries, never more than stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.kernel.errors import Fault, FaultKind
from services.settlement.domain.care.bill import STAY, VISIT
from services.settlement.domain.care.fees import FeeBatch
from services.settlement.domain.care.lines import MOST_FEN
from services.settlement.operations.care.stays import DischargeInformation
from tests.settlement.counter import ANOTHER, BEGIN, Counter, counter_on, item, line, split_of
from tests.settlement.test_operations_encounters import settle
from tests.settlement.world import HOSPITAL, OTHER_HOSPITAL, sqlite_url
from yibao.settlement.v1 import common_pb2


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    """A counter on an empty SQLite store."""
    async with counter_on(sqlite_url(tmp_path)) as made:
        yield made


async def refusal(awaited: Awaitable[object]) -> Fault:
    with pytest.raises(Fault) as caught:
        await awaited
    return caught.value


async def batches(counter: Counter, mdtrt_id: str) -> list[FeeBatch]:
    async with counter.books.reading() as snapshot:
        return await snapshot.batches(mdtrt_id)


async def open_total(counter: Counter, mdtrt_id: str) -> int:
    return sum(batch.totals.medfee_fen for batch in await batches(counter, mdtrt_id) if batch.state == "open")


async def test_every_line_is_split_by_its_item(counter: Counter, visit: str) -> None:
    answers = await counter.upload(
        "2204:1",
        visit,
        line("1", "A1", 1000, "1", "10"),
        line("2", "B1", 452, "1", "4.52"),
        line("3", "B2", 1000, "2", "5"),
        line("4", "C1", 1000, "1", "10"),
        line("5", "R1", 1000, "1", "10"),
        line("6", "R1", 1000, "1", "10", approval="1"),
    )
    assert [split_of(answer) for answer in answers] == [
        (0, 0, 0, 1000),
        (0, 0, 45, 407),
        (0, 200, 80, 720),
        (1000, 0, 0, 0),
        (1000, 0, 0, 0),
        (0, 0, 0, 1000),
    ]


async def test_all_lines_are_priced_by_one_question(counter: Counter, visit: str) -> None:
    later = BEGIN + timedelta(days=1)
    await counter.upload("2204:1", visit, line("1"), line("2", "B1"), line("3", at=later))
    ((scope, keys),) = counter.catalogue.asked
    assert (scope.admdvs, scope.hosp_lv) == ("990100", "1")
    assert [(key.med_list_codg, key.day) for key in keys] == [
        ("A1", date(2025, 3, 10)),
        ("B1", date(2025, 3, 10)),
        ("A1", date(2025, 3, 11)),
    ]


async def test_a_line_is_split_as_on_its_own_day(counter: Counter, visit: str) -> None:
    counter.catalogue.changes["A1"] = (date(2025, 3, 11), item("A1", "C"))
    answers = await counter.upload("2204:1", visit, line("1"), line("2", at=BEGIN + timedelta(days=1)))
    assert [split_of(answer) for answer in answers] == [(0, 0, 0, 1000), (1000, 0, 0, 0)]


async def test_a_line_is_priced_for_the_institution_as_it_was_on_its_day(counter: Counter, visit: str) -> None:
    counter.catalogue.raised = (HOSPITAL, date(2025, 3, 11), "2")
    later = BEGIN + timedelta(days=1)
    answers = await counter.upload("2204:1", visit, line("1", at=later), line("2"), line("3", "B1", at=later))
    assert [common_pb2.FeeLineSplit.FromString(answer).feedetl_sn for answer in answers] == ["1", "2", "3"]
    asked = {(scope.hosp_lv, key.med_list_codg, key.day.day) for scope, keys in counter.catalogue.asked for key in keys}
    assert asked == {("2", "A1", 11), ("1", "A1", 10), ("2", "B1", 11)}


async def test_an_upload_beyond_what_any_bill_may_hold_is_refused(counter: Counter, visit: str) -> None:
    half = MOST_FEN // 2
    lines = [line(str(place), amount_fen=half, pric=f"{half // 100}") for place in range(3)]
    fault = await refusal(counter.upload("2204:1", visit, *lines))
    assert (fault.kind, fault.reason) == (FaultKind.INVALID, "AMOUNT_INVALID")
    await counter.upload("2204:2", visit, *lines[:2])
    assert await open_total(counter, visit) == MOST_FEN


async def test_each_charge_batch_has_its_own_totals(counter: Counter, visit: str) -> None:
    await counter.upload("2204:1", visit, line("1", batch="1"), line("2", "A2", batch="2"), line("3", "B1", batch="1"))
    first, second = await batches(counter, visit)
    assert (first.chrg_bchno, first.line_count, first.totals.medfee_fen, first.totals.inscp_fen) == ("1", 2, 2000, 1900)
    assert first.totals.exempt_inscp_by_tag == {"bas_medn_flag=0": 1900, "hi_nego_drug_flag=0": 1900}
    assert second.totals.exempt_inscp_by_tag == {"bas_medn_flag=1": 1000, "hi_nego_drug_flag=0": 1000}


async def test_unknown_items_are_named_all_of_them_without_their_codes(counter: Counter, visit: str) -> None:
    fault = await refusal(counter.upload("2204:1", visit, line("1", "X1"), line("2"), line("3", "X2")))
    assert (fault.kind, fault.reason) == (FaultKind.INVALID, "ITEM_UNKNOWN")
    assert [violation.path for violation in fault.violations] == [
        "feedetail[0].med_list_codg",
        "feedetail[2].med_list_codg",
    ]
    assert fault.metadata == {"feedetl_sn": "1", "lines": "2"}
    assert await batches(counter, visit) == []


@pytest.mark.parametrize(("amount", "refused"), [(1000, False), (1001, False), (999, False), (1002, True), (998, True)])
async def test_price_times_count_is_the_amount_within_a_fen(
    counter: Counter, visit: str, amount: int, refused: bool
) -> None:
    asked = counter.upload("2204:1", visit, line("0"), line("1", "A1", amount, "2", "5"))
    if not refused:
        assert len(await asked) == 2
        return
    fault = await refusal(asked)
    assert fault.reason == "LINE_AMOUNT_MISMATCH"
    assert [violation.path for violation in fault.violations] == ["feedetail[1].det_item_fee_sumamt_fen"]


async def test_a_count_finer_than_four_digits_is_refused(counter: Counter, visit: str) -> None:
    fault = await refusal(counter.upload("2204:1", visit, line("1", cnt="1.00001")))
    assert (fault.reason, fault.violations[0].path) == ("INVALID_REQUEST", "feedetail[0].cnt")


async def test_a_repeat_of_an_upload_gets_the_stored_answer(counter: Counter, visit: str) -> None:
    first = await counter.upload("2204:1", visit, line("1"))
    counter.catalogue.items.clear()
    assert await counter.upload("2204:1", visit, line("1")) == first
    assert (await refusal(counter.upload("2204:1", visit, line("1"), content="other"))).reason == "REQUEST_ID_REUSED"
    assert len(await batches(counter, visit)) == 1


async def test_a_line_sent_again_is_answered_as_it_was_split_then(counter: Counter, visit: str) -> None:
    first = await counter.upload("2204:1", visit, line("1"))
    counter.catalogue.items["A1"] = item("A1", "C")
    again = await counter.upload("2204:2", visit, line("2"), line("1"))
    assert again[1] == first[0]
    assert split_of(again[0]) == (1000, 0, 0, 0)
    assert await open_total(counter, visit) == 2000


async def test_a_line_sent_again_with_other_content_is_refused_and_nothing_is_kept(
    counter: Counter, visit: str
) -> None:
    await counter.upload("2204:1", visit, line("1"))
    fault = await refusal(counter.upload("2204:2", visit, line("2"), line("1", "A2")))
    assert (fault.kind, fault.reason) == (FaultKind.CONFLICT, "FEE_LINE_EXISTS")
    assert [violation.path for violation in fault.violations] == ["feedetail[1].feedetl_sn"]
    assert await open_total(counter, visit) == 1000


async def test_one_number_twice_in_an_upload_is_one_line_if_it_is_the_same(counter: Counter, visit: str) -> None:
    answers = await counter.upload("2204:1", visit, line("1"), line("1"))
    assert answers[0] == answers[1]
    assert await open_total(counter, visit) == 1000
    fault = await refusal(counter.upload("2204:2", visit, line("3"), line("2"), line("2", "A2")))
    assert (fault.kind, fault.reason) == (FaultKind.INVALID, "INVALID_REQUEST")
    assert [(each.path, each.rule, each.values["row"]) for each in fault.violations] == [
        ("feedetail[1].feedetl_sn", "line.twice", "3"),
        ("feedetail[2].feedetl_sn", "line.twice", "2"),
    ]
    assert await open_total(counter, visit) == 1000
    # One that stands already is another matter.
    assert (await refusal(counter.upload("2204:3", visit, line("1"), line("1", "A2")))).reason == "FEE_LINE_EXISTS"


async def test_a_settled_charge_batch_takes_no_more_lines_but_still_answers_its_own(
    counter: Counter, visit: str
) -> None:
    first = await counter.upload("2204:1", visit, line("1", batch="1"))
    await settle(counter, visit)
    fault = await refusal(counter.upload("2204:2", visit, line("2", batch="1")))
    assert (fault.reason, fault.metadata) == ("BATCH_SETTLED", {"chrg_bchno": "1", "setl_id": "S1"})
    assert await counter.upload("2204:3", visit, line("1", batch="1")) == first
    assert await counter.upload("2204:4", visit, line("2", batch="2"))


async def test_lines_go_only_to_open_encounters_of_the_person(counter: Counter, visit: str) -> None:
    assert (await refusal(counter.upload("2301:1", visit, line("1"), kind=STAY))).reason == "ENCOUNTER_NOT_FOUND"
    await counter.encounters.cancel(counter.stamp("2202:1"), counter.name(visit), counter.clock(), b"")
    assert (await refusal(counter.upload("2204:1", visit, line("1")))).reason == "ENCOUNTER_STATE"


async def test_rows_that_name_another_kind_of_care_than_the_stay_are_refused(counter: Counter, stay: str) -> None:
    fault = await refusal(counter.upload("2301:1", stay, line("1"), kind=STAY, med_type="52"))
    assert (fault.reason, fault.violations[0].path) == ("INVALID_REQUEST", "med_type")
    assert await counter.upload("2301:2", stay, line("1"), kind=STAY, med_type="21")


async def test_a_return_takes_back_up_to_what_stands_of_its_line(counter: Counter, stay: str) -> None:
    await counter.upload("2301:1", stay, line("1", "A1", 3000, "3"), kind=STAY)
    await counter.upload("2301:2", stay, line("2", "A1", -2000, "-2", origin="1"), kind=STAY)
    fault = await refusal(counter.upload("2301:3", stay, line("3", "A1", -2000, "-2", origin="1"), kind=STAY))
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "RETURN_EXCEEDS_LINE")
    assert [violation.path for violation in fault.violations] == ["feedetail[0].cnt"]
    await counter.upload("2301:4", stay, line("3", "A1", -1000, "-1", origin="1"), kind=STAY)
    assert await open_total(counter, stay) == 0


async def test_returns_of_one_upload_are_counted_together(counter: Counter, stay: str) -> None:
    lines = [line("1"), line("2", "A1", -1000, "-1", origin="1"), line("3", "A1", -1000, "-1", origin="1")]
    fault = await refusal(counter.upload("2301:1", stay, *lines, kind=STAY))
    assert (fault.reason, fault.violations[0].path) == ("RETURN_EXCEEDS_LINE", "feedetail[2].cnt")
    assert len(await counter.upload("2301:2", stay, *lines[:2], kind=STAY)) == 2


async def test_a_return_names_a_standing_line(counter: Counter, stay: str) -> None:
    lines = [line("2", "A1", -1000, "-1", origin="404"), line("3", "A1", -1000, "-1")]
    fault = await refusal(counter.upload("2301:1", stay, *lines, kind=STAY))
    assert (fault.kind, fault.reason) == (FaultKind.NOT_FOUND, "FEE_LINE_NOT_FOUND")
    assert len(fault.violations) == 2


async def test_a_return_is_split_as_on_the_day_of_its_line(counter: Counter, stay: str) -> None:
    counter.catalogue.changes["B1"] = (date(2025, 3, 11), item("B1", "B", 3000))
    await counter.upload("2301:1", stay, line("1", "B1"), kind=STAY)
    back = line("2", "B1", -1000, "-1", origin="1", at=BEGIN + timedelta(days=3))
    answers = await counter.upload("2301:2", stay, back, kind=STAY)
    assert split_of(answers[0]) == (0, 0, -100, -900)


async def test_a_charge_batch_is_cancelled_and_its_numbers_are_free_again(counter: Counter, visit: str) -> None:
    await counter.upload("2204:1", visit, line("1", batch="1"), line("2", batch="2"))
    await cancel(counter, "2205:1", visit, "1")
    assert [batch.state for batch in await batches(counter, visit)] == ["cancelled", "open"]
    assert await counter.upload("2204:2", visit, line("1", "A2", batch="3"))
    assert await open_total(counter, visit) == 2000


async def cancel(counter: Counter, request_id: str, mdtrt_id: str, chrg_bchno: str) -> bytes:
    name = counter.name(mdtrt_id)
    return await counter.fees.cancel_batches(counter.stamp(request_id), name, chrg_bchno, counter.clock(), b"")


async def take_back(counter: Counter, request_id: str, mdtrt_id: str, *numbers: str) -> bytes:
    name = counter.name(mdtrt_id, STAY)
    return await counter.fees.cancel_lines(counter.stamp(request_id), name, numbers, counter.clock(), b"")


async def test_cancelling_all_of_a_visit_leaves_settled_batches(counter: Counter, visit: str) -> None:
    await cancel(counter, "2205:1", visit, "0000")
    await counter.upload("2204:1", visit, line("1", batch="1"))
    await settle(counter, visit)
    await counter.upload("2204:2", visit, line("2", batch="2"))
    await cancel(counter, "2205:2", visit, "0000")
    assert [batch.state for batch in await batches(counter, visit)] == ["settled", "cancelled"]


async def test_a_settled_or_unknown_charge_batch_is_not_cancelled(counter: Counter, visit: str) -> None:
    await counter.upload("2204:1", visit, line("1", batch="1"))
    await settle(counter, visit)
    fault = await refusal(cancel(counter, "2205:1", visit, "1"))
    assert (fault.reason, fault.metadata["setl_id"]) == ("BATCH_SETTLED", "S1")
    assert (await refusal(cancel(counter, "2205:2", visit, "9"))).reason == "CHARGE_BATCH_NOT_FOUND"
    assert (await refusal(cancel(counter, "2205:3", "M404", "9"))).reason == "ENCOUNTER_NOT_FOUND"


async def test_single_lines_of_a_stay_are_balanced_by_a_batch_of_negative_totals(counter: Counter, stay: str) -> None:
    await counter.upload("2301:1", stay, line("1", "A2"), line("2", "B1"), line("3"), kind=STAY)
    await take_back(counter, "2302:1", stay, "1", "2")
    upload, balance = await batches(counter, stay)
    assert (upload.kind, upload.state, balance.kind, balance.state) == ("upload", "open", "cancel", "open")
    assert balance.totals.medfee_fen == -2000
    assert balance.totals.preselfpay_fen == -100
    assert balance.totals.exempt_inscp_by_tag == {
        "bas_medn_flag=1": -1000,
        "bas_medn_flag=0": -900,
        "hi_nego_drug_flag=0": -1900,
    }
    assert await open_total(counter, stay) == 1000
    assert (await refusal(take_back(counter, "2302:2", stay, "1", "9"))).reason == "FEE_LINE_NOT_FOUND"
    await take_back(counter, "2302:3", stay, "0000")
    assert await open_total(counter, stay) == 0


async def test_cancelled_lines_are_named_all_where_they_do_not_stand_or_are_settled(
    counter: Counter, stay: str
) -> None:
    await counter.upload("2301:1", stay, line("1"), kind=STAY)
    fault = await refusal(take_back(counter, "2302:1", stay, "8", "1", "9"))
    assert [violation.path for violation in fault.violations] == ["data[0].feedetl_sn", "data[2].feedetl_sn"]
    await settle(counter, stay)
    fault = await refusal(take_back(counter, "2302:2", stay, "1"))
    assert (fault.reason, fault.metadata["setl_id"]) == ("BATCH_SETTLED", "S1")


async def test_a_line_is_not_cancelled_while_a_return_of_it_stands(counter: Counter, stay: str) -> None:
    await counter.upload("2301:1", stay, line("1"), line("2", "A1", -1000, "-1", origin="1"), kind=STAY)
    assert (await refusal(take_back(counter, "2302:1", stay, "1"))).reason == "RETURN_EXCEEDS_LINE"
    await take_back(counter, "2302:2", stay, "1", "2")
    assert await open_total(counter, stay) == 0


async def test_lines_are_corrected_and_added_after_discharge_until_the_stay_is_settled(
    counter: Counter, stay: str
) -> None:
    await counter.upload("2301:1", stay, line("1"), kind=STAY)
    told = DischargeInformation(BEGIN + timedelta(days=2), "", "", "")
    name = counter.name(stay, STAY)
    await counter.stays.discharge(counter.stamp("2402:1"), name, told, counter.clock(), bytes, b"")
    await counter.upload("2301:2", stay, line("2"), kind=STAY)
    await take_back(counter, "2302:1", stay, "1")
    assert await open_total(counter, stay) == 1000
    await settle(counter, stay, at=counter.clock())
    fault = await refusal(counter.upload("2301:3", stay, line("3"), kind=STAY))
    assert (fault.reason, fault.metadata["state"]) == ("ENCOUNTER_STATE", "settled")


async def test_lines_are_listed_for_their_own_institution_and_person_only(counter: Counter, visit: str) -> None:
    await counter.upload("2204:1", visit, line("1", batch="1"), line("2", batch="2"))
    found = await counter.fees.listed(replace(counter.name(visit), kind=""), "")
    assert [entry.line.feedetl_sn for entry in found.lines] == ["1", "2"]
    assert (await refusal(counter.fees.listed(counter.name(visit), "S404"))).reason == "SETTLEMENT_NOT_FOUND"
    for name in (counter.name(visit, hospital=OTHER_HOSPITAL), counter.name(visit, psn_no=ANOTHER)):
        assert (await refusal(counter.fees.listed(name, ""))).reason == "ENCOUNTER_NOT_FOUND"


async def test_one_line_uploaded_at_the_same_moment_stands_once(counter: Counter, visit: str) -> None:
    asked = (counter.upload(f"2204:{place % 3}", visit, line("1"), content="same") for place in range(9))
    answers = await asyncio.gather(*asked)
    assert len({answer[0] for answer in answers}) == 1
    assert await open_total(counter, visit) == 1000


async def test_uploads_of_two_members_of_one_store_add_up(postgres_database: str) -> None:
    async with counter_on(postgres_database) as first, counter_on(postgres_database) as second:
        mdtrt_id = await first.register("2201:1", kind=VISIT)
        asked = (
            member.upload(f"2204:{place}", mdtrt_id, line(str(place // 2)), content=f"content {place}")
            for place, member in enumerate([first, second] * 6)
        )
        await asyncio.gather(*asked)
        assert await open_total(first, mdtrt_id) == 6000
