"""Ledgers on a running settlement: every method and every reason it documents."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.mesh.harness import OPERATOR_CALLER
from tests.settlement.institution import (
    HERE,
    Counter,
    counter_in,
    desk,
    settle_request,
)
from tools.played.people import DIVISION, EMPLOYEE
from yibao.settlement.v1 import ledger_pb2


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """One mesh for the tests of this file."""
    async with counter_in(tmp_path_factory.mktemp("mesh")) as made:
        yield made


async def test_accumulators_and_cumulations_are_told_by_key_and_by_code(counter: Counter) -> None:
    psn_no = counter.somebody()
    await counter.settle(settle_request(counter.request_id(), psn_no, await counter.visit(psn_no, 9_000), 9_000))
    listed = await counter.call(
        "LedgerService.ListAccumulators",
        ledger_pb2.ListAccumulatorsRequest(
            psn_no=psn_no, insutype=EMPLOYEE, insuplc_admdvs=DIVISION, benefit_year="2026"
        ),
        OPERATOR_CALLER,
    )
    assert {entry.key: entry.value for entry in listed.accumulators} == {"op_dedc": 9_000, "op_inscp": 9_000}

    def query(month: str = "", psn: str = psn_no) -> ledger_pb2.ListCumulationsRequest:
        return ledger_pb2.ListCumulationsRequest(desk=desk(), data=ledger_pb2.CumulationQuery(psn_no=psn, cum_ym=month))

    told = await counter.call("LedgerService.ListCumulations", query())
    assert [(row.cum_type_code, row.cum, row.cum_ym, row.year) for row in told.cuminfo] == [
        ("Q000011", "90.00", "202606", "2026"),
        ("TS31010111", "90.00", "202606", "2026"),
    ]
    assert not (await counter.call("LedgerService.ListCumulations", query("202506"))).cuminfo
    assert await counter.reason("LedgerService.ListCumulations", query("202613")) == "INVALID_REQUEST"
    assert await counter.reason("LedgerService.ListCumulations", query(psn="nobody")) == "PERSON_NOT_FOUND"


async def test_a_ledger_is_opened_once(counter: Counter) -> None:
    psn_no = counter.somebody()
    opening = ledger_pb2.LedgerOpening(
        psn_no=psn_no,
        insutype=EMPLOYEE,
        insuplc_admdvs=DIVISION,
        benefit_year="2026",
        accumulators=[ledger_pb2.Accumulator(key="op_dedc", value=180_000)],
    )
    request = ledger_pb2.OpenLedgerRequest(request_id="open-1", openings=[opening])
    for _ in range(2):
        assert (await counter.call("LedgerService.OpenLedger", request, OPERATOR_CALLER)).opened_count == 1
    request.request_id = "open-2"
    again = await counter.call("LedgerService.OpenLedger", request, OPERATOR_CALLER)
    assert (again.opened_count, again.unchanged_count) == (0, 1)
    request.request_id = "open-3"
    request.openings[0].accumulators[0].value = 170_000
    assert await counter.reason("LedgerService.OpenLedger", request, OPERATOR_CALLER) == "LEDGER_OPEN"
    request.request_id = "open-1"
    request.openings[0].accumulators[0].value = 1
    assert await counter.reason("LedgerService.OpenLedger", request, OPERATOR_CALLER) == "REQUEST_ID_REUSED"
    assert await counter.reason("LedgerService.OpenLedger", request, HERE) == "ROLE_NOT_ALLOWED"
    for value in (10**13 + 1, -1):
        request.openings[0].accumulators[0].value = value
        assert await counter.reason("LedgerService.OpenLedger", request, OPERATOR_CALLER) == "INVALID_REQUEST"
    settled = await counter.settle(
        settle_request(counter.request_id(), psn_no, await counter.visit(psn_no, 10_000), 10_000)
    )
    assert (settled.setlinfo.act_pay_dedc_fen, settled.setlinfo.hifp_pay_fen) == (0, 7_000)
