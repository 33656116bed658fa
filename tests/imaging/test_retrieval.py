"""From the picture to the doctor's screen: a node feeds the index, a person's code is scanned, a client of others searches over
DICOMweb and fetches from the node; then the person revokes, and the node goes away.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from itertools import count
from typing import Any, Final

import aiohttp
import pydicom
import pytest
import pytest_asyncio
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session

from services.runtime.call import Caller, Role
from tests.imaging.entries import NODE
from tests.imaging.pacs_desk import reason_of
from tests.mesh.harness import Mesh, MovableClock, seed_world, started_mesh
from tests.mesh.seeds import CHANNEL, INSTITUTION, InventedPerson, person, person_record
from tools.pacs_node.entries import Rules
from tools.pacs_node.index import RestIndex
from tools.pacs_node.node import Node, Settings
from tools.pacs_node.samples import Person, chest_ct, study_uid
from yibao.identity.v1 import api_key_pb2, consent_pb2, credential_pb2, person_pb2
from yibao.imaging.v1 import node_pb2, reader_pb2, ticket_pb2
from yibao.options.v1 import options_pb2

MEMBERS: Final = ("identity", "routing", "imaging", "gateway")
DAY: Final = "20260525"
HOSPITAL: Final = Caller(Role.INSTITUTION, INSTITUTION, sandbox=True)
APP: Final = Caller(Role.CHANNEL, CHANNEL, sandbox=True)
NODE_NO: Final = "SD01"
PAGE: Final = "http://localhost:5173"


@dataclass
class Sight:
    """A mesh with a node beside it, and what is done at its desks."""

    mesh: Mesh
    clock: MovableClock
    node: Node
    http: aiohttp.ClientSession
    requests: Any = field(default_factory=lambda: count(1))
    people: Any = field(default_factory=lambda: count(1))

    def request_id(self) -> str:
        """A new one."""
        return f"sight-{next(self.requests)}"

    async def somebody(self) -> InventedPerson:
        """A person who is registered, with a number as long as the nation's."""
        number = next(self.people)
        who = replace(person(7_000 + number), psn_no=f"9901{number:016}")
        request = person_pb2.RegisterPersonsRequest(request_id=self.request_id(), persons=[person_record(who)])
        await self.mesh.call("yibao.identity.v1.PersonService.RegisterPersons", request)
        return who

    async def scanned(self, who: InventedPerson) -> str:
        """The person's chest was scanned: the node has the pictures, and the index hears of them."""
        pictured = Person(who.psn_no)
        for file in chest_ct(pictured, DAY, INSTITUTION):
            came = self.node.shelf.incoming()
            await asyncio.to_thread(came.write, file)
            await asyncio.to_thread(came.close)
            await asyncio.to_thread(self.node.shelf.keep, came)
        study, own = study_uid(pictured, DAY), await self.opened(own=True)
        await self.until(lambda: self.found(own, f"studies?StudyInstanceUID={study}"))
        return study

    async def opened(self, **fields: Any) -> str:
        """The token of a session of the hospital."""
        request = reader_pb2.OpenSessionRequest(fixmedins_code=INSTITUTION, **(fields or {"dr_codg": "D1"}))
        answer = await self.mesh.call("yibao.imaging.v1.ReaderService.OpenSession", request, caller=HOSPITAL)
        return str(answer.session_token)

    async def present(self, who: InventedPerson, token: str) -> reader_pb2.SessionPatient:
        """The code on the person's phone is scanned at the desk."""
        named = {"channel_code": CHANNEL, "psn_name": who.psn_name, "psn_cert_type": "01", "certno": who.certno}
        activate = credential_pb2.ActivateCredentialRequest(request_id=self.request_id(), **named)
        await self.mesh.call("yibao.identity.v1.CredentialService.ActivateCredential", activate, caller=APP)
        shown = credential_pb2.ShowCodeRequest(psn_no=who.psn_no)
        code = (await self.mesh.call("yibao.identity.v1.CredentialService.ShowCode", shown, caller=APP)).ec_qr_code
        request = reader_pb2.AddPatientRequest(session_token=token, ec_token=code)
        added = await self.mesh.call("yibao.imaging.v1.ReaderService.AddPatient", request, caller=HOSPITAL)
        patient: reader_pb2.SessionPatient = added.patient
        return patient

    async def ticket(self, token: str, study: str) -> str:
        """Where a study is opened with a ticket."""
        request = ticket_pb2.IssueTicketRequest(session_token=token, study_uid=study)
        answer = await self.mesh.call("yibao.imaging.v1.TicketService.IssueTicket", request, caller=HOSPITAL)
        return str(answer.url)

    async def get(self, url: str, token: str = "", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body; not sent on."""
        sent = ({"Authorization": f"Bearer {token}"} if token else {}) | headers
        async with self.http.get(url, headers=sent, allow_redirects=False) as answer:
            return answer.status, answer.headers, await answer.read()

    async def search(self, token: str, path: str = "studies") -> tuple[int, Mapping[str, str], bytes]:
        """A question over DICOMweb."""
        return await self.get(f"{self.mesh.url}/dicom-web/{path}", token)

    async def found(self, token: str, path: str = "studies") -> bool:
        """Whether something is found."""
        return b"0020000D" in (await self.search(token, path))[2]

    async def until(self, holds: Callable[[], Any]) -> float:
        """Waits until something holds, at most ten seconds; how long that took."""
        begun = time.monotonic()
        while not await holds():
            assert time.monotonic() - begun < 10
            await asyncio.sleep(0.05)
        return time.monotonic() - begun

    def client(self, token: str) -> DICOMwebClient:
        """A client of others."""
        session = create_session()
        session.headers["Authorization"] = f"Bearer {token}"
        return DICOMwebClient(f"{self.mesh.url}/dicom-web", session=session)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sight(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sight]:
    folder = tmp_path_factory.mktemp("sight")
    # Tickets are verified by a node that has a clock of its own.
    clock = MovableClock(datetime.now(UTC))
    async with started_mesh(folder / "mesh", clock=clock, members=MEMBERS) as mesh:
        await seed_world(mesh, 1)
        asked = api_key_pb2.IssueApiKeyRequest(request_id="key", role=options_pb2.ROLE_NODE, subject=NODE_NO)
        key = (await mesh.call("yibao.identity.v1.PartnerService.IssueApiKey", asked)).api_key
        index = RestIndex(mesh.url, NODE_NO, key)
        node = Node(
            Settings(folder / "node", NODE_NO, rules=Rules(INSTITUTION), settle_s=0.0), index, lambda line: None
        )
        await node.start()
        told = node_pb2.Node(
            node_no=NODE_NO, node_name=NODE.node_name, admdvs=NODE.admdvs, uscc=NODE.uscc, retrieve_roots=[node.url]
        )
        await mesh.call(
            "yibao.imaging.v1.NodeService.RegisterNode", node_pb2.RegisterNodeRequest(request_id="node", node=told)
        )
        async with aiohttp.ClientSession() as http:
            yield Sight(mesh, clock, node, http)
        await node.stop()
        await index.close()


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
    await sight.until(lambda: _is_up(sight, token))
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
    await sight.until(lambda: _is_up(sight, token))
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


async def test_without_consent_a_study_is_answered_as_one_that_there_is_not(sight: Sight) -> None:
    who, token = await sight.somebody(), await sight.opened()
    study = await sight.scanned(who)
    answers = [await sight.get(f"{sight.mesh.url}/dicom-web/studies/{uid}/metadata", token) for uid in (study, "1.2.3")]
    assert [(status, reason_of(body)) for status, _, body in answers] == [(404, "STUDY_NOT_FOUND")] * 2
    assert not await sight.found(token, f"studies?StudyInstanceUID={study}")


async def test_a_ticket_is_for_one_study_and_five_minutes(sight: Sight) -> None:
    study, other = [await sight.scanned(await sight.somebody()) for _ in range(2)]
    own = await sight.opened(own=True)
    await sight.until(lambda: _is_up(sight, own))
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
        await sight.until(partial(_is_up, sight, token))
        patients.append((who, token, study, patient, await sight.ticket(token, study)))
    (one, token, _, patient, url), (two, other_token, study, _, other_url) = patients
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

    # Nobody finds it any more, and no new ticket is given, at once.
    assert not await sight.found(token)
    assert not await sight.found(other_token)
    assert await sight.until(refused) < 5


async def test_a_node_that_goes_away_leaves_searches_whole_and_says_when_to_come_again(sight: Sight) -> None:
    who, token = await sight.somebody(), await sight.opened()
    study = await sight.scanned(who)
    await sight.present(who, token)
    await sight.node.stop()

    async def is_away() -> bool:
        return not await _is_up(sight, token)

    assert await sight.until(is_away) < 5
    status, headers, body = await sight.search(token)
    assert f"{sight.mesh.url}/dicom-web/studies/{study}".encode() in body
    assert (status, b"UNAVAILABLE" in body, study.encode() in body) == (200, True, True)
    assert headers["Warning"].startswith(f'299 yibao "Nodes that do not answer now: {NODE_NO}; ')
    status, headers, body = await sight.get(f"{sight.mesh.url}/dicom-web/studies/{study}/metadata", token)
    assert (status, reason_of(body), headers["Retry-After"]) == (503, "NODE_AWAY", "30")


async def _is_up(sight: Sight, token: str) -> bool:
    """Whether studies of the node can be fetched."""
    return b"ONLINE" in (await sight.search(token))[2]
