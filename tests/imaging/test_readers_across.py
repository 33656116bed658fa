"""Readers in a mesh of two cells: consent is kept in the person's cell, asked through routing, and read by imaging."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Final

import pytest
import pytest_asyncio

from services.imaging.domain.scopes import Decided, Scope
from services.imaging.operations.deciding import Deciding
from services.imaging.operations.searching import Patient, Sitting
from services.imaging.peers.persons import PersonCells, PersonKeys
from services.kernel.errors import Fault, FaultKind
from services.runtime.call import Caller, Role
from services.runtime.outbound import Peers
from services.runtime.telemetry import Telemetry
from services.runtime.wire import moment_of
from tests.mesh.harness import OPERATOR_CALLER, Mesh, seed_world, started_mesh
from tests.mesh.seeds import CHANNEL, InventedPerson, person, person_record
from tests.mesh.test_cells import BOTH, THERE, in_cell
from tests.tokens import Tokens
from yibao.identity.v1 import consent_pb2, consent_reviews_pb2, credential_pb2, person_pb2
from yibao.imaging.v1 import reader_pb2
from yibao.routing.v1 import registry_pb2

MEMBERS: Final = ("identity", "routing", "imaging")
READER: Final = "yibao.imaging.v1.ReaderService"
CONSENT: Final = "yibao.identity.v1.ConsentService"
CREDENTIALS: Final = "yibao.identity.v1.CredentialService"
HOSPITAL: Final = "H11010500001"
DOCTOR: Final = "D110000000001"
STUDY: Final = "1.2.156.990100.1"
INSTITUTION: Final = Caller(Role.INSTITUTION, HOSPITAL, sandbox=True)
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

    def request_id(self) -> str:
        """A new one."""
        return f"across-{next(self.requests)}"

    async def ask(self, method: str, caller: Caller = INSTITUTION, **fields: Any) -> Any:
        """What ReaderService answers."""
        request = getattr(reader_pb2, f"{method}Request")(**fields)
        return await self.here.call(f"{READER}.{method}", request, caller=caller)

    async def refusal(self, method: str, caller: Caller = INSTITUTION, **fields: Any) -> Fault:
        """How it refuses."""
        with pytest.raises(Fault) as raised:
            await self.ask(method, caller, **fields)
        return raised.value

    async def opened(self) -> str:
        """The token of a doctor's session."""
        return str((await self.ask("OpenSession", fixmedins_code=HOSPITAL, dr_codg=DOCTOR)).session_token)

    async def somebody(self) -> InventedPerson:
        """A person of Jinan whom routing knows."""
        (who,) = await self.several(1)
        return who

    async def several(self, how_many: int) -> list[InventedPerson]:
        """Persons of Jinan whom routing knows."""
        found = [person(next(self.people)) for _ in range(how_many)]
        records = [person_record(each) for each in found]
        for each in records:
            each.enrolments[0].insuplc_admdvs = JINAN
        request = person_pb2.RegisterPersonsRequest(request_id=self.request_id(), persons=records)
        await self.there.call("yibao.identity.v1.PersonService.RegisterPersons", request)
        # A question about somebody unknown brings the news of all cells.
        query = registry_pb2.InsuredQuery(psn_no=f"nobody{self.request_id()}", care_admdvs="110105")
        await self.here.call(
            "yibao.routing.v1.RegistryService.Resolve",
            registry_pb2.ResolveRequest(query=query),
            caller=Caller(Role.SERVICE, "gateway", sandbox=True),
        )
        return found

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

    async def scopes(self, patient: reader_pb2.SessionPatient, who: InventedPerson) -> Decided:
        """What the doctor may see of a person now."""
        cells = PersonCells(self.peers)
        (key,) = await PersonKeys(self.peers).keys([who.psn_no])
        one = Patient(patient.grant_no, key, patient.patient_id)
        sits = Sitting("RS1", "TREATMENT", HOSPITAL, (one,), dr_codg=DOCTOR)
        decided = await Deciding(cells).scopes(sits, sits.patients)
        for scope in decided.scopes.values():
            assert scope.until == moment_of(patient.to_time)
        return replace(decided, scopes={number: replace(each, until=None) for number, each in decided.scopes.items()})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def across(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Across]:
    folder = tmp_path_factory.mktemp("across")
    async with started_mesh(folder, overrides=BOTH, members=MEMBERS) as mesh:
        there = in_cell(mesh, THERE)
        await seed_world(there, 1)
        signer = Tokens(mesh.keys, mesh.clock, mesh.config.cell).signer("imaging")
        peers = Peers("imaging", mesh.config, signer, Telemetry("imaging", mesh.config))
        yield Across(mesh, there, peers)
        await peers.close()
        for channel in there.channels.values():
            await channel.close()


