"""What the protos say, read from the descriptors and refused where it does not hold together."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from services import mesh
from services.runtime.call import Role
from services.runtime.contract import Contract, ContractError, stub_class
from services.runtime.forms import Effect, ElsewhereForm, HttpRoute, Transaction
from tests.runtime import desk
from yibao.settlement.v1 import insured_pb2


def test_every_option_of_a_method_is_read() -> None:
    look = desk.contract().method("runtimetest.v1.DeskService.Look")
    assert look.path == "/runtimetest.v1.DeskService/Look"
    assert look.roles == {Role.INSTITUTION, Role.SERVICE}
    assert look.callers == {"gateway", "settlement"}
    assert look.effect is Effect.READ
    assert look.transactions == (Transaction("9901", "INFNO"),)
    assert look.http == (HttpRoute("GET", "/v1/notes/{note}", ""), HttpRoute("POST", "/v1/notes:look", "*"))
    assert look.batch is None
    assert not look.sandbox_only
    assert look.request_class is desk.messages().LookRequest
    assert look.response_class is desk.messages().LookResponse


def test_the_bound_field_is_found_where_it_stands() -> None:
    binding = desk.contract().method("runtimetest.v1.DeskService.Look").bindings[Role.INSTITUTION]
    assert binding.field == "desk.fixmedins_code"
    assert binding.get(desk.look(institution="H1")) == "H1"
    assert binding.get(desk.messages().LookRequest()) == ""


def test_a_batch_names_its_unary_method_and_its_fields() -> None:
    batch = desk.contract().method("/runtimetest.v1.DeskService/BatchLook").batch
    assert batch is not None
    assert (batch.method, batch.items, batch.outcomes) == ("/runtimetest.v1.DeskService/Look", "items", "outcomes")


def test_only_public_fields_are_business_numbers() -> None:
    look = desk.contract().method("runtimetest.v1.DeskService.Look")
    request = desk.look(institution="H1", mdtrt_id="M1", setl_id="a person's")
    assert {each.attribute: each.get(request) for each in look.request_numbers} == {
        "yibao.fixmedins_code": "H1",
        "yibao.mdtrt_id": "M1",
    }
    assert [each.attribute for each in look.response_numbers] == ["yibao.setl_id"]


@pytest.mark.parametrize(
    ("service", "complaint"),
    [
        ("NoEffect", "access and effect are needed"),
        ("NoAccess", "access and effect are needed"),
        ("AbsentBinding", "psn_no is no single field"),
        ("NumberBinding", "number is not text"),
        ("ListBinding", "names is no single field"),
        ("Streaming", "streaming goes both ways"),
        ("StreamByRest", "no REST form"),
        ("StreamOfOthers", "which has not its messages and rules"),
        ("BatchOfNothing", "no list of messages"),
        ("DoorWithoutBody", "a door needs door_name, query, headers, body"),
        ("Unwritten", "no generated messages"),
    ],
)
def test_options_that_do_not_hold_together_are_refused(service: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        Contract.load((f"runtimebad.v1.{service}",))


def test_a_door_that_names_no_verb_takes_post_alone_and_one_that_names_no_header_all() -> None:
    methods = Contract.of_mesh().methods.values()
    doors = {each.door.path: each.door for each in methods if each.door is not None}
    notify, dicom = doors["/v1/channels/"], doors["/dicom-web/"]
    assert (sorted(notify.verbs), sorted(notify.headers), sorted(dicom.verbs)) == (["POST"], [], ["GET"])


def test_the_whole_mesh_has_a_contract_and_every_service_a_stub() -> None:
    contract = Contract.of_mesh()
    services = {method.service for method in contract.methods.values()}
    assert services == {service for member in mesh.MESH for service in member.services}
    for service in services:
        assert stub_class(service).__name__ == service.rpartition(".")[2] + "Stub"
    for method in contract.methods.values():
        assert method.service in mesh.member(method.member).services


ASKED = "yibao.settlement.v1.EncounterService.CheckBenefit"
ELSEWHERE = "yibao.routing.v1.ElsewhereService"


def test_an_elsewhere_names_its_method_and_the_reasons() -> None:
    form = Contract.of_mesh().method(ASKED).elsewhere
    assert form == ElsewhereForm(f"/{ELSEWHERE}/CheckBenefit", frozenset({"PERSON_NOT_FOUND"}))


@pytest.mark.parametrize(
    ("method", "on", "complaint"),
    [
        (f"/{ELSEWHERE}/CheckNothing", "PERSON_NOT_FOUND", "which nobody serves"),
        ("/yibao.settlement.v1.FeeService/ListFees", "PERSON_NOT_FOUND", "from a cell's member to a national one"),
        (f"/{ELSEWHERE}/CheckBenefit", "PERSON_LOST", "no reasons that are known: PERSON_LOST"),
        (f"/{ELSEWHERE}/CheckBenefit", "", "no reasons that are known"),
        (f"/{ELSEWHERE}/GetInsuredInfo", "PERSON_NOT_FOUND", "whose request is not the unary one"),
        ("/yibao.routing.v1.RegistryService/Resolve", "PERSON_NOT_FOUND", "whose request is not the unary one"),
    ],
)
def test_an_elsewhere_that_cannot_serve_the_same_stops_the_start(method: str, on: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        changed(ASKED, elsewhere=ElsewhereForm(method, frozenset({on} if on else ()))).check_elsewhere()


def test_what_is_told_beside_a_refusal_has_a_field_where_it_goes() -> None:
    form = ElsewhereForm(f"/{ELSEWHERE}/CheckBenefit", frozenset({"PERSON_NOT_FOUND"}), "told")
    with pytest.raises(ContractError, match="whose request is not the unary one"):
        changed(ASKED, elsewhere=form).check_elsewhere()


@pytest.mark.parametrize(("callers", "fits"), [({"payment"}, True), (set[str](), False)])
def test_what_a_named_member_alone_may_ask_may_be_asked_in_its_cell_alone(*, callers: set[str], fits: bool) -> None:
    methods = Contract.of_mesh().methods
    asked, other = (Contract.of_mesh().method(name) for name in (ASKED, f"{ELSEWHERE}.CheckBenefit"))
    narrowed = {
        asked.path: replace(asked, roles=asked.roles | {Role.SERVICE}, callers=frozenset(callers)),
        other.path: replace(other, roles=asked.roles - {Role.SERVICE}),
    }
    with nullcontext() if fits else pytest.raises(ContractError, match="other roles or bindings"):
        Contract({**methods, **narrowed}).check_elsewhere()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"response_class": insured_pb2.GetInsuredInfoResponse}, "whose response is not the unary one"),
        ({"roles": frozenset({Role.OPERATOR})}, "other roles or bindings"),
        ({"bindings": {}}, "other roles or bindings"),
        ({"effect": Effect.ONCE}, "another effect"),
    ],
)
def test_what_serves_elsewhere_lets_the_same_callers_do_the_same(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        changed(f"{ELSEWHERE}.CheckBenefit", **change).check_elsewhere()


def changed(name: str, **change: Any) -> Contract:
    """The contract of the mesh with one method otherwise."""
    methods = Contract.of_mesh().methods
    method = Contract.of_mesh().method(name)
    return Contract({**methods, method.path: replace(method, **change)})
