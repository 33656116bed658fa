"""What 5201 tells of encounters, on a running member."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from google.type.date_pb2 import Date

from tests.settlement.counter import BEGIN
from tests.settlement.counter_member import HERE, Reached, member_in
from tests.settlement.test_rpc_encounters import admission, at, discharge, listing, visit
from yibao.common.v1 import codes_pb2


@pytest.fixture
async def member(tmp_path: Path) -> AsyncIterator[Reached]:
    async with member_in(tmp_path) as reached:
        yield reached


async def test_5201_calls_a_visit_that_was_not_described_yet_out_patient(member: Reached) -> None:
    mdtrt_id = await visit(member)
    request = listing()
    for med_type in (codes_pb2.MED_TYPE_UNSPECIFIED, codes_pb2.MED_TYPE_OUTPATIENT):
        request.data.med_type = med_type
        (told,) = (await member.call(member.encounters.ListEncounters, request)).mdtrtinfo
        assert (told.mdtrt_id, told.med_type) == (mdtrt_id, codes_pb2.MED_TYPE_OUTPATIENT)
    request.data.med_type = codes_pb2.MED_TYPE_OUTPATIENT_CHRONIC
    assert not (await member.call(member.encounters.ListEncounters, request)).mdtrtinfo


async def test_5201_tells_what_admission_and_discharge_told(member: Reached) -> None:
    birth = {"matn_type": "1", "latechb_flag": "0", "geso_val": "38", "fetts": "1", "fetus_cnt": "2", "pret_flag": "1"}
    operation = {"oprn_oprt_code": "74.1x00", "oprn_oprt_name": "剖宫产术", "fpsc_no": "F1"}
    answer = await member.call(member.encounters.Admit, admission(**operation, fetts="2"))
    mdtrt_id, day = answer.result.mdtrt_id, Date(year=2027, month=1, day=2)
    end = BEGIN + timedelta(days=366)
    request = discharge(mdtrt_id, endtime=at(end), **birth, cop_flag="1", die_date=day)
    await member.call(member.encounters.Discharge, request, HERE, end.date())
    (told,) = (await member.call(member.encounters.ListEncounters, listing())).mdtrtinfo
    wanted = {**operation, **birth, "cop_flag": "1", "die_date": day, "ars_year_ipt_flag": True}
    assert {name: getattr(told, name) for name in wanted} == wanted
