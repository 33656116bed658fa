"""Circuits: who did not answer is asked no more for a while, one caller tries for all, and an answer is an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from services.kernel.errors import Fault, FaultKind, not_found
from services.runtime import circuits
from services.runtime.circuits import Circuits
from services.runtime.contract import stub_class
from services.runtime.metrics import Metrics
from tests.runtime import desk
from tests.runtime.desk import look
from tests.runtime.test_outbound import fault_of
from tests.said import said

REST_S = 0.1


class Moment:
    """The breakers' clock, moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def rested(monkeypatch: pytest.MonkeyPatch) -> Moment:
    moment = Moment()
    monkeypatch.setattr("circuitbreaker.monotonic", moment)
    return moment


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def made(metrics: Metrics, rested: Moment) -> Circuits:
    return Circuits(metrics, failures=3, rest_s=REST_S)


def away(member: str = "a") -> Fault:
    return Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": member})


def told(outcome: Fault | str) -> Callable[[], Awaitable[str]]:
    async def work() -> str:
        if isinstance(outcome, Fault):
            raise outcome
        return outcome

    return work


async def refused(made: Circuits, outcome: Fault, name: str = "a") -> Fault:
    return await fault_of(made.call(name, told(outcome)))


async def opened(made: Circuits, name: str = "a") -> None:
    for _ in range(3):
        await refused(made, away(name), name)
    assert made.state(name) == "open"


async def begun(made: Circuits, work: Callable[[], Awaitable[str]]) -> asyncio.Task[str]:
    task = asyncio.ensure_future(made.call("a", work))
    await asyncio.sleep(0)
    return task


async def test_who_fails_three_times_in_a_row_is_asked_no_more_and_others_are(made: Circuits, metrics: Metrics) -> None:
    await opened(made)
    fault = await fault_of(made.call("a", told("never asked")))
    assert (fault.kind, fault.reason, fault.metadata) == (FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "a"})
    assert fault.retry_after_s is not None
    assert fault.retry_after_s >= 1
    assert await made.call("b", told("an answer")) == "an answer"
    values = {name: metrics.registry.get_sample_value("yibao_circuit_open", {"peer": name}) for name in "ab"}
    assert values == {"a": 1, "b": 0}


async def test_a_refusal_of_the_peer_is_an_answer(made: Circuits) -> None:
    for outcome in (away(), away(), not_found("NOTE_NOT_FOUND"), away(), away()):
        await refused(made, outcome)
    assert made.state("a") == "closed"


async def test_after_a_rest_one_tries_for_all_and_an_answer_closes_the_circuit(
    made: Circuits, rested: Moment, caplog: pytest.LogCaptureFixture
) -> None:
    await opened(made)
    rested.now += REST_S * 1.5
    release = asyncio.Event()

    async def slow() -> str:
        await release.wait()
        return "back"

    with caplog.at_level(logging.INFO, "yibao.circuits"):
        tried = await begun(made, slow)
        assert (await fault_of(made.call("a", told("never asked")))).reason == "PEER_UNAVAILABLE"
        release.set()
        assert await tried == "back"
        assert await made.call("a", told("an answer")) == "an answer"
    assert [each.levelno for each in said(caplog, "yibao.circuits")] == [logging.WARNING, logging.INFO]


async def test_one_who_tries_in_vain_opens_it_anew_and_one_who_leaves_lets_the_next_try(
    made: Circuits, rested: Moment
) -> None:
    await opened(made)
    rested.now += REST_S * 1.5

    async def endless() -> str:
        await asyncio.Event().wait()
        return "never"

    left = await begun(made, endless)
    left.cancel()
    with suppress(asyncio.CancelledError):
        await left
    assert made.state("a") == "half_open"
    await refused(made, away())
    assert made.state("a") == "open"


async def test_what_began_before_the_circuit_opened_does_not_keep_it_open_but_may_close_it(
    made: Circuits, rested: Moment
) -> None:
    release = asyncio.Event()

    async def late() -> str:
        await release.wait()
        raise away()

    async def late_answer() -> str:
        await release.wait()
        await asyncio.sleep(0)
        return "late"

    early = await begun(made, late)
    await opened(made)
    rested.now += REST_S * 1.5
    release.set()
    assert (await fault_of(early)).reason == "PEER_UNAVAILABLE"
    assert made.state("a") == "half_open"
    await made.call("a", told("back"))
    release.clear()
    early = await begun(made, late_answer)
    await opened(made)
    release.set()
    assert await early == "late"
    assert made.state("a") == "closed"


async def test_a_caller_in_a_hurry_says_nothing_about_the_peer(made: Circuits, monkeypatch: pytest.MonkeyPatch) -> None:
    late = Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED")
    for _ in range(9):
        await refused(made, late)
    assert made.state("a") == "closed"
    monkeypatch.setattr(circuits, "LEAST_WAIT_S", 0.0)
    for _ in range(3):
        await refused(made, late)
    assert made.state("a") == "open"


async def test_a_peer_that_hangs_is_told_at_once_and_the_span_says_why(running: desk.Running) -> None:
    """The first callers wait their time; then nobody does, and nothing is sent."""
    made = Circuits(running.telemetry.metrics, rest_s=60)
    async with running.seen_from("settlement", made) as peers:
        stub = peers.stub(stub_class(desk.SERVICE), "identity")
        waits = [fault_of(peers.call(stub.Look, look("slow"), timeout_s=circuits.LEAST_WAIT_S)) for _ in range(3)]
        assert {each.reason for each in await asyncio.gather(*waits)} == {"DEADLINE_EXCEEDED"}
        sent, told = len(running.servicer.calls), asyncio.create_task(fault_of(peers.call(stub.Look, look("slow"))))
        # In the turn in which it asks: it waits for nothing.
        await asyncio.sleep(0)
        assert told.done()
        fault = await told
        assert (fault.reason, fault.metadata, len(running.servicer.calls)) == (
            "PEER_UNAVAILABLE",
            {"member": "identity"},
            sent,
        )
        (*_, span) = running.caller_spans()
        assert (span.attributes or {})["yibao.circuit"] == "open"


async def test_circuits_may_be_kept_for_some_peers_alone(running: desk.Running) -> None:
    """Whoever is not among them is asked each time, also after it was away."""
    for to, reason in ((frozenset({"routing"}), ""), (frozenset({"routing", "identity"}), "PEER_UNAVAILABLE")):
        made = Circuits(running.telemetry.metrics, rest_s=60)
        async with running.seen_from("settlement", made, to) as peers:
            stub = peers.stub(stub_class(desk.SERVICE), "identity")
            running.servicer.away = 9
            for _ in range(3):
                assert (await fault_of(peers.call(stub.Look, look("hello")))).reason == "STORE_UNAVAILABLE"
            running.servicer.away = 0
            told = ""
            try:
                await peers.call(stub.Look, look("hello"))
            except Fault as fault:
                told = fault.reason
            assert told == reason
