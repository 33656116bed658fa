"""Too many rows are refused before they are parsed, and before any of them is looked at; what a refusal carries is capped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from services.kernel.errors import MORE_VIOLATIONS, MOST_VIOLATIONS, Fault, FaultKind, Violation, Violations
from services.runtime import bounds
from services.runtime.admission import Admission
from services.runtime.bounds import MOST_VALUES, count_limit, shape_of
from services.runtime.contract import Contract, is_judged
from services.runtime.status import MOST_BYTES, from_status, to_rpc_error, to_status
from services.runtime.texts.gateway import violation_text
from tests.runtime import desk
from tests.tokens import Tokens
from yibao.catalogue.v1 import catalogue_pb2
from yibao.identity.v1 import person_pb2
from yibao.imaging.v1 import reader_pb2
from yibao.settlement.v1 import common_pb2, fee_pb2, order_pb2, settlement_pb2

EMPTY_ROW = b"\x2a\x00"
"""A row of `feedetail` without any field."""


def on_the_wire(message: Message) -> bytes:
    return message.SerializeToString()


def refused_on_the_wire(message_class: Any, message: bytes) -> Violation:
    with pytest.raises(Fault) as caught:
        shape_of(message_class.DESCRIPTOR).check_wire(message)
    assert (caught.value.kind, caught.value.reason) == (FaultKind.INVALID, "INVALID_REQUEST")
    (violation,) = caught.value.violations
    return violation


@pytest.fixture
def admission() -> Admission:
    return Admission(Tokens(b"k" * 32, desk.clock).signer("identity"), desk.clock, sandbox=True)


def upload(lines: int) -> Any:
    """An upload that breaks no rule."""
    request = fee_pb2.UploadFeesRequest(request_id="2204:1", mdtrt_id="M1", psn_no="P1")
    request.desk.fixmedins_code, request.desk.opter, request.desk.opter_name = "H99010000001", "1", "测试"
    for number in range(lines):
        row = request.feedetail.add(feedetl_sn=str(number), chrg_bchno="B1", med_list_codg="X1", cnt="1", pric="1")
        row.fee_ocur_time.seconds = 1_700_000_000
    return request


class _Unused:
    """A validator that nobody may ask."""

    def collect_violations(self, message: object, *, fail_fast: bool = False) -> list[Any]:
        raise AssertionError("rows were looked at")


class TestOnTheWire:
    def test_one_row_more_than_allowed_is_refused_and_named(self) -> None:
        shape = shape_of(fee_pb2.UploadFeesRequest.DESCRIPTOR)
        shape.check_wire(EMPTY_ROW * 500)
        found = refused_on_the_wire(fee_pb2.UploadFeesRequest, EMPTY_ROW * 501)
        assert (found.path, found.rule) == ("feedetail", "repeated.max_items")
        assert "500" in found.description

    def test_nothing_is_looked_at_behind_the_first_row_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looked_at = 0
        varint = bounds._Walk._varint

        def counting(self: Any, at: int) -> tuple[int, int]:
            nonlocal looked_at
            looked_at += 1
            return varint(self, at)

        monkeypatch.setattr(bounds._Walk, "_varint", counting)
        refused_on_the_wire(fee_pb2.UploadFeesRequest, EMPTY_ROW * 2_000_000)
        assert looked_at == 2 * 501

    def test_rows_within_rows_are_counted_in_each_of_them(self) -> None:
        record = person_pb2.PersonRecord()
        for _ in range(21):
            record.enrolments.add()
        request = person_pb2.RegisterPersonsRequest(persons=[person_pb2.PersonRecord(), record])
        found = refused_on_the_wire(person_pb2.RegisterPersonsRequest, on_the_wire(request))
        assert (found.path, found.rule) == ("persons[1].enrolments", "repeated.max_items")

    def test_a_map_is_a_list_of_pairs(self) -> None:
        enrolment = person_pb2.Enrolment(facts={str(number): "x" for number in range(33)})
        request = person_pb2.ReviseEnrolmentRequest(enrolment=enrolment)
        found = refused_on_the_wire(person_pb2.ReviseEnrolmentRequest, on_the_wire(request))
        assert (found.path, found.rule) == ("enrolment.facts", "map.max_pairs")

    @pytest.mark.parametrize(
        ("message_class", "value"),
        [
            pytest.param(fee_pb2.UploadFeesRequest, b"\xf8\x7f\x00", id="fields that nobody knows"),
            pytest.param(fee_pb2.UploadFeesRequest, b"\x22\x00", id="one field again and again"),
            pytest.param(fee_pb2.UploadFeesRequest, b"\xfb\x7f\xfc\x7f", id="groups"),
        ],
    )
    def test_more_values_than_any_honest_message_has_are_refused(self, message_class: Any, value: bytes) -> None:
        assert refused_on_the_wire(message_class, value * (MOST_VALUES + 1)).rule == "message.max_values"

    def test_choices_that_each_replace_the_last_are_counted(self) -> None:
        record = b"\x0a\x00\x12\x00" * MOST_VALUES
        size = len(record)
        head = b"\x12" + bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
        assert refused_on_the_wire(catalogue_pb2.PublishRequest, head + record).rule == "message.max_values"

    @pytest.mark.parametrize(
        "broken", [b"\x2a", b"\x2a\xff\xff\xff", b"\xff" * 40, b"\x2f", b"\x09\x00", b"\x2a\x7f\x0a"]
    )
    def test_what_breaks_off_is_left_to_the_parser(self, broken: bytes) -> None:
        shape_of(fee_pb2.UploadFeesRequest.DESCRIPTOR).check_wire(broken)

    def test_the_largest_upload_of_a_hospital_passes(self) -> None:
        request = fee_pb2.UploadFeesRequest()
        for _ in range(500):
            row = request.feedetail.add()
            for field in row.DESCRIPTOR.fields:
                if field.type == FieldDescriptor.TYPE_STRING:
                    setattr(row, field.name, "文" * 50)
        shape_of(fee_pb2.UploadFeesRequest.DESCRIPTOR).check_wire(on_the_wire(request))


class TestParsed:
    def test_too_many_rows_are_told_alone_and_none_is_looked_at(
        self, admission: Admission, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(admission, "_validator", _Unused())
        request = fee_pb2.UploadFeesRequest.FromString(EMPTY_ROW * 10_000)
        assert [(each.path, each.rule) for each in admission.violations(request)] == [
            ("feedetail", "repeated.max_items")
        ]

    def test_it_says_what_the_validator_would(self, admission: Admission) -> None:
        request = fee_pb2.UploadFeesRequest.FromString(EMPTY_ROW * 501)
        found = {each.proto.rule_id: each.proto.message for each in admission._validator.collect_violations(request)}
        assert admission.violations(request)[0].description == found["repeated.max_items"]

    @pytest.mark.parametrize("blank", ["", "  "])
    def test_a_blank_text_that_has_to_have_a_form_is_told_as_missing(self, admission: Admission, blank: str) -> None:
        request = fee_pb2.UploadFeesRequest(request_id="1", feedetail=[common_pb2.FeeLine(pric=blank, cnt="x")])
        broken = admission.violations(request)
        told = {each.path: (violation_text(each, "zh"), violation_text(each, "en")) for each in broken}
        assert told["feedetail[0].pric"] == ("必填", "is required")
        assert told["feedetail[0].cnt"][0].startswith("格式不正确")
        back = from_status(to_status(Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)))
        assert isinstance(back, Fault)
        assert "必填" in {violation_text(each, "zh") for each in back.violations if each.path == "feedetail[0].pric"}

    def test_a_text_that_is_too_short_is_told_how_long_it_has_to_be(self, admission: Admission) -> None:
        request = reader_pb2.BreakGlassRequest(request_id="1", session_token="t", reason="急")
        (broken,) = admission.violations(request)
        assert (broken.path, broken.description) == ("reason", "must be at least 4 characters")
        assert violation_text(broken, "zh") == "至少4个字符"

    def test_twenty_are_named_and_the_rest_is_counted(self, admission: Admission) -> None:
        request = fee_pb2.UploadFeesRequest.FromString(EMPTY_ROW * 40)
        every = len(admission._validator.collect_violations(request))
        found = admission.violations(request)
        assert (len(found), found.more, found.open_ended) == (MOST_VIOLATIONS, every - MOST_VIOLATIONS, False)

    def test_of_a_large_message_the_rows_from_the_first_broken_one_on_are_looked_at(self, admission: Admission) -> None:
        request = upload(500)
        assert admission.violations(request) == []
        for place in (437, 450, 499):
            request.feedetail[place].feedetl_sn = ""
        found = admission.violations(request)
        assert [each.path for each in found] == ["feedetail[437].feedetl_sn", "feedetail[450].feedetl_sn"]
        assert found.open_ended

    def test_a_batch_that_is_too_long_is_refused_before_its_items_are_looked_at(
        self, admission: Admission, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(admission, "_validator", _Unused())
        request = settlement_pb2.BatchSettleRequest()
        for _ in range(65):
            request.items.add()
        own, by_item = admission.batch_violations(request, "items")
        assert ([each.path for each in own], by_item) == (["items"], {})

    def test_the_items_of_a_batch_are_capped_each_by_itself(self, admission: Admission) -> None:
        request = settlement_pb2.BatchSettleRequest()
        for _ in range(64):
            request.items.add().request.SetInParent()
        own, by_item = admission.batch_violations(request, "items")
        assert not own
        assert set(by_item) == set(range(64))
        assert all(0 < len(each) <= MOST_VIOLATIONS for each in by_item.values())

    def test_an_item_with_a_list_that_is_too_long_is_told_that_alone_and_its_neighbours_are_judged(
        self, admission: Admission
    ) -> None:
        request = order_pb2.BatchOpenRequest()
        rows = request.items.add().request.booked.opened.settlement.layers
        for _ in range(20_001):
            rows.add()
        request.items.add().request.booked.opened.settlement.layers.add()
        own, by_item = admission.batch_violations(request, "items")
        assert not own
        assert [(each.path, each.rule) for each in by_item[0]] == [
            ("booked.opened.settlement.layers", "repeated.max_items")
        ]
        assert not request.items[0].request.ByteSize(), "nobody looks at its rows"
        assert "request_id" in {each.path for each in by_item[1]}


class TestStatus:
    def test_it_is_never_larger_than_a_caller_of_grpc_takes(self) -> None:
        long = "中" * 5_000
        violations = [Violation(long, long, long) for _ in range(500)]
        fault = Fault(
            FaultKind.INVALID, "INVALID_REQUEST", {f"{n}{long}": long for n in range(100)}, violations=violations
        )
        status = to_status(fault)
        assert status.ByteSize() <= MOST_BYTES
        _, message, trailing = to_rpc_error(status)
        on_wire = len(message.encode()) * 3 + sum(len(key) + len(value) * 4 / 3 + 32 for key, value in trailing)
        assert on_wire < 8_192

    def test_the_fields_that_it_leaves_out_are_counted(self) -> None:
        violations = Violations()
        for number in range(1_000):
            violations.add(Violation(f"feedetail[{number}].cnt", "string.min_len", "must be at least 1 characters"))
        back = from_status(to_status(Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=violations)))
        assert isinstance(back, Fault)
        assert [each.path for each in back.violations] == [f"feedetail[{n}].cnt" for n in range(MOST_VIOLATIONS)]
        assert back.metadata[MORE_VIOLATIONS] == "980"

    def test_what_it_has_to_leave_out_itself_is_added(self) -> None:
        violations = Violations()
        for number in range(1_000):
            violations.add(Violation(f"feedetail[{number}].{'x' * 190}", "string.min_len", "必" * 100))
        back = from_status(to_status(Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=violations)))
        assert isinstance(back, Fault)
        assert 1 < len(back.violations) < MOST_VIOLATIONS
        assert len(back.violations) + int(back.metadata[MORE_VIOLATIONS]) == 1_000

    def test_a_count_that_is_a_least_one_stays_one(self) -> None:
        fault = Fault(FaultKind.INVALID, "INVALID_REQUEST", {MORE_VIOLATIONS: "7+"})
        fault.violations = tuple(Violation("a", "b", "c") for _ in range(25))
        back = from_status(to_status(fault))
        assert isinstance(back, Fault)
        assert back.metadata[MORE_VIOLATIONS] == "12+"


def lists_of(message: Descriptor, seen: set[str]) -> Iterator[FieldDescriptor]:
    if message.full_name in seen:
        return
    seen.add(message.full_name)
    for field in message.fields:
        if field.is_repeated:
            yield field
        if field.message_type is not None and not is_judged(field):
            yield from lists_of(field.message_type, seen)


def test_every_list_and_map_that_a_caller_may_send_has_a_limit() -> None:
    seen: set[str] = set()
    requests: list[Any] = [method.request_class.DESCRIPTOR for method in Contract.of_mesh().methods.values()]
    fields = [field for request in requests for field in lists_of(request, seen)]
    assert len(fields) > 10
    assert [field.full_name for field in fields if count_limit(field) is None] == []


def test_no_rule_stands_in_the_elements_of_a_list_that_the_member_judges() -> None:
    requests: list[Any] = [method.request_class.DESCRIPTOR for method in Contract.of_mesh().methods.values()]
    judged = {field for request in requests for field in lists_of(request, set()) if is_judged(field)}
    assert {field.full_name for field in judged} == {"yibao.imaging.v1.UploadEntriesRequest.entries"}
    ruled = [
        field.full_name
        for each in judged
        if each.message_type is not None
        for field in fields_of(each.message_type, set())
        if field.GetOptions().HasExtension(validate_pb2.field)
    ]
    assert ruled == []


def fields_of(message: Descriptor, seen: set[str]) -> Iterator[FieldDescriptor]:
    """All fields of a message at any depth."""
    if message.full_name in seen:
        return
    seen.add(message.full_name)
    for field in message.fields:
        yield field
        if field.message_type is not None:
            yield from fields_of(field.message_type, seen)
