"""1101 and 2201 over loopback: what an enrolment is told to be, and who is asked for where no credential was shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.kernel.errors import Fault
from tests.settlement.counter import SOMEBODY
from tests.settlement.counter_member import Reached, member_in
from tests.settlement.test_rpc_encounters import insured_query, registration
from tests.settlement.world import insured
from yibao.common.v1 import codes_pb2


@pytest.fixture
async def member(tmp_path: Path) -> AsyncIterator[Reached]:
    """The running member."""
    async with member_in(tmp_path) as reached:
        yield reached


async def test_1101_tells_that_an_enrolment_is_over_and_of_one_in_force_no_day(member: Reached) -> None:
    person = insured(SOMEBODY)
    over = replace(person.enrolments[0], to_day=date(2020, 12, 31))
    ending = replace(person.enrolments[0], insutype="390", to_day=date(2030, 12, 31))
    never = replace(person.enrolments[0], insutype="391", psn_insu_stas="3")
    member.counter.identity.people[SOMEBODY] = replace(person, enrolments=(over, ending, never))
    rows = (await member.call(member.encounters.GetInsuredInfo, insured_query())).insuinfo
    assert [(row.psn_insu_stas, row.paus_insu_date.year) for row in rows] == [("4", 2020), ("1", 0), ("3", 2015)]


async def test_1101_and_2201_ask_for_a_certificate_where_no_credential_was_shown(member: Reached) -> None:
    ask, register = member.encounters.GetInsuredInfo, member.encounters.RegisterVisit
    nothing: dict[str, Any] = {"mdtrt_cert_type": codes_pb2.MDTRT_CERT_TYPE_UNSPECIFIED, "mdtrt_cert_no": " "}
    for method, request in ((ask, insured_query(**nothing)), (register, registration(**nothing))):
        with pytest.raises(Fault, match="INVALID_REQUEST") as refused:
            await member.call(method, request)
        assert [each.path for each in refused.value.violations] == ["data.mdtrt_cert_no"]
    by_passport = nothing | {"psn_cert_type": "08", "certno": "E1"}
    assert (await member.call(register, registration(**by_passport))).data.psn_no == SOMEBODY
