"""What the hospital bears of a price above the payment standard: from the line to the books, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kernel.errors import Fault
from services.runtime.db import ConstraintViolation
from services.settlement.domain.care.bill import STAY
from services.settlement.store.verify import RULES
from tests.settlement.counter import Counter, counter_on, item, line
from tests.settlement.stacks import POLICIES
from tests.settlement.world import World, sqlite_url, world_on
from tools.cli.case import play_case
from tools.cli.case_document import read_case
from yibao.settlement.v1 import common_pb2

OWN_CASES = Path(__file__).resolve().parent / "own_cases"


@pytest.fixture(params=["sqlite", "postgresql"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_database") if postgres else sqlite_url(tmp_path)
    async with world_on(url) as made:
        yield made


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    async with counter_on(sqlite_url(tmp_path)) as made:
        made.catalogue.items["P1"] = item("P1", limit="6", hosp_bear=True)
        yield made


@pytest.mark.parametrize("path", sorted(OWN_CASES.glob("*.json")), ids=lambda path: path.stem)
def test_a_worked_case_of_our_own_is_answered_to_the_fen(path: Path) -> None:
    assert play_case(path, POLICIES).differences == []


@pytest.mark.parametrize("limit", [None, "99999900"])
def test_a_line_of_a_case_needs_a_limit_for_the_hospital_to_bear_what_is_over(
    tmp_path: Path, limit: str | None
) -> None:
    file = tmp_path / "case.yaml"
    told = "" if limit is None else f', price_limit: "{limit}"'
    file.write_text(
        "case_id: one\npolicies: [beijing-employee@2023-01-01]\nperson: {age: 46, status: active}\nops:\n"
        '- {op: settle, id: s, setl_date: "2025-03-10", visit: {med_type: outpatient, hosp_lv: "3"},\n'
        f"   lines: [{{amount: 100, class: A, hosp_bear: true{told}}}]}}\n",
        encoding="utf-8",
    )
    with pytest.raises(Fault, match="CASE_INVALID") as caught:
        read_case(file)
    assert [each.path for each in caught.value.violations] == ["ops[0].lines[0].hosp_bear"]


async def test_the_answer_of_an_upload_names_it_and_taking_the_line_back_leaves_nothing(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    lines = [line("1", "P1"), line("2", "A1"), line("3", "P1", -1000, "-1", origin="1")]
    answers = await counter.upload("2301:1", mdtrt_id, *lines, kind=STAY)
    told = [common_pb2.FeeLineSplit.FromString(answer) for answer in answers]
    assert [(each.overlmt_amt_fen, each.hosp_part_amt_fen) for each in told] == [(400, 400), (0, 0), (-400, -400)]
    name = counter.name(mdtrt_id, STAY)
    await counter.fees.cancel_lines(counter.stamp("2302:1"), name, ["1", "3"], counter.clock(), b"")
    async with counter.books.reading() as snapshot:
        batches = await snapshot.batches(mdtrt_id)
    assert [batch.kind for batch in batches] == ["upload", "cancel"]
    assert sum(batch.totals.hosp_part_fen for batch in batches) == 0
    assert (batches[0].totals.overlmt_fen, batches[0].totals.hosp_part_fen) == (0, 0)


async def test_the_hospital_bears_its_part_in_answer_books_and_reversal(world: World) -> None:
    psn_no = world.person("P1")
    await world.open_ledger(psn_no, balance=10_000)
    mdtrt_id = await world.encounter(psn_no)
    await world.fees(mdtrt_id, 200_000, over=40_000, hosp_bear=True)
    await world.fees(mdtrt_id, 30_000, over=20_000)
    tried = await world.try_bill(world.order(psn_no, mdtrt_id, 290_000, chrg_bchno="0000", use_own=True))
    settled = await world.settle(
        world.order(psn_no, mdtrt_id, 290_000, "2207:1", chrg_bchno="0000", use_own=True, trial_hash=tried.trial_hash)
    )
    info = settled.setlinfo
    assert (info.overlmt_selfpay_fen, info.hosp_part_amt_fen) == (60_000, 40_000)
    assert info.medfee_sumamt_fen == info.fund_pay_sumamt_fen + info.psn_part_amt_fen + info.hosp_part_amt_fen
    assert info.psn_part_amt_fen == 290_000 - 35_000 - 40_000
    assert info.psn_cash_pay_fen == info.psn_part_amt_fen - 10_000
    rows = {row.fund_pay_type: row.fund_payamt_fen for row in settled.setldetail}
    assert rows == {"310100": 35_000, "310200": 10_000, "999996": 40_000}
    counter = await world.reverse(settled, "2208:1")
    assert counter.setlinfo.hosp_part_amt_fen == -40_000
    assert {row.fund_pay_type: row.fund_payamt_fen for row in counter.setldetail}["999996"] == -40_000
    assert await world.findings() == ()


async def test_a_check_of_the_books_finds_a_part_that_nobody_bears(world: World) -> None:
    assert {"hospital_postings_are_hosp_part", "hospital_bears_what_its_batches_say"} <= RULES.keys()
    psn_no = world.person("P1")
    mdtrt_id = await world.encounter(psn_no)
    await world.fees(mdtrt_id, 1_000, over=400, hosp_bear=True)
    await world.settle(world.order(psn_no, mdtrt_id, 1_400, "2207:1"))
    async with world.database.write() as connection:
        await connection.exec_driver_sql("UPDATE posting SET amount_fen = -300 WHERE ledger_account = 'hospital'")
        await connection.exec_driver_sql("UPDATE fee_batch SET hosp_part_fen = 300")
    found = {finding.rule for finding in await world.findings()}
    assert {"hospital_postings_are_hosp_part", "hospital_bears_what_its_batches_say"} <= found


async def test_a_line_holds_either_all_that_is_over_or_nothing(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    await counter.upload("2301:1", mdtrt_id, line("1", "P1"), kind=STAY)
    with pytest.raises(ConstraintViolation):
        async with counter.database.write() as connection:
            await connection.exec_driver_sql("UPDATE fee_line SET hosp_part_fen = 1")
