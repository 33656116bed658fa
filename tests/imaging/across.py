"""A reader's desk in Beijing and people of Jinan: a mesh of two cells in which the person's cell keeps the consent."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from services.imaging.domain.scopes import DecidedScopes
from services.imaging.operations.deciding import Deciding
from services.imaging.operations.searching import Patient, Sitting
from services.imaging.peers.persons import PersonCells, PersonKeys
from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from services.runtime.outbound import Peers
from services.runtime.telemetry import Telemetry
from services.runtime.wire import moment_of
from tests.imaging.entries import HOSPITAL as MADE_AT
from tests.imaging.entries import NODE, upsert
from tests.mesh.harness import Mesh, in_cell, seed_world, started_mesh
from tests.mesh.seeds import CHANNEL
from tests.mesh.test_cells import BOTH, THERE
from tests.tokens import Tokens
from tools.played.people import InventedPerson, person, person_record
from yibao.identity.v1 import consent_pb2, credential_pb2, person_pb2
from yibao.imaging.v1 import audit_pb2, dicomweb_pb2, entry_pb2, node_pb2, reader_pb2, upload_pb2
from yibao.routing.v1 import registry_pb2

MEMBERS: Final = ("identity", "routing", "imaging")
READER: Final = "yibao.imaging.v1.ReaderService"
CONSENT: Final = "yibao.identity.v1.ConsentService"
CREDENTIALS: Final = "yibao.identity.v1.CredentialService"
HOSPITAL: Final = "H11010500001"
DOCTOR: Final = "D110000000001"
INSTITUTION: Final = Caller(Role.INSTITUTION, HOSPITAL, sandbox=True)
MADE_IT: Final = Caller(Role.INSTITUTION, MADE_AT, sandbox=True)
APP: Final = Caller(Role.CHANNEL, CHANNEL, sandbox=True)
JINAN: Final = "370102"


@dataclass
class Across:
    """A hospital's desk in Beijing, and people of Jinan whose cell keeps their consent."""

    here: Mesh
    there: Mesh
    peers: Peers
    requests: Any = field(default_factory=lambda: count(1))
    people: Any = field(default_factory=lambda: count(7001))
    pictures: Any = field(default_factory=lambda: count(1))

    def request_id(self) -> str:
        """A new one."""
        return f"across-{next(self.requests)}"

    async def ask(self, method: str, caller: Caller = INSTITUTION, **fields: Any) -> Any:
        """What ReaderService answers."""
        request = getattr(reader_pb2, f"{method}Request")(**fields)
        # Persons look by a key of their own cell.
        cell = self.there if caller.role is Role.PERSON else self.here
        return await cell.call(f"{READER}.{method}", request, caller=caller)

    async def refusal(self, method: str, caller: Caller = INSTITUTION, **fields: Any) -> Fault:
        """How it refuses."""
        with pytest.raises(Fault) as raised:
            await self.ask(method, caller, **fields)
        return raised.value

    async def opened(self, dr_codg: str = DOCTOR) -> str:
        """The token of a doctor's session."""
        return str((await self.ask("OpenSession", fixmedins_code=HOSPITAL, dr_codg=dr_codg)).session_token)

    async def somebody(self, admdvs: str = JINAN) -> InventedPerson:
        """A person of Jinan, or of a place in Beijing, whom routing knows."""
        who = person(next(self.people))
        record = person_record(who)
        record.enrolments[0].insuplc_admdvs = admdvs
        request = person_pb2.RegisterPersonsRequest(request_id=self.request_id(), persons=[record])
        cell = self.there if admdvs == JINAN else self.here
        await cell.call("yibao.identity.v1.PersonService.RegisterPersons", request)
        # A question about somebody unknown brings the news of all cells.
        query = registry_pb2.InsuredQuery(psn_no=f"nobody{self.request_id()}", care_admdvs="110105")
        await self.here.call(
            "yibao.routing.v1.RegistryService.Resolve",
            registry_pb2.ResolveRequest(query=query),
            caller=Caller(Role.SERVICE, "gateway", sandbox=True),
        )
        return who

    async def code(self, who: InventedPerson) -> str:
        """A code on the person's phone."""
        named = {"channel_code": CHANNEL, "psn_name": who.psn_name, "psn_cert_type": "01", "certno": who.certno}
        activate = credential_pb2.ActivateCredentialRequest(request_id=self.request_id(), **named)
        await self.there.call(f"{CREDENTIALS}.ActivateCredential", activate, caller=APP)
        shown = credential_pb2.ShowCodeRequest(psn_no=who.psn_no)
        return str((await self.there.call(f"{CREDENTIALS}.ShowCode", shown, caller=APP)).ec_qr_code)

    async def consent(self, method: str, who: InventedPerson, **fields: Any) -> Any:
        """What the person does in the own cell."""
        request = getattr(consent_pb2, f"{method}Request")(request_id=self.request_id(), psn_no=who.psn_no, **fields)
        return await self.there.call(
            f"{CONSENT}.{method}", request, caller=Caller(Role.PERSON, who.psn_no, sandbox=True)
        )

    async def granted(self, who: InventedPerson, **fields: Any) -> str:
        """The number of a grant to the hospital."""
        return str((await self.consent("GrantAccess", who, reader_code=HOSPITAL, days=30, **fields)).grant.grant_no)

    async def scopes(self, patient: reader_pb2.SessionPatient, who: InventedPerson) -> DecidedScopes:
        """What the doctor may see of a person now."""
        cells = PersonCells(self.peers)
        (key,) = await PersonKeys(self.peers).keys([who.psn_no])
        one = Patient(patient.grant_no, key, patient.patient_id)
        sits = Sitting("RS1", "TREATMENT", HOSPITAL, (one,), dr_codg=DOCTOR)
        decided = await Deciding(cells).scopes(sits, sits.patients)
        for scope in decided.scopes.values():
            assert scope.until == moment_of(patient.to_time)
        return replace(decided, scopes={number: replace(each, until=None) for number, each in decided.scopes.items()})

    async def registered(self) -> None:
        """The node of the other institution is known."""
        told = {"node_no": NODE.node_no, "node_name": NODE.node_name, "admdvs": NODE.admdvs, "uscc": NODE.uscc}
        node = node_pb2.Node(**told, retrieve_roots=NODE.retrieve_roots)
        request = node_pb2.RegisterNodeRequest(request_id=self.request_id(), node=node)
        await self.here.call("yibao.imaging.v1.NodeService.RegisterNode", request)

    async def taken(self, *people: InventedPerson) -> list[str]:
        """A CT of each, told by the node of another institution; their UIDs."""
        await self.registered()
        entries = [upsert(next(self.pictures), psn_no=each.psn_no) for each in people]
        upload = upload_pb2.UploadEntriesRequest(node_no=NODE.node_no, entries=entries)
        caller = Caller(Role.NODE, NODE.node_no, sandbox=True)
        outcomes = (
            await self.here.call("yibao.imaging.v1.UploadService.UploadEntries", upload, caller=caller)
        ).outcomes
        assert {each.result for each in outcomes} == {entry_pb2.ENTRY_RESULT_ACCEPTED}
        return [each.study_instance_uid for each in entries]

    async def found(self, token: str, query: str = "") -> Any:
        """Studies as a viewer finds them that has the token of a session."""
        headers = {"authorization": f"Bearer {token}", "host": "index.example"}
        request = dicomweb_pb2.ServeRequest(door_name="studies", query=query, headers=headers)
        gateway = Caller(Role.SERVICE, "gateway", sandbox=True)
        answer = await self.here.call("yibao.imaging.v1.DicomWebService.Serve", request, caller=gateway)
        return json.loads(answer.body or b"[]")

    async def comes_to(self, token: str, studies: Sequence[Any]) -> int:
        """Searches until it finds these studies, which a search does that begins a second from now; how many searches that took,
        one more included, as what was found once stays so."""
        changed = time.monotonic()
        for looks in count(1):
            begun = time.monotonic()
            found = await self.found(token)
            if found == studies:
                assert await self.found(token) == studies
                return looks + 1
            assert begun < changed + 1, "what a person changed was not seen a second later"
            await asyncio.sleep(0.02)
        raise AssertionError("a count ends nowhere")

    async def settled(self, token: str) -> None:
        """Searches until the person's cell is not asked any more."""
        until = time.monotonic() + 10
        while True:
            before = self.decided()
            assert before > 0, "the cell was asked for the first"
            await self.found(token)
            if self.decided() == before:
                return
            assert time.monotonic() < until, "each search asks"
            await asyncio.sleep(0.1)

    def decided(self) -> int:
        """How often the cells of persons were asked for decisions until now."""
        return sum(each.name == f"{CONSENT}.Decide" for each in self.here.traces().all_spans())

    async def logged(self, session_no: str) -> list[audit_pb2.AuditEntry]:
        """What the log has of a session, in its order."""
        request = audit_pb2.ListAuditRequest(session_no=session_no)
        return list(reversed((await self.here.call("yibao.imaging.v1.AuditService.ListAudit", request)).entries))


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """What is there after ten seconds at most."""
    ends = time.monotonic() + 10
    while not (found := await look()):
        assert time.monotonic() < ends
        await asyncio.sleep(0.1)
    return found


@asynccontextmanager
async def started_across(folder: Path, members: Sequence[str] = MEMBERS) -> AsyncIterator[Across]:
    """The mesh with one partner's app in the persons' cell."""
    async with started_mesh(folder, overrides=BOTH, members=members) as mesh:
        there = in_cell(mesh, THERE)
        await seed_world(there, 1)
        signer = Tokens(mesh.keys, mesh.clock, mesh.config.cell).signer("imaging")
        peers = Peers("imaging", mesh.config, signer, Telemetry("imaging", mesh.config))
        yield Across(mesh, there, peers)
        await peers.close()
        for channel in there.channels.values():
            await channel.close()
