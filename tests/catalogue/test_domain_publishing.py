"""What a publication may do to what stands: add, close an open end, leave alone; anything else is refused by its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.domain.policies import policy_of, version_of, warnings_of
from services.catalogue.domain.publishing import Decision, HeldRecords, decide, unknown_divisions
from services.catalogue.domain.records import EMPTY_HEAD, Key, Record, key_of, next_head
from services.kernel.errors import Fault, FaultKind
from tests.catalogue.builders import (
    DRUG,
    ceiling,
    disease,
    division,
    entries_of,
    item,
    policy_document,
    stack,
    term,
)


def against(standing: list[Record], *records: Record, policies: dict[str, str] | None = None) -> Decision:
    """The decision about records where others stand."""
    held: dict[tuple[str, Key], list[Record]] = {}
    for record in standing:
        held.setdefault((record.KIND, key_of(record)), []).append(record)
    return decide(entries_of(records), HeldRecords(held, policies or {}, frozenset()))


def refused(standing: list[Record], *records: Record, policies: dict[str, str] | None = None) -> Fault:
    """The fault instead of a decision."""
    with pytest.raises(Fault) as caught:
        against(standing, *records, policies=policies)
    return caught.value


def test_the_same_record_again_changes_nothing() -> None:
    assert against([item()], item()) == Decision((), (), 1)


def test_a_record_that_stands_with_other_content_on_the_same_days_is_refused_with_its_place() -> None:
    fault = refused([item()], term("A00.900", "霍乱"), item(item_name="别的药"))
    assert (fault.kind, fault.reason) == (FaultKind.CONFLICT, "RECORD_OVERLAPS")
    assert [each.path for each in fault.violations] == ["records[1].item"]


def test_every_overlap_of_a_request_is_told() -> None:
    fault = refused([item()], *(item(item_name=f"药{number}") for number in range(3)))
    assert len(fault.violations) == 3


def test_two_records_of_one_request_may_not_overlap_either() -> None:
    assert refused([], item(), item(item_name="别的药")).reason == "RECORD_OVERLAPS"
    assert against([], item(), item()) == Decision((item(),), (), 1)


def test_an_open_record_is_ended_by_the_same_record_with_a_last_day() -> None:
    ended = item(to_day=date(2024, 12, 31))
    assert against([item()], ended) == Decision((), (ended,), 0)


def test_a_record_can_be_ended_and_followed_in_one_request() -> None:
    ended = item(to_day=date(2024, 12, 31))
    successor = item(chrgitm_lv="02", selfpay_e4=1000, from_day=date(2025, 1, 1))
    assert against([item()], ended, successor) == Decision((successor,), (ended,), 0)
    assert refused([item()], successor, ended).reason == "RECORD_OVERLAPS"


@pytest.mark.parametrize("change", [{"to_day": date(2023, 12, 31)}, {"to_day": None}, {"to_day": date(2025, 12, 31)}])
def test_a_last_day_that_stands_is_never_moved(change: dict[str, object]) -> None:
    standing = item(to_day=date(2024, 12, 31))
    assert refused([standing], replace(standing, **change)).reason == "RECORD_OVERLAPS"  # type: ignore[arg-type]


def test_ending_a_record_changes_nothing_else_of_it() -> None:
    assert refused([item()], item(to_day=date(2024, 12, 31), item_name="别的药")).reason == "RECORD_OVERLAPS"


def test_records_of_other_keys_do_not_meet() -> None:
    records = [ceiling(DRUG, "370100", 9), ceiling(DRUG, "370100", 9, "3"), ceiling(DRUG, "370000", 9)]
    assert against(list(records[:1]), *records[1:]).inserts == tuple(records[1:])


DAYS = st.integers(0, 30).map(lambda shift: date(2024, 1, 1 + shift))
RANGES = st.tuples(DAYS, st.none() | DAYS).filter(lambda days: days[1] is None or days[0] <= days[1])


@given(st.lists(RANGES, max_size=8))
def test_after_any_publications_no_day_has_two_records_of_one_key(ranges: list[tuple[date, date | None]]) -> None:
    standing: list[Record] = []
    for number, (first, last) in enumerate(ranges):
        try:
            decision = against(standing, item(item_name=f"药{number}", from_day=first, to_day=last))
        except Fault:
            continue
        standing += decision.inserts
    for shift in range(31):
        day = date(2024, 1, 1 + shift)
        assert sum(row.from_day <= day <= (row.to_day or day) for row in standing) <= 1


def test_a_policy_version_that_stands_with_other_content_is_refused() -> None:
    standing = version_of(policy_document("test-policy", "2024-01-01", "2024-01-01"))
    other = version_of(policy_document("test-policy", "2024-01-01", "2024-01-01", ratio="85%"))
    fault = refused([standing], other)
    assert (fault.kind, fault.reason) == (FaultKind.CONFLICT, "POLICY_VERSION_EXISTS")
    assert against([standing], standing).unchanged_count == 1


def test_versions_of_a_policy_may_hold_on_the_same_days() -> None:
    standing = version_of(policy_document("test-policy", "2024-01-01", "2024-01-01"))
    successor = version_of(policy_document("test-policy", "2025-01-01", "2025-01-01"))
    assert against([standing], successor).inserts == (successor,)


def test_a_stack_names_policies_that_are_published_or_come_with_it() -> None:
    fault = refused([], stack("990100", "310", "known", "unknown"), policies={"known": "benefit"})
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "STACK_POLICY_UNKNOWN")
    assert [each.path for each in fault.violations] == ["records[0].stack.policy_ids[1]"]
    beside = version_of(policy_document("test-policy", "2024-01-01", "2024-01-01"))
    assert len(against([], stack("990100", "310", "test-policy"), beside).inserts) == 2


def test_a_policy_that_only_constrains_others_is_in_no_stack() -> None:
    fault = refused([], stack("990100", "310", "cross"), policies={"cross": "constraint"})
    assert [each.rule for each in fault.violations] == ["policy.constraint"]


def test_equal_records_in_equal_order_give_equal_heads_and_any_change_another() -> None:
    first, second = item(), term("A00.900", "霍乱")
    head = next_head(next_head(EMPTY_HEAD, [first]), [second])
    assert head == next_head(next_head(EMPTY_HEAD, [item()]), [term("A00.900", "霍乱")])
    others = [
        next_head(EMPTY_HEAD, [first]),
        next_head(next_head(EMPTY_HEAD, [second]), [first]),
        next_head(next_head(EMPTY_HEAD, [first]), [term("A00.900", "霍乱𬌗")]),
    ]
    assert len({EMPTY_HEAD, head, *others}) == 5


def test_divisions_that_nobody_published_are_worth_a_warning() -> None:
    entries = entries_of([ceiling(DRUG, "370100", 9), disease("M99001", "000000"), division("370102", parent="370100")])
    assert unknown_divisions(entries, frozenset()) == ["division 370100 is not in the catalogue"]
    assert unknown_divisions(entries, frozenset({"370100"})) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"id": "a", "id": "b"}',
        '{"money": 0.5}',
        '{"money": NaN}',
        '{"schema": "hsa.policy/1"}',
        "[" * 9999,
    ],
)
def test_a_text_that_is_no_exact_policy_document_is_refused(text: str) -> None:
    with pytest.raises(Fault) as caught:
        policy_of(text)
    assert caught.value.reason == "POLICY_INVALID"
    assert caught.value.violations


def test_a_policy_that_pays_less_at_a_smaller_hospital_is_worth_a_warning() -> None:
    document = policy_document("test-policy", "2024-01-01", "2024-01-01")
    document["layers"][0]["tiers"]["table"] = [  # type: ignore[index]  # a plain document
        {"when": {"hosp_lv": ["3"]}, "value": [{"upto": None, "ratio": "90%"}]},
        {"when": {"hosp_lv": ["2", "1", "community"]}, "value": [{"upto": None, "ratio": "80%"}]},
    ]
    assert any("ratio.level" in line for line in warnings_of(version_of(document), []))
