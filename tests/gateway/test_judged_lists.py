"""Lists whose elements the member judges: one that is no such element in JSON fails none of its neighbours."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.jsoncodec.read import JsonReaders
from services.kernel.errors import Fault
from yibao.imaging.v1 import upload_pb2

READ: Any = JsonReaders().message(upload_pb2.UploadEntriesRequest)


def entries(*told: Any) -> Any:
    """What is read of a batch."""
    return READ({"nodeNo": "SD01", "entries": list(told)}).entries


@pytest.mark.parametrize(
    ("told", "field", "rule"),
    [
        ({"version": "one"}, "version", "json.type"),
        ({"version": 2**31}, "version", "json.range"),
        ({"operation": "UPSERTS"}, "operation", "json.enum"),
        ({"studyInstanceUid": 5}, "study_instance_uid", "json.type"),
        ({"psnNumber": "1"}, "psnNumber", "json.unknown_field"),
        ({"study": {"modalites": ["CT"]}}, "study.modalites", "json.similar_field"),
        ({"study": []}, "study", "json.type"),
        ({"series": [{}, {"instanceCount": {}}]}, "series[1].instance_count", "json.type"),
        ({"series": [None]}, "series[0]", "json.null"),
        ({"sourceTime": "yesterday"}, "source_time", "json.type"),
        ({"source_seq": 2}, "source_seq", "json.duplicate_field"),
    ],
)
def test_an_element_that_cannot_be_read_says_why_and_its_neighbours_are_read(
    told: dict[str, Any], field: str, rule: str
) -> None:
    first, bad, last = entries({"sourceSeq": "1"}, {"sourceSeq": "2", **told}, {"sourceSeq": "3"})
    assert (bad.source_seq, bad.unread.field, bad.unread.rule) == (2, field, rule)
    assert [each.source_seq for each in (first, last)] == [1, 3]
    assert not first.HasField("unread")
    assert not last.HasField("unread")


@pytest.mark.parametrize("told", [None, 7, "entry", [], True])
def test_what_is_no_object_stands_in_its_place(told: Any) -> None:
    bad, good = entries(told, {"sourceSeq": 2})
    assert (bad.source_seq, bad.HasField("unread"), good.source_seq, good.HasField("unread")) == (0, True, 2, False)


def test_what_the_rule_names_is_told_with_it() -> None:
    (bad,) = entries({"version": 2**31})
    assert dict(bad.unread.values) == {"least": "-2147483648", "most": "2147483647"}


def test_a_batch_that_is_none_is_refused_whole() -> None:
    batches: list[Any] = [{"entries": {}}, {"entries": [{}], "nodeNumber": "SD01"}, {"entries": [{}] * 1001}]
    for told in batches:
        with pytest.raises(Fault, match="INVALID_REQUEST"):
            READ(told)
