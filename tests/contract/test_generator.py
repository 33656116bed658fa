"""What the contract tests stand on: generated messages are valid, and each broken one breaks what it says and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest
from google.protobuf.message import Message
from protovalidate import Validator

from services.runtime.admission import Admission
from services.runtime.contract import Contract, MethodContract
from tests.contract.agreements import agree
from tests.contract.breaking import broken_messages
from tests.contract.matching import matching, unmatching
from tests.contract.messages import Shape, build, leaves
from tests.contract.world import World
from tests.mesh.seeds import seed_requests
from tests.tokens import Tokens
from tests.wording import assert_violation_is_worded
from tools.played.people import person

METHODS = sorted(Contract.of_mesh().methods.values(), key=lambda each: each.full_name)
NOW = datetime(2026, 6, 10, 2, 0, tzinfo=UTC)

every_method = pytest.mark.parametrize("method", METHODS, ids=lambda each: each.full_name.removeprefix("yibao."))


SEEDS = [request for _, request in seed_requests(2)]


def a_world() -> World:
    return World(SEEDS, lambda: NOW, persons=1000)


def admission() -> Admission:
    return Admission(Tokens(b"0" * 32, lambda: NOW).signer("identity"), lambda: NOW, sandbox=True)


ADMISSION = admission()


@every_method
def test_every_shape_of_a_generated_request_is_valid(method: MethodContract) -> None:
    episode = a_world().episode()
    shapes = [Shape(full, rows, branch, choice) for full in (False, True) for rows in (False, True)
              for branch in range(9) for choice in (0, 1)]  # fmt: skip
    for shape in shapes:
        request = build(method.request_class, episode, shape)
        agree(request)
        assert ADMISSION.violations(request) == [], shape


@every_method
def test_every_broken_request_breaks_its_own_constraint_and_no_other(method: MethodContract) -> None:
    for broken in broken_messages(method.request_class, a_world().episode()):
        violations = ADMISSION.violations(broken.message)
        assert {each.path for each in violations} == broken.paths, broken.rule
        for each in violations:
            assert_violation_is_worded(each)


def test_every_constraint_of_the_protos_is_broken_once() -> None:
    broken = [each for method in METHODS for each in broken_messages(method.request_class, a_world().episode())]
    rules = {each.rule.split()[0] for each in broken}
    assert rules == {
        "required", "min_len", "max_len", "pattern", "in", "defined_only", "not_in", "least", "most", "min_items",
        "max_items", "max_pairs",
    }  # fmt: skip
    assert len(broken) > 900


@pytest.mark.parametrize(
    "pattern",
    ["^[0-9]{6}$", "^[HP][0-9]{11}$", r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$", "^(a|bc)+d?$", "^[0-9]{4}-[a-f]{2,3}$"],
)
def test_a_text_made_for_a_pattern_matches_it_and_the_counterexample_does_not(pattern: str) -> None:
    assert matching(pattern, Random(1)) == matching(pattern, Random(1))
    assert unmatching(pattern)


def test_the_same_world_makes_the_same_requests() -> None:
    method = Contract.of_mesh().method("yibao.settlement.v1.EncounterService.Admit")

    def made() -> Message:
        return build(method.request_class, a_world().episode(), Shape(full=True))

    assert made() == made()


def test_invented_people_have_certificates_of_their_own() -> None:
    people = [person(number) for number in (*range(1, 3000), 50_000, 50_001)]
    assert len({each.certno for each in people}) == len(people)
    assert len({each.psn_no for each in people}) == len(people)
    assert all(len(each.certno) == 18 for each in people)


def test_every_seed_is_a_valid_request() -> None:
    validator = Validator()
    for _, request in seed_requests(3):
        assert not validator.collect_violations(request)
        assert list(leaves(request))
