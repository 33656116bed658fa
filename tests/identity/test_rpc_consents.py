"""ConsentService over loopback: who may ask what, and how it is answered."""

from __future__ import annotations

from typing import Any

import pytest

from services.runtime.call import Caller, Role
from tests.identity.member import APP, HOSPITAL, OPERATOR, ROUTING, SETTLEMENT, Running
from tests.identity.messages import activation, registration
from tests.identity.people import person, record
from yibao.identity.v1 import consent_decisions_pb2 as decisions
from yibao.identity.v1 import consent_pb2 as pb2
from yibao.identity.v1 import consent_reviews_pb2 as reviews
from yibao.identity.v1.consent_pb2_grpc import ConsentServiceStub
from yibao.identity.v1.credential_pb2 import ShowCodeRequest
from yibao.identity.v1.credential_pb2_grpc import CredentialServiceStub
from yibao.identity.v1.person_pb2_grpc import PersonServiceStub

HERE = HOSPITAL.subject
WHO = person(1).psn_no
SELF, OTHER = (Caller(Role.PERSON, person(number).psn_no, sandbox=True) for number in (1, 2))
STUDY = "1.2.156.990100.1"
DOCTOR = decisions.Reader(purpose=decisions.ACCESS_PURPOSE_TREATMENT, fixmedins_code=HERE, dr_codg="D1")


@pytest.fixture
async def stub(running: Running) -> ConsentServiceStub:
    """Two registered persons; the first has an active credential."""
    people = running.stub(PersonServiceStub)
    await running.call(people.RegisterPersons, registration(record(1), record(2)), OPERATOR)
    await running.call(running.stub(CredentialServiceStub).ActivateCredential, activation(), APP)
    return running.stub(ConsentServiceStub)


def granting(request_id: str = "g1", **changed: Any) -> pb2.GrantAccessRequest:
    return pb2.GrantAccessRequest(
        **{"request_id": request_id, "psn_no": WHO, "reader_code": HERE, "days": 30, **changed}
    )


def deciding(grant_no: str) -> decisions.DecideRequest:
    return decisions.DecideRequest(items=[decisions.DecideItem(grant_no=grant_no, reader=DOCTOR)])


def emergency(request_id: str = "b1", **changed: Any) -> decisions.BreakGlassRequest:
    asked = {"request_id": request_id, "fixmedins_code": HERE, "dr_codg": "D1", "reason": "昏迷送院", "psn_no": WHO}
    return decisions.BreakGlassRequest(**{**asked, **changed})


async def test_a_person_grants_lists_and_revokes_and_a_repeat_gets_the_same_answer(
    running: Running, stub: ConsentServiceStub
) -> None:
    asked = granting(modalities=["MR", "CT", "CT"])
    made = (await running.call(stub.GrantAccess, asked, SELF)).grant
    assert (await running.call(stub.GrantAccess, asked, SELF)).grant == made
    assert made.grant_no.startswith("GS")
    assert list(made.modalities) == ["CT", "MR"]
    assert made.to_time.seconds - made.from_time.seconds == 30 * 86400
    (decided,) = (await running.call(stub.Decide, deciding(made.grant_no), ROUTING)).decisions
    assert (decided.active, decided.psn_no, decided.to_time) == (True, WHO, made.to_time)
    listed = await running.call(stub.ListGrants, pb2.ListGrantsRequest(psn_no=WHO), SELF)
    assert (list(listed.grants), listed.next_page_token) == ([made], "")
    revoking = pb2.RevokeGrantRequest(request_id="r1", psn_no=WHO, grant_no=made.grant_no)
    assert (await running.call(stub.RevokeGrant, revoking, SELF)).grant.HasField("revoked_time")
    (decided,) = (await running.call(stub.Decide, deciding(made.grant_no), ROUTING)).decisions
    assert decided == decisions.Decision()
    ends = await running.call(stub.ListGrantEnds, decisions.ListGrantEndsRequest(), ROUTING)
    assert ([each.grant_no for each in ends.ends], ends.last_seq) == ([made.grant_no], 1)


async def test_nobody_touches_the_consent_of_another(running: Running, stub: ConsentServiceStub) -> None:
    assert await running.reason(stub.GrantAccess, granting(), OTHER) == "CALLER_NOT_BOUND"
    assert await running.reason(stub.ListGrants, pb2.ListGrantsRequest(psn_no=WHO), OTHER) == "CALLER_NOT_BOUND"
    for caller in (HOSPITAL, APP, ROUTING):
        assert await running.reason(stub.GrantAccess, granting(), caller) == "ROLE_NOT_ALLOWED"
    for caller in (HOSPITAL, SELF, OPERATOR):
        assert await running.reason(stub.Decide, deciding("GS1"), caller) == "ROLE_NOT_ALLOWED"
        assert await running.reason(stub.BreakGlass, emergency(), caller) == "ROLE_NOT_ALLOWED"
    assert await running.reason(stub.Decide, deciding("GS1"), SETTLEMENT) == "CALLER_NOT_ALLOWED"
    for caller in (HOSPITAL, SELF):
        request = reviews.ListBreakGlassRequest()
        assert await running.reason(stub.ListBreakGlass, request, caller) == "ROLE_NOT_ALLOWED"