async def test_a_code_scanned_at_the_desk_lets_the_doctor_read_until_the_person_revokes(across: Across) -> None:
    who, token = await across.somebody(), await across.opened()
    code = await across.code(who)
    patient = (await across.ask("AddPatient", session_token=token, ec_token=code)).patient
    assert (patient.active, patient.cell_away, len(patient.patient_id)) == (True, False, 26)
    assert patient.grant_no.startswith(f"G{THERE}")
    assert await across.scopes(patient, who) == Decided({patient.grant_no: Scope()})
    # Whoever got no answer sends it again; in another session the code is used up.
    assert (await across.ask("AddPatient", session_token=token, ec_token=code)).patient == patient
    other = await across.opened()
    assert (await across.refusal("AddPatient", session_token=other, ec_token=code)).reason == "CODE_USED"
    # The same grant is found by number and by certificate: it stands there once.
    by_number = (await across.ask("AddPatient", session_token=token, psn_no=who.psn_no)).patient
    by_certificate: dict[str, Any] = {"psn_cert_type": "01", "certno": who.certno}
    assert (await across.ask("AddPatient", session_token=token, **by_certificate)).patient == by_number == patient
    assert list((await across.ask("ListPatients", session_token=token)).patients) == [patient]

    began = time.monotonic()
    await across.consent("RevokeGrant", who, grant_no=patient.grant_no)
    assert await across.scopes(patient, who) == Decided()
    assert time.monotonic() - began < 1
    (listed,) = (await across.ask("ListPatients", session_token=token)).patients
    assert (listed.active, listed.cell_away, listed.HasField("to_time")) == (False, False, False)
    assert (await across.refusal("AddPatient", session_token=other, psn_no=who.psn_no)).reason == "NO_ACCESS"


async def test_a_page_that_has_the_token_alone_sees_who_may_be_seen_adds_nobody_and_ends_the_session(
    across: Across,
) -> None:
    page, who, token = Caller(Role.PUBLIC, "", sandbox=True), await across.somebody(), await across.opened()
    added = await across.ask("AddPatient", session_token=token, ec_token=await across.code(who))
    assert list((await across.ask("ListPatients", page, session_token=token)).patients) == [added.patient]
    refused = await across.refusal("AddPatient", page, session_token=token, ec_token=await across.code(who))
    assert refused.kind is FaultKind.DENIED
    await across.ask("CloseSession", page, session_token=token)
    assert (await across.refusal("ListPatients", session_token=token)).reason == "SESSION_UNKNOWN"


async def test_what_a_person_grants_and_hides_is_the_scope_of_the_next_decision(across: Across) -> None:
    who, token = await across.somebody(), await across.opened()
    grant_no = await across.granted(who, modalities=["CT"])
    patient = (await across.ask("AddPatient", session_token=token, psn_no=who.psn_no)).patient
    assert patient.grant_no == grant_no
    assert await across.scopes(patient, who) == Decided({grant_no: Scope(frozenset({"CT"}))})
    await across.consent("Hide", who, study_uid=STUDY)
    await across.consent("Hide", who, fixmedins_code="H37010200901")
    hidden = Scope(frozenset({"CT"}), "", frozenset({STUDY}), frozenset({"H37010200901"}))
    assert await across.scopes(patient, who) == Decided({grant_no: hidden})


