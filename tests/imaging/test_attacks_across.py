"""Hostile tries over two cells: numbers of grants and codes of others, tickets of what was revoked, and what is left of people in
spans, lines of the log and metrics.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import jwt
import pytest
import pytest_asyncio
from prometheus_client import generate_latest

from services.imaging.domain.sessions import GrantDecision, Purpose, Reader
from services.imaging.domain.tickets import grant_digest
from services.imaging.peers.persons import PersonCells
from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from tests.imaging.across import CONSENT, DOCTOR, HOSPITAL, INSTITUTION, MEMBERS, Across, started_across, until
from tests.imaging.entries import HOSPITAL as MADE_AT
from tests.imaging.entries import NODE, upsert
from tests.mesh.test_cells import HERE, THERE
from tests.mesh.test_traces import found_in, logged
from tools.played.people import InventedPerson
from yibao.identity.v1 import consent_pb2, consent_reviews_pb2
from yibao.imaging.v1 import entry_pb2, node_pb2, reader_pb2, recognition_pb2, report_pb2, ticket_pb2, upload_pb2

OPEN: Final = "yibao.imaging.v1.ReaderService.OpenSession"
OTHER_HOSPITAL: Final = "H11010600002"
JINAN_HOSPITAL: Final = "H37010200002"
NODE_CALLER: Final = Caller(Role.NODE, NODE.node_no, sandbox=True)
ACCESSION: Final = "ACC-772-SECRET"
DOCTOR_OF: Final = Reader(Purpose.TREATMENT, HOSPITAL, DOCTOR)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def across(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Across]:
    async with started_across(tmp_path_factory.mktemp("attacks"), (*MEMBERS, "gateway")) as made:
        yield made


async def decided(across: Across, reader: Reader, *grants: str) -> list[GrantDecision]:
    """What the cells say of numbers of grants."""
    return list(await PersonCells(across.peers).decided(reader, grants))


async def refused(across: Across, who: InventedPerson, method: str, **fields: Any) -> tuple[str, str, Any]:
    """How a person's own cell refuses."""
    with pytest.raises(Fault) as raised:
        await across.consent(method, who, **fields)
    return raised.value.kind.value, raised.value.reason, raised.value.metadata


def guesses(number: str) -> Iterator[str]:
    """Numbers of the same form beside one that is good: of another cell, of none of the mesh, the next ones."""
    cell, rest = number[1:7], number[7:]
    for other in (HERE if cell == THERE else THERE, "650000", "000000"):
        yield f"G{other}{rest}"
    for step in (1, 2, 17):
        yield f"G{cell}{rest[:-2]}{(int(rest[-2:], 36) + step) % 100:02}"
    yield from (number[:-1], f"{number}0", number.lower(), f" {number}")


async def test_a_number_of_a_grant_is_good_for_its_own_reader_in_its_own_cell_alone(across: Across) -> None:
    who = await across.somebody()
    grant_no = await across.granted(who)
    (good,) = await decided(across, DOCTOR_OF, grant_no)
    assert good.scope is not None
    wrong = [each for each in guesses(grant_no) if each != grant_no]
    assert await decided(across, DOCTOR_OF, *wrong) == [GrantDecision()] * len(wrong)
    for reader in (
        Reader(Purpose.TREATMENT, OTHER_HOSPITAL, DOCTOR),
        Reader(Purpose.SELF, "person"),
        Reader(Purpose.SUPERVISION, "operator", "OP1", "C1"),
    ):
        assert await decided(across, reader, grant_no) == [GrantDecision()], reader
    # That of a case or of a person who looks is none for a doctor.
    self_ = Caller(Role.PERSON, who.psn_no, sandbox=True)
    looking = await across.ask("OpenSession", self_, psn_no=who.psn_no)
    (own,) = (await across.ask("ListPatients", self_, session_token=looking.session_token)).patients
    assert await decided(across, DOCTOR_OF, own.grant_no) == [GrantDecision()]


