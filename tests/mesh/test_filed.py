"""Care in another pooling area of the own cell, through the whole mesh: somebody of Chengdu at a hospital of Wuhan, both of the
sandbox's cell. The filing that routing keeps decides; the books stay the cell's own, in one commit.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from services.runtime.wire import day_message
from tests.mesh import paying
from tests.mesh.harness import Mesh, seed_world, started_mesh
from tests.mesh.hospital import DRUG, Hospital, fen, hospital_at, rest
from tests.mesh.people import Newcomers
from tests.mesh.seeds import FROM
from tests.mesh.test_cells import WITHOUT_ROUTING
from tests.mesh.test_elsewhere import AT_ONCE_S
from tests.mesh.world import ledger_findings
from tests.settlement.stacks import document
from tools.played.messages import Patient, Row, patient_of
from tools.played.people import EMPLOYEE, person, person_record
from yibao.catalogue.v1 import catalogue_pb2, records_pb2
from yibao.identity.v1 import partner_pb2, person_pb2
from yibao.options.v1 import options_pb2

CELLS = {"YIBAO_CELLS": "sandbox,370000", "YIBAO_CELL": "sandbox"}
CHENGDU, WUHAN = "510100", "420100"
HOSPITAL = "H42010000001"
POLICY = "chengdu-employee@2023-01-01"
BILL = (Row(DRUG, 1, 120_000),)
AT_HOME, UNFILED, REFERRED = 50_000, 35_000, 45_000
"""Of 1,200.00 yuan: 50 % above 200.00; less by the policy's factor of 70 % where nothing is filed, and of 90 % for a referral."""


@dataclass(slots=True)
class Wuhan:
    """The hospital, and people of Chengdu."""

    mesh: Mesh
    hospital: Hospital
    numbers: int = 7_800

    async def stranger(self) -> Patient:
        """Somebody of Chengdu without a ledger yet."""
        self.numbers += 1
        invented = person(self.numbers)
        record = person_record(invented)
        record.enrolments[0].insuplc_admdvs = CHENGDU
        request = person_pb2.RegisterPersonsRequest(request_id=f"of-chengdu-{self.numbers}", persons=[record])
        await self.mesh.call("yibao.identity.v1.PersonService.RegisterPersons", request)
        return replace(patient_of(invented), home=CHENGDU)

    async def file(self, who: Patient) -> None:
        """A move to Wuhan, filed today."""
        body = {"requestId": f"file-{who.psn_no}", "psnNo": who.psn_no, "careAdmdvs": WUHAN}
        await rest(self.hospital, "/v1/filings", body | {"kind": "FILING_KIND_LONG_TERM"})


def of_wuhan() -> catalogue_pb2.PublishRequest:
    """The hospital, and what Chengdu pays by."""
    ever = records_pb2.Validity(from_day=day_message(FROM))
    place = records_pb2.Institution(
        fixmedins_code=HOSPITAL,
        fixmedins_name="武汉测试医院",
        fixmedins_type="1",
        hosp_lv="3",
        policy_hosp_lv="3",
        admdvs=WUHAN,
        validity=ever,
    )
    name = POLICY.partition("@")[0]
    stack = records_pb2.PolicyStack(admdvs=CHENGDU, insutype=EMPLOYEE, policy_ids=[name], validity=ever)
    policy = json.dumps(document(POLICY), ensure_ascii=False)
    records = [
        catalogue_pb2.Record(policy=records_pb2.PolicyDocument(document_json=policy)),
        catalogue_pb2.Record(institution=place),
        catalogue_pb2.Record(stack=stack),
    ]
    return catalogue_pb2.PublishRequest(request_id="wuhan", records=records)


def partner_of_wuhan() -> partner_pb2.RegisterPartnerRequest:
    """The hospital as a partner."""
    partner = partner_pb2.Partner(
        partner_code=HOSPITAL,
        partner_name="武汉测试医院",
        role=options_pb2.ROLE_INSTITUTION,
        auth_style=partner_pb2.AUTH_STYLE_NONE,
        sandbox=True,
    )
    return partner_pb2.RegisterPartnerRequest(request_id="wuhan", partner=partner)


@asynccontextmanager
async def wuhan_in(folder: Path, members: tuple[str, ...] = ()) -> AsyncIterator[Wuhan]:
    """The sandbox's cell of a mesh of two."""
    async with started_mesh(folder, overrides=CELLS, members=members) as mesh:
        await seed_world(mesh)
        await mesh.call("yibao.catalogue.v1.CatalogueService.Publish", of_wuhan())
        await mesh.call("yibao.identity.v1.PartnerService.RegisterPartner", partner_of_wuhan())
        async with hospital_at(mesh.url, mesh.clock) as line:
            yield Wuhan(mesh, line.at(HOSPITAL, "武汉测试医院", WUHAN))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def wuhan(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wuhan]:
    async with wuhan_in(tmp_path_factory.mktemp("wuhan")) as made:
        yield made


