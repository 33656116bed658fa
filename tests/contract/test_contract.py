"""Every RPC keeps what its descriptor promises, over gRPC and over REST. The cases come from the descriptors alone."""

from __future__ import annotations

import pytest

from services import mesh as table
from services.runtime.contract import Contract, MethodContract
from services.runtime.forms import Effect
from tests.contract import checks, checks_batch
from tests.contract.bench import Bench, title
from tests.contract.checks_privacy import check_personal_data, telling
from tests.contract.explore import UNREACHED, Explorer
from tests.contract.faces import Faces, GrpcFace

METHODS = sorted(Contract.of_mesh().methods.values(), key=lambda each: each.full_name)
OPEN = [each for each in METHODS if each.http and {role.value for role in each.roles} != {"service"}]
CASES = [(each, "grpc") for each in METHODS] + [(each, "rest") for each in OPEN]
WRITES = [case for case in CASES if case[0].effect is not Effect.READ and not case[0].batch]
LISTS = [each for each in METHODS if each.batch]


def cases(rows: list[tuple[MethodContract, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("method", "face"), rows, ids=[f"{title(method)}-{face}" for method, face in rows])


every_rpc = cases(CASES)
every_write = cases(WRITES)
every_list = pytest.mark.parametrize("method", LISTS, ids=title)


def test_every_rpc_is_accepted_once_by_a_recipe_that_was_found_by_trying(bench: Bench) -> None:
    unreached = {
        each.full_name: sorted(bench.explorer.refusals.get(each.full_name, ()))
        for each in METHODS
        if not each.batch and each.full_name not in bench.explorer.recipes
    }
    assert unreached.keys() == UNREACHED, unreached


@every_rpc
async def test_a_valid_message_is_never_a_bug(bench: Bench, method: MethodContract, face: str) -> None:
    assert await checks.check_valid_messages(bench.faces(face), method, bench.explorer) == []


@every_rpc
async def test_each_broken_constraint_is_invalid_at_its_path(bench: Bench, method: MethodContract, face: str) -> None:
    assert await checks.check_constraints(bench.faces(face), method, bench.explorer) == []


@every_rpc
async def test_unknown_fields_are_taken_as_the_face_promises(bench: Bench, method: MethodContract, face: str) -> None:
    assert await checks.check_unknown_fields(bench.faces(face), method, bench.explorer) == []


@every_rpc
async def test_access_is_denied_to_whoever_is_not_listed(bench: Bench, method: MethodContract, face: str) -> None:
    assert await checks.check_access(bench.faces(face), method, bench.explorer) == []


@every_write
async def test_the_same_request_id_gets_the_same_answer(bench: Bench, method: MethodContract, face: str) -> None:
    assert await checks.check_replay(bench.faces(face), method, bench.explorer) == []


@cases([(method, face) for method, face in WRITES if face == "grpc"])
async def test_an_expired_deadline_leaves_nothing_half_written(bench: Bench, method: MethodContract, face: str) -> None:
    assert await checks.check_deadline(bench.faces(face), method, bench.explorer) == []


@every_list
async def test_items_of_a_list_never_fail_their_neighbours(bench: Bench, method: MethodContract) -> None:
    assert await checks_batch.check_batch_neighbours(bench.faces("grpc"), method, bench.explorer) == []


@every_list
async def test_each_broken_constraint_of_an_item_is_its_own(bench: Bench, method: MethodContract) -> None:
    assert await checks_batch.check_batch_constraints(bench.faces("grpc"), method, bench.explorer) == []


@every_list
async def test_an_item_that_comes_twice_is_answered_twice_the_same(bench: Bench, method: MethodContract) -> None:
    assert await checks_batch.check_batch_replay(bench.faces("grpc"), method, bench.explorer) == []


@pytest.mark.parametrize("method", [each for each in METHODS if each.sandbox_only], ids=title)
async def test_what_belongs_to_a_sandbox_is_denied_outside(outside: Explorer, method: MethodContract) -> None:
    assert isinstance(outside.face, GrpcFace)
    assert await checks.check_sandbox_only(Faces(outside.face, outside.face), method, outside) == []


def test_no_span_and_no_log_line_holds_a_value_of_a_personal_field(bench: Bench) -> None:
    spans = bench.mesh.traces().all_spans()
    assert {span.service for span in spans} == set(table.names())
    assert len(telling(bench.watched)) > 100
    assert check_personal_data(spans, bench.log.getvalue(), bench.watched) == []
