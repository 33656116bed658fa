"""Bills of care in another pooling area of the own cell, on a running settlement: routing brings them with the filing that it
found, and they stand as the institution's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.kernel.clock import beijing_day
from services.kernel.errors import Fault
from services.runtime.wire import day_message
from tests.mesh.harness import BEGIN
from tests.mesh.seeds import FROM
from tests.settlement.institution import (
    GATEWAY,
    HERE,
    ROUTING,
    Counter,
    bill,
    counter_in,
    desk,
    reverse_request,
    settle_request,
    stay_bill,
    take_back,
)
from tools.played.people import EMPLOYEE, person, person_record
from yibao.catalogue.v1 import catalogue_pb2, records_pb2
from yibao.identity.v1 import person_pb2
from yibao.settlement.v1 import care_pb2, carried_pb2, settlement_pb2, stay_bill_pb2

ELSEWHERE = "990200"
AMOUNT = 400_000
LONG_TERM, REFERRAL = carried_pb2.FILING_KIND_LONG_TERM, carried_pb2.FILING_KIND_REFERRAL


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """One mesh for the tests of this file."""
    async with counter_in(tmp_path_factory.mktemp("mesh")) as made:
        ever = records_pb2.Validity(from_day=day_message(FROM))
        stack = records_pb2.PolicyStack(
            admdvs=ELSEWHERE, insutype=EMPLOYEE, policy_ids=["beijing-employee"], validity=ever
        )
        records = [catalogue_pb2.Record(stack=stack)]
        request = catalogue_pb2.PublishRequest(request_id="stack", records=records)
        await made.mesh.call("yibao.catalogue.v1.CatalogueService.Publish", request)
        yield made


async def stranger(counter: Counter, number: int) -> str:
    """Somebody whom the own cell insures in another pooling area, without a ledger yet."""
    record = person_record(person(7_000 + number))
    record.enrolments[0].insuplc_admdvs = ELSEWHERE
    request = person_pb2.RegisterPersonsRequest(request_id=f"stranger-{number}", persons=[record])
    await counter.mesh.call("yibao.identity.v1.PersonService.RegisterPersons", request)
    return record.person.psn_no


def filing(kind: Any = LONG_TERM, first: date | None = None) -> carried_pb2.CarriedFiling:
    return carried_pb2.CarriedFiling(kind=kind, filing_no="F1", filed_from=day_message(first or beijing_day(BEGIN)))


async def filed(counter: Counter, **told: Any) -> care_pb2.SettleFiledResponse:
    request = care_pb2.SettleFiledRequest(**told)
    answer: care_pb2.SettleFiledResponse = await counter.call("CareService.SettleFiled", request, ROUTING)
    return answer


def paid(answer: Any) -> int:
    return int(answer.setlinfo.fund_pay_sumamt_fen)


async def test_a_visit_is_tried_and_settled_with_the_filing_and_stands_as_the_institutions_own(
    counter: Counter,
) -> None:
    psn_no = await stranger(counter, 1)
    mdtrt_id = await counter.visit(psn_no, AMOUNT)
    trial = settlement_pb2.TrialRequest(desk=desk(), data=bill(psn_no, mdtrt_id, AMOUNT))
    without = (await filed(counter, visit_trial=trial)).visit_trial
    tried = (await filed(counter, visit_trial=trial, filing=filing())).visit_trial
    # (4,000 − 1,800) at 70 %, and 20 points less where nothing is filed.
    assert (paid(without), paid(tried)) == (110_000, 154_000)
    request = settle_request(counter.request_id(), psn_no, mdtrt_id, AMOUNT, without.trial_hash)
    with pytest.raises(Fault, match="TRIAL_OUTDATED"):
        await filed(counter, visit=request, filing=filing())
    request.trial_hash = tried.trial_hash
    settled = (await filed(counter, visit=request, filing=filing())).visit
    assert paid(settled) == 154_000
    # The message stands: its institution is answered without routing, and routing whatever it has found since.
    assert await counter.settle(request) == settled
    assert (await filed(counter, visit=request)).visit == settled
    counter_entry = await counter.call("SettlementService.Reverse", reverse_request("2208:R1", settled.setlinfo))
    assert paid(counter_entry) == -154_000


async def test_routing_is_told_for_what_it_is_to_look_up_a_filing(counter: Counter) -> None:
    psn_no = await stranger(counter, 5)
    mdtrt_id, request_id = await counter.visit(psn_no, AMOUNT), counter.request_id()
    request = settle_request(request_id, psn_no, mdtrt_id, AMOUNT)
    trial = settlement_pb2.TrialRequest(desk=desk(), data=request.data)
    for asked in (care_pb2.GetBillRequest(visit=request), care_pb2.GetBillRequest(visit_trial=trial)):
        told = await counter.call("CareService.GetBill", asked, ROUTING)
        assert told.insured_cell == "sandbox"
        assert told.own == care_pb2.OwnCare(care_admdvs="990100", begin_day=day_message(beijing_day(BEGIN)))
    settled = (await filed(counter, visit=request)).visit
    told = await counter.call("CareService.GetBill", care_pb2.GetBillRequest(visit=request), ROUTING)
    assert told.settled == settled


async def test_a_stay_is_settled_with_a_referral(counter: Counter) -> None:
    psn_no = await stranger(counter, 2)
    mdtrt_id = await counter.stay(psn_no, AMOUNT)
    await counter.discharge(psn_no, mdtrt_id)
    data, request_id = stay_bill(psn_no, mdtrt_id, AMOUNT), counter.request_id("2304")
    trial = stay_bill_pb2.TrialStayRequest(desk=desk(), data=data)
    tried = (await filed(counter, stay_trial=trial, filing=filing(REFERRAL))).stay_trial
    request = stay_bill_pb2.SettleStayRequest(request_id=request_id, desk=desk(request_id), data=data)
    settled = (await filed(counter, stay=request, filing=filing(REFERRAL))).stay
    # (4,000 − 1,300) at 85 %: a referral takes nothing from it.
    assert paid(tried) == paid(settled) == 229_500
    assert await counter.call("SettlementService.SettleStay", request) == settled


async def test_a_message_that_was_taken_back_is_not_settled_by_routing(counter: Counter) -> None:
    psn_no = await stranger(counter, 3)
    mdtrt_id, request_id = await counter.visit(psn_no, AMOUNT), counter.request_id()
    omsgid = request_id.partition(":")[2]
    await counter.call("SettlementService.ReverseMessage", take_back("2601:R3", "2207", omsgid, psn_no))
    with pytest.raises(Fault, match="MESSAGE_VOIDED"):
        await filed(counter, visit=settle_request(request_id, psn_no, mdtrt_id, AMOUNT))


async def test_other_content_under_the_same_message_and_a_filing_of_other_days_are_refused(counter: Counter) -> None:
    psn_no = await stranger(counter, 4)
    mdtrt_id, request_id = await counter.visit(psn_no, AMOUNT), counter.request_id()
    request = settle_request(request_id, psn_no, mdtrt_id, AMOUNT)
    with pytest.raises(Fault) as caught:
        await filed(counter, visit=request, filing=filing(first=beijing_day(BEGIN) + timedelta(1)))
    assert [each.path for each in caught.value.violations] == ["filing"]
    await filed(counter, visit=request)
    with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
        await filed(counter, visit=settle_request(request_id, psn_no, mdtrt_id, AMOUNT, invono="another"))


async def test_only_routing_brings_filings(counter: Counter) -> None:
    psn_no = counter.somebody()
    request = care_pb2.SettleFiledRequest(visit=settle_request(counter.request_id(), psn_no, "M", AMOUNT))
    for caller in (HERE, GATEWAY):
        with pytest.raises(Fault, match="NOT_ALLOWED"):
            await counter.call("CareService.SettleFiled", request, caller)
