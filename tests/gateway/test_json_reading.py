"""JSON of the REST face is read as protobuf's own mapping has it, and what is not of that form is told by its field and rule."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.type.date_pb2 import Date

from gateway.jsoncodec.read import JsonReaders
from services.kernel.errors import Fault
from yibao.identity.v1 import person_pb2
from yibao.imaging.v1 import recognition_pb2
from yibao.routing.v1 import person_access_pb2
from yibao.settlement.v1 import own_books_pb2

DECISION = recognition_pb2.RecordDecisionRequest
SPAN = own_books_pb2.ListOwnSettlementsRequest
GRANT = person_access_pb2.AccessGrant
RECORD = person_pb2.PersonRecord


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (SPAN, {"psnNo": "1", "pageSize": 5, "fromDay": {"year": 2026, "month": 3, "day": 4}}),
        (DECISION, {"accepted": {"studyUid": "1.2"}, "memo": "同意"}),
        (DECISION, {"accepted": None, "repeated": {"repeatReason": "REPEAT_REASON_OTHER_NEED"}}),
        (GRANT, {"personKey": "AQIDBA==", "toTime": "2026-03-04T05:06:07.5Z"}),
        (GRANT, {"personKey": "-_8"}),
        (GRANT, {"toTime": "2026-03-04T13:06:07+08:00"}),
        (RECORD, {"enrolments": [{"insutype": "310", "facts": {"level": "1", "级别": "2"}}, {}], "familyLinks": []}),
        (RECORD, {"person": None, "enrolments": None}),
    ],
)
def test_what_protobuf_reads_is_read_the_same(kind: type[Message], value: dict[str, Any]) -> None:
    assert JsonReaders().message(kind)(value) == json_format.ParseDict(value, kind())


def test_a_day_may_be_text() -> None:
    read = JsonReaders().message(SPAN)({"from_day": "2026-03-04"})
    assert read == own_books_pb2.ListOwnSettlementsRequest(from_day=Date(year=2026, month=3, day=4))


@pytest.mark.parametrize(
    ("kind", "value", "path", "rule"),
    [
        (SPAN, {"pageSize": 5, "page_size": 5}, "page_size", "json.duplicate_field"),
        (DECISION, {"accepted": {}, "repeated": {}}, "repeated", "json.oneof"),
        (SPAN, {"fromDay": "2026-02-30"}, "from_day", "moment.day"),
        (SPAN, {"fromDay": "4.3.2026"}, "from_day", "json.type"),
        (SPAN, {"fromDay": {"year": "x"}}, "from_day.year", "json.type"),
        (SPAN, {"pageSize": True}, "page_size", "json.type"),
        (SPAN, {"pageSize": 1 << 31}, "page_size", "json.range"),
        (SPAN, {"psnNo": 1}, "psn_no", "json.type"),
        (SPAN, {"psnNo": "\ud800"}, "", "json.type"),
        (GRANT, {"toTime": 1}, "to_time", "json.type"),
        (GRANT, {"toTime": "2026-03-04"}, "to_time", "json.type"),
        (GRANT, {"personKey": 1}, "person_key", "json.type"),
        (GRANT, {"personKey": "A"}, "person_key", "json.type"),
        (RECORD, {"enrolments": {}}, "enrolments", "json.type"),
        (RECORD, {"enrolments": [None]}, "enrolments[0]", "json.null"),
        (RECORD, {"enrolments": [1]}, "enrolments[0]", "json.type"),
        (RECORD, {"enrolments": [{"facts": {"a": None}}]}, "enrolments[0].facts", "json.null"),
        (RECORD, {"enrolments": [{"facts": []}]}, "enrolments[0].facts", "json.type"),
        (RECORD, {"enrolments": [{"facts": {"a": 1}}]}, "enrolments[0].facts", "json.type"),
    ],
)
def test_what_is_not_of_that_form_is_told_by_its_field(kind: type[Message], value: Any, path: str, rule: str) -> None:
    with pytest.raises(Fault) as raised:
        JsonReaders().message(kind)(value)
    assert [(each.path, each.rule) for each in raised.value.violations] == [(path, rule)]
