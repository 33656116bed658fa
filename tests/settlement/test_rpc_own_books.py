"""A person's own books on a running settlement: pages, reasons, what a reversal shows, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from google.type.date_pb2 import Date

from services.runtime.call import Caller, Role
from tests.mesh.harness import OPERATOR_CALLER
from tests.mesh.seeds import OPENING_FEN
from tests.settlement.institution import (
    HERE,
    Counter,
    counter_in,
    desk,
    reverse_request,
    settle_request,
    stay_bill,
)
from tools.played.people import DIVISION, EMPLOYEE
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import fee_pb2, ledger_pb2, own_books_pb2, settlement_pb2, settlement_query_pb2, stay_bill_pb2

SERVICE = "OwnBooksService"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """One mesh for the tests of this file."""
    async with counter_in(tmp_path_factory.mktemp("mesh")) as made:
        yield made


def oneself(psn_no: str) -> Caller:
    return Caller(Role.PERSON, psn_no, sandbox=True)


async def ask(counter: Counter, rpc: str, psn_no: str, **asked: Any) -> Any:
    request = getattr(own_books_pb2, f"{rpc}Request")(psn_no=psn_no, **asked)
    return await counter.call(f"{SERVICE}.{rpc}", request, oneself(psn_no))


async def all_pages(counter: Counter, rpc: str, psn_no: str, rows: str, size: int, **asked: Any) -> list[list[Any]]:
    pages, token = [], ""
    while True:
        answer = await ask(counter, rpc, psn_no, page_size=size, page_token=token, **asked)
        pages.append(list(getattr(answer, rows)))
        token = answer.next_page_token
        if not token:
            return pages


async def settled(counter: Counter, psn_no: str, amount: int, **changes: Any) -> settlement_pb2.SettleResponse:
    mdtrt_id = await counter.visit(psn_no, amount)
    return await counter.settle(settle_request(counter.request_id(), psn_no, mdtrt_id, amount, **changes))


async def test_a_person_lists_every_own_settlement_newest_first_page_by_page(counter: Counter) -> None:
    psn_no, other = counter.somebody(), counter.somebody()
    await settled(counter, other, 5_000)
    amounts = [9_000, 8_000, 7_000, 6_000, 5_000]
    made = [await settled(counter, psn_no, amount) for amount in amounts]
    pages = await all_pages(counter, "ListOwnSettlements", psn_no, "settlements", 2)
    assert [len(page) for page in pages] == [2, 2, 1]
    rows = [row for page in pages for row in page]
    assert [row.setl_id for row in rows] == [answer.setlinfo.setl_id for answer in reversed(made)]
    assert [row.medfee_sumamt_fen for row in rows] == amounts[::-1]
    newest, told = rows[0], made[-1].setlinfo
    assert (newest.fixmedins_name, newest.med_type, newest.insutype, newest.insuplc_admdvs, newest.benefit_year) == (
        *("测试一医院", "11", EMPLOYEE, DIVISION),
        "2026",
    )
    for name in ("fund_pay_sumamt_fen", "psn_part_amt_fen", "acct_pay_fen", "psn_cash_pay_fen", "setl_time"):
        assert getattr(newest, name) == getattr(told, name)
    assert len((await ask(counter, "ListOwnSettlements", psn_no)).settlements) == 5
    assert [len(page) for page in await all_pages(counter, "ListOwnSettlements", psn_no, "settlements", 5)] == [5]


async def test_days_bound_the_list_and_a_day_that_is_none_is_refused(counter: Counter) -> None:
    psn_no = counter.somebody()
    await settled(counter, psn_no, 5_000)

    async def listed(**days: Date) -> int:
        return len((await ask(counter, "ListOwnSettlements", psn_no, **days)).settlements)

    day, before, after = (
        Date(year=2026, month=6, day=10),
        Date(year=2026, month=6, day=9),
        Date(year=2026, month=6, day=11),
    )
    assert [await listed(from_day=day, to_day=day), await listed(to_day=before), await listed(from_day=after)] == [
        1,
        0,
        0,
    ]
    assert await listed(from_day=Date(year=1, month=1, day=1), to_day=Date(year=9999, month=12, day=31)) == 1
    request = own_books_pb2.ListOwnSettlementsRequest(psn_no=psn_no, from_day=Date(year=2026, month=2, day=30))
    assert await counter.reason(f"{SERVICE}.ListOwnSettlements", request, oneself(psn_no)) == "INVALID_REQUEST"


async def test_one_settlement_is_told_with_its_funds_and_the_reason_of_each_layer(counter: Counter) -> None:
    psn_no = counter.somebody()
    answered = await settled(counter, psn_no, 300_000, acct_used_flag=codes_pb2.ACCT_USED_FLAG_OWN)
    found = await ask(counter, "GetOwnSettlement", psn_no, setl_id=answered.setlinfo.setl_id)
    assert found.setlinfo == answered.setlinfo
    assert found.setldetail == answered.setldetail
    assert found.layers == answered.layers
    assert all(row.setl_proc_info for row in found.setldetail)
    assert all(row.derivation for row in found.layers)
    assert (found.reversed_by, found.reverses, found.record.fixmedins_name) == ("", "", "测试一医院")
    lines = (await ask(counter, "ListOwnLines", psn_no, setl_id=answered.setlinfo.setl_id)).lines
    assert [(row.det_item_fee_sumamt_fen, row.hilist_name, row.setl_id) for row in lines] == [
        (300_000, "测试甲类药", answered.setlinfo.setl_id)
    ]


async def test_the_lines_of_a_stay_come_page_by_page_each_once(counter: Counter) -> None:
    psn_no = counter.somebody()
    mdtrt_id = await counter.stay(psn_no, 0)
    for amount in (1_000, 2_000, 3_000):
        await counter.fees("UploadStayFees", fee_pb2.UploadStayFeesRequest, mdtrt_id, psn_no, amount)
    await counter.discharge(psn_no, mdtrt_id)
    request_id = counter.request_id("2304")
    request = stay_bill_pb2.SettleStayRequest(
        request_id=request_id, desk=desk(request_id), data=stay_bill(psn_no, mdtrt_id, 6_000)
    )
    setl_id = (await counter.call("SettlementService.SettleStay", request)).setlinfo.setl_id
    pages = await all_pages(counter, "ListOwnLines", psn_no, "lines", 2, setl_id=setl_id)
    assert [[row.det_item_fee_sumamt_fen for row in page] for page in pages] == [[1_000, 2_000], [3_000]]


async def test_after_a_reversal_all_that_a_person_reads_agrees_with_5203(counter: Counter) -> None:
    psn_no = counter.somebody()
    first = (await settled(counter, psn_no, 9_000, acct_used_flag=codes_pb2.ACCT_USED_FLAG_OWN)).setlinfo
    counter_entry = (
        await counter.call("SettlementService.Reverse", reverse_request(counter.request_id("2208"), first))
    ).setlinfo
    rows = (await ask(counter, "ListOwnSettlements", psn_no)).settlements
    assert [(row.setl_id, row.reversed_by, row.reverses, row.medfee_sumamt_fen) for row in rows] == [
        (counter_entry.setl_id, "", first.setl_id, -9_000),
        (first.setl_id, counter_entry.setl_id, "", 9_000),
    ]
    for setl_id in (first.setl_id, counter_entry.setl_id):
        own = await ask(counter, "GetOwnSettlement", psn_no, setl_id=setl_id)
        query = settlement_query_pb2.SettlementQuery(psn_no=psn_no, mdtrt_id=first.mdtrt_id, setl_id=setl_id)
        told = await counter.call(
            "SettlementService.GetSettlement", settlement_query_pb2.GetSettlementRequest(desk=desk(), data=query)
        )
        assert own.record.refd_setl_flag
        for name in ("setlinfo", "record", "setldetail", "layers", "reversed_by", "reverses"):
            assert getattr(own, name) == getattr(told, name)
    assert len((await ask(counter, "ListOwnLines", psn_no, setl_id=first.setl_id)).lines) == 1
    assert not (await ask(counter, "ListOwnLines", psn_no, setl_id=counter_entry.setl_id)).lines
    kinds = [
        (row.kind, row.amount_fen, row.balance_after_fen, row.setl_id)
        for page in await all_pages(counter, "ListOwnAccountMovements", psn_no, "movements", 1, insutype=EMPLOYEE)
        for row in page
    ]
    assert kinds == [
        (own_books_pb2.MOVEMENT_KIND_REVERSAL, 9_000, OPENING_FEN, counter_entry.setl_id),
        (own_books_pb2.MOVEMENT_KIND_SETTLEMENT, -9_000, OPENING_FEN - 9_000, first.setl_id),
        (own_books_pb2.MOVEMENT_KIND_OPENING, OPENING_FEN, OPENING_FEN, ""),
    ]
    (account,) = (await ask(counter, "ListOwnAccounts", psn_no)).accounts
    assert (account.insutype, account.balance_fen) == (EMPLOYEE, OPENING_FEN)
    assert not (await ask(counter, "ListOwnAccumulators", psn_no)).accumulators


async def test_accumulators_are_told_by_year_and_key_page_by_page(counter: Counter) -> None:
    psn_no = counter.somebody()
    await settled(counter, psn_no, 9_000)
    pages = await all_pages(counter, "ListOwnAccumulators", psn_no, "accumulators", 1)
    assert [[(row.benefit_year, row.insutype, row.key, row.value, row.counts) for row in page] for page in pages] == [
        [("2026", EMPLOYEE, "op_dedc", 9_000, False)],
        [("2026", EMPLOYEE, "op_inscp", 9_000, False)],
    ]


async def test_the_accumulators_of_the_youngest_year_come_first_whatever_the_pages(counter: Counter) -> None:
    psn_no = counter.somebody()
    openings = [
        ledger_pb2.LedgerOpening(
            psn_no=psn_no,
            insutype=EMPLOYEE,
            insuplc_admdvs=DIVISION,
            benefit_year=year,
            accumulators=[ledger_pb2.Accumulator(key=key, value=1_000) for key in ("op_dedc", "op_inscp")],
        )
        for year in ("2024", "2026", "2025")
    ]
    request = ledger_pb2.OpenLedgerRequest(request_id=counter.request_id(), openings=openings)
    await counter.call("LedgerService.OpenLedger", request, OPERATOR_CALLER)
    for size in (1, 4):
        pages = await all_pages(counter, "ListOwnAccumulators", psn_no, "accumulators", size)
        assert [(row.benefit_year, row.key) for page in pages for row in page] == [
            (year, key) for year in ("2026", "2025", "2024") for key in ("op_dedc", "op_inscp")
        ]


async def test_nobody_reads_another_persons_books(counter: Counter) -> None:
    psn_no, other = counter.somebody(), counter.somebody()
    setl_id = (await settled(counter, psn_no, 9_000)).setlinfo.setl_id
    for rpc in ("GetOwnSettlement", "ListOwnLines"):
        made = getattr(own_books_pb2, f"{rpc}Request")
        assert await counter.reason(f"{SERVICE}.{rpc}", made(psn_no=other, setl_id=setl_id), oneself(other)) == (
            "SETTLEMENT_NOT_FOUND"
        )
        assert await counter.reason(f"{SERVICE}.{rpc}", made(psn_no=psn_no, setl_id=setl_id), oneself(other)) == (
            "CALLER_NOT_BOUND"
        )
        assert (
            await counter.reason(f"{SERVICE}.{rpc}", made(psn_no=psn_no, setl_id=setl_id), HERE) == "ROLE_NOT_ALLOWED"
        )
    assert not (await ask(counter, "ListOwnSettlements", other)).settlements


async def test_a_page_token_that_no_answer_held_is_refused(counter: Counter) -> None:
    psn_no = counter.somebody()
    for rpc, more in (
        ("ListOwnSettlements", {}),
        ("ListOwnLines", {"setl_id": "S1"}),
        ("ListOwnAccountMovements", {"insutype": EMPLOYEE}),
        ("ListOwnAccumulators", {}),
    ):
        request = getattr(own_books_pb2, f"{rpc}Request")(psn_no=psn_no, page_token="WzEsMSwxXQ", **more)
        assert await counter.reason(f"{SERVICE}.{rpc}", request, oneself(psn_no)) == "INVALID_REQUEST"