async def test_a_person_ends_and_sees_nobody_elses_grants(across: Across) -> None:
    mine, other, elsewhere = await across.somebody(), await across.somebody(), await across.somebody("110105")
    grant_no = await across.granted(other)
    hidden_no = (await across.consent("Hide", other, fixmedins_code="H37010200901")).hidden.hidden_no
    unknown = await refused(across, mine, "RevokeGrant", grant_no=f"{grant_no[:-3]}000")
    assert unknown[1] == "GRANT_NOT_FOUND"
    assert await refused(across, mine, "RevokeGrant", grant_no=grant_no) == unknown
    assert (await refused(across, mine, "Unhide", hidden_no=hidden_no))[1] == "HIDDEN_NOT_FOUND"
    # The same asked of another cell, by somebody whom that insures.
    request = consent_pb2.RevokeGrantRequest(request_id=across.request_id(), psn_no=elsewhere.psn_no, grant_no=grant_no)
    caller = Caller(Role.PERSON, elsewhere.psn_no, sandbox=True)
    with pytest.raises(Fault, match="GRANT_NOT_FOUND"):
        await across.here.call(f"{CONSENT}.RevokeGrant", request, caller=caller)
    listed = await across.there.call(
        f"{CONSENT}.ListGrants",
        consent_pb2.ListGrantsRequest(psn_no=mine.psn_no),
        caller=Caller(Role.PERSON, mine.psn_no, sandbox=True),
    )
    assert list(listed.grants) == []
    (still,) = await decided(across, DOCTOR_OF, grant_no)
    assert still.scope is not None
    assert still.scope.hidden_institutions == {"H37010200901"}


async def test_a_key_that_another_cell_made_for_a_person_opens_no_sight_of_the_person(across: Across) -> None:
    who, method = await across.somebody(), OPEN
    request = reader_pb2.OpenSessionRequest(psn_no=who.psn_no)
    made = Caller(Role.PERSON, who.psn_no, sandbox=True)
    with pytest.raises(Fault, match="NO_ACCESS"):
        await across.here.call(method, request, caller=made)
    assert (await across.there.call(method, request, caller=made)).session_token


async def test_a_key_that_another_cell_made_for_an_institution_opens_nothing_in_its_name(across: Across) -> None:
    for institution, cell in ((HOSPITAL, across.there), (JINAN_HOSPITAL, across.here)):
        caller = Caller(Role.INSTITUTION, institution, sandbox=True)
        for method, request in (
            (OPEN, reader_pb2.OpenSessionRequest(fixmedins_code=institution, own=True)),
            (OPEN, reader_pb2.OpenSessionRequest(fixmedins_code=institution, dr_codg=DOCTOR)),
            ("yibao.imaging.v1.ReportService.ListReports", report_pb2.ListReportsRequest(fixmedins_code=institution)),
            (
                "yibao.imaging.v1.RecognitionService.ListQuality",
                recognition_pb2.ListQualityRequest(fixmedins_code=institution),
            ),
        ):
            with pytest.raises(Fault, match="CALLER_NOT_BOUND"):
                await cell.call(method, request, caller=caller)
    # By a key of its own cell it reads, and so does one whose cell is not in the mesh by whichever.
    for institution, cell in ((JINAN_HOSPITAL, across.there), (MADE_AT, across.here), (MADE_AT, across.there)):
        request = reader_pb2.OpenSessionRequest(fixmedins_code=institution, own=True)
        caller = Caller(Role.INSTITUTION, institution, sandbox=True)
        assert (await cell.call(OPEN, request, caller=caller)).session_token


async def test_an_emergency_of_another_cell_is_reviewed_in_its_own(across: Across) -> None:
    who, token = await across.somebody(), await across.opened()
    emergency: dict[str, Any] = {
        "request_id": across.request_id(),
        "session_token": token,
        "reason": "昏迷送院",
        "psn_no": who.psn_no,
    }
    broken = (await across.ask("BreakGlass", **emergency)).patient
    review = consent_reviews_pb2.ReviewBreakGlassRequest(
        request_id=across.request_id(),
        grant_no=broken.grant_no,
        verdict=consent_reviews_pb2.REVIEW_VERDICT_JUSTIFIED,
        memo="属急诊",
    )
    with pytest.raises(Fault, match="GRANT_NOT_FOUND"):
        await across.here.call(f"{CONSENT}.ReviewBreakGlass", review)
    # Another doctor of the same hospital has not broken anything.
    assert await decided(across, Reader(Purpose.TREATMENT, HOSPITAL, "D110000000002"), broken.grant_no) == [
        GrantDecision()
    ]