async def test_an_emergency_stands_in_the_review_list_of_the_persons_cell(across: Across) -> None:
    who, token = await across.somebody(), await across.opened()
    asked: dict[str, Any] = {
        "request_id": across.request_id(),
        "session_token": token,
        "reason": "昏迷送院",
        "psn_no": who.psn_no,
    }
    broken = (await across.ask("BreakGlass", **asked)).patient
    assert (await across.ask("BreakGlass", **asked)).patient == broken
    assert await across.scopes(broken, who) == Decided({broken.grant_no: Scope()})
    listed = await across.there.call(
        f"{CONSENT}.ListBreakGlass", consent_reviews_pb2.ListBreakGlassRequest(), caller=OPERATOR_CALLER
    )
    assert [(each.grant_no, each.fixmedins_code, each.dr_codg, each.reason) for each in listed.entries] == [
        (broken.grant_no, HOSPITAL, DOCTOR, "昏迷送院")
    ]
    fault = await across.refusal("BreakGlass", **{**asked, "reason": "误写的理由"})
    assert fault.reason == "REQUEST_ID_REUSED"
    nobody = {**asked, "request_id": across.request_id(), "psn_no": "nobody"}
    assert (await across.refusal("BreakGlass", **nobody)).reason == "NO_ACCESS"


async def test_a_person_sees_what_is_hidden_and_an_operator_reads_by_a_case(across: Across) -> None:
    who = await across.somebody()
    self_, other = (Caller(Role.PERSON, number, sandbox=True) for number in (who.psn_no, "nobody"))
    looking = await across.ask("OpenSession", self_, psn_no=who.psn_no)
    (patient,) = (await across.ask("ListPatients", self_, session_token=looking.session_token)).patients
    assert patient.active
    assert (await across.refusal("OpenSession", other, psn_no="nobody")).reason == "NO_ACCESS"
    assert (await across.refusal("OpenSession", other, psn_no=who.psn_no)).reason == "CALLER_NOT_BOUND"
    checking = await across.ask("OpenSession", OPERATOR_CALLER, case_no="C1")
    asked: dict[str, Any] = {"session_token": checking.session_token, "psn_no": who.psn_no}
    checked = (await across.ask("AddPatient", OPERATOR_CALLER, **asked)).patient
    assert checked.patient_id != patient.patient_id
    # Whose session it is nobody else goes on with, by whichever method.
    for caller in (INSTITUTION, Caller(Role.OPERATOR, "OP2", sandbox=True)):
        assert (await across.refusal("ListPatients", caller, session_token=checking.session_token)).reason == (
            "SESSION_UNKNOWN"
        )
    await across.ask("CloseSession", self_, session_token=looking.session_token)
    ended = await across.refusal("ListPatients", self_, session_token=looking.session_token)
    assert ended.reason == "SESSION_UNKNOWN"


async def test_what_a_reader_must_tell_is_asked_for(across: Across) -> None:
    for caller, fields, path in (
        (INSTITUTION, {"fixmedins_code": HOSPITAL}, "dr_codg"),
        (OPERATOR_CALLER, {}, "case_no"),
    ):
        fault = await across.refusal("OpenSession", caller, **fields)
        assert [each.path for each in fault.violations] == [path]
    own = await across.ask("OpenSession", fixmedins_code=HOSPITAL, own=True)
    refused = await across.refusal("AddPatient", session_token=own.session_token, psn_no="nobody")
    assert refused.reason == "SESSION_OF_OWN_LIST"


async def test_nobody_and_somebody_who_granted_nothing_get_the_same_answer_in_the_same_time(across: Across) -> None:
    who, token = await across.somebody(), await across.opened()
    same = [await across.refusal("AddPatient", session_token=token, psn_no=each) for each in (who.psn_no, "9" * 16)]
    assert [(each.kind, each.reason, each.metadata, each.violations) for each in same] == [
        (same[0].kind, "NO_ACCESS", {}, ())
    ] * 2
    known: list[float] = []
    unknown: list[float] = []
    for number in range(60):
        for psn_no, took in ((who.psn_no, known), (f"{number:016}", unknown)):
            began = time.perf_counter()
            await across.refusal("AddPatient", session_token=token, psn_no=psn_no)
            took.append(time.perf_counter() - began)
    ratio = sorted(known)[30] / sorted(unknown)[30]
    assert 0.67 < ratio < 1.5, ratio
