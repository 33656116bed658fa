"""A mesh with a province's node beside it, and what is done at the desks: who is scanned, who shows a code, who searches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session

from services.runtime.call import Caller, Role
from tests.imaging.entries import NODE
from tests.mesh.harness import Mesh, MovableClock, seed_world, started_mesh
from tests.mesh.seeds import CHANNEL, INSTITUTION
from tools.pacs_node.entries import Rules
from tools.pacs_node.index import RestIndex
from tools.pacs_node.node import Node, Settings
from tools.pacs_node.samples import Person, chest_ct, study_uid
from tools.played.people import InventedPerson, person, person_record
from yibao.identity.v1 import api_key_pb2, credential_pb2, person_pb2
from yibao.imaging.v1 import node_pb2, reader_pb2, ticket_pb2
from yibao.options.v1 import options_pb2

MEMBERS: Final = ("identity", "routing", "imaging", "gateway")
DAY: Final = "20260525"
HOSPITAL: Final = Caller(Role.INSTITUTION, INSTITUTION, sandbox=True)
APP: Final = Caller(Role.CHANNEL, CHANNEL, sandbox=True)
NODE_NO: Final = "SD01"


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

    async def is_up(self, token: str) -> bool:
        """Whether studies of the node can be fetched."""
        return b"ONLINE" in (await self.search(token))[2]

    def client(self, token: str) -> DICOMwebClient:
        """A client of others."""
        session = create_session()
        session.headers["Authorization"] = f"Bearer {token}"
        return DICOMwebClient(f"{self.mesh.url}/dicom-web", session=session)


@asynccontextmanager
async def sighted(folder: Path) -> AsyncIterator[Sight]:
    """The mesh and its node, until the end."""
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
        try:
            told = node_pb2.Node(
                node_no=NODE_NO, node_name=NODE.node_name, admdvs=NODE.admdvs, uscc=NODE.uscc, retrieve_roots=[node.url]
            )
            request = node_pb2.RegisterNodeRequest(request_id="node", node=told)
            await mesh.call("yibao.imaging.v1.NodeService.RegisterNode", request)
            async with aiohttp.ClientSession() as http:
                yield Sight(mesh, clock, node, http)
        finally:  # A server that is left open keeps the loop from closing.
            await node.stop()
            await index.close()
