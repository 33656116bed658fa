"""Readers in a mesh of two cells: consent is kept in the person's cell, asked through routing, and read by imaging."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from services.imaging.domain.scopes import DecidedScopes, Scope
from services.imaging.operations.patients import EVEN_S
from services.kernel.errors import Fault, FaultKind
from services.runtime.call import Caller, Role
from tests.imaging.across import CONSENT, DOCTOR, HOSPITAL, INSTITUTION, MADE_IT, Across, started_across
from tests.mesh.harness import OPERATOR_CALLER
from tests.mesh.test_cells import THERE
from yibao.identity.v1 import consent_reviews_pb2
from yibao.imaging.v1 import audit_pb2

STUDY: Final = "1.2.156.990100.1"
SUCCESS: Final = audit_pb2.AUDIT_OUTCOME_SUCCESS


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def across(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Across]:
    async with started_across(tmp_path_factory.mktemp("across")) as made:
        yield made


async def test_a_code_scanned_at_the_desk_lets_the_doctor_read_until_the_person_revokes(across: Across) -> None:
    who, token = await across.somebody(), await across.opened()
    code = await across.code(who)
    patient = (await across.ask("AddPatient", session_token=token, ec_token=code)).patient
    assert (patient.active, patient.cell_away, len(patient.patient_id)) == (True, False, 26)
    assert patient.grant_no.startswith(f"G{THERE}")
    assert await across.scopes(patient, who) == DecidedScopes({patient.grant_no: Scope()})
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
    assert await across.scopes(patient, who) == DecidedScopes()
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


@pytest.mark.parametrize("method", ["AddPatient", "BreakGlass"])
async def test_whoever_names_nobody_is_asked_for_the_person(across: Across, method: str) -> None:
    beside: dict[str, Any] = {"request_id": across.request_id(), "reason": "昏迷送院"} if method == "BreakGlass" else {}
    fault = await across.refusal(method, session_token=await across.opened(), **beside)
    assert [(each.path, each.rule) for each in fault.violations] == [("psn_no", "consent.person")]


async def test_what_a_person_grants_and_hides_is_the_scope_of_the_next_decision(across: Across) -> None:
    who, token = await across.somebody(), await across.opened()
    grant_no = await across.granted(who, modalities=["CT"])
    patient = (await across.ask("AddPatient", session_token=token, psn_no=who.psn_no)).patient
    assert patient.grant_no == grant_no
    assert await across.scopes(patient, who) == DecidedScopes({grant_no: Scope(frozenset({"CT"}))})
    await across.consent("Hide", who, study_uid=STUDY)
    await across.consent("Hide", who, fixmedins_code="H37010200901")
    hidden = Scope(frozenset({"CT"}), "", frozenset({STUDY}), frozenset({"H37010200901"}))
    assert await across.scopes(patient, who) == DecidedScopes({grant_no: hidden})


async def test_a_study_of_another_cells_person_is_found_with_consent_alone_and_every_look_is_logged(
    across: Across,
) -> None:
    who, other = await across.somebody(), await across.somebody()
    uids = await across.taken(who, other)
    session = await across.ask("OpenSession", fixmedins_code=HOSPITAL, dr_codg=DOCTOR)
    token = session.session_token
    assert await across.found(token) == []
    assert (await across.refusal("AddPatient", session_token=token, psn_no=who.psn_no)).reason == "NO_ACCESS"
    patient = (await across.ask("AddPatient", session_token=token, ec_token=await across.code(who))).patient
    (study,) = await across.found(token)
    assert (study["0020000D"]["Value"], study["00100020"]["Value"]) == ([uids[0]], [patient.patient_id])
    assert await across.found(token, f"PatientID={patient.patient_id}") == [study]
    assert await across.found(token, f"PatientID={who.psn_no}") == []
    hidden = (await across.consent("Hide", who, study_uid=uids[0])).hidden
    looks = await across.comes_to(token, [])
    await across.consent("Unhide", who, hidden_no=hidden.hidden_no)
    looks += await across.comes_to(token, [study])
    await across.consent("RevokeGrant", who, grant_no=patient.grant_no)
    looks += await across.comes_to(token, [])
    await across.ask("CloseSession", session_token=token)
    # The institution that made it finds it in its own list, and by its own name of the person.
    own = await across.ask("OpenSession", MADE_IT, fixmedins_code=MADE_IT.subject, own=True)
    listed = {each["0020000D"]["Value"][0]: each for each in await across.found(own.session_token)}
    (name,) = listed[uids[0]]["00100020"]["Value"]
    assert name != patient.patient_id
    assert await across.found(own.session_token, f"PatientID={name}") == [listed[uids[0]]]
    entries = await across.logged(session.session_no)
    assert [(audit_pb2.AuditAction.Name(each.action)[13:], each.outcome, each.grant_no) for each in entries] == [
        ("SESSION_OPENED", SUCCESS, ""),
        ("SEARCHED", SUCCESS, ""),
        ("PATIENT_ADDED", audit_pb2.AUDIT_OUTCOME_REFUSED, ""),
        ("PATIENT_ADDED", SUCCESS, patient.grant_no),
        *[("SEARCHED", SUCCESS, patient.grant_no)] * 2,
        ("SEARCHED", SUCCESS, ""),
        *[("SEARCHED", SUCCESS, patient.grant_no)] * looks,
        ("SESSION_CLOSED", SUCCESS, ""),
    ]
    assert {(each.organisation, each.reader, each.purpose) for each in entries} == {(HOSPITAL, DOCTOR, "TREATMENT")}
    assert entries[5].detail == "studies PatientID found 1"


async def test_searches_that_ask_the_persons_cell_no_more_see_within_a_second_what_the_person_changes(
    across: Across,
) -> None:
    who, token = await across.somebody(), await across.opened()
    await across.taken(who)
    patient = (await across.ask("AddPatient", session_token=token, ec_token=await across.code(who))).patient
    (study,) = await across.found(token)
    changes: list[tuple[str, dict[str, Any], list[Any]]] = [
        ("Hide", {"study_uid": study["0020000D"]["Value"][0]}, []),
        ("Unhide", {}, [study]),
        ("Hide", {"fixmedins_code": MADE_IT.subject}, []),
        ("Unhide", {}, [study]),
        ("RevokeGrant", {"grant_no": patient.grant_no}, []),
    ]
    hidden_no = ""
    for method, fields, then in changes:
        await across.settled(token)
        told = {"hidden_no": hidden_no} if method == "Unhide" else fields
        answer = await across.consent(method, who, **told)
        hidden_no = answer.hidden.hidden_no if method == "Hide" else ""
        await across.comes_to(token, then)


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
    assert await across.scopes(broken, who) == DecidedScopes({broken.grant_no: Scope()})
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


async def test_a_person_reads_who_looked_wherever_that_was(across: Across) -> None:
    who, other, token = await across.somebody(), await across.somebody(), await across.opened()
    await across.ask("AddPatient", session_token=token, ec_token=await across.code(who))
    await across.ask("AddPatient", session_token=token, ec_token=await across.code(other))
    await across.found(token)
    self_ = Caller(Role.PERSON, who.psn_no, sandbox=True)
    method, request = "yibao.imaging.v1.AuditService.ListOwnAudit", audit_pb2.ListOwnAuditRequest(psn_no=who.psn_no)
    with pytest.raises(Fault, match="NO_ACCESS"):
        await across.here.call(method, request, caller=self_)
    entries = (await across.there.call(method, request, caller=self_)).entries
    assert [(audit_pb2.AuditAction.Name(each.action)[13:], each.organisation, each.reader) for each in entries] == [
        ("LOG_USED", "person", ""),
        ("SEARCHED", HOSPITAL, DOCTOR),
        ("PATIENT_ADDED", HOSPITAL, DOCTOR),
    ]
    assert len({each.patient_id for each in entries}) == 1
    for secret in (who.psn_no, who.certno, who.psn_name, other.psn_no):
        assert secret not in str(entries)


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
    # On a busy machine an answer is a step of EVEN_S late now and then; what tells of somebody is so in each round.
    ratios = []
    for turn in range(4):
        ratios.append(await ratio_of_refusals(across, token, who.psn_no, turn * 15))
        if 0.8 < ratios[-1] < 1.25:
            return
    raise AssertionError(ratios)


async def ratio_of_refusals(across: Across, token: str, psn_no: str, first: int) -> float:
    """How much longer somebody is refused than nobody, by the medians of 15 turns."""
    known: list[float] = []
    unknown: list[float] = []
    for number in range(first, first + 15):
        for asked, took in ((psn_no, known), (f"{number:016}", unknown)):
            began = time.perf_counter()
            await across.refusal("AddPatient", session_token=token, psn_no=asked)
            took.append(time.perf_counter() - began)
    # A timer may ring a moment early.
    assert min(*known, *unknown) > EVEN_S - 0.002
    return sorted(known)[7] / sorted(unknown)[7]
