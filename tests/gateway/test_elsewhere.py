"""Where the own cell does not know a person: who is asked then, and what is told where nobody answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from google.protobuf.message import Message

from gateway.backend import CallOptions
from gateway.elsewhere import across_cells
from services.kernel.elsewhere import STILL_UNDER_WAY, insured_elsewhere
from services.kernel.errors import Fault, FaultKind, precondition
from services.kernel.persons import person_not_found
from services.runtime.call import Caller, Role
from services.runtime.contract import Contract, MethodContract
from yibao.routing.v1 import elsewhere_bills_pb2, elsewhere_pb2
from yibao.settlement.v1 import insured_pb2, settlement_pb2

CONTRACT = Contract.of_mesh()
ASKED = CONTRACT.method("yibao.settlement.v1.EncounterService.CheckBenefit")
OTHER = CONTRACT.method("yibao.routing.v1.ElsewhereService.CheckBenefit")
OPTIONS = CallOptions(Caller(Role.INSTITUTION, "H99010000001", True), 5.0, date(2026, 6, 10))
REQUEST = insured_pb2.CheckBenefitRequest(data=insured_pb2.BenefitQuery(psn_no="99010000000000000001"))
UNKNOWN = person_not_found("data.psn_no")


def away(member: str) -> Fault:
    """As an outbound call tells it."""
    return Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": member})


@dataclass
class Answering:
    """A backend that answers one thing, or refuses, and keeps what it was asked."""

    answer: Any
    asked: list[tuple[MethodContract, Message, CallOptions]] = field(default_factory=list)

    async def call(self, method: MethodContract, request: Message, options: CallOptions) -> Message:
        """The answer."""
        self.asked.append((method, request, options))
        if isinstance(self.answer, Exception):
            raise self.answer
        found: Message = self.answer
        return found


async def told(home: Answering, routing: Answering, method: MethodContract = ASKED, request: Message = REQUEST) -> Any:
    """What a gateway of a mesh of two cells comes to: an answer or a refusal."""
    try:
        return await across_cells(home, routing, routing, CONTRACT, beside_others=True).call(method, request, OPTIONS)
    except Fault as fault:
        return fault


async def test_whoever_is_known_here_is_on_no_way_that_passes_routing() -> None:
    routing = Answering(away("routing"))
    for answer in (insured_pb2.CheckBenefitResponse(), precondition("MED_TYPE_UNDECLARED"), away("settlement")):
        assert await told(Answering(answer), routing) is answer
    assert routing.asked == []


async def test_the_same_request_goes_to_routing_in_the_same_name_and_its_answer_is_the_answer() -> None:
    found = insured_pb2.CheckBenefitResponse(trtinfo=[insured_pb2.Trtinfo(fund_pay_type="310100")])
    routing = Answering(elsewhere_pb2.CheckBenefitResponse(response=found))
    assert await told(Answering(UNKNOWN), routing) == found
    ((method, request, options),) = routing.asked
    assert (method, request) == (OTHER, elsewhere_pb2.CheckBenefitRequest(request=REQUEST))
    assert (options.caller, options.business_date) == (OPTIONS.caller, OPTIONS.business_date)
    assert 4.0 < options.timeout_s <= OPTIONS.timeout_s


async def test_who_is_known_nowhere_is_told_as_the_own_cell_tells_it() -> None:
    elsewhere = person_not_found("data.certno")
    assert await told(Answering(UNKNOWN), Answering(elsewhere)) is UNKNOWN


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (away("routing"), "ROUTING_UNAVAILABLE"),
        (Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED"), "ROUTING_UNAVAILABLE"),
        (Fault(FaultKind.UNAVAILABLE, "CELL_UNAVAILABLE", {"cell": "370000"}), "CELL_UNAVAILABLE"),
        (precondition("INSURED_TWICE"), "INSURED_TWICE"),
    ],
)
async def test_what_keeps_routing_from_an_answer_is_told_by_its_name(refusal: Fault, reason: str) -> None:
    fault = await told(Answering(UNKNOWN), Answering(refusal))
    assert fault.reason == reason
    if reason.endswith("UNAVAILABLE"):
        assert fault.kind is FaultKind.UNAVAILABLE


async def test_what_would_have_held_up_a_list_is_asked_for_alone_within_the_same_time() -> None:
    found = insured_pb2.CheckBenefitResponse(trtinfo=[insured_pb2.Trtinfo(fund_pay_type="310100")])
    listed = Answering(Fault(FaultKind.UNAVAILABLE, STILL_UNDER_WAY))
    alone = Answering(elsewhere_pb2.CheckBenefitResponse(response=found))
    gateway = across_cells(Answering(UNKNOWN), listed, alone, CONTRACT, beside_others=True)
    assert await gateway.call(ASKED, REQUEST, OPTIONS) == found
    assert [method for method, *_ in (*listed.asked, *alone.asked)] == [OTHER, OTHER]
    assert alone.asked[0][2].timeout_s <= listed.asked[0][2].timeout_s


async def test_what_the_own_cell_told_goes_with_the_request_and_is_too_old_for_who_asks_again() -> None:
    settle, found = CONTRACT.method("yibao.settlement.v1.SettlementService.Settle"), settlement_pb2.SettleResponse()
    found.setlinfo.setl_id = "1"
    refused = insured_elsewhere("370000")
    refused.told = b"a bill"
    listed = Answering(Fault(FaultKind.UNAVAILABLE, STILL_UNDER_WAY))
    alone = Answering(elsewhere_bills_pb2.SettleResponse(response=found))
    request = settlement_pb2.SettleRequest(request_id="2207:1")
    gateway = across_cells(Answering(refused), listed, alone, CONTRACT, beside_others=True)
    assert await gateway.call(settle, request, OPTIONS) == found
    (first, again) = (asked for _, asked, _ in (*listed.asked, *alone.asked))
    assert first == elsewhere_bills_pb2.SettleRequest(request=request, told=b"a bill")
    assert again == elsewhere_bills_pb2.SettleRequest(request=request)


async def test_what_the_contract_does_not_serve_elsewhere_is_refused_as_ever() -> None:
    settle, routing = CONTRACT.method("yibao.settlement.v1.SettlementService.Settle"), Answering(away("routing"))
    assert await told(Answering(UNKNOWN), routing, settle, settlement_pb2.SettleRequest()) is UNKNOWN
    assert routing.asked == []


def test_a_gateway_of_a_single_cell_knows_no_elsewhere() -> None:
    home = Answering(UNKNOWN)
    assert across_cells(home, Answering(UNKNOWN), Answering(UNKNOWN), CONTRACT, beside_others=False) is home
