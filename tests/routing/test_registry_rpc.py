"""RegistryService over loopback, with the cells of a mesh whose identity is away."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from google.type.date_pb2 import Date

from services.kernel.errors import Fault
from services.routing.domain.hashes import Hasher
from services.routing.domain.registry import Cursor, ToldPerson, kept
from services.routing.store.unit import RoutingStore
from services.routing.wiring import PERSONS
from services.runtime.call import Caller, Role
from services.runtime.db import Database
from tests.routing.conftest import OPERATOR, Running
from tests.routing.feeds import place, told
from tests.routing.sagas import NOON
from yibao.routing.v1 import registry_pb2
from yibao.routing.v1.registry_pb2_grpc import RegistryServiceStub

INSTITUTION = Caller(Role.INSTITUTION, "H99010000001", sandbox=True)
SETTLING = Caller(Role.SERVICE, "gateway", sandbox=True)
JINAN, BEIJING = "370102", "110105"


@pytest.fixture
def stub(running: Running) -> RegistryServiceStub:
    """The service."""
    return running.peers.stub(RegistryServiceStub, "routing")


async def known(running: Running, *people: ToldPerson) -> None:
    """Writes people as the sandbox's cell would have told them."""
    hasher = Hasher(running.tokens.signer("routing").derived(PERSONS)[0])
    database = Database(f"sqlite:///{running.folder / 'routing.sqlite'}", lambda: NOON)
    store = RoutingStore(database)
    await store.start()
    async with store.write() as work:
        await work.insured.replace("sandbox", kept("sandbox", people, hasher))
        await work.insured.keep(Cursor("sandbox", hasher.key_id, 0, complete=True))
    await database.close()


def query(number: int = 1, care: str = JINAN, **asked: Any) -> registry_pb2.InsuredQuery:
    """About the person of that number."""
    values: dict[str, Any] = {
        "psn_no": told(number).psn_no,
        "care_admdvs": care,
        "day": Date(year=2026, month=3, day=5),
    }
    return registry_pb2.InsuredQuery(**{**values, **asked})


async def test_a_division_is_told_with_what_is_above_it_and_its_cell(
    running: Running, stub: RegistryServiceStub
) -> None:
    asked = registry_pb2.GetDivisionRequest(admdvs="110101")
    found = (await running.call(stub.GetDivision, asked, INSTITUTION)).division
    assert (found.name, found.kind, found.parent_admdvs, found.pooling_area, found.cell) == (
        "东城区",
        registry_pb2.DIVISION_KIND_COUNTY,
        "110000",
        "110000",
        "110000",
    )
    assert not found.HasField("to_day")
    for code, day, reason in (
        ("110103", Date(year=2026, month=3, day=5), "DIVISION_NOT_THEN"),
        ("170000", Date(year=2026, month=3, day=5), "DIVISION_UNKNOWN"),
        ("110103", Date(year=2010, month=12, day=31), ""),
        ("110103", Date(year=2010, month=2, day=30), "INVALID_REQUEST"),
    ):
        request = registry_pb2.GetDivisionRequest(admdvs=code, day=day)
        assert await running.reason(stub.GetDivision, request, INSTITUTION) == reason


async def test_a_person_is_resolved_by_number_and_by_certificate_however_it_is_typed(
    running: Running, stub: RegistryServiceStub
) -> None:
    await known(running, told(1, place(JINAN), certno="E12345678"))
    by_number = registry_pb2.ResolveRequest(query=query())
    answer = (await running.call(stub.Resolve, by_number, SETTLING)).resolution
    assert answer == registry_pb2.Resolution(
        whereabouts=registry_pb2.WHEREABOUTS_OTHER_CELL,
        reason="OTHER_CELL",
        insuplc_admdvs=JINAN,
        insutype="310",
        in_force=True,
        insured_cell="sandbox",
        care_cell="370000",
    )
    for typed in ("e12345678", " Ｅ12345678 "):
        asked = registry_pb2.ResolveRequest(query=query(psn_no="", certno=typed, psn_cert_type="1"))
        assert (await running.call(stub.Resolve, asked, SETTLING)).resolution == answer
    here = registry_pb2.ResolveRequest(query=query(care_cell="sandbox"))
    local = (await running.call(stub.Resolve, here, SETTLING)).resolution
    assert local.whereabouts == registry_pb2.WHEREABOUTS_LOCAL


async def test_a_stranger_is_an_answer_that_names_the_cells_that_were_not_read(
    running: Running, stub: RegistryServiceStub
) -> None:
    await known(running)
    answer = (await running.call(stub.Resolve, registry_pb2.ResolveRequest(query=query(9)), SETTLING)).resolution
    assert (answer.whereabouts, answer.reason) == (registry_pb2.WHEREABOUTS_NOT_FOUND, "NOT_REGISTERED")
    assert list(answer.unread_cells) == ["sandbox"]


async def test_refusals_of_a_query(running: Running, stub: RegistryServiceStub) -> None:
    await known(running, told(1, place(JINAN), place(BEIJING, "390")))
    for reason, asked in {
        "INSURED_TWICE": query(),
        "DIVISION_NOT_THEN": query(care="110103"),
        "DIVISION_UNKNOWN": query(care="170000"),
        "INVALID_REQUEST": query(psn_no=""),
    }.items():
        assert await running.reason(stub.Resolve, registry_pb2.ResolveRequest(query=asked), SETTLING) == reason
    with pytest.raises(Fault) as refused:
        await running.call(stub.Resolve, registry_pb2.ResolveRequest(query=query()), SETTLING)
    assert refused.value.metadata == {"one": BEIJING, "other": JINAN, "day": "2026-03-05"}


async def test_a_human_is_told_why_and_nothing_of_the_person_but_the_insured_place(
    running: Running, stub: RegistryServiceStub
) -> None:
    person = told(1, place(JINAN, to_day=date(2025, 12, 31)))
    await known(running, person)
    request = registry_pb2.ExplainRequest(query=query(care=BEIJING, hint_admdvs=BEIJING))
    answer = await running.call(stub.Explain, request, OPERATOR)
    assert answer.text_zh == (
        "参保地370102由属地单元sandbox管理，就医地110105由110000管理，按跨属地单元的异地就医结算。"
        "该参保在2026-03-05未处于正常状态。报文所称参保地110105与登记不符，以登记为准。"
    )
    assert answer.text_en.startswith(
        "The insured place 370102 is of the cell sandbox, 110105 of 110000: care is remote"
    )
    assert person.psn_no not in str(answer)
    assert person.certno not in str(answer)
    nobody = await running.call(stub.Explain, registry_pb2.ExplainRequest(query=query(9)), OPERATOR)
    assert nobody.text_en.startswith("No cell has registered this person. Not all people of these cells are known")
    assert await running.reason(stub.Explain, request, SETTLING) == "ROLE_NOT_ALLOWED"
