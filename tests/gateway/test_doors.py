"""Doors: which requests are let in, what of them is handed on, and with what they are answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.backend import Backend
from gateway.doors import MOST_BYTES, Doors
from gateway.http import Request
from gateway.observing import Observer
from gateway.shares import Shares
from services.kernel.errors import Fault, FaultKind
from services.runtime.config import Config
from services.runtime.contract import Contract
from services.runtime.forms import DoorForm
from services.runtime.telemetry import Telemetry
from yibao.payment.v1 import notify_pb2

HEAR = "yibao.payment.v1.NotifyService.Hear"
SEEN = DoorForm("/seen/", frozenset({"GET"}), frozenset({"accept"}), answers_status=True)
NOTIFIED = DoorForm("/notified/", frozenset({"POST"}), frozenset(), answers_status=False)


class Member:
    """Answers what it is told to, and keeps what it was handed."""

    def __init__(self) -> None:
        self.handed: list[notify_pb2.HearRequest] = []
        self.answer: Any = SimpleNamespace(status=0, headers={}, content_type="text/plain", body=b"told")

    async def call(self, method: Any, delivery: Any, options: Any) -> Any:
        self.handed.append(delivery)
        if isinstance(self.answer, Fault):
            raise self.answer
        return self.answer


@pytest.fixture
def member() -> Member:
    return Member()


@pytest.fixture
def doors(member: Member, tmp_path: Path) -> Doors:
    config = Config.load({}, {"YIBAO_DATA_DIR": str(tmp_path), "YIBAO_TRACE_EXPORTER": "none"})
    hear = Contract.of_mesh().method(HEAR)
    methods = {f"/{each.path}": replace(hear, door=each) for each in (SEEN, NOTIFIED)}
    observer = Observer(Telemetry("gateway", config), {})
    return Doors(Contract(methods), Shares(4), cast("Backend", member), observer, sandbox=True)


def asked(verb: str, path: str, **headers: str) -> Request:
    return Request(verb, path, "q=1", headers, b"", datetime.now(UTC))


@pytest.mark.parametrize(
    ("verb", "path", "let_in"),
    [
        ("GET", "/seen/studies", True),
        ("HEAD", "/seen/studies", True),
        ("POST", "/seen/studies", False),
        ("GET", "/notified/wechat", False),
        ("POST", "/notified/wechat", True),
        ("GET", "/elsewhere/", False),
    ],
)
def test_a_door_lets_in_the_methods_that_it_names(doors: Doors, verb: str, path: str, let_in: bool) -> None:
    assert doors.serves(verb, path) is let_in


async def test_a_door_hands_on_the_headers_that_it_names_and_answers_with_a_status_of_its_own(
    doors: Doors, member: Member
) -> None:
    member.answer = SimpleNamespace(status=307, headers={"location": "/there"}, content_type="text/plain", body=b"")
    answer = await doors.handle(asked("HEAD", "/seen/studies/1.2", accept="a/b", cookie="secret"))
    assert (answer.status, dict(answer.headers)) == (307, {"location": "/there"})
    (handed,) = member.handed
    assert (handed.door_name, handed.query, dict(handed.headers)) == ("studies/1.2", "q=1", {"accept": "a/b"})
    # A header of a size that nobody sends is none.
    await doors.handle(asked("GET", "/seen/studies", accept="a" * 5_000))
    assert dict(member.handed[1].headers) == {}


async def test_a_door_that_says_nothing_of_a_status_answers_200_and_gets_all_headers(
    doors: Doors, member: Member
) -> None:
    answer = await doors.handle(asked("POST", "/notified/wechat", signature="s", serial="1"))
    assert (answer.status, answer.body, answer.headers) == (200, b"told", {})
    assert dict(member.handed[0].headers) == {"signature": "s", "serial": "1"}
    many = {f"h{number}": "x" for number in range(101)}
    for headers in (many, {"h": "x" * 5_000}):
        assert (await doors.handle(asked("POST", "/notified/wechat", **headers))).status == 403
    assert len(member.handed) == 1


async def test_a_refusal_of_the_member_is_told_as_everywhere(doors: Doors, member: Member) -> None:
    member.answer = Fault(FaultKind.EXHAUSTED, "SEARCH_TOO_BROAD", {"most": "5000"})
    answer = await doors.handle(asked("GET", "/seen/studies"))
    assert answer.status == 413
    assert b"SEARCH_TOO_BROAD" in answer.body


async def test_what_is_just_as_large_as_it_may_be_is_handed_on_and_more_is_refused_unheard(
    doors: Doors, member: Member
) -> None:
    asking = asked("POST", "/notified/wechat")
    assert (await doors.handle(replace(asking, body=b"x" * MOST_BYTES))).status == 200
    refused = await doors.handle(replace(asking, body=b"x" * (MOST_BYTES + 1)))
    assert (refused.status, b"BODY_TOO_LARGE" in refused.body) == (413, True)
    whole = {f"h{number}": "x" for number in range(99)} | {"h": "x" * 4_000}
    assert (await doors.handle(asked("POST", "/notified/wechat", **whole))).status == 200
    assert [len(each.body) for each in member.handed] == [MOST_BYTES, 0]


async def test_a_bug_behind_a_door_is_told_by_a_number_and_stands_in_the_log(
    doors: Doors, member: Member, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(method: Any, delivery: Any, options: Any) -> Any:
        raise ZeroDivisionError("of ours")

    member.call = broken  # type: ignore[method-assign]  # a member with a bug
    answer = await doors.handle(asked("GET", "/seen/studies"))
    assert (answer.status, b"ZeroDivision" in answer.body) == (500, False)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_a_request_that_was_not_looked_at_is_refused_in_the_same_form(doors: Doors) -> None:
    answer = doors.refused(asked("GET", "/seen/studies"), Fault(FaultKind.EXHAUSTED, "TOO_MANY_CALLS"))
    assert (answer.status, b"TOO_MANY_CALLS" in answer.body) == (429, True)
