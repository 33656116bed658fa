"""Callers that fail again and again wait for their refusals; whoever proves itself never does."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from gateway import failures
from gateway.failures import Failures
from services.kernel.errors import Fault, FaultKind
from tests.gateway.conftest import HOSPITAL, Scene, envelope, hospital
from tests.said import said
from yibao.identity.v1 import partner_pb2
from yibao.options.v1 import options_pb2

WRONG = Fault(FaultKind.UNAUTHENTICATED, "AUTHENTICATION_FAILED")
QUERY = envelope("5203", {"data": {"psn_no": "1", "mdtrt_id": "2"}})


class Moment:
    """A monotonic clock that is moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Waits(list[float]):
    """The waits that were asked for, none of which is waited."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def slept() -> Waits:
    return Waits()


def rest_of(scene: Scene) -> Any:
    """The part of a running gateway that answers REST; its failures are those of the whole gateway."""
    door: Any = scene.server._public._server.config.app
    return door._rest


async def test_the_first_failures_cost_nothing_and_further_ones_ever_more_up_to_a_bound(slept: Waits) -> None:
    counted = Failures(Moment(), slept)
    for _ in range(20):
        assert await counted.told("10.0.0.1", "H1", WRONG) is WRONG
    assert slept[:5] == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert set(slept[5:]) == {2.0}
    assert len(slept) == 15


async def test_each_source_and_institution_is_counted_for_itself_and_forgotten_in_time(slept: Waits) -> None:
    moment = Moment()
    counted = Failures(moment, slept)
    for _ in range(failures.FREE):
        for source, claimed in (("10.0.0.1", "H1"), ("10.0.0.1", "H2"), ("10.0.0.2", "H1")):
            await counted.told(source, claimed, WRONG)
    assert slept == []
    moment.now += failures.FORGOTTEN_S
    await counted.told("10.0.0.1", "H1", WRONG)
    assert slept == []


async def test_one_unknown_name_after_the_other_is_one_caller_and_so_is_a_network_of_version_6(
    slept: Waits,
) -> None:
    counted = Failures(Moment(), slept)
    nobody = Fault(FaultKind.UNAUTHENTICATED, "PARTNER_NOT_FOUND")
    for number in range(failures.FREE + 1):
        await counted.told("10.0.0.1", f"H{number}", nobody)
        await counted.told(f"2001:db8::{number}", f"H{number}", nobody)
    assert slept == [0.1, 0.1]


async def test_a_name_that_nobody_has_is_not_written_to_the_log(slept: Waits, caplog: pytest.LogCaptureFixture) -> None:
    counted = Failures(Moment(), slept)
    nobody = Fault(FaultKind.UNAUTHENTICATED, "PARTNER_NOT_FOUND")
    with caplog.at_level(logging.WARNING, "yibao.gateway"):
        for _ in range(failures.FREE + 1):
            await counted.told("10.0.0.1", "张三 990101195001011234", nobody)
            await counted.told("10.0.0.1", "H1", WRONG)
    (unknown, known) = said(caplog, "yibao.gateway")
    assert "张三" not in str(unknown.__dict__)
    assert "H1" in str(known.__dict__)


async def test_what_is_no_guess_is_not_counted(slept: Waits) -> None:
    counted = Failures(Moment(), slept)
    missing = Fault(FaultKind.UNAUTHENTICATED, "AUTHENTICATION_MISSING")
    for _ in range(20):
        assert await counted.told("10.0.0.1", "H1", missing) is missing
    assert slept == []


async def test_few_wait_at_a_time_and_the_rest_is_refused_at_once() -> None:
    counted = Failures(Moment())
    for _ in range(failures.FREE):
        await counted.told("10.0.0.1", "H1", WRONG)
    told = await asyncio.gather(*(counted.told("10.0.0.1", "H1", WRONG) for _ in range(10)))
    assert [fault.reason for fault in told].count("TOO_MANY_FAILURES") == 6
    assert all(fault.retry_after_s for fault in told if fault.reason == "TOO_MANY_FAILURES")
    assert counted._waiting == {}


async def test_the_memory_is_bounded(slept: Waits) -> None:
    counted = Failures(Moment(), slept)
    for number in range(5000):
        await counted.told(f"10.0.{number // 250}.{number % 250}", "H1", WRONG)
    assert len(counted._counted) == 4096


async def test_an_honest_hospital_is_answered_at_once_while_somebody_guesses_its_key_from_the_same_address(
    scene: Scene,
) -> None:
    scene.partners[HOSPITAL] = hospital(auth_style=partner_pb2.AUTH_STYLE_API_KEY, secret="good-key")
    for _ in range(failures.FREE):
        assert (await scene.send(QUERY, headers={"apikey": "bad"}))["infcode"] == -1
    counted, answered = rest_of(scene)._failures, asyncio.Event()

    async def until_answered(_: float) -> None:
        await answered.wait()

    counted._sleep = until_answered
    guesses = [asyncio.create_task(scene.send(QUERY, headers={"apikey": "bad"})) for _ in range(12)]
    async with asyncio.timeout(20):
        # Four wait, the others are refused.
        while sum(each.done() for each in guesses) < 8:  # noqa: ASYNC110  # each tells for itself
            await asyncio.sleep(0.005)
        assert (await scene.send(QUERY, headers={"apikey": "good-key"}))["infcode"] == 0
    assert [sum(counted._waiting.values()), sum(not each.done() for each in guesses)] == [4, 4]
    answered.set()
    said = [each["err_msg"][:20] for each in await asyncio.gather(*guesses)]
    assert any(each.startswith("[TOO_MANY_FAILURES]") for each in said)
    assert any(each.startswith("[AUTHENTICATION_FAIL") for each in said)


async def guess(counted: Failures, looked: list[str], key: str = "bad") -> Fault | None:
    """A bearer key that is looked up, if it comes so far; what is told."""
    try:
        async with counted.looking("10.0.0.1"):
            looked.append(key)
            await asyncio.sleep(0)
            if key == "good":
                return None
            raise await counted.told("10.0.0.1", "", Fault(FaultKind.UNAUTHENTICATED, "API_KEY_UNKNOWN"))
    except Fault as fault:
        return fault


async def test_many_guesses_at_a_time_get_no_further_than_one_after_the_other() -> None:
    waits = asyncio.Event()

    async def until_told(seconds: float) -> None:
        await waits.wait()

    counted, looked = Failures(Moment(), until_told), list[str]()
    guesses = [asyncio.create_task(guess(counted, looked)) for _ in range(200)]
    for _ in range(500):
        await asyncio.sleep(0)
    # Four at a time until there are more failures than cost nothing; then those few wait, and nobody else is looked up.
    assert len(looked) == 8
    assert sum(not each.done() for each in guesses) == 3
    waits.set()
    told = [fault for each in guesses if (fault := await each) is not None]
    assert {fault.reason for fault in told} == {"API_KEY_UNKNOWN", "TOO_MANY_FAILURES"}
    assert (counted._looking, counted._waiting) == ({}, {})


async def test_many_unknown_keys_at_a_time_wait_for_nothing_where_none_is_a_guess(slept: Waits) -> None:
    counted, looked = Failures(Moment(), slept), list[str]()
    assert await asyncio.gather(*(guess(counted, looked, "good") for _ in range(100))) == [None] * 100
    assert (len(looked), slept) == (100, [])


async def test_a_key_that_was_good_before_is_asked_for_again_without_a_wait(scene: Scene, slept: Waits) -> None:
    scene.keys["good"] = (options_pb2.ROLE_OPERATOR, "OP1")
    path = "/v1/partners/H1"
    assert (await scene.client.get(path, headers={"authorization": "Bearer good"})).status_code == 200
    face = rest_of(scene)
    face._failures._sleep = slept
    for number in range(failures.FREE + 2):
        await scene.client.get(path, headers={"authorization": f"Bearer guess-{number}"})
    kept = face._partners._keys._kept._kept
    kept.update({digest: (value, 0.0) for digest, (value, _) in kept.items()})
    assert slept
    slept.clear()
    assert (await scene.client.get(path, headers={"authorization": "Bearer good"})).status_code == 200
    assert slept == []


async def test_bearer_keys_are_guessed_slowly_and_a_good_one_is_let_in(scene: Scene, slept: Waits) -> None:
    rest_of(scene)._failures._sleep = slept
    scene.keys["good"] = (options_pb2.ROLE_OPERATOR, "OP1")
    path = "/v1/partners/H1"
    for number in range(failures.FREE):
        answer = await scene.client.get(path, headers={"authorization": f"Bearer guess-{number}"})
        assert answer.status_code == 401
    assert slept == []
    answer = await scene.client.get(path, headers={"authorization": "Bearer guess-more"})
    assert (answer.status_code, slept) == (401, [failures.FIRST_WAIT_S])
    # A key that nobody knows yet waits once, as a guess does; one that was let in does not.
    for _ in range(2):
        assert (await scene.client.get(path, headers={"authorization": "Bearer good"})).status_code == 200
        assert slept == [failures.FIRST_WAIT_S] * 2
