"""A province's own kinds of care through the whole mesh: declared by the sample, decided as national ones, told back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.mesh import journeys
from tests.mesh.hospital import DRUG
from tests.mesh.world import Sandbox
from tools.played.messages import Row

ROWS = [Row(DRUG, 2, 100_000)]


async def test_a_visit_of_a_local_kind_is_told_back_as_it_came_everywhere(town: Sandbox) -> None:
    hospital = town.hospital
    plain = (await hospital.visit(await town.newcomers.one(), ROWS)).info
    who = await town.newcomers.one()
    mdtrt_id = await hospital.register(who, med_type="110104")
    await hospital.done("2204", hospital.lines(who, mdtrt_id, ROWS))
    bill = hospital.bill(who, mdtrt_id, ROWS, med_type="110104")
    tried = (await hospital.done("2206", {"data": bill})).output["setlinfo"]
    settled = await hospital.settle(bill)
    reference = {name: settled.info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}
    asked = (await hospital.done("5203", {"data": reference})).output["setlinfo"]
    lines = (await hospital.done("5204", {"data": reference})).output["data"]
    listed = (await hospital.done("5201", {"data": journeys.encounter_query(hospital, who)})).output["mdtrtinfo"]
    counter = (await hospital.done("2208", {"data": reference})).output["setlinfo"]
    told: list[Mapping[str, Any]] = [tried, settled.info, asked, *lines, *listed, counter]
    assert {each["med_type"] for each in told} == {"110104"}
    assert plain["med_type"] == "11"
    for name in ("fund_pay_sumamt", "psn_part_amt", "clr_type"):
        assert settled.info[name] == plain[name]


async def test_a_stay_of_a_local_kind_is_told_back_as_it_came(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    nodes: dict[str, Any] = hospital.admission(who)
    nodes["mdtrtinfo"]["med_type"] = "24"
    mdtrt_id = str((await hospital.done("2401", nodes)).output["result"]["mdtrt_id"])
    sent: dict[str, Any] = hospital.lines(who, mdtrt_id, ROWS)
    for row in sent["feedetail"]:
        row["med_type"] = "24"
    await hospital.done("2301", sent)
    await hospital.discharge(who, mdtrt_id)
    bill = hospital.bill(who, mdtrt_id, ROWS)
    settled = await hospital.settle(bill, "2304")
    assert (settled.info["med_type"], settled.info["clr_type"]) == ("24", "21")


async def test_a_kind_that_nobody_declared_is_refused_with_what_to_do(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    node = await hospital.open_visit(who, ROWS, med_type="5399")
    answer = await hospital.send("2206", {"data": node})
    assert answer.message.startswith("[MED_TYPE_UNDECLARED] 医疗类别5399不是国家代码，就医地990100在")
    assert answer.message.endswith("请改用国家医疗类别代码，或请就医地医保经办机构在目录中声明该类别及其对应的国家类别")
    refused = await hospital.send("2203", hospital.visit_nodes(who, node["mdtrt_id"], "5399"))
    assert refused.message.startswith("[MED_TYPE_UNDECLARED]")
