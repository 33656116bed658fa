"""CredentialService over loopback, with every interceptor."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.type.date_pb2 import Date

from services.runtime.call import Caller, Role
from tests.identity.member import APP, BANK, CLINIC, HOSPITAL, OPERATOR, ROUTING, SETTLEMENT, Running
from tests.identity.messages import EC, ID_CARD, activation, batch, decoding, on, registration, verification
from tests.identity.people import NOON, TODAY, enrolment, person, record
from yibao.identity.v1 import credential_pb2
from yibao.identity.v1.credential_pb2_grpc import CredentialServiceStub
from yibao.identity.v1.person_pb2_grpc import PersonServiceStub


@pytest.fixture
async def stub(running: Running) -> CredentialServiceStub:
    """Two registered persons; the first has an active credential."""
    people = running.stub(PersonServiceStub)
    holder = record(1, card_no="C1", card_sn="SN1")
    await running.call(people.RegisterPersons, registration(holder, record(2)), OPERATOR)
    made = running.stub(CredentialServiceStub)
    await running.call(made.ActivateCredential, activation(), APP)
    return made


async def _code(running: Running, stub: CredentialServiceStub) -> str:
    request = credential_pb2.ShowCodeRequest(psn_no=person(1).psn_no)
    return str((await running.call(stub.ShowCode, request, APP)).ec_qr_code)


def _reasons(response: credential_pb2.BatchVerifyResponse) -> list[str]:
    told = []
    for outcome in response.outcomes:
        info = ErrorInfo()
        if outcome.HasField("status"):
            outcome.status.details[0].Unpack(info)
        told.append(info.reason or outcome.response.person.psn_no)
    return told


async def test_activation_and_every_refusal_of_it(running: Running, stub: CredentialServiceStub) -> None:
    answer = await running.call(stub.ActivateCredential, activation(), APP)
    assert (answer.psn_no, answer.activated_time.ToDatetime(NOON.tzinfo)) == (person(1).psn_no, NOON)
    assert answer.credential_id
    for reason, request, caller in (
        ("PERSON_NOT_FOUND", activation(9, request_id="a2"), APP),
        ("NAME_MISMATCH", activation(2, request_id="a2", psn_name="别人"), APP),
        ("CREDENTIAL_ACTIVE", activation(1, "BANK"), BANK),
        ("REQUEST_ID_REUSED", activation(2), APP),
        ("CALLER_NOT_BOUND", activation(2, request_id="a2"), BANK),
        ("ROLE_NOT_ALLOWED", activation(2, request_id="a2"), HOSPITAL),
    ):
        assert await running.reason(stub.ActivateCredential, request, caller) == reason


async def test_a_code_is_shown_to_its_person_and_to_the_channel_that_activated(
    running: Running, stub: CredentialServiceStub
) -> None:
    own = credential_pb2.ShowCodeRequest(psn_no=person(1).psn_no)
    himself = Caller(Role.PERSON, person(1).psn_no, sandbox=True)
    for caller in (APP, himself):
        answer = await running.call(stub.ShowCode, own, caller)
        assert len(answer.ec_qr_code) == 28
        assert answer.expire_time.ToDatetime(NOON.tzinfo) == NOON + timedelta(seconds=60)
    assert await running.reason(stub.ShowCode, own, BANK) == "CREDENTIAL_OTHER_CHANNEL"
    other = credential_pb2.ShowCodeRequest(psn_no=person(2).psn_no)
    assert await running.reason(stub.ShowCode, other, APP) == "CREDENTIAL_NOT_ACTIVE"
    assert await running.reason(stub.ShowCode, other, himself) == "CALLER_NOT_BOUND"


async def test_a_scanned_code_answers_the_national_fields_and_a_repeat_the_same(
    running: Running, stub: CredentialServiceStub
) -> None:
    code = await _code(running, stub)
    answer = await running.call(stub.DecodeCode, decoding(code), HOSPITAL)
    output = answer.out_data
    assert (output.user_name, output.id_no, output.id_type, output.insu_org, output.gender, output.birthday) == (
        person(1).psn_name,
        person(1).certno,
        "01",
        "990100",
        "1",
        on(person(1).brdy),
    )
    assert len(output.ec_token) >= 22, "128 bits and more"
    # Lengths of the national interface.
    assert (len(output.ec_token) <= 40, len(output.auth_no) <= 40, len(output.ec_index_no) <= 32) == (True,) * 3
    running.clock.tick(hours=3)
    assert await running.call(stub.DecodeCode, decoding(code), HOSPITAL) == answer


async def test_every_refusal_of_a_scan(running: Running, stub: CredentialServiceStub) -> None:
    code = await _code(running, stub)
    await running.call(stub.DecodeCode, decoding(code), HOSPITAL)
    stale = await _code(running, stub)
    running.clock.tick(seconds=60)
    for reason, request, caller in (
        ("CODE_USED", decoding(code, request_id="6101:m2"), HOSPITAL),
        ("CODE_EXPIRED", decoding(stale, request_id="6101:m2"), HOSPITAL),
        ("CODE_UNKNOWN", decoding("0" * 28, request_id="6101:m2"), HOSPITAL),
        ("REQUEST_ID_REUSED", decoding(stale), HOSPITAL),
        ("CALLER_NOT_BOUND", decoding(stale, request_id="6101:m2"), CLINIC),
    ):
        assert await running.reason(stub.DecodeCode, request, caller) == reason


async def test_a_request_id_is_the_institutions_own(running: Running, stub: CredentialServiceStub) -> None:
    await running.call(stub.DecodeCode, decoding(await _code(running, stub)), HOSPITAL)
    elsewhere = decoding(await _code(running, stub), CLINIC.subject)
    assert (await running.call(stub.DecodeCode, elsewhere, CLINIC)).out_data.ec_token


async def test_a_scan_that_routing_brings_is_the_institutions(running: Running, stub: CredentialServiceStub) -> None:
    first, second = await _code(running, stub), await _code(running, stub)
    stale = await running.reason(stub.DecodeCode, decoding(first), ROUTING)
    brought = await running.call(stub.DecodeCode, decoding(second), ROUTING)
    assert (stale, brought.out_data.ec_token != "") == ("CODE_EXPIRED", True)
    assert await running.call(stub.DecodeCode, decoding(second), HOSPITAL) == brought
    # Another institution's message of the same number is another message, though the same member brings it.
    of_clinic = decoding(await _code(running, stub), CLINIC.subject)
    assert (await running.call(stub.DecodeCode, of_clinic, ROUTING)).out_data.ec_token
    used = verification(mdtrt_cert_type=EC, mdtrt_cert_no=brought.out_data.ec_token, fixmedins_code=CLINIC.subject)
    assert await running.reason(stub.Verify, used, SETTLEMENT) == "EC_TOKEN_WRONG_INSTITUTION"


async def test_a_credential_is_verified_and_every_refusal_of_it(running: Running, stub: CredentialServiceStub) -> None:
    decoded = await running.call(stub.DecodeCode, decoding(await _code(running, stub)), HOSPITAL)
    token = decoded.out_data.ec_token
    answer = await running.call(stub.Verify, verification(mdtrt_cert_type=EC, mdtrt_cert_no=token), SETTLEMENT)
    assert answer.person.psn_no == person(1).psn_no
    assert [each.insutype for each in answer.enrolments] == ["310"]
    assert len(answer.ec_token_digest) == 64
    by_token: dict[str, Any] = {"mdtrt_cert_type": EC, "mdtrt_cert_no": token}
    by_card: dict[str, Any] = {"mdtrt_cert_type": ID_CARD, "mdtrt_cert_no": person(2).certno}
    cases = [
        ("EC_TOKEN_UNKNOWN", verification(mdtrt_cert_type=EC, mdtrt_cert_no="x")),
        ("EC_TOKEN_WRONG_INSTITUTION", verification(**by_token, fixmedins_code=CLINIC.subject)),
        ("EC_TOKEN_WRONG_PERSON", verification(**by_token, psn_no=person(2).psn_no)),
        ("PERSON_NOT_FOUND", verification(mdtrt_cert_type=ID_CARD, mdtrt_cert_no="x")),
        ("CERTIFICATE_MISMATCH", verification(**by_card, psn_no=person(1).psn_no)),
        ("CERTIFICATE_MISMATCH", verification(**by_card, certno=person(1).certno)),
        ("CERTIFICATE_MISMATCH", verification(**by_token, certno=person(2).certno)),
        ("CARD_SN_MISMATCH", verification(mdtrt_cert_type=3, mdtrt_cert_no="C1", card_sn="x")),
        ("INVALID_REQUEST", verification(psn_no=person(1).psn_no, day=Date(year=2026, month=2, day=30))),
        ("INVALID_REQUEST", verification()),
    ]
    for reason, request in cases:
        assert await running.reason(stub.Verify, request, SETTLEMENT) == reason
    running.clock.tick(minutes=30)
    assert await running.reason(stub.Verify, verification(**by_token), SETTLEMENT) == "EC_TOKEN_EXPIRED"
    assert await running.reason(stub.Verify, verification(**by_card), HOSPITAL) == "ROLE_NOT_ALLOWED"


async def test_the_business_date_of_the_sandbox_moves_the_life_of_a_token(
    running: Running, stub: CredentialServiceStub
) -> None:
    day = TODAY - timedelta(days=300)
    shown = credential_pb2.ShowCodeRequest(psn_no=person(1).psn_no)
    code = (await running.call(stub.ShowCode, shown, APP, day)).ec_qr_code
    decoded = await running.call(stub.DecodeCode, decoding(code), HOSPITAL, day)
    request = verification(mdtrt_cert_type=EC, mdtrt_cert_no=decoded.out_data.ec_token)
    assert await running.reason(stub.Verify, request, SETTLEMENT, day) == ""
    assert await running.reason(stub.Verify, request, SETTLEMENT) == "EC_TOKEN_EXPIRED"


async def test_a_batch_answers_every_item_for_itself(running: Running, stub: CredentialServiceStub) -> None:
    good = verification(mdtrt_cert_type=ID_CARD, mdtrt_cert_no=person(2).certno)
    by_number = verification(psn_no=person(1).psn_no)
    unknown = verification(psn_no="x")
    broken = verification(psn_no=person(1).psn_no, fixmedins_code="")
    no_day = verification(psn_no=person(1).psn_no, day=Date(year=2026, month=2, day=30))
    request = batch(good, unknown, broken, by_number, no_day, token=running.tokens.sign(SETTLEMENT, "identity"))
    request.items.add().request.CopyFrom(good)
    request.items.add(
        context=batch(good, token=running.tokens.sign(HOSPITAL, "identity")).items[0].context
    ).request.CopyFrom(good)
    answer = await running.call(stub.BatchVerify, request, SETTLEMENT)
    assert _reasons(answer) == [
        person(2).psn_no,
        "PERSON_NOT_FOUND",
        "INVALID_REQUEST",
        person(1).psn_no,
        "INVALID_REQUEST",
        "CALLER_TOKEN_MISSING",
        "ROLE_NOT_ALLOWED",
    ]


async def test_a_batch_of_only_broken_items_is_answered_too(running: Running, stub: CredentialServiceStub) -> None:
    no_day = verification(psn_no=person(1).psn_no, day=Date())
    answer = await running.call(
        stub.BatchVerify, batch(no_day, token=running.tokens.sign(SETTLEMENT, "identity")), SETTLEMENT
    )
    assert _reasons(answer) == ["INVALID_REQUEST"]


async def test_a_batch_takes_64_items_and_no_more(running: Running, stub: CredentialServiceStub) -> None:
    items = [verification(psn_no=person(number % 2 + 1).psn_no) for number in range(65)]
    token = running.tokens.sign(SETTLEMENT, "identity")
    answer = await running.call(stub.BatchVerify, batch(*items[:64], token=token), SETTLEMENT)
    assert _reasons(answer) == [person(number % 2 + 1).psn_no for number in range(64)]
    assert await running.reason(stub.BatchVerify, batch(*items, token=token), SETTLEMENT) == "INVALID_REQUEST"
    assert await running.reason(stub.BatchVerify, batch(token=token), SETTLEMENT) == "INVALID_REQUEST"


async def test_items_are_dated_by_their_own_business_date(running: Running, stub: CredentialServiceStub) -> None:
    decoded = await running.call(stub.DecodeCode, decoding(await _code(running, stub)), HOSPITAL)
    asked = verification(mdtrt_cert_type=EC, mdtrt_cert_no=decoded.out_data.ec_token)
    request = batch(asked, asked, token=running.tokens.sign(SETTLEMENT, "identity"))
    request.items[1].context.business_date.CopyFrom(on(TODAY + timedelta(days=1)))
    answer = await running.call(stub.BatchVerify, request, SETTLEMENT)
    assert _reasons(answer) == [person(1).psn_no, "EC_TOKEN_EXPIRED"]


async def test_only_the_insurance_type_asked_about_is_answered(running: Running, stub: CredentialServiceStub) -> None:
    people = running.stub(PersonServiceStub)
    both = record(5, enrolment(), enrolment(insutype="390"))
    await running.call(people.RegisterPersons, registration(both, request_id="r5"), OPERATOR)
    told = []
    for insutype in ("", "390", "510"):
        request = verification(psn_no=person(5).psn_no, insutype=insutype)
        answer = await running.call(stub.Verify, request, SETTLEMENT)
        told.append([each.insutype for each in answer.enrolments])
    assert told == [["310", "390"], ["390"], []]