async def test_codes_that_are_guessed_prove_nothing_and_spoil_nothing(across: Across) -> None:
    who, token = await across.somebody(), await across.opened()
    code = await across.code(who)
    marked = code.replace(THERE, HERE, 1) if THERE in code else ""
    tries = {code[:-1], code[:-1] + ("0" if code[-1] != "0" else "1"), code + "0", code.swapcase(), code[::-1], marked}
    for each in sorted(tries - {code, ""}):
        fault = await across.refusal("AddPatient", session_token=token, ec_token=each)
        assert (fault.reason, fault.metadata) == ("CODE_UNKNOWN", {}), each
    # The hospital where it is shown uses it up; at another it proves nothing any more.
    added = (await across.ask("AddPatient", session_token=token, ec_token=code)).patient
    other = Caller(Role.INSTITUTION, OTHER_HOSPITAL, sandbox=True)
    thief = (await across.ask("OpenSession", other, fixmedins_code=OTHER_HOSPITAL, dr_codg=DOCTOR)).session_token
    assert (await across.refusal("AddPatient", other, session_token=thief, ec_token=code)).reason == "CODE_USED"
    assert (await across.refusal("AddPatient", other, session_token=token, psn_no=who.psn_no)).reason == (
        "SESSION_UNKNOWN"
    )
    assert await decided(across, Reader(Purpose.TREATMENT, OTHER_HOSPITAL, DOCTOR), added.grant_no) == [GrantDecision()]


async def test_what_was_revoked_in_the_other_cell_gets_no_ticket_and_its_ticket_is_called_back(across: Across) -> None:
    who, other, token = await across.somebody(), await across.somebody(), await across.opened()
    study, hers = await across.taken(who, other)
    beat = node_pb2.HeartbeatRequest(node_no=NODE.node_no, retrieving=True)
    await across.here.call("yibao.imaging.v1.NodeService.Heartbeat", beat, caller=NODE_CALLER)
    patient = (await across.ask("AddPatient", session_token=token, ec_token=await across.code(who))).patient
    # Heard a moment ago, and the places of nodes are read once a second.
    ticket = await until(lambda: issued(across, token, study))
    named = jwt.decode(ticket.ticket, options={"verify_signature": False})
    strange = [await not_issued(across, token, each) for each in (hers, "2.25.1")]
    assert strange == ["STUDY_NOT_FOUND"] * 2
    await across.consent("RevokeGrant", who, grant_no=patient.grant_no)
    assert await not_issued(across, token, study) == "STUDY_NOT_FOUND"
    names = await until(lambda: called_back(across, grant_digest(patient.grant_no), named["jti"]))
    assert names
    # A new grant opens anew, and lifts nothing of the old one.
    await across.granted(who)
    await across.ask("AddPatient", session_token=token, psn_no=who.psn_no)
    again = await issued(across, token, study)
    assert again is not None
    assert jwt.decode(again.ticket, options={"verify_signature": False})["gra"] not in names


async def test_nothing_of_people_stands_in_a_span_a_line_of_the_log_or_a_metric(across: Across) -> None:
    with logged() as log:
        who = await across.somebody()
        code, token = await across.code(who), await across.opened()
        study, index_code = await with_index_code(across, who)
        patient = (await across.ask("AddPatient", session_token=token, ec_token=code)).patient
        secrets = {who.psn_no, who.certno, who.psn_name, code, token, patient.patient_id}
        secrets |= {study, f"{study}.1", index_code, index_code[:26], ACCESSION, "Ce^Shi", "测^试", "胸部CT平扫"}
        statuses = await asked_by_http(across, token, {"study": study, "patient": patient.patient_id, "who": who})
        assert {200, 307, 400, 401, 404} <= statuses
        ticket = await until(lambda: issued(across, token, study))
        secrets |= {ticket.ticket, jwt.decode(ticket.ticket, options={"verify_signature": False})["jti"]}
        fields: dict[str, Any] = {"request_id": across.request_id(), "session_token": token, "psn_no": who.psn_no}
        await across.ask("BreakGlass", reason=f"{who.psn_name}昏迷", **fields)
        await across.refusal("AddPatient", session_token=token, psn_cert_type="01", certno=f"{who.certno}9")
        lines = log.getvalue().splitlines()
    secrets |= {quote(each) for each in secrets}
    spans = across.here.traces().all_spans()
    served = {"imaging", "routing", f"{THERE}/identity", f"{HERE}/gateway"}
    assert served <= {each.service for each in spans}, {each.service for each in spans}
    told = [json.dumps([each.name, each.attributes, each.reason], ensure_ascii=False) for each in spans]
    assert len([each for each in lines if '"call"' in each]) > 20
    counted = [generate_latest(each.metrics.registry).decode() for each in across.here.telemetries]
    for where, texts in (("span", told), ("log", lines), ("log", unescaped(lines)), ("metric", counted)):
        assert found_in(texts, secrets) == [], where


