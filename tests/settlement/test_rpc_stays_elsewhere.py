"""Stays of persons whom another cell insures, on a running member: changed by routing's calls alone, answered again by the
institution's own; and at the insured cell, held and let go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.kernel.errors import FaultKind
from tests.settlement.counter import BEGIN, SOMEBODY
from tests.settlement.counter_member import Reached, desk, member_in
from tests.settlement.test_rpc_care import THERE, admitted, told
from tests.settlement.test_rpc_encounters import admission, at, fee, stay_reference
from tests.settlement.world import OTHER_HOSPITAL
from yibao.settlement.v1 import care_pb2, reversal_pb2, stay_pb2, stay_reservation_pb2

TAKEN_BACK = reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK
NEVER = reversal_pb2.MESSAGE_OUTCOME_NOT_ARRIVED


@pytest.fixture
async def member(tmp_path: Path) -> AsyncIterator[Reached]:
    """The running member; its identity knows nobody."""
    async with member_in(tmp_path) as reached:
        reached.counter.identity.people.clear()
        yield reached


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Reached]:
    """The running member that insures somebody."""
    async with member_in(tmp_path) as reached:
        yield reached


def discharge(mdtrt_id: str = "M1", request_id: str = "2402:1", **changes: Any) -> stay_pb2.DischargeRequest:
    data: dict[str, Any] = {
        "mdtrt_id": mdtrt_id,
        "psn_no": SOMEBODY,
        "insutype": "310",
        "endtime": at(BEGIN + timedelta(days=2)),
        "dise_codg": "M03900",
        **changes,
    }
    return stay_pb2.DischargeRequest(request_id=request_id, desk=desk(), dscginfo=stay_pb2.DischargeInformation(**data))


def undo(request_id: str = "2405:1") -> stay_pb2.UndoDischargeRequest:
    return stay_pb2.UndoDischargeRequest(request_id=request_id, desk=desk(), data=stay_reference("M1"))


def cancel(request_id: str = "2404:1") -> stay_pb2.CancelAdmissionRequest:
    return stay_pb2.CancelAdmissionRequest(request_id=request_id, desk=desk(), data=stay_reference("M1"))


def take_back(
    request_id: str = "2601:1", omsgid: str = "1", oinfno: str = "2401"
) -> reversal_pb2.ReverseMessageRequest:
    data = reversal_pb2.MessageReference(psn_no=SOMEBODY, omsgid=omsgid, oinfno=oinfno)
    return reversal_pb2.ReverseMessageRequest(request_id=request_id, desk=desk(), data=data)


async def change(member: Reached, order_no: str = "R1", **request: Any) -> care_pb2.ChangeStayResponse:
    answer: care_pb2.ChangeStayResponse = await member.routed(
        member.care.ChangeStay, care_pb2.ChangeStayRequest(order_no=order_no, **request)
    )
    return answer


async def state(member: Reached) -> str:
    return (await member.counter.encounter("M1")).state


async def test_a_discharge_waits_for_routing_and_is_then_answered_by_the_unary_method(member: Reached) -> None:
    await admitted(member)
    ask = member.encounters.Discharge
    fault = await member.fault(ask, discharge())
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "INSURED_ELSEWHERE")
    assert fault.metadata == {"cell": THERE}
    assert await state(member) == "open"
    await change(member, discharge=discharge())
    kept = await member.counter.encounter("M1")
    assert (kept.state, kept.end_at, kept.dise_codg) == ("discharged", BEGIN + timedelta(days=2), "M03900")
    assert not (await member.call(ask, discharge())).undone
    assert await change(member, discharge=discharge())
    assert await member.reason(ask, discharge(dise_codg="M01600")) == "REQUEST_ID_REUSED"
    await change(member, undo_discharge=undo())
    assert (await member.call(ask, discharge())).undone


async def test_what_can_be_refused_at_home_needs_no_routing(member: Reached) -> None:
    await admitted(member)
    await fee(member, "M1", inpatient=True)
    early = discharge(endtime=at(BEGIN - timedelta(days=1)))
    assert (await member.fault(member.encounters.Discharge, early)).kind is FaultKind.INVALID
    assert await member.reason(member.encounters.CancelAdmission, cancel()) == "FEES_PRESENT"
    assert await member.reason(member.encounters.UndoDischarge, undo()) == "ENCOUNTER_STATE"
    assert await member.reason(member.settlements.ReverseMessage, take_back()) == "FEES_PRESENT"


async def test_the_end_of_a_stay_is_undone_by_routing(member: Reached) -> None:
    await admitted(member)
    await change(member, discharge=discharge())
    ask = member.encounters.UndoDischarge
    assert await member.reason(ask, undo()) == "INSURED_ELSEWHERE"
    assert await state(member) == "discharged"
    await change(member, undo_discharge=undo())
    assert await state(member) == "open"
    assert not (await member.call(ask, undo())).discharged
    # As it lies as the first one left it, nobody elsewhere is to know of a second.
    await member.call(ask, undo("2405:2"))
    await change(member, discharge=discharge(request_id="2402:2"))
    assert (await member.call(ask, undo())).discharged


async def test_an_admission_is_cancelled_by_routing(member: Reached) -> None:
    await admitted(member)
    ask = member.encounters.CancelAdmission
    assert await member.reason(ask, cancel()) == "INSURED_ELSEWHERE"
    await change(member, cancel_admission=cancel())
    assert await state(member) == "cancelled"
    for request_id in ("2404:1", "2404:2"):
        await member.call(ask, cancel(request_id))
    assert (await member.call(member.encounters.Admit, admission())).cancelled
    assert await admitted(member, "M2", "2401:2") == "M2"


async def test_a_message_of_admission_is_taken_back_by_routing(member: Reached) -> None:
    await admitted(member)
    ask = member.settlements.ReverseMessage
    fault = await member.fault(ask, take_back())
    assert (fault.reason, fault.metadata) == ("INSURED_ELSEWHERE", {"cell": THERE})
    answer = (await change(member, message=take_back())).message
    assert (answer.outcome, answer.mdtrt_id) == (TAKEN_BACK, "M1")
    assert await state(member) == "cancelled"
    assert await member.call(ask, take_back()) == answer
    assert await member.call(ask, take_back("2601:2")) == answer
    assert (await change(member, message=take_back())).message == answer


async def test_an_admission_that_was_taken_back_before_it_came_is_registered_by_nobody(member: Reached) -> None:
    assert (await member.call(member.settlements.ReverseMessage, take_back())).outcome == NEVER
    request = care_pb2.RegisterCareRequest(admission=admission(), mdtrt_id="M1")
    request.insured.CopyFrom(told())
    assert (await member.refused(member.care.RegisterCare, request)).reason == "MESSAGE_VOIDED"
    assert not (await member.routed(member.care.EndAdmission, care_pb2.EndAdmissionRequest(mdtrt_id="M1"))).registered


async def test_routing_takes_back_no_other_message(member: Reached) -> None:
    request = care_pb2.ChangeStayRequest(order_no="R1", message=take_back(oinfno="2207"))
    fault = await member.refused(member.care.ChangeStay, request)
    assert (fault.reason, fault.metadata) == ("NOT_REVERSIBLE", {"oinfno": "2207"})


def reservation(
    request_id: str = "reserve:1", mdtrt_id: str = "M1", opener: str = "routing"
) -> stay_reservation_pb2.ReserveStayRequest:
    return stay_reservation_pb2.ReserveStayRequest(
        request_id=request_id,
        opener=opener,
        mdtrt_id=mdtrt_id,
        psn_no=SOMEBODY,
        fixmedins_code=OTHER_HOSPITAL,
        care_cell="110000",
        begin_time=at(),
    )


async def reserve(home: Reached, *of: str) -> None:
    await home.routed(home.reservations.ReserveStay, reservation(*of))


async def release(home: Reached, request_id: str, undoes: str = "", mdtrt_id: str = "M1") -> None:
    request = stay_reservation_pb2.ReleaseStayRequest(
        request_id=request_id, opener="routing", mdtrt_id=mdtrt_id, undoes=undoes
    )
    await home.routed(home.reservations.ReleaseStay, request)


async def test_who_lies_elsewhere_is_admitted_nowhere_until_that_stay_is_let_go(home: Reached) -> None:
    await reserve(home)
    await reserve(home)
    fault = await home.fault(home.encounters.Admit, admission())
    # The number of a stay is its own hospital's to know.
    assert (fault.reason, fault.metadata) == ("STAY_OPEN", {"mdtrt_id": ""})
    fault = await home.refused(home.reservations.ReserveStay, reservation("reserve:2", "M2"))
    assert (fault.reason, fault.metadata) == ("STAY_OPEN", {"mdtrt_id": "M1"})
    await release(home, "release:1")
    mdtrt_id = (await home.call(home.encounters.Admit, admission())).result.mdtrt_id
    assert (await home.refused(home.reservations.ReserveStay, reservation("reserve:2", "M2"))).reason == "STAY_OPEN"
    await home.call(home.encounters.Discharge, discharge(mdtrt_id))
    await reserve(home, "reserve:2", "M2")


async def test_a_reservation_that_was_undone_before_it_came_is_refused(home: Reached) -> None:
    await release(home, "release:1", "reserve:1")
    fault = await home.refused(home.reservations.ReserveStay, reservation())
    assert (fault.reason, fault.metadata) == ("MESSAGE_VOIDED", {"request_id": "reserve:1"})
    await reserve(home, "reserve:2")
    await release(home, "release:1", "reserve:1")
    assert await home.reason(home.encounters.Admit, admission()) == "STAY_OPEN"


async def test_a_release_of_what_is_not_held_is_a_success(home: Reached) -> None:
    await release(home, "release:1")
    await release(home, "release:1")
    await reserve(home)
    other = stay_reservation_pb2.ReleaseStayRequest(request_id="release:1", opener="routing", mdtrt_id="M2")
    assert (await home.refused(home.reservations.ReleaseStay, other)).reason == "REQUEST_ID_REUSED"
    assert (await home.refused(home.reservations.ReserveStay, reservation(mdtrt_id="M2"))).reason == "REQUEST_ID_REUSED"


async def test_whoever_calls_opens_in_its_own_name(home: Reached) -> None:
    fault = await home.refused(home.reservations.ReserveStay, reservation(opener="gateway"))
    assert fault.kind is FaultKind.DENIED
