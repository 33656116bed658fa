"""Faults that a server might have and that are planted into a running mesh by replacing a piece of the runtime or the gateway.

Each says which check has to find it, on which RPCs and over which face. None touches the tests themselves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pytest

from services.runtime.contract import MethodContract
from tests.contract import checks, checks_batch, faults_gateway, faults_lists, faults_members
from tests.contract.checks import Finding
from tests.contract.explore import Explorer
from tests.contract.faces import Faces

Check = Callable[[Faces, MethodContract, Explorer], Awaitable[Sequence[Finding]]]
Plant = Callable[[pytest.MonkeyPatch], None]

_PERSONS: Final = "identity.v1.PersonService."
_CREDENTIALS: Final = "identity.v1.CredentialService."
_PARTNERS: Final = "identity.v1.PartnerService."
_SETTLEMENT: Final = "settlement.v1.SettlementService."
_VISITS: Final = "settlement.v1.EncounterService."


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault, how it is planted, and where it has to be found."""

    fault: str
    plant: Plant
    check: Check
    methods: tuple[str, ...]
    face: str = "grpc"


PLANTED: Final = (
    Planted(
        "field rules are not checked", faults_members.skip_validation, checks.check_constraints, (_PARTNERS + "SignIn",)
    ),
    Planted(
        "a path names its last step only",
        faults_members.name_the_last_step_only,
        checks.check_constraints,
        (_PARTNERS + "SignIn",),
    ),
    Planted(
        "a path forgets its row",
        faults_members.report_one_violation_of_a_row_as_of_the_first,
        checks.check_constraints,
        (_PERSONS + "RegisterPersons",),
    ),
    Planted("anybody may call anything", faults_members.skip_roles, checks.check_access, (_PERSONS + "GetPerson",)),
    Planted(
        "every role may call everything", faults_members.skip_roles_only, checks.check_access, (_PERSONS + "GetPerson",)
    ),
    Planted(
        "every member may call everything",
        faults_members.let_every_member_call,
        checks.check_access,
        ("settlement.v1.OrderService.Confirm",),
    ),
    Planted(
        "a forged token is believed", faults_members.believe_any_token, checks.check_access, (_PERSONS + "GetPerson",)
    ),
    Planted(
        "the bound field is not compared",
        faults_members.skip_bound_field,
        checks.check_access,
        (_PERSONS + "GetPerson",),
    ),
    Planted(
        "items are not asked who sent them",
        faults_lists.skip_access_of_items,
        checks_batch.check_batch_neighbours,
        (_CREDENTIALS + "BatchVerify",),
    ),
    Planted(
        "the bound field of an item is not compared",
        faults_members.skip_bound_field,
        checks_batch.check_batch_neighbours,
        (_SETTLEMENT + "BatchSettle",),
    ),
    Planted(
        "field rules of items are not checked",
        faults_lists.skip_validation_of_items,
        checks_batch.check_batch_constraints,
        (_CREDENTIALS + "BatchVerify",),
    ),
    Planted(
        "items whose time is over are served",
        faults_lists.serve_late_items,
        checks_batch.check_batch_neighbours,
        (_CREDENTIALS + "BatchVerify",),
    ),
    Planted(
        "one broken item fails the list",
        faults_lists.fail_the_whole_list,
        checks_batch.check_batch_neighbours,
        (_CREDENTIALS + "BatchVerify",),
    ),
    Planted(
        "outcomes come in another order",
        faults_lists.answer_in_another_order,
        checks_batch.check_batch_neighbours,
        (_CREDENTIALS + "BatchVerify",),
    ),
    Planted(
        "refused items have no outcome",
        faults_lists.drop_refused_items,
        checks_batch.check_batch_neighbours,
        (_CREDENTIALS + "BatchVerify",),
    ),
    Planted(
        "an item that comes twice is refused",
        faults_lists.refuse_an_item_that_comes_twice,
        checks_batch.check_batch_replay,
        (_SETTLEMENT + "BatchSettle",),
    ),
    Planted(
        "a list books under ids of its own",
        faults_lists.book_items_under_the_sender,
        checks_batch.check_batch_replay,
        (_SETTLEMENT + "BatchSettle",),
    ),
    Planted(
        "content does not count",
        faults_members.ignore_content,
        checks.check_replay,
        (_PARTNERS + "SignIn", _VISITS + "RegisterVisit"),
    ),
    Planted(
        "the sign-in number counts as content",
        faults_members.count_the_sign_in_as_content,
        checks.check_replay,
        (_VISITS + "RegisterVisit",),
    ),
    Planted(
        "a repeat is executed again",
        faults_members.execute_again_on_replay,
        checks.check_replay,
        (_PARTNERS + "SignIn",),
    ),
    Planted(
        "a repeat gets other bytes",
        faults_members.answer_a_replay_with_other_bytes,
        checks.check_replay,
        (_PARTNERS + "SignIn",),
    ),
    Planted(
        "a reused id is a precondition",
        faults_members.call_a_reused_id_a_precondition,
        checks.check_replay,
        (_PARTNERS + "SignIn",),
    ),
    Planted(
        "the key is written after the effect",
        faults_members.write_the_key_after_the_effect,
        checks.check_deadline,
        (_CREDENTIALS + "DecodeCode", _SETTLEMENT + "Settle"),
    ),
    Planted(
        "a late call is told as a bug", faults_members.forget_the_clock, checks.check_deadline, (_PARTNERS + "SignIn",)
    ),
    Planted(
        "refusals are UNKNOWN",
        faults_members.tell_refusals_as_unknown,
        checks.check_valid_messages,
        (_PERSONS + "GetPerson",),
    ),
    Planted(
        "what is not found is INTERNAL",
        faults_members.tell_not_found_as_a_bug,
        checks.check_valid_messages,
        (_PERSONS + "GetPerson",),
    ),
    Planted(
        "unknown fields crash",
        faults_members.crash_on_unknown_fields,
        checks.check_unknown_fields,
        (_PERSONS + "GetPerson",),
    ),
    Planted(
        "REST drops violations",
        faults_gateway.drop_violations_at_the_gateway,
        checks.check_constraints,
        (_PARTNERS + "SignIn",),
        "rest",
    ),
    Planted(
        "REST asks for no key",
        faults_gateway.let_in_without_a_key,
        checks.check_access,
        (_PERSONS + "GetPerson",),
        "rest",
    ),
    Planted(
        "REST takes every key for an operator",
        faults_gateway.take_every_key_for_an_operator,
        checks.check_access,
        (_PERSONS + "GetPerson",),
        "rest",
    ),
    Planted(
        "REST swallows misspelt fields",
        faults_gateway.swallow_misspelt_fields,
        checks.check_unknown_fields,
        (_PARTNERS + "SignIn",),
        "rest",
    ),
    Planted(
        "REST tells refusals as 500",
        faults_gateway.tell_every_refusal_as_500,
        checks.check_valid_messages,
        (_PERSONS + "GetPerson",),
        "rest",
    ),
)
