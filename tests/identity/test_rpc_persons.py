"""PersonService over loopback, with every interceptor."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from google.type.date_pb2 import Date

from services.identity.servicer.convert import write_enrolment, write_record
from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from tests.identity.member import HOSPITAL, OPERATOR, SETTLEMENT, Running
from tests.identity.messages import on, registration
from tests.identity.people import TODAY, enrolment, identity, link, person, record
from yibao.identity.v1 import person_pb2
from yibao.identity.v1.person_pb2_grpc import PersonServiceStub

RICH = replace(
    record(
        1,
        enrolment(facts={"cvl_rank": "3"}, to_day=date(2030, 1, 1), insured_since=date(2001, 1, 1)),
        enrolment(insutype="390", cvlserv_flag=True),
    ),
    identities=(identity(),),
    family_links=(link(2, to_day=date(2030, 1, 1)), link(9, owner_cell="370000")),
)


async def test_persons_are_registered_once_and_read_back_whole(running: Running) -> None:
    stub = running.stub(PersonServiceStub)
    request = registration(RICH, record(2))
    first = await running.call(stub.RegisterPersons, request, OPERATOR)
    again = await running.call(stub.RegisterPersons, request, OPERATOR)
    later = await running.call(stub.RegisterPersons, registration(RICH, request_id="r2"), SETTLEMENT)
    assert [(each.registered_count, each.unchanged_count) for each in (first, again, later)] == [(2, 0), (2, 0), (0, 1)]
    asked = person_pb2.GetPersonRequest(psn_no=person(1).psn_no)
    assert (await running.call(stub.GetPerson, asked, OPERATOR)).record == write_record(RICH)


async def test_a_thousand_persons_come_in_one_call_and_no_more(running: Running) -> None:
    stub = running.stub(PersonServiceStub)
    many = registration(*(record(number) for number in range(1000)))
    assert (await running.call(stub.RegisterPersons, many, OPERATOR)).registered_count == 1000
    assert await running.reason(stub.RegisterPersons, registration(*[record(1)] * 1001, request_id="r2"), OPERATOR) == (
        "INVALID_REQUEST"
    )


async def test_every_refusal_of_a_registration(running: Running) -> None:
    stub = running.stub(PersonServiceStub)
    await running.call(stub.RegisterPersons, registration(record(1)), OPERATOR)
    refused = {
        "PERSON_EXISTS": record(1, gend="2"),
        "CERTIFICATE_TAKEN": record(2, certno=person(1).certno),
        "ENROLMENT_OVERLAPS": record(2, enrolment(), enrolment(from_day=date(2025, 1, 1))),
        "FAMILY_OWNER_UNKNOWN": replace(record(2), family_links=(link(9),)),
        "INVALID_REQUEST": record(2, certno="890000190001010011"),
    }
    for cell in ("sandbox", "somewhere"):
        reason = "FAMILY_OWNER_UNKNOWN" if cell == "sandbox" else "INVALID_REQUEST"
        refused[f"{reason} {cell}"] = replace(record(2), family_links=(link(9, owner_cell=cell),))
    for reason, bad in refused.items():
        assert (
            await running.reason(stub.RegisterPersons, registration(bad, request_id="r2"), OPERATOR)
            == reason.split()[0]
        )
    other = registration(record(3), request_id="r1")
    assert await running.reason(stub.RegisterPersons, other, OPERATOR) == "REQUEST_ID_REUSED"
    assert await running.reason(stub.RegisterPersons, registration(record(3)), HOSPITAL) == "ROLE_NOT_ALLOWED"


async def test_a_day_that_does_not_exist_is_named_by_its_path(running: Running) -> None:
    request = registration(record(1), record(2))
    request.persons[1].person.brdy.CopyFrom(Date(year=1990, month=2, day=30))
    request.persons[1].enrolments[0].to_day.CopyFrom(Date(year=2026))
    with pytest.raises(Fault) as refused:
        await running.call(running.stub(PersonServiceStub).RegisterPersons, request, OPERATOR)
    assert [violation.path for violation in refused.value.violations] == [
        "persons[1].person.brdy",
        "persons[1].enrolments[0].to_day",
    ]


async def test_a_text_with_the_character_nul_is_named_by_its_path_wherever_it_stands(running: Running) -> None:
    request = registration(record(1, psn_name="a\0b"), record(2, enrolment(facts={"contracted": "1\0"})))
    with pytest.raises(Fault) as refused:
        await running.call(running.stub(PersonServiceStub).RegisterPersons, request, OPERATOR)
    assert [(violation.path, violation.rule) for violation in refused.value.violations] == [
        ("persons[0].person.psn_name", "text.nul"),
        ("persons[1].enrolments[0].facts[]", "text.nul"),
    ]


async def test_a_refused_registration_names_places_and_never_a_person(running: Running) -> None:
    stub = running.stub(PersonServiceStub)
    await running.call(stub.RegisterPersons, registration(record(1)), OPERATOR)
    with pytest.raises(Fault) as refused:
        await running.call(
            stub.RegisterPersons, registration(record(4), record(1, gend="2"), request_id="r2"), OPERATOR
        )
    fault = refused.value
    assert [violation.path for violation in fault.violations] == ["persons[1].person.psn_no"]
    assert fault.metadata == {"count": "1"}


async def test_an_enrolment_is_revised_and_every_refusal_of_it(running: Running) -> None:
    stub = running.stub(PersonServiceStub)
    await running.call(stub.RegisterPersons, registration(record(1)), OPERATOR)

    def revision(request_id: str = "v1", psn_no: str = person(1).psn_no, **changed: object) -> object:
        successor = enrolment(**{"from_day": date(2026, 4, 1), "status": "retired", **changed})
        return person_pb2.ReviseEnrolmentRequest(
            request_id=request_id, psn_no=psn_no, enrolment=write_enrolment(successor)
        )

    answer = await running.call(stub.ReviseEnrolment, revision(), OPERATOR)
    assert [each.status for each in answer.record.enrolments] == ["active", "retired"]
    assert answer.record.enrolments[0].to_day == on(date(2026, 3, 31))
    assert await running.call(stub.ReviseEnrolment, revision(), OPERATOR) == answer
    for reason, request in {
        "REQUEST_ID_REUSED": revision(emp_name="x"),
        "ENROLMENT_OVERLAPS": revision("v2"),
        "ENROLMENT_NOT_FOUND": revision("v2", insutype="390"),
        "PERSON_NOT_FOUND": revision("v2", psn_no="x"),
        "INVALID_REQUEST": revision("v2", from_day=date(2027, 1, 1), to_day=date(2026, 1, 1)),
    }.items():
        assert await running.reason(stub.ReviseEnrolment, request, OPERATOR) == reason


async def test_entitlement_by_day_with_its_reason(running: Running) -> None:
    stub = running.stub(PersonServiceStub)
    ended = record(2, enrolment(to_day=date(2025, 12, 31)))
    suspended = record(3, enrolment(psn_insu_stas="2"))
    await running.call(stub.RegisterPersons, registration(record(1), ended, suspended), OPERATOR)
    told = []
    for number, insutype in ((1, "310"), (1, "390"), (2, "310"), (3, "310")):
        asked = person_pb2.GetEntitlementRequest(psn_no=person(number).psn_no, insutype=insutype, day=on(TODAY))
        answer = await running.call(stub.GetEntitlement, asked, OPERATOR)
        told.append((answer.entitled, answer.reason, answer.HasField("enrolment")))
    assert told == [
        (True, "", True),
        (False, "NOT_ENROLLED", False),
        (False, "ENROLMENT_ENDED", True),
        (False, "ENROLMENT_SUSPENDED", True),
    ]
    unknown = person_pb2.GetEntitlementRequest(psn_no="x", insutype="310", day=on(TODAY))
    assert await running.reason(stub.GetEntitlement, unknown, OPERATOR) == "PERSON_NOT_FOUND"
    no_day = person_pb2.GetEntitlementRequest(psn_no="x", insutype="310", day=Date(year=2026, month=13, day=1))
    assert await running.reason(stub.GetEntitlement, no_day, OPERATOR) == "INVALID_REQUEST"


async def test_a_person_reads_himself_and_nobody_else(running: Running) -> None:
    stub = running.stub(PersonServiceStub)
    await running.call(stub.RegisterPersons, registration(record(1), record(2)), OPERATOR)
    himself = Caller(Role.PERSON, person(1).psn_no, sandbox=True)
    own = person_pb2.GetPersonRequest(psn_no=person(1).psn_no)
    other = person_pb2.GetPersonRequest(psn_no=person(2).psn_no)
    assert (await running.call(stub.GetPerson, own, himself)).record.person.psn_no == person(1).psn_no
    assert await running.reason(stub.GetPerson, other, himself) == "CALLER_NOT_BOUND"
    assert await running.reason(stub.GetPerson, person_pb2.GetPersonRequest(psn_no="x"), OPERATOR) == "PERSON_NOT_FOUND"


async def test_persons_are_given_in_the_order_asked_with_holes(running: Running) -> None:
    stub = running.stub(PersonServiceStub)
    await running.call(stub.RegisterPersons, registration(record(1), record(2)), OPERATOR)
    asked = person_pb2.BatchGetPersonsRequest(psn_nos=[person(2).psn_no, "x", person(1).psn_no])
    outcomes = (await running.call(stub.BatchGetPersons, asked, SETTLEMENT)).outcomes
    assert [each.record.person.psn_no for each in outcomes] == [person(2).psn_no, "", person(1).psn_no]
    assert not outcomes[1].HasField("record")


async def test_a_passport_is_one_however_it_is_typed_at_registration_and_at_look_up(running: Running) -> None:
    stub = running.stub(PersonServiceStub)
    typed = record(1, psn_cert_type="8", certno=" ｅ1234567", card_no="c1")
    await running.call(stub.RegisterPersons, registration(typed), OPERATOR)
    again = await running.call(stub.RegisterPersons, registration(typed, request_id="r2"), OPERATOR)
    assert (again.registered_count, again.unchanged_count) == (0, 1)
    kept = (
        await running.call(stub.GetPerson, person_pb2.GetPersonRequest(psn_no=person(1).psn_no), OPERATOR)
    ).record.person
    assert (kept.psn_cert_type, kept.certno, kept.card_no) == ("08", "E1234567", "C1")
    for other in (record(2, psn_cert_type="08", certno="E1234567"), record(2, card_no="C1")):
        taken = registration(other, request_id="r3")
        assert await running.reason(stub.RegisterPersons, taken, OPERATOR) == "CERTIFICATE_TAKEN"
    blank = registration(record(3, psn_cert_type="08", certno="  "), request_id="r4")
    assert await running.reason(stub.RegisterPersons, blank, OPERATOR) == "INVALID_REQUEST"