async def with_index_code(across: Across, who: InventedPerson) -> tuple[str, str]:
    """A study with the 82 characters of its index code, told by a node that is there: its UID, and the code."""
    await across.registered()
    beat = node_pb2.HeartbeatRequest(node_no=NODE.node_no, retrieving=True)
    await across.here.call("yibao.imaging.v1.NodeService.Heartbeat", beat, caller=NODE_CALLER)
    where = upload_pb2.GetWatermarkRequest(node_no=NODE.node_no)
    told = await across.here.call("yibao.imaging.v1.UploadService.GetWatermark", where, caller=NODE_CALLER)
    index_code = f"{who.psn_no:0>26}202603010930{'0' * 22}{NODE.uscc}"
    entry = upsert(
        *(told.watermark + 1, 77),
        psn_no=who.psn_no,
        index_code=index_code,
        accession_no=ACCESSION,
        patient_name="Ce^Shi=测^试",
    )
    request = upload_pb2.UploadEntriesRequest(node_no=NODE.node_no, entries=[entry])
    answer = await across.here.call("yibao.imaging.v1.UploadService.UploadEntries", request, caller=NODE_CALLER)
    assert [each.result for each in answer.outcomes] == [entry_pb2.ENTRY_RESULT_ACCEPTED], answer
    return entry.study_instance_uid, index_code


async def asked_by_http(across: Across, token: str, told: dict[str, Any]) -> set[int]:
    """Questions that hold what must not be told on, good ones and broken ones: their statuses."""
    study, patient, who = told["study"], told["patient"], told["who"]
    name, accession = quote(who.psn_name), quote(ACCESSION)
    paths = [
        *(
            f"dicom-web/studies?PatientID={patient}",
            f"dicom-web/studies?PatientName={name}*&AccessionNumber={accession}",
        ),
        *(f"dicom-web/studies/{study}/series", f"dicom-web/studies/{study}/metadata", f"dicom-web/studies/{study}9"),
        *(
            f"dicom-web/studies?{name}={who.psn_no}",
            f"dicom-web/studies?StudyDate={who.certno}",
            f"dicom-web/{patient}",
        ),
        *(f"dicom-web/studies?PatientID={who.psn_no}", f"dicom-web/studies?StudyInstanceUID={study},{name}"),
        *(
            f"fhir/ImagingStudy?patient={patient}",
            f"fhir/ImagingStudy/{study}",
            f"fhir/ImagingStudy?identifier={accession}",
        ),
        *(f"fhir/ImagingStudy/{study}/$manifest", f"fhir/ImagingStudy?started={who.psn_no}", f"fhir/Patient/{patient}"),
        *(f"fhir/{name}", f"{who.certno}?x={token}", f"v1/imaging/{who.psn_no}", f"viewer/{study}"),
    ]
    statuses = set()
    async with aiohttp.ClientSession() as http:
        for path in paths:
            for key in (token, f"{token[:-1]}x"):
                headers = {"Authorization": f"Bearer {key}", "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
                async with http.get(f"{across.here.url}/{path}", headers=headers, allow_redirects=False) as answer:
                    statuses.add(answer.status)
                    await answer.read()
    return statuses


def unescaped(lines: list[str]) -> list[str]:
    """Lines of JSON as they are read."""
    return [re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), each) for each in lines]


async def issued(across: Across, token: str, study: str) -> Any:
    """A ticket, None where the node is not heard yet."""
    request = ticket_pb2.IssueTicketRequest(session_token=token, study_uid=study)
    try:
        return await across.here.call("yibao.imaging.v1.TicketService.IssueTicket", request, caller=INSTITUTION)
    except Fault as fault:
        if fault.reason != "NODE_AWAY":
            raise
        return None


async def not_issued(across: Across, token: str, study: str) -> str:
    """Why there is no ticket."""
    request = ticket_pb2.IssueTicketRequest(session_token=token, study_uid=study)
    with pytest.raises(Fault) as raised:
        await across.here.call("yibao.imaging.v1.TicketService.IssueTicket", request, caller=INSTITUTION)
    return raised.value.reason


async def called_back(across: Across, *any_of: str) -> list[str]:
    """What nodes are told is revoked, once one of these is in it."""
    request = ticket_pb2.ListRevokedRequest()
    try:
        names = (
            await across.here.call("yibao.imaging.v1.TicketService.ListRevoked", request, caller=NODE_CALLER)
        ).names
    except Fault as fault:
        if fault.reason != "REVOCATIONS_STALE":
            raise
        return []
    return list(names) if set(any_of) & set(names) else []
