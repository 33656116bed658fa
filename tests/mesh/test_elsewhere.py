"""Care in another cell than the one that insures: what the hospital reads is what the insured cell would tell at home, and who
is insured here notices nothing of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services import mesh as table
from services.kernel.clock import Clock
from services.runtime.call import Caller, Role
from tests.mesh import journeys
from tests.mesh.harness import OPERATOR_KEY, Mesh, in_cell, seed_world, started_mesh
from tests.mesh.hospital import DRUG, Hospital, hospital_at, rest
from tests.mesh.people import Newcomers
from tests.mesh.seeds import OTHER_INSTITUTION, seed_requests
from tests.mesh.test_cells import HERE, THERE, WITHOUT_ROUTING, shown_code
from tests.mesh.test_traces import found_in, logged
from tools.cli.mesh_client import BUSINESS_DATE_HEADER
from tools.played.messages import Patient, Row
from yibao.settlement.v1 import ledger_pb2

BESIDE = "310000"
AUDITOR = Caller(Role.OPERATOR, "OP1", sandbox=True)
AT_ONCE_S = 2.0
"""Far below the time that clients wait; the calls themselves take some milliseconds."""


@dataclass(frozen=True, slots=True)
class Two:
    """Two cells with a hospital line in each; `resident` is insured in the other one, `local` here. `beside` are hospitals of
    further cells.
    """

    mesh: Mesh
    here: Hospital
    there: Hospital
    resident: Patient
    local: Patient
    beside: tuple[Hospital, ...] = ()


@asynccontextmanager
async def two_cells(
    folder: Path,
    members: tuple[str, ...] = (),
    beside: tuple[str, ...] = (),
    settings: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Two]:
    """A mesh of two cells and of those beside them, in each of which the same institutions are partners."""
    overrides = {"YIBAO_CELLS": ",".join((HERE, THERE, *beside)), **(settings or {})}
    async with (
        started_mesh(folder, clock=clock, overrides=overrides, members=members) as mesh,
        AsyncExitStack() as lines,
    ):
        await seed_world(mesh)
        far = []
        for code in (THERE, *beside):
            other = in_cell(mesh, code)
            for method, request in seed_requests(0):
                if method.endswith("RegisterPartner"):
                    await other.call(method, request)
            url = f"http://127.0.0.1:{other.config.integer('YIBAO_GATEWAY_PORT')}"
            far.append(await lines.enter_async_context(hospital_at(url, mesh.clock)))
        here = await lines.enter_async_context(hospital_at(mesh.url, mesh.clock))
        resident, local = await Newcomers(in_cell(mesh, THERE), 2000).one(), await Newcomers(mesh).one()
        yield Two(mesh, here, far[0], resident, local, tuple(far[1:]))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    async with two_cells(tmp_path_factory.mktemp("two"), beside=(BESIDE,)) as made:
        yield made


def asked(hospital: Hospital, who: Patient) -> dict[str, Any]:
    """The reads that are served elsewhere, by transaction."""
    certificate = {"psn_cert_type": "01", "certno": who.certno, "psn_name": who.name}
    benefit = {"psn_no": who.psn_no, "insutype": who.insutype, "fixmedins_code": OTHER_INSTITUTION}
    return {
        "1101": {"data": who.id_card | certificate},
        "2001": {"data": benefit | {"med_type": "11", "begntime": hospital.moment()}},
        "5206": {"data": {"psn_no": who.psn_no}},
    }


async def test_a_resident_of_another_cell_is_read_as_at_home(two: Two) -> None:
    for infno, nodes in asked(two.here, two.resident).items():
        at_home = await two.there.done(infno, nodes)
        elsewhere = await two.here.done(infno, nodes)
        assert elsewhere.output == at_home.output
        assert at_home.output, infno


async def test_the_rest_face_and_a_business_date_lead_there_too(two: Two) -> None:
    desk = {"fixmedinsCode": two.here.code}
    body = {"desk": desk, "data": {"psnNo": two.resident.psn_no}}
    bodies = [await rest(each, "/v1/cumulations:list", body) for each in (two.there, two.here)]
    assert bodies[0] == bodies[1]
    born = {"desk": desk, "data": {"mdtrtCertType": "MDTRT_CERT_TYPE_ID_CARD", "mdtrtCertNo": two.resident.certno}}
    ages = [
        (await rest(two.here, "/v1/insured-info:get", born, **{BUSINESS_DATE_HEADER: day}))["baseinfo"]["age"]
        for day in ("2026-06-14", "2026-06-15")
    ]
    assert ages[1] == ages[0] + 1


async def test_an_ectoken_is_checked_in_the_cell_in_which_it_was_made(two: Two) -> None:
    code = await shown_code(in_cell(two.mesh, THERE), two.resident)
    scanned = {"InData": journeys.scan(two.there, code)}
    token = str((await two.there.done("6101", scanned)).output["OutData"]["ecToken"])
    shown = {"data": journeys.with_token(token)}
    assert (await two.here.done("1101", shown)).output == (await two.there.done("1101", shown)).output
    # A mark proves nothing, and a token that was made here is asked about nowhere else.
    of_there, of_here, of_nobody = (f"u{cell}" + "0" * 33 for cell in (THERE, HERE, "990000"))
    for forged, reason, cells in (
        (of_there, "EC_TOKEN_UNKNOWN", {HERE, THERE}),
        (of_here, "EC_TOKEN_UNKNOWN", {HERE}),
        (of_nobody, "CREDENTIAL_OF_ANOTHER_CELL", {HERE}),
    ):
        msgid = two.here.next_msgid()
        assert await two.here.refused("1101", {"data": journeys.with_token(forged)}, msgid=msgid) == reason
        store = two.mesh.traces()
        asked_there = {span.service.partition("/")[0] for key in store.find(msgid) for span in store.spans(key)}
        assert asked_there - {"routing"} == cells


async def test_a_code_of_another_cell_is_scanned_here_and_a_repeat_gets_the_same_ectoken(two: Two) -> None:
    code = await shown_code(in_cell(two.mesh, THERE), two.resident)
    scanned, msgid = {"InData": journeys.scan(two.here, code)}, two.here.next_msgid()
    first = await two.here.done("6101", scanned, msgid=msgid)
    assert (await two.here.done("6101", scanned, msgid=msgid)).output == first.output
    assert first.output["OutData"]["idNo"] == two.resident.certno
    token = str(first.output["OutData"]["ecToken"])
    shown = {"data": journeys.with_token(token)}
    assert (await two.here.done("1101", shown)).output["baseinfo"]["psn_no"] == two.resident.psn_no
    assert await two.here.refused("6101", scanned) == "CODE_USED"
    nobodys = {"InData": journeys.scan(two.here, "424U990000" + "0" * 18)}
    assert await two.here.refused("6101", nobodys) == "CREDENTIAL_OF_ANOTHER_CELL"


async def test_a_visit_of_a_resident_of_another_cell_is_the_place_of_cares_from_then_on(two: Two) -> None:
    code = await shown_code(in_cell(two.mesh, THERE), two.resident)
    scan = {"InData": journeys.scan(two.here, code)}
    shown = journeys.with_token(str((await two.here.done("6101", scan)).output["OutData"]["ecToken"]))
    assert (await two.here.done("1101", {"data": shown})).output["baseinfo"]["psn_no"] == two.resident.psn_no
    for credential in (shown, two.resident.id_card):
        msgid, data = two.here.next_msgid(), two.here.visitor(two.resident, credential)
        first = await two.here.done("2201", {"data": data}, msgid=msgid)
        assert (await two.here.done("2201", {"data": data}, msgid=msgid)).output == first.output
        key = {name: data[name] for name in ("psn_no", "ipt_otp_no")} | {"mdtrt_id": first.output["data"]["mdtrt_id"]}
        assert first.output["data"] == key | {"exp_content": None}
        await two.here.done("2203", two.here.visit_nodes(two.resident, str(key["mdtrt_id"])))
        # The insured cell has no such visit.
        assert await two.there.refused("2202", {"data": key}) == "ENCOUNTER_NOT_FOUND"
        await two.here.done("2202", {"data": key})


async def test_a_stay_of_a_resident_of_another_cell_is_the_only_one_anywhere(two: Two) -> None:
    who, here, there = two.resident, two.here, two.there
    msgid, nodes = here.next_msgid(), here.admission(who)
    first = await here.done("2401", nodes, msgid=msgid)
    assert (await here.done("2401", nodes, msgid=msgid)).output == first.output
    mdtrt_id = str(first.output["result"]["mdtrt_id"])
    key = {"data": {"mdtrt_id": mdtrt_id, "psn_no": who.psn_no}}
    (beside,) = two.beside
    for hospital in (here, there, beside):
        assert await hospital.refused("2401", hospital.admission(who)) == "STAY_OPEN"
    discharged, msgid = here.discharged(who, mdtrt_id), here.next_msgid()
    await here.done("2402", discharged, msgid=msgid)
    # Nobody lies anywhere now, whichever hospital is next.
    at_home = await there.admit(who)
    assert await here.refused("2405", key) == "STAY_OPEN"
    await there.done("2404", {"data": key["data"] | {"mdtrt_id": at_home}})
    await here.done("2405", key)
    assert await there.refused("2401", there.admission(who)) == "STAY_OPEN"
    assert "DISCHARGE_UNDONE" in (await here.done("2402", discharged, msgid=msgid)).body["warn_msg"]
    await here.done("2404", key)
    await beside.discharge(who, await beside.admit(who))


async def test_a_message_that_admitted_a_resident_of_another_cell_is_taken_back_in_both(two: Two) -> None:
    who, here, there = two.resident, two.here, two.there
    msgid, nodes = here.next_msgid(), here.admission(who)
    await here.done("2401", nodes, msgid=msgid)
    assert await there.refused("2401", there.admission(who)) == "STAY_OPEN"
    meant, taking = {"psn_no": who.psn_no, "omsgid": msgid, "oinfno": "2401"}, here.next_msgid()
    for _ in range(2):
        assert "ADMISSION_TAKEN_BACK" in (await here.done("2601", {"data": meant}, msgid=taking)).body["warn_msg"]
    assert "ENCOUNTER_CANCELLED" in (await here.done("2401", nodes, msgid=msgid)).body["warn_msg"]
    await there.discharge(who, await there.admit(who))
    # One that never came is void here, and routing is asked nothing of it.
    lost = here.next_msgid()
    assert await here.refused("2601", {"data": meant | {"omsgid": lost}}) == "MESSAGE_NOT_ARRIVED"
    assert await here.refused("2401", here.admission(who), msgid=lost) == "MESSAGE_VOIDED"
    await there.discharge(who, await there.admit(who))


async def test_a_visit_is_registered_for_nobody_but_whom_the_credential_shows(two: Two) -> None:
    who = two.resident
    for data, reason in (
        (two.here.visitor(two.local, who.id_card), "CERTIFICATE_MISMATCH"),
        (two.here.visitor(who, who.card), "PERSON_NOT_FOUND"),
        (two.here.visitor(who) | {"insutype": "390"}, "NOT_ENROLLED"),
    ):
        assert await two.here.refused("2201", {"data": data}) == reason


async def test_who_is_insured_nowhere_is_refused_as_ever_and_at_the_field(two: Two) -> None:
    nobody = {"psn_cert_type": "01", "certno": "990000188001011235", "mdtrt_cert_type": "02", "mdtrt_cert_no": ""}
    answer = await two.here.send("1101", {"data": nobody})
    assert answer.message.startswith("[PERSON_NOT_FOUND]")
    assert "certno" in answer.message
    headers = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    body = {"desk": {"fixmedinsCode": two.here.code}, "data": {"psnNo": "99010000000000099999"}}
    response = await two.here.http.post("/v1/cumulations:list", json=body, headers=headers)
    assert response.status_code == 404
    told = {each["@type"].rpartition(".")[2]: each for each in response.json()["error"]["details"]}
    assert told["ErrorInfo"]["reason"] == "PERSON_NOT_FOUND"
    assert [each["field"] for each in told["BadRequest"]["fieldViolations"]] == ["data.psnNo"]


async def test_one_trace_leads_from_the_place_of_care_to_the_insured_cell(two: Two) -> None:
    msgid = two.here.next_msgid()
    await two.here.done("1101", asked(two.here, two.resident)["1101"], msgid=msgid)
    store = two.mesh.traces()
    (trace_id,) = store.find(msgid)
    (root,) = store.tree(trace_id)
    assert root.span.service == f"{HERE}/gateway"
    by_id = {span.span_id: span.service for span in store.spans(trace_id)}
    ways = {(by_id.get(span.parent_id or "", ""), span.service) for span in store.spans(trace_id)}
    assert {each for each in ways if each[0] and each[0] != each[1]} == {
        (f"{HERE}/gateway", f"{HERE}/settlement"),
        (f"{HERE}/settlement", f"{HERE}/identity"),
        (f"{HERE}/gateway", "routing"),
        ("routing", f"{THERE}/settlement"),
        (f"{THERE}/settlement", f"{THERE}/identity"),
    }
    assert store.edges() <= table.seat_edges((HERE, THERE, BESIDE))


async def test_no_span_and_no_log_line_tells_who_it_was(two: Two) -> None:
    with logged() as stream:
        for infno, nodes in asked(two.here, two.resident).items():
            await two.here.done(infno, nodes)
    who = two.resident
    secrets = {who.psn_no, who.certno, who.name}
    spans = [json.dumps([each.name, each.attributes], ensure_ascii=False) for each in two.mesh.traces().all_spans()]
    lines = stream.getvalue().splitlines()
    assert len([line for line in lines if "ElsewhereService" in line]) >= 3
    assert found_in(spans + lines + [line.encode().decode("unicode_escape") for line in lines], secrets) == []


async def test_without_routing_local_people_notice_nothing_and_remote_ones_are_told_at_once(tmp_path: Path) -> None:
    async with two_cells(tmp_path, WITHOUT_ROUTING) as alone:
        for infno, nodes in asked(alone.here, alone.local).items():
            await alone.here.done(infno, nodes)
        assert {callee for _, callee in alone.mesh.traces().edges()} & {"routing"} == set()
        for infno, nodes in asked(alone.here, alone.resident).items():
            begun = time.monotonic()
            response = await alone.here.post(alone.here.envelope(infno, nodes))
            assert time.monotonic() - begun < AT_ONCE_S
            assert (response.status_code, response.json()["infcode"]) == (503, -1)
            assert response.json()["err_msg"].startswith("[ROUTING_UNAVAILABLE]")
            assert response.headers["retry-after"]


async def test_a_bill_of_a_resident_of_another_cell_is_settled_repeated_and_taken_back_at_the_place_of_care(
    two: Two,
) -> None:
    who, here = two.resident, two.here
    node = await here.open_visit(who, [Row(DRUG, 3, 90_000)])
    first = await here.settle(node)
    assert (first.info["medfee_sumamt"], first.info["acct_pay"] > 0) == (2700, True)
    assert (await here.settle(node, msgid=first.msgid)).answer.output == first.answer.output
    told = (await here.done("5203", {"data": first.reference})).output["setlinfo"]
    assert {name: told[name] for name in first.info} == first.info
    undone, msgid = {"data": first.reference}, here.next_msgid()
    counter = (await here.done("2208", undone, msgid=msgid)).output["setlinfo"]
    assert (counter["medfee_sumamt"], counter["balc"]) == (-2700, first.info["balc"] + first.info["acct_pay"])
    # Repeated or asked for again, it is answered by the place of care alone: the same counter-entry.
    for number in (msgid, here.next_msgid()):
        assert (await here.done("2208", undone, msgid=number)).output["setlinfo"] == counter
    again = await here.settle(node)
    meant = {"data": {"psn_no": who.psn_no, "omsgid": again.msgid, "oinfno": "2207"}}
    for _ in range(2):
        assert "MESSAGE_TAKEN_BACK" in (await here.done("2601", meant)).body["warn_msg"]
    assert "SETTLEMENT_REVERSED" in (await here.settle(node, msgid=again.msgid)).answer.body["warn_msg"]
    for cell in (HERE, THERE):
        checked = await in_cell(two.mesh, cell).call(
            "yibao.settlement.v1.LedgerService.VerifyLedger", ledger_pb2.VerifyLedgerRequest(), caller=AUDITOR
        )
        assert list(checked.findings) == []
