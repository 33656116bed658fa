"""Registration of a visit whose number is open already under another insurance type, on a running member."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.kernel.errors import FaultKind
from services.runtime.texts.table import text
from tests.settlement.counter import SOMEBODY
from tests.settlement.counter_member import Reached, desk, member_in
from tests.settlement.test_operations_encounters import refusal
from tests.settlement.test_rpc_encounters import registration
from tests.settlement.world import EMPLOYEE, RESIDENT, insured
from yibao.settlement.v1 import visit_pb2


@pytest.fixture
async def member(tmp_path: Path) -> AsyncIterator[Reached]:
    """The running member, and somebody who is enrolled in two insurance types."""
    async with member_in(tmp_path) as reached:
        person = insured(SOMEBODY, EMPLOYEE)
        both = (*person.enrolments, *insured(SOMEBODY, RESIDENT).enrolments)
        reached.counter.identity.people[SOMEBODY] = replace(person, enrolments=both)
        yield reached


async def test_2201_names_the_visit_that_is_open_under_another_insurance_type(member: Reached) -> None:
    ask = member.encounters.RegisterVisit
    first = (await member.call(ask, registration("2201:1"))).data.mdtrt_id
    assert (await member.call(ask, registration("2201:2"))).data.mdtrt_id == first
    other = registration("2201:3", insutype=RESIDENT)
    fault = await member.fault(ask, other)
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "VISIT_OPEN")
    assert fault.metadata == {"mdtrt_id": first, "insutype": EMPLOYEE}
    for told in (text(fault, "zh"), text(fault, "en")):
        assert first in told
        assert "2202" in told
    cancelled = visit_pb2.VisitCancellation(mdtrt_id=first, psn_no=SOMEBODY)
    request = visit_pb2.CancelVisitRequest(request_id="2202:1", desk=desk(), data=cancelled)
    await member.call(member.encounters.CancelVisit, request)
    second = (await member.call(ask, other)).data.mdtrt_id
    assert second != first
    assert (await member.counter.encounter(second)).insutype == RESIDENT


async def test_a_refused_registration_leaves_the_open_visit_as_it_is(member: Reached) -> None:
    counter = member.counter
    first = await counter.register("2201:1")
    before = await counter.encounter(first)
    token = f"token:{SOMEBODY}:1"
    assert (await refusal(counter.register("2201:2", insutype=RESIDENT, token=token))).reason == "VISIT_OPEN"
    assert await counter.encounter(first) == before
    assert await counter.register("2201:3", insutype=RESIDENT, number="N2") != first
