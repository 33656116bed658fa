"""Reversals on a running settlement: every method and every reason it documents."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.mesh.seeds import OTHER_INSTITUTION
from tests.settlement.institution import (
    ELSEWHERE,
    Counter,
    counter_in,
    desk,
    reference,
    reverse_request,
    settle_request,
    take_back,
)
from yibao.settlement.v1 import settlement_pb2


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """One mesh for the tests of this file."""
    async with counter_in(tmp_path_factory.mktemp("mesh")) as made:
        yield made


async def test_every_documented_refusal_of_a_reversal(counter: Counter) -> None:
    psn_no = counter.somebody()
    settled = [
        await counter.settle(settle_request(counter.request_id(), psn_no, await counter.visit(psn_no, 9_000), 9_000))
        for _ in range(2)
    ]
    first, second = (answer.setlinfo for answer in settled)
    refused = counter.reason
    assert await refused("SettlementService.Reverse", reverse_request("2208:X1", first)) == "LATER_SETTLEMENT_EXISTS"
    elsewhere = reverse_request("2208:X1", second, OTHER_INSTITUTION)
    assert await refused("SettlementService.Reverse", elsewhere, ELSEWHERE) == "SETTLEMENT_NOT_FOUND"
    stay = settlement_pb2.ReverseStayRequest(request_id="2305:X1", desk=desk(), data=reference(second))
    assert await refused("SettlementService.ReverseStay", stay) == "SETTLEMENT_NOT_FOUND"
    await counter.call("SettlementService.Reverse", reverse_request("2208:X2", second))
    assert await refused("SettlementService.Reverse", reverse_request("2208:X2", first)) == "REQUEST_ID_REUSED"
    again = await counter.call("SettlementService.Reverse", reverse_request("2208:X3", second))
    assert again.setlinfo.medins_setl_id == "X2"
    query = settlement_pb2.SettlementQuery(psn_no=psn_no, mdtrt_id=first.mdtrt_id, setl_id="none")
    asked = settlement_pb2.GetSettlementRequest(desk=desk(), data=query)
    assert await refused("SettlementService.GetSettlement", asked) == "SETTLEMENT_NOT_FOUND"
    query.mdtrt_id, query.setl_id = second.mdtrt_id, again.setlinfo.setl_id
    found = await counter.call(
        "SettlementService.GetSettlement", settlement_pb2.GetSettlementRequest(desk=desk(), data=query)
    )
    assert (found.record.refd_setl_flag, found.counter_setl_id) == (True, second.setl_id)


async def test_2601_takes_settlements_and_admissions_back_and_voids_what_never_came(counter: Counter) -> None:
    psn_no = counter.somebody()
    request = settle_request(counter.request_id(), psn_no, await counter.visit(psn_no, 9_000), 9_000)
    await counter.settle(request)
    back = "SettlementService.ReverseMessage"
    msgid = request.desk.msgid
    for request_id in ("2601:1", "2601:1", "2601:2"):
        answer = await counter.call(back, take_back(request_id, "2207", msgid, psn_no))
        assert answer.warn_msg == ""
    assert await counter.reason(back, take_back("2601:1", "2304", msgid)) == "REQUEST_ID_REUSED"
    assert await counter.reason(back, take_back("2601:1", "2401", msgid)) == "REQUEST_ID_REUSED"
    assert await counter.reason(back, take_back("2601:3", "2204", msgid)) == "NOT_REVERSIBLE"
    for request_id in ("2601:4", "2601:5"):
        assert "未到达" in (await counter.call(back, take_back(request_id, "2207", "LATE"))).warn_msg
    late = settle_request("2207:LATE", psn_no, request.data.mdtrt_id, 9_000)
    assert await counter.reason("SettlementService.Settle", late) == "MESSAGE_VOIDED"
    stay_of = counter.somebody()
    with_fees = await counter.stay(stay_of, 5_000)
    number = next(counter.numbers)
    assert with_fees
    assert await counter.reason(back, take_back("2601:6", "2401", f"{number - 2}", stay_of)) == "FEES_PRESENT"
    alone = counter.somebody()
    await counter.stay(alone, 0)
    admitted = next(counter.numbers) - 1
    assert (await counter.call(back, take_back("2601:7", "2401", str(admitted), alone))).warn_msg == ""
    assert await counter.reason(back, take_back("2601:7", "2207", "ANY", alone)) == "REQUEST_ID_REUSED"
    await counter.stay(alone, 0)
