"""What is told of values that their fields cannot hold: days that do not exist, nodes of another shape, REST's types."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.jsoncodec.read import JsonReaders
from gateway.national.codec import scalars
from gateway.national.codec.decode import compile_request
from gateway.national.codec.scalars import Unfit
from services.kernel.errors import Fault
from tests.wording import assert_violation_is_worded
from yibao.settlement.v1 import encounter_pb2, fee_pb2


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("2026-02-30", "moment.day"),
        ("2026-02-29 08:00:00", "moment.day"),
        ("20260431", "moment.day"),
        ("2026-01-00", "moment.day"),
        ("2026-13-01", "moment.month"),
        ("2026/0/1", "moment.month"),
        ("2026-01-31 24:00:00", "moment.hour"),
        ("2026-01-31 08:60:00", "moment.minute"),
        ("2026-01-31T08:00:60Z", "moment.second"),
        ("2026/1/5 下午 13:05:03", "moment.half"),
        ("2026年1月5日 星期二", "moment.weekday"),
        ("2026/1/5 9:05:03 (周日)", "moment.weekday"),
        ("Tue Jan 05 09:05:03 CST 2026", "moment.weekday"),
        ("0026-01-31", "moment.year"),
        ("1026-01-31", "moment.year"),
        ("2026-1", "national.time"),
        ("tomorrow", "national.time"),
    ],
)
def test_a_day_or_time_that_does_not_exist_is_told_as_such(text: str, rule: str) -> None:
    for read in (scalars.read_time, scalars.read_end_time, scalars.read_day):
        with pytest.raises(Unfit) as caught:
            read(text)
        assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("nodes", "path", "rule"),
    [
        ({"feedetail": "x"}, "feedetail", "national.list"),
        ({"feedetail": ["x"]}, "feedetail[0]", "national.node"),
        ({"feedetail": 7}, "feedetail", "national.list"),
    ],
)
def test_a_node_of_another_shape_is_told_what_it_should_be(nodes: Any, path: str, rule: str) -> None:
    with pytest.raises(Fault) as caught:
        compile_request(fee_pb2.UploadFeesRequest)({}, nodes, "")
    assert [(each.path, each.rule) for each in caught.value.violations] == [(path, rule)]


@pytest.mark.parametrize(
    ("data", "path", "rule"),
    [
        ({"begntime": "2026-02-30T00:00:00Z"}, "data.begntime", "moment.day"),
        ({"begntime": "2026-13-01T00:00:00+08:00"}, "data.begntime", "moment.month"),
        ({"begntime": "2026-02-28T24:00:00Z"}, "data.begntime", "moment.hour"),
        ({"begntime": "2026-02-28"}, "data.begntime", "json.type"),
        ({"psnNo": 7}, "data.psn_no", "json.type"),
        ([], "data", "json.type"),
    ],
)
def test_rest_tells_what_is_wrong_with_a_value_in_both_languages(data: Any, path: str, rule: str) -> None:
    with pytest.raises(Fault) as caught:
        JsonReaders().message(encounter_pb2.ListEncountersRequest)({"data": data})
    assert [(each.path, each.rule) for each in caught.value.violations] == [(path, rule)]
    assert_violation_is_worded(caught.value.violations[0])