def members_of(mesh: Mesh, msgid: str) -> set[str]:
    """Who had a part in a message."""
    store = mesh.traces()
    return {span.service.rpartition("/")[2] for key in store.find(msgid) for span in store.spans(key)}


async def test_the_filing_that_routing_keeps_decides_what_is_paid(wuhan: Wuhan) -> None:
    hospital = wuhan.hospital
    unfiled, filed = await wuhan.stranger(), await wuhan.stranger()
    await wuhan.file(filed)
    for who, expected in ((unfiled, UNFILED), (filed, AT_HOME)):
        node = await hospital.open_visit(who, BILL)
        tried = await hospital.done("2206", {"data": node}, home=who.home)
        settled = await hospital.settle(node, home=who.home)
        paid = [fen(each["fund_pay_sumamt"]) for each in (tried.output["setlinfo"], settled.info)]
        assert paid == [expected, expected]
        assert "routing" in members_of(wuhan.mesh, settled.msgid)
        # The message stands in the own cell: a repeat is answered by it alone, byte for byte, and 2208 is its own too.
        again = await hospital.send("2207", {"data": node}, msgid=settled.msgid, home=who.home)
        assert again.output_text == settled.answer.output_text
        undone = hospital.next_msgid()
        await hospital.done("2208", {"data": settled.reference}, msgid=undone, home=who.home)
        assert members_of(wuhan.mesh, undone) == {"gateway", "settlement"}
    assert await ledger_findings(wuhan.mesh) == []


async def test_a_stay_that_was_admitted_before_its_filing_counts_as_filed_from_its_admission(wuhan: Wuhan) -> None:
    hospital, who = wuhan.hospital, await wuhan.stranger()
    mdtrt_id = await hospital.admit(who)
    await hospital.done("2301", hospital.lines(who, mdtrt_id, BILL), home=who.home)
    node = {"data": hospital.bill(who, mdtrt_id, BILL)}
    before = await hospital.done("2303", node, home=who.home)
    await wuhan.file(who)
    after = await hospital.done("2303", node, home=who.home)
    await hospital.discharge(who, mdtrt_id)
    settled = await hospital.settle(node["data"], "2304", home=who.home)
    paid = [fen(each.output["setlinfo"]["fund_pay_sumamt"]) for each in (before, after, settled.answer)]
    assert paid[0] == paid[1] * 7 // 10
    assert paid[2] == paid[1]


async def test_what_the_institution_says_decides_without_routing(wuhan: Wuhan) -> None:
    hospital, who = wuhan.hospital, await wuhan.stranger()
    node = await hospital.open_visit(who, BILL, exp_content='{"OTP_ER_REFL_FLAG":"2"}')
    settled = await hospital.settle(node, home=who.home)
    assert fen(settled.info["fund_pay_sumamt"]) == REFERRED
    assert "routing" not in members_of(wuhan.mesh, settled.msgid)


async def test_without_routing_such_bills_are_told_at_once_and_local_ones_settle(tmp_path: Path) -> None:
    async with wuhan_in(tmp_path, WITHOUT_ROUTING) as alone:
        hospital, who = alone.hospital, await alone.stranger()
        node = await hospital.open_visit(who, BILL)
        begun = time.monotonic()
        response = await hospital.post(hospital.envelope("2207", {"data": node}, home=who.home))
        assert time.monotonic() - begun < AT_ONCE_S
        assert response.status_code == 503
        assert response.json()["err_msg"].startswith("[ROUTING_UNAVAILABLE]")
        at_home = hospital.at("H99010000001", "测试医院", "990100")
        await at_home.visit(await Newcomers(alone.mesh).one(), BILL)


async def test_an_order_of_payment_is_opened_with_what_was_filed(wuhan: Wuhan) -> None:
    hospital = wuhan.hospital
    await paying.has_a_key(hospital)
    unfiled, filed = await wuhan.stranger(), await wuhan.stranger()
    await wuhan.file(filed)
    funds = []
    for who in (unfiled, filed):
        auth = await paying.authorised(hospital, who)
        bill = paying.fees(hospital, who, auth)
        line = bill["feedetailList"][0] | {"detItemFeeSumamt": 1200, "pric": 600}
        changes = {"chrgBchno": bill["chrgBchno"], "medfeeSumamt": 1200, "feedetailList": [line]}
        saved, split = await paying.placed_by(hospital, who, auth, **changes)
        paid = await paying.paid(hospital, saved)
        assert paid["order"]["phase"] == "ORDER_PHASE_PAID"
        funds.append(fen(split["fundPay"]))
        back = {"data": paying.refund_of(saved, split, "R1")}
        assert (await hospital.done("6203", back)).output["data"]["refStatus"] == "SUCC"
    assert funds == [UNFILED, AT_HOME]
    assert await ledger_findings(wuhan.mesh) == []