@pytest.mark.parametrize(
    "changed",
    [
        {"days": 0},
        {"days": 367},
        {"reader_code": "110105"},
        {"reader_code": ""},
        {"modalities": ["ct"]},
        {"study_uid": "1.02"},
        {"study_uid": "no uid"},
    ],
)
async def test_what_no_grant_can_say_is_invalid(
    running: Running, stub: ConsentServiceStub, changed: dict[str, Any]
) -> None:
    assert await running.reason(stub.GrantAccess, granting(**changed), SELF) == "INVALID_REQUEST"


async def test_a_reader_tells_what_the_purpose_needs(running: Running, stub: ConsentServiceStub) -> None:
    treats, checks = decisions.ACCESS_PURPOSE_TREATMENT, decisions.ACCESS_PURPOSE_SUPERVISION
    for reader in (
        decisions.Reader(purpose=treats),
        decisions.Reader(purpose=checks, opter_no="OP1"),
        decisions.Reader(purpose=checks, case_no="C1"),
        decisions.Reader(),
    ):
        request = decisions.FindGrantRequest(reader=reader, psn_no=WHO)
        assert await running.reason(stub.FindGrant, request, ROUTING) == "INVALID_REQUEST"
    nobody = decisions.FindGrantRequest(reader=DOCTOR)
    assert await running.reason(stub.FindGrant, nobody, ROUTING) == "INVALID_REQUEST"


async def test_a_code_at_a_desk_gives_a_grant_and_a_repeat_of_it_the_same_one(
    running: Running, stub: ConsentServiceStub
) -> None:
    credentials = running.stub(CredentialServiceStub)
    shown = await running.call(credentials.ShowCode, ShowCodeRequest(psn_no=WHO), APP)
    proving = decisions.ProvePresenceRequest(request_id="p1", fixmedins_code=HERE, ec_token=shown.ec_qr_code)
    proved = await running.call(stub.ProvePresence, proving, ROUTING)
    assert proved.psn_no == WHO
    assert await running.call(stub.ProvePresence, proving, ROUTING) == proved
    found = await running.call(stub.FindGrant, decisions.FindGrantRequest(reader=DOCTOR, psn_no=WHO), ROUTING)
    assert found.grant_no == proved.grant_no


async def test_an_emergency_is_listed_until_an_operator_has_reviewed_it(
    running: Running, stub: ConsentServiceStub
) -> None:
    broken = await running.call(stub.BreakGlass, emergency(), ROUTING)
    running.clock.tick(hours=72)
    (listed,) = (await running.call(stub.ListBreakGlass, reviews.ListBreakGlassRequest(), OPERATOR)).entries
    assert (listed.grant_no, listed.psn_no, listed.reason, listed.overdue) == (broken.grant_no, WHO, "昏迷送院", True)
    verdict = reviews.REVIEW_VERDICT_UNJUSTIFIED
    review = reviews.ReviewBreakGlassRequest(request_id="v1", grant_no=broken.grant_no, verdict=verdict, memo="门诊")
    entry = (await running.call(stub.ReviewBreakGlass, review, OPERATOR)).entry
    assert (entry.verdict, entry.reviewed_by, entry.memo, entry.overdue) == (verdict, "OP1", "门诊", False)
    assert not (await running.call(stub.ListBreakGlass, reviews.ListBreakGlassRequest(), OPERATOR)).entries
    everything = reviews.ListBreakGlassRequest(reviewed=True)
    assert list((await running.call(stub.ListBreakGlass, everything, OPERATOR)).entries) == [entry]
    # The person sees it too.
    (grant,) = (await running.call(stub.ListGrants, pb2.ListGrantsRequest(psn_no=WHO), SELF)).grants
    assert (grant.kind, grant.dr_codg, grant.reason) == (pb2.GRANT_KIND_EMERGENCY, "D1", "昏迷送院")


async def test_a_person_hides_and_shows_a_study(running: Running, stub: ConsentServiceStub) -> None:
    hiding = pb2.HideRequest(request_id="h1", psn_no=WHO, study_uid=STUDY)
    hidden = (await running.call(stub.Hide, hiding, SELF)).hidden
    made = (await running.call(stub.GrantAccess, granting(), SELF)).grant
    (decided,) = (await running.call(stub.Decide, deciding(made.grant_no), ROUTING)).decisions
    assert list(decided.hidden_studies) == [STUDY]
    assert list((await running.call(stub.ListHidden, pb2.ListHiddenRequest(psn_no=WHO), SELF)).hidden) == [hidden]
    showing = pb2.UnhideRequest(request_id="u1", psn_no=WHO, hidden_no=hidden.hidden_no)
    await running.call(stub.Unhide, showing, SELF)
    (decided,) = (await running.call(stub.Decide, deciding(made.grant_no), ROUTING)).decisions
    assert not decided.hidden_studies
