"""What the protos say, read from the descriptors and refused where it does not hold together."""

from __future__ import annotations

import pytest

from services import mesh
from services.runtime.call import Role
from services.runtime.contract import Contract, ContractError, Effect, HttpRoute, Transaction, stub_class
from tests.runtime import desk


def test_every_option_of_a_method_is_read() -> None:
    look = desk.contract().method("runtimetest.v1.DeskService.Look")
    assert look.path == "/runtimetest.v1.DeskService/Look"
    assert look.roles == {Role.INSTITUTION, Role.SERVICE}
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
        ("Streaming", "streaming"),
        ("BatchOfNothing", "no list of messages"),
        ("Unwritten", "no generated messages"),
    ],
)
def test_options_that_do_not_hold_together_are_refused(service: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        Contract.load((f"runtimebad.v1.{service}",))


def test_the_whole_mesh_has_a_contract_and_every_service_a_stub() -> None:
    contract = Contract.of_mesh()
    services = {method.service for method in contract.methods.values()}
    assert services == {service for member in mesh.MESH for service in member.services}
    for service in services:
        assert stub_class(service).__name__ == service.rpartition(".")[2] + "Stub"
    for method in contract.methods.values():
        assert method.service in mesh.member(method.member).services
