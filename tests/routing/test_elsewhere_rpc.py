"""ElsewhereService over loopback, where the cells that insure people are away: who is looked for, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.kernel.elsewhere import LATER_S
from services.kernel.errors import Fault, FaultKind
from services.runtime.call import Caller, Role
from tests.routing.conftest import OPERATOR, Running
from tests.routing.feeds import place, told
from tests.routing.sagas import NOON
from tests.routing.test_registry_rpc import BEIJING, JINAN, known
from yibao.common.v1 import codes_pb2
from yibao.identity.v1 import credential_pb2
from yibao.routing.v1 import elsewhere_pb2
from yibao.routing.v1.elsewhere_pb2_grpc import ElsewhereServiceStub
from yibao.settlement.v1 import common_pb2, insured_pb2, ledger_pb2

HOSPITAL = Caller(Role.INSTITUTION, "H99010000001", sandbox=True)
ANOTHER = Caller(Role.INSTITUTION, "H99010000002", sandbox=True)
DESK = common_pb2.Desk(fixmedins_code=HOSPITAL.subject)
ECTOKEN = codes_pb2.MDTRT_CERT_TYPE_EC
CARD = codes_pb2.MDTRT_CERT_TYPE_SOCIAL_SECURITY_CARD


@pytest.fixture
def stub(running: Running) -> ElsewhereServiceStub:
    """The service."""
    return running.peers.stub(ElsewhereServiceStub, "routing")


def shown(**data: Any) -> elsewhere_pb2.GetInsuredInfoRequest:
    """1101."""
    return elsewhere_pb2.GetInsuredInfoRequest(
        request=insured_pb2.GetInsuredInfoRequest(desk=DESK, data=insured_pb2.InsuredQuery(**data))
    )


def numbered(psn_no: str) -> elsewhere_pb2.ListCumulationsRequest:
    """5206."""
    query = ledger_pb2.CumulationQuery(psn_no=psn_no)
    return elsewhere_pb2.ListCumulationsRequest(
        request=ledger_pb2.ListCumulationsRequest(desk=DESK, data=query),
    )


def benefit(psn_no: str) -> elsewhere_pb2.CheckBenefitRequest:
    """2001."""
    query = insured_pb2.BenefitQuery(
        psn_no=psn_no,
        insutype="310",
        fixmedins_code=HOSPITAL.subject,
        med_type=codes_pb2.MED_TYPE_OUTPATIENT,
        begntime=Timestamp(seconds=int(NOON.timestamp())),
    )
    return elsewhere_pb2.CheckBenefitRequest(request=insured_pb2.CheckBenefitRequest(desk=DESK, data=query))


async def refused(running: Running, method: Any, request: Any, caller: Caller = HOSPITAL) -> tuple[str, list[str]]:
    """Reason and fields of the refusal."""
    with pytest.raises(Fault) as raised:
        await running.call(method, request, caller)
    return raised.value.reason, [each.path for each in raised.value.violations]


async def test_a_dark_cell_is_told_with_its_code_and_the_insured_place(
    running: Running, stub: ElsewhereServiceStub
) -> None:
    person = told(1, place(JINAN), certno="E12345678")
    await known(running, person)
    by_certificate = (
        shown(mdtrt_cert_no="E12345678"),
        shown(mdtrt_cert_type=ECTOKEN, mdtrt_cert_no="a token", certno=" e12345678", psn_cert_type="1"),
        shown(mdtrt_cert_type=CARD, mdtrt_cert_no="a card", certno="E12345678", psn_cert_type="01"),
    )
    for method, request in (
        *((stub.GetInsuredInfo, each) for each in by_certificate),
        (stub.CheckBenefit, benefit(person.psn_no)),
        (stub.ListCumulations, numbered(person.psn_no)),
    ):
        with pytest.raises(Fault) as raised:
            await running.call(method, request, HOSPITAL)
        assert (raised.value.kind, raised.value.reason) == (FaultKind.UNAVAILABLE, "CELL_UNAVAILABLE")
        assert raised.value.metadata == {"cell": "sandbox", "admdvs": JINAN}
        assert raised.value.retry_after_s == LATER_S


async def test_who_is_known_nowhere_is_named_by_the_field_that_says_who_it_is(
    running: Running, stub: ElsewhereServiceStub
) -> None:
    await known(running, told(1, certno="E12345678"))
    assert await refused(running, stub.GetInsuredInfo, shown(mdtrt_cert_no="E1")) == (
        "PERSON_NOT_FOUND",
        ["data.mdtrt_cert_no"],
    )
    # Neither tells routing anything, not even where somebody's certificate has the same number.
    for kind in (ECTOKEN, CARD):
        asked = shown(mdtrt_cert_type=kind, mdtrt_cert_no="E12345678")
        assert await refused(running, stub.GetInsuredInfo, asked) == ("PERSON_NOT_FOUND", ["data.mdtrt_cert_no"])
    asked = shown(mdtrt_cert_type=ECTOKEN, mdtrt_cert_no="a token", certno="E1")
    assert await refused(running, stub.GetInsuredInfo, asked) == ("PERSON_NOT_FOUND", ["data.certno"])
    assert await refused(running, stub.CheckBenefit, benefit("9")) == ("PERSON_NOT_FOUND", ["data.psn_no"])
    assert await refused(running, stub.ListCumulations, numbered("9")) == ("PERSON_NOT_FOUND", ["data.psn_no"])


async def test_a_token_leads_to_the_cell_of_its_mark_and_nowhere_else(
    running: Running, stub: ElsewhereServiceStub
) -> None:
    await known(running, told(1, place(JINAN), certno="E1"))
    dark = shown(mdtrt_cert_type=ECTOKEN, mdtrt_cert_no="0" * 40)
    with pytest.raises(Fault) as raised:
        await running.call(stub.GetInsuredInfo, dark, HOSPITAL)
    assert (raised.value.reason, raised.value.metadata) == ("CELL_UNAVAILABLE", {"cell": "sandbox"})
    unknown = shown(mdtrt_cert_type=ECTOKEN, mdtrt_cert_no="u370000" + "0" * 33, certno="E1")
    assert await refused(running, stub.GetInsuredInfo, unknown) == ("CREDENTIAL_OF_ANOTHER_CELL", [])


async def test_nobody_is_said_to_be_unknown_before_all_cells_were_read(
    running: Running, stub: ElsewhereServiceStub
) -> None:
    with pytest.raises(Fault) as raised:
        await running.call(stub.ListCumulations, numbered("9"), HOSPITAL)
    assert (raised.value.kind, raised.value.reason) == (FaultKind.UNAVAILABLE, "CELLS_UNREAD")
    assert raised.value.metadata == {"cells": "sandbox"}


async def test_refusals_of_the_registry_name_fields_of_the_transaction(
    running: Running, stub: ElsewhereServiceStub
) -> None:
    twice = told(1, place(JINAN), place(BEIJING, "390"), certno="E1")
    await known(running, twice, told(2, certno="E2"), told(3, certno="E2"))
    assert (await refused(running, stub.CheckBenefit, benefit(twice.psn_no)))[0] == "INSURED_TWICE"
    assert (await refused(running, stub.GetInsuredInfo, shown(mdtrt_cert_no="E1")))[0] == "INSURED_TWICE"
    several = await refused(running, stub.GetInsuredInfo, shown(mdtrt_cert_no="E2"))
    assert several == ("CERTIFICATE_AMBIGUOUS", ["data.psn_cert_type"])


def scanned(code: str) -> elsewhere_pb2.DecodeCodeRequest:
    """6101."""
    scan = credential_pb2.DecodeInput(org_id=HOSPITAL.subject, ec_qr_code=code)
    return elsewhere_pb2.DecodeCodeRequest(request=credential_pb2.DecodeCodeRequest(request_id="m1", in_data=scan))


async def test_a_scanned_code_is_decoded_where_it_was_made_and_nowhere_else(
    running: Running, stub: ElsewhereServiceStub
) -> None:
    unknown = scanned("424U990000" + "0" * 18)
    assert await refused(running, stub.DecodeCode, unknown) == ("CREDENTIAL_OF_ANOTHER_CELL", [])
    for code in ("0" * 28, "no code"):
        with pytest.raises(Fault, match="CELL_UNAVAILABLE") as caught:
            await running.call(stub.DecodeCode, scanned(code), HOSPITAL)
        assert caught.value.metadata == {"cell": "sandbox"}
    assert (await refused(running, stub.DecodeCode, unknown, ANOTHER))[0] == "CALLER_NOT_BOUND"


async def test_an_institution_asks_in_its_own_name_only(running: Running, stub: ElsewhereServiceStub) -> None:
    person = told(1, place(JINAN))
    await known(running, person)
    for method, request in ((stub.CheckBenefit, benefit(person.psn_no)), (stub.ListCumulations, numbered("9"))):
        assert (await refused(running, method, request, ANOTHER))[0] == "CALLER_NOT_BOUND"
    assert (await refused(running, stub.CheckBenefit, benefit(person.psn_no), OPERATOR))[0] == "CELL_UNAVAILABLE"
