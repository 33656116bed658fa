"""From the picture to the doctor's screen: a node feeds the index, a person's code is scanned, a client of others searches over
DICOMweb and fetches from the node; then the person revokes, and the node goes away.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from io import BytesIO
from typing import Any, Final

import pydicom
import pytest
import pytest_asyncio
from google.protobuf import json_format

from services.runtime.call import Caller, Role
from tests.imaging.entries import upsert
from tests.imaging.pacs_desk import reason_of
from tests.imaging.sight import DAY, HOSPITAL, NODE_NO, Sight, sighted
from tests.mesh.seeds import INSTITUTION
from tools.pacs_node.samples import Person, chest_ct
from yibao.identity.v1 import api_key_pb2, consent_pb2
from yibao.imaging.v1 import node_pb2, reader_pb2
from yibao.options.v1 import options_pb2

PAGE: Final = "http://localhost:5173"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sight(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sight]:
    async with sighted(tmp_path_factory.mktemp("sight")) as standing:
        yield standing


async def test_a_client_of_others_finds_a_study_and_reads_its_picture_from_the_node(sight: Sight) -> None:
    who, token = await sight.somebody(), await sight.opened()
    study = await sight.scanned(who)
    client = sight.client(token)
    assert await asyncio.to_thread(client.search_for_studies) == []
    patient = await sight.present(who, token)
    (found,) = await asyncio.to_thread(client.search_for_studies, search_filters={"ModalitiesInStudy": "CT"})
    told = pydicom.Dataset.from_json(found)
    assert (told.StudyInstanceUID, told.PatientID, told.StudyDate) == (study, patient.patient_id, DAY)
    series = await asyncio.to_thread(client.search_for_series, study)
    assert [each["00201209"]["Value"] for each in series] == [[1], [12], [8]]
    files = [pydicom.dcmread(BytesIO(each)) for each in chest_ct(Person(who.psn_no), DAY, INSTITUTION)]
    await sight.until(lambda: sight.is_up(token))
    metadata = await asyncio.to_thread(client.retrieve_study_metadata, study)
    assert {each["00080018"]["Value"][0] for each in metadata} == {each.SOPInstanceUID for each in files}
    one = files[5]
    frames = await asyncio.to_thread(
        client.retrieve_instance_frames, study, one.SeriesInstanceUID, one.SOPInstanceUID, [1]
    )
    assert frames == [one.PixelData]
    # Its PatientID finds the study again; that of nobody finds nothing.
    assert await sight.found(token, f"studies?PatientID={patient.patient_id}")
    assert not await sight.found(token, f"studies?PatientID={who.psn_no}")


async def test_everything_below_a_study_is_sent_on_with_one_ticket(sight: Sight) -> None:
    who, token = await sight.somebody(), await sight.opened()
    study = await sight.scanned(who)
    await sight.present(who, token)
    await sight.until(lambda: sight.is_up(token))
    root = f"{sight.mesh.url}/dicom-web/studies/{study}"
    places = set()
    for below in ("/metadata", "/instances", "/rendered?viewport=64,64", ""):
        status, headers, _ = await sight.get(f"{root}{below}", token, Origin=PAGE)
        assert (status, headers["Access-Control-Allow-Origin"]) == (307, PAGE)
        assert headers["Location"].endswith(f"/studies/{study}{below}")
        places.add(headers["Location"].removesuffix(below))
        opened, at_node, _ = await sight.get(headers["Location"], Accept="*/*")
        assert (opened, at_node["Access-Control-Allow-Origin"]) == (200, "*")
    assert len(places) <= 2
    # XML, and a browser's question before the question.
    status, headers, body = await sight.get(f"{sight.mesh.url}/dicom-web/studies?accept=application/dicom%2Bxml", token)
    assert (status, body.count(b"<NativeDicomModel")) == (200, 1)
    asking = {"Origin": PAGE, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    async with sight.http.options(root, headers=asking) as answer:
        assert answer.headers["Access-Control-Allow-Headers"] == "authorization"
    # Errors are answered so that a page can read them.
    for path, with_token, expected, reason in (
        ("studies", "", 401, "SESSION_UNKNOWN"),
        ("studies?Nonsense=1", token, 400, "INVALID_REQUEST"),
        ("instances", token, 501, "DICOMWEB_UNSERVED"),
        ("studies/1.2.3/metadata", token, 404, "STUDY_NOT_FOUND"),
    ):
        status, headers, body = await sight.get(f"{sight.mesh.url}/dicom-web/{path}", with_token, Origin=PAGE)
        assert (status, reason_of(body), headers["Access-Control-Allow-Origin"]) == (expected, reason, PAGE)
    # Who sends pictures here is told that nothing is stored: as a national call it would be answered with 200.
    for path in ("/dicom-web", "/dicom-web/studies", f"/dicom-web/studies/{study}"):
        sent = {"Origin": PAGE, "Content-Type": 'multipart/related; type="application/dicom"'}
        async with sight.http.post(f"{sight.mesh.url}{path}", headers=sent, data=b"--x--") as answer:
            told = answer.status, reason_of(await answer.read()), answer.headers["Access-Control-Allow-Origin"]
            assert told == (404, "ROUTE_NOT_FOUND", PAGE)


async def test_without_consent_a_study_is_answered_as_one_that_there_is_not(sight: Sight) -> None:
    who, token = await sight.somebody(), await sight.opened()
    study = await sight.scanned(who)
    answers = [await sight.get(f"{sight.mesh.url}/dicom-web/studies/{uid}/metadata", token) for uid in (study, "1.2.3")]
    assert [(status, reason_of(body)) for status, _, body in answers] == [(404, "STUDY_NOT_FOUND")] * 2
    assert not await sight.found(token, f"studies?StudyInstanceUID={study}")


async def test_a_ticket_is_for_one_study_and_five_minutes(sight: Sight) -> None:
    study, other = [await sight.scanned(await sight.somebody()) for _ in range(2)]
    own = await sight.opened(own=True)
    await sight.until(lambda: sight.is_up(own))
    url = await sight.ticket(own, study)
    assert (await sight.get(f"{url}/metadata"))[0] == 200
    status, _, body = await sight.get(f"{url.replace(study, other)}/metadata")
    assert (status, reason_of(body)) == (403, "TICKET_FOREIGN")
    sight.clock.forward(seconds=-310)
    try:
        old = await sight.ticket(own, study)
    finally:
        sight.clock.forward(seconds=310)
    status, _, body = await sight.get(f"{old}/metadata")
    assert (status, reason_of(body)) == (401, "TICKET_EXPIRED")


async def test_a_ticket_that_was_given_opens_nothing_five_seconds_after_the_person_revokes_or_hides(
    sight: Sight,
) -> None:
    patients = []
    for _ in range(2):
        who, token = await sight.somebody(), await sight.opened()
        study = await sight.scanned(who)
        patient = await sight.present(who, token)
        await sight.until(partial(sight.is_up, token))
        patients.append((who, token, study, patient, await sight.ticket(token, study)))
    (one, token, first, patient, url), (two, other_token, study, _, other_url) = patients
    for each in (url, other_url):
        assert (await sight.get(f"{each}/metadata"))[0] == 200
    revoke = consent_pb2.RevokeGrantRequest(request_id=sight.request_id(), psn_no=one.psn_no, grant_no=patient.grant_no)
    hide = consent_pb2.HideRequest(request_id=sight.request_id(), psn_no=two.psn_no, study_uid=study)
    for method, request, who in (("RevokeGrant", revoke, one), ("Hide", hide, two)):
        caller = Caller(Role.PERSON, who.psn_no, sandbox=True)
        await sight.mesh.call(f"yibao.identity.v1.ConsentService.{method}", request, caller=caller)

    async def refused() -> bool:
        answers = [await sight.get(f"{each}/metadata") for each in (url, other_url)]
        return all(status == 403 and reason_of(body) == "TICKET_REVOKED" for status, _, body in answers)

    # No new ticket is given at once, and a second later nobody finds it any more.
    for session, uid in ((token, first), (other_token, study)):
        answer = await sight.get(f"{sight.mesh.url}/dicom-web/studies/{uid}/metadata", session)
        assert (answer[0], reason_of(answer[2])) == (404, "STUDY_NOT_FOUND")
    await asyncio.sleep(1)
    assert not await sight.found(token)
    assert not await sight.found(other_token)
    assert await sight.until(refused) < 4


async def test_a_ticket_opens_nothing_five_seconds_after_its_session_is_closed(sight: Sight) -> None:
    who, token, own = await sight.somebody(), await sight.opened(), await sight.opened(own=True)
    study = await sight.scanned(who)
    await sight.present(who, token)
    await sight.until(partial(sight.is_up, token))
    urls = [await sight.ticket(each, study) for each in (token, own)]
    for each in urls:
        assert (await sight.get(f"{each}/metadata"))[0] == 200
    for each in (token, own):
        request = reader_pb2.CloseSessionRequest(session_token=each)
        await sight.mesh.call("yibao.imaging.v1.ReaderService.CloseSession", request, caller=HOSPITAL)

    async def refused() -> bool:
        answers = [await sight.get(f"{each}/metadata") for each in urls]
        return all(status == 403 and reason_of(body) == "TICKET_REVOKED" for status, _, body in answers)

    assert await sight.until(refused) < 5


async def test_an_entry_that_is_none_in_json_is_refused_alone_and_the_rest_of_its_batch_is_kept(sight: Sight) -> None:
    number, uscc = "SD77", "12990100MB0000041U"
    asked = api_key_pb2.IssueApiKeyRequest(request_id="key77", role=options_pb2.ROLE_NODE, subject=number)
    key = (await sight.mesh.call("yibao.identity.v1.PartnerService.IssueApiKey", asked)).api_key
    node = node_pb2.Node(node_no=number, admdvs="990000", uscc=uscc, retrieve_roots=["http://127.0.0.1:9/d"])
    register = node_pb2.RegisterNodeRequest(request_id="node77", node=node)
    await sight.mesh.call("yibao.imaging.v1.NodeService.RegisterNode", register)

    async def upload(*entries: Any) -> tuple[int, Any]:
        url, headers = f"{sight.mesh.url}/v1/imaging/entries:upload", {"Authorization": f"Bearer {key}"}
        async with sight.http.post(url, headers=headers, json={"nodeNo": number, "entries": entries}) as answer:
            return answer.status, await answer.json()

    def entry(seq: int, **changes: Any) -> dict[str, Any]:
        made: dict[str, Any] = json_format.MessageToDict(upsert(seq, 7_000 + seq, fixmedins_code=INSTITUTION))
        return made | changes

    no_number = entry(4)
    del no_number["sourceSeq"]
    status, told = await upload(
        entry(1),
        entry(2, version="newest"),
        entry(3, study=entry(3)["study"] | {"description": "胸部\0平扫"}),
        no_number | {"psnNumber": "1"},
        "entry",
        entry(6),
    )
    assert (status, told["watermark"]) == (200, "6")
    outcomes = [(each["sourceSeq"], each["result"][13:], each["field"], each["rule"]) for each in told["outcomes"]]
    assert outcomes == [
        ("1", "ACCEPTED", "", ""),
        ("2", "REJECTED", "version", "json.type"),
        ("3", "REJECTED", "study.description", "entry.text"),
        ("4", "REJECTED", "psnNumber", "json.unknown_field"),
        ("5", "REJECTED", "", "json.type"),
        ("6", "ACCEPTED", "", ""),
    ]
    refused = told["outcomes"][1]
    assert (refused["textZh"], refused["textEn"]) == ("类型不正确，应为整数", "integer is expected")
    # What is told again as it should be is kept; where no number can be read at all, none is guessed.
    assert (await upload(entry(2)))[1]["outcomes"][0]["result"] == "ENTRY_RESULT_ACCEPTED"
    for batch in (("entry",), ({"sourceSeq": str(2**63 - 1)}, "entry"), ("entry", {"sourceSeq": str(-(2**63))})):
        status, told = await upload(*batch)
        assert (status, reason_of(json.dumps(told).encode())) == (400, "SEQUENCE_GAP")


async def test_a_node_that_goes_away_leaves_searches_whole_and_says_when_to_come_again(sight: Sight) -> None:
    who, token = await sight.somebody(), await sight.opened()
    study = await sight.scanned(who)
    await sight.present(who, token)
    await sight.node.stop()

    async def is_away() -> bool:
        return not await sight.is_up(token)

    assert await sight.until(is_away) < 5
    status, headers, body = await sight.search(token)
    assert f"{sight.mesh.url}/dicom-web/studies/{study}".encode() in body
    assert (status, b"UNAVAILABLE" in body, study.encode() in body) == (200, True, True)
    assert headers["Warning"].startswith(f'299 yibao "Nodes that do not answer now: {NODE_NO}; ')
    status, headers, body = await sight.get(f"{sight.mesh.url}/dicom-web/studies/{study}/metadata", token)
    assert (status, reason_of(body), headers["Retry-After"]) == (503, "NODE_AWAY", "30")
