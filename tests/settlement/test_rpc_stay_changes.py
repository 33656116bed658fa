"""Changes of stays of whom another cell insures, as routing asks for them by a number, and closes that number where it does not
know what came of one.
"""

from __future__ import annotations

from typing import Any

import pytest

from services import cells
from services.kernel.errors import FaultKind
from tests.settlement.counter import SOMEBODY
from tests.settlement.counter_member import Reached, desk
from tests.settlement.test_rpc_care import THERE, admitted, registered
from tests.settlement.test_rpc_stays_elsewhere import cancel, change, discharge, member, take_back, undo
from yibao.settlement.v1 import care_pb2, encounter_pb2
from yibao.settlement.v1.encounter_pb2_grpc import EncounterServiceStub

__all__ = ["member"]


async def changed(member: Reached, order_no: str, **asked: Any) -> bool:
    """Whether the person lies there after a change that must succeed."""
    return (await change(member, order_no, **asked)).open


async def closed(member: Reached, order_no: str) -> bool:
    """The same after the change of that number was closed."""
    request = care_pb2.EndStayChangeRequest(order_no=order_no, mdtrt_id="M1")
    return bool((await member.routed(member.care.EndStayChange, request)).open)


async def test_a_change_tells_whether_the_person_lies_there_and_its_repeat_tells_of_now(member: Reached) -> None:
    await admitted(member)
    assert not await changed(member, "R1", discharge=discharge())
    assert await changed(member, "R2", undo_discharge=undo())
    assert await changed(member, "R1", discharge=discharge())
    assert not await changed(member, "R3", cancel_admission=cancel())
    assert not await changed(member, "R2", undo_discharge=undo())
    await admitted(member, "M1", "2401:1")
    assert not await changed(member, "R4", message=take_back())


@pytest.mark.parametrize(
    "asked",
    [{"discharge": discharge()}, {"cancel_admission": cancel()}, {"message": take_back()}],
    ids=["2402", "2404", "2601"],
)
async def test_a_change_that_was_closed_before_it_came_is_refused_and_another_one_is_not(
    member: Reached, asked: dict[str, Any]
) -> None:
    await admitted(member)
    assert await closed(member, "R1")
    assert await closed(member, "R1")
    fault = await member.refused(member.care.ChangeStay, care_pb2.ChangeStayRequest(order_no="R1", **asked))
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "MESSAGE_VOIDED")
    assert not await changed(member, "R2", **asked)
    assert not await closed(member, "R2")
    # What was done under the message is answered, whatever number asks.
    assert not await changed(member, "R1", **asked)


async def test_the_return_of_a_stay_is_closed_as_its_end_is(member: Reached) -> None:
    await admitted(member)
    await changed(member, "R1", discharge=discharge())
    assert not await closed(member, "R2")
    fault = await member.refused(
        member.care.ChangeStay, care_pb2.ChangeStayRequest(order_no="R2", undo_discharge=undo())
    )
    assert fault.reason == "MESSAGE_VOIDED"
    assert await changed(member, "R3", undo_discharge=undo())
    assert await closed(member, "R3")


async def test_nobody_lies_in_a_stay_that_is_none(member: Reached) -> None:
    assert not await closed(member, "R1")


async def test_the_place_of_care_tells_who_insures(member: Reached) -> None:
    stub = member.routing.stub(EncounterServiceStub, "settlement", cells.SANDBOX)
    asked = encounter_pb2.GetCareStateRequest(fixmedins_code=desk().fixmedins_code, psn_no=SOMEBODY)
    for mdtrt_id in (await admitted(member), await registered(member)):
        asked.mdtrt_id = mdtrt_id
        assert (await member.routed(stub.GetCareState, asked)).insured_cell == THERE
