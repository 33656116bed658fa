"""The registration of many persons at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from services.identity.domain.person import PersonRecord, in_order
from services.identity.domain.registration import (
    MAX_VIOLATIONS,
    RegisteredBefore,
    check_records,
    decide_registration,
    with_own_links,
)
from services.kernel.errors import Fault, FaultKind
from tests.identity.people import enrolment, identity, link, person, record

EMPTY = RegisteredBefore({}, {}, {}, frozenset())


def _standing(*records: PersonRecord) -> RegisteredBefore:
    people = [each.person for each in records]
    return RegisteredBefore(
        {each.person.psn_no: in_order(each) for each in records},
        {(each.psn_cert_type, each.certno): each.psn_no for each in people},
        {each.card_no: each.psn_no for each in people if each.card_no},
        frozenset(each.psn_no for each in people),
    )


def _broken(records: Sequence[PersonRecord]) -> tuple[str, list[str]]:
    with pytest.raises(Fault) as refused:
        check_records(records)
    return refused.value.reason, [violation.path for violation in refused.value.violations]


def _refused(records: Sequence[PersonRecord], standing: RegisteredBefore) -> Fault:
    with pytest.raises(Fault) as refused:
        decide_registration(records, standing)
    return refused.value


def test_every_broken_field_is_named_by_its_place() -> None:
    backwards = enrolment(to_day=date(2019, 1, 1), insured_since=date(2021, 1, 1))
    bad = replace(
        record(2, backwards),
        identities=(identity(to_day=date(2020, 1, 1)),),
        family_links=(link(2, to_day=date(2020, 1, 1)),),
    )
    assert _broken([record(1), bad, record(3, certno="890000190001010011")]) == (
        "INVALID_REQUEST",
        [
            "persons[1].enrolments[0].to_day",
            "persons[1].enrolments[0].insured_since",
            "persons[1].identities[0].to_day",
            "persons[1].family_links[0].to_day",
            "persons[1].family_links[0].owner_psn_no",
            "persons[2].person.certno",
        ],
    )


def test_the_test_person_of_real_clients_is_accepted_with_the_number_that_is_wrong_on_purpose() -> None:
    check_records([record(1, certno="990000199001010011")])


def test_only_identity_cards_have_a_check_digit() -> None:
    check_records([record(1, psn_cert_type="08", certno="E1234567")])


def test_enrolments_of_one_type_that_share_a_day_are_refused_by_place() -> None:
    double = record(2, enrolment(), enrolment(insutype="390"), enrolment(from_day=date(2025, 1, 1)))
    assert _broken([record(1), double]) == ("ENROLMENT_OVERLAPS", ["persons[1].enrolments[2].from_day"])


def test_at_most_twenty_places_are_named_and_the_count_is_told() -> None:
    records = [record(number, certno="1") for number in range(30)]
    with pytest.raises(Fault) as refused:
        check_records(records)
    assert (len(refused.value.violations), refused.value.metadata) == (MAX_VIOLATIONS, {"count": "30"})


def test_a_person_that_stands_with_the_same_content_in_any_order_is_unchanged() -> None:
    two = (enrolment(insutype="390", to_day=date(2020, 5, 1)), enrolment())
    first, again = record(1, *two), record(1, *reversed(two))
    decided = decide_registration([again, record(2), record(2)], _standing(first))
    assert (decided.new, decided.unchanged_count) == ((record(2),), 2)


def test_a_person_with_other_content_refuses_the_whole_call_without_a_personal_number() -> None:
    records = [record(3), record(2), record(1, psn_name="别人")]
    fault = _refused(records, _standing(record(1)))
    assert (fault.kind, fault.reason) == (FaultKind.CONFLICT, "PERSON_EXISTS")
    assert [violation.path for violation in fault.violations] == ["persons[2].person.psn_no"]
    told = repr(fault.metadata) + "".join(violation.description for violation in fault.violations)
    assert person(1).psn_no not in told
    assert person(1).certno not in told


def test_the_same_number_twice_in_a_call_with_other_content_is_refused() -> None:
    fault = _refused([record(1), record(1, gend="2")], EMPTY)
    assert [violation.path for violation in fault.violations] == ["persons[1].person.psn_no"]


def test_a_certificate_or_card_of_another_person_is_taken_within_the_call_and_before_it() -> None:
    standing = _standing(record(1, card_no="C1"))
    thief = record(2, certno=person(1).certno, card_no="C1")
    fault = _refused([thief], standing)
    assert fault.reason == "CERTIFICATE_TAKEN"
    assert [violation.path for violation in fault.violations] == [
        "persons[0].person.certno",
        "persons[0].person.card_no",
    ]
    twin = record(3, certno=person(4).certno)
    assert [v.path for v in _refused([record(4), twin], standing).violations] == ["persons[1].person.certno"]


def test_the_same_number_under_another_certificate_type_is_another_certificate() -> None:
    other = record(2, psn_cert_type="08", certno=person(1).certno)
    assert decide_registration([other], _standing(record(1))).new == (other,)


def test_the_owner_of_a_shared_account_stands_already_or_comes_in_the_same_call() -> None:
    child = replace(record(2), family_links=(link(1), link(9)))
    assert decide_registration([child, record(9)], _standing(record(1))).new == (child, record(9))
    fault = _refused([child], _standing(record(1)))
    assert (fault.reason, [violation.path for violation in fault.violations]) == (
        "FAMILY_OWNER_UNKNOWN",
        ["persons[0].family_links[1].owner_psn_no"],
    )


def test_an_owner_whom_another_cell_insures_is_not_looked_for_here() -> None:
    child = replace(record(2), family_links=(link(9, owner_cell="370000"),))
    assert decide_registration([child], _standing()).new == (child,)
    own = with_own_links(child, "370000")
    assert own == replace(record(2), family_links=(link(9),))
    assert _refused([own], _standing()).reason == "FAMILY_OWNER_UNKNOWN"
