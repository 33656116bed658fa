"""Fair shares: one partner alone has the whole gateway, beside others a quarter; profiles say other limits, day by day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from google.type.date_pb2 import Date

from gateway import shares as module
from gateway.shares import Claimant, Limit, Shares
from services.kernel.errors import Fault, FaultKind
from tests.gateway.conftest import Scene, envelope, hospital
from tests.gateway.test_rest import KEYS, bearer, details
from yibao.identity.v1 import partner_pb2
from yibao.settlement.v1 import settlement_query_pb2

NOW = datetime(2026, 6, 10, 4, tzinfo=UTC)
LOUD, CALM, THIRD = Claimant("institution:LOUD"), Claimant("institution:CALM"), Claimant("person:3")


class Watch:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def shares(watch: Watch) -> Shares:
    """Eight places, of which two are a quarter."""
    return Shares(8, watch)


async def fill(shares: Shares, who: Claimant, count: int) -> None:
    for _ in range(count):
        await shares.enter(who, NOW)


async def reason(shares: Shares, who: Claimant, moment: datetime = NOW) -> str:
    """Why the claimant gets no place, "" where it gets one."""
    try:
        await shares.enter(who, moment)
    except Fault as fault:
        return fault.reason
    return ""


def limited(**limit: Any) -> Claimant:
    values = {"from_day": date(2026, 1, 1), "to_day": None, "calls_per_minute": 0, "work_under_way": 0} | limit
    return Claimant("institution:LIMITED", (Limit(**values),))


class TestWork:
    async def test_who_is_alone_has_every_place(self, shares: Shares) -> None:
        await fill(shares, LOUD, 8)
        assert await reason(shares, LOUD) == "TOO_MANY_CALLS"
        assert shares.taken == 8

    async def test_beside_others_a_quarter(self, shares: Shares) -> None:
        await fill(shares, CALM, 1)
        assert [await reason(shares, LOUD) for _ in range(3)] == ["", "", "PARTNER_LIMIT"]
        assert await reason(shares, THIRD) == ""

    async def test_who_came_first_gets_no_more_once_others_are_there(self, shares: Shares) -> None:
        await fill(shares, LOUD, 5)
        await fill(shares, CALM, 1)
        assert await reason(shares, LOUD) == "PARTNER_LIMIT"
        for _ in range(4):
            shares.leave(LOUD)
        assert await reason(shares, LOUD) == ""

    async def test_others_are_there_for_a_moment_after_their_last_call(self, shares: Shares, watch: Watch) -> None:
        await fill(shares, CALM, 1)
        await fill(shares, LOUD, 2)
        shares.leave(CALM)
        shares.leave(LOUD)
        await fill(shares, LOUD, 1)
        watch.s += module.OTHERS_S * 0.9
        assert await reason(shares, LOUD) == "PARTNER_LIMIT"
        watch.s += module.OTHERS_S * 0.2
        assert await reason(shares, LOUD) == ""

    async def test_who_finds_all_places_taken_by_another_gets_the_next_one(self, shares: Shares) -> None:
        await fill(shares, LOUD, 8)
        late = asyncio.create_task(shares.enter(CALM, NOW))
        await asyncio.sleep(0)
        assert shares.waiting == 1
        assert await reason(shares, LOUD) == "PARTNER_LIMIT"
        shares.leave(LOUD)
        await late
        assert (shares.taken, shares.waiting) == (8, 0)
        assert await reason(shares, LOUD) == "PARTNER_LIMIT"

    async def test_who_waits_too_long_is_told_and_leaves_nothing_behind(
        self, shares: Shares, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "WAIT_S", 0.01)
        await fill(shares, LOUD, 8)
        assert await reason(shares, CALM) == "TOO_MANY_CALLS"
        assert (shares.taken, shares.waiting) == (8, 0)
        for _ in range(8):
            shares.leave(LOUD)
        assert (shares.taken, shares._own) == (0, {})

    async def test_no_more_wait_than_a_quarter_and_of_one_partner_no_more_than_its_share(self) -> None:
        shares = Shares(12)
        await fill(shares, LOUD, 12)
        waiting = [asyncio.create_task(shares.enter(Claimant(f"person:{number}"), NOW)) for number in range(3)]
        await asyncio.sleep(0)
        assert await reason(shares, CALM) == "TOO_MANY_CALLS"
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        waiting = [asyncio.create_task(shares.enter(CALM, NOW)) for _ in range(3)]
        await asyncio.sleep(0)
        assert await reason(shares, CALM) == "PARTNER_LIMIT"
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert shares._own == {LOUD.key: 12}

    async def test_who_gives_up_in_the_moment_in_which_a_place_comes_free_leaves_nothing_behind(
        self, shares: Shares
    ) -> None:
        await fill(shares, LOUD, 8)
        late = asyncio.create_task(shares.enter(CALM, NOW))
        await asyncio.sleep(0)
        late.cancel()
        shares.leave(LOUD)
        with pytest.raises(asyncio.CancelledError):
            await late
        assert (shares.taken, shares.waiting, shares._own) == (7, 0, {LOUD.key: 7})

    async def test_a_place_that_comes_to_one_who_has_just_left_goes_to_the_next(self, shares: Shares) -> None:
        await fill(shares, LOUD, 8)
        first = asyncio.create_task(shares.enter(CALM, NOW))
        second = asyncio.create_task(shares.enter(THIRD, NOW))
        await asyncio.sleep(0)
        shares.leave(LOUD)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await second
        assert (shares.taken, shares.waiting) == (8, 0)
        assert CALM.key not in shares._own


class TestProfiles:
    async def test_a_number_of_its_own_holds_whoever_else_is_there(self, shares: Shares) -> None:
        few = limited(work_under_way=1)
        assert [await reason(shares, few) for _ in range(2)] == ["", "PARTNER_LIMIT"]
        many = Shares(8)
        await fill(many, CALM, 1)
        assert [await reason(many, limited(work_under_way=5)) for _ in range(6)] == [*[""] * 5, "PARTNER_LIMIT"]

    async def test_calls_of_a_minute_come_at_once_and_then_evenly(self, shares: Shares, watch: Watch) -> None:
        slow = limited(calls_per_minute=6)
        for _ in range(6):
            await shares.enter(slow, NOW)
            shares.leave(slow)
        with pytest.raises(Fault) as refused:
            await shares.enter(slow, NOW)
        assert refused.value.reason == "PARTNER_LIMIT"
        assert refused.value.retry_after_s == pytest.approx(10)
        assert refused.value.metadata == {"work": "2", "calls": "6"}
        watch.s += 10
        assert [await reason(shares, slow) for _ in range(2)] == ["", "PARTNER_LIMIT"]

    async def test_a_call_that_is_refused_for_its_work_is_none_of_its_minute(
        self, shares: Shares, watch: Watch
    ) -> None:
        both = limited(calls_per_minute=2, work_under_way=1)
        assert [await reason(shares, both) for _ in range(4)] == ["", *["PARTNER_LIMIT"] * 3]
        shares.leave(both)
        assert await reason(shares, both) == ""

    async def test_a_limit_holds_from_its_first_to_its_last_day_in_beijing(self, shares: Shares) -> None:
        june = limited(from_day=date(2026, 6, 10), to_day=date(2026, 6, 10), work_under_way=1)
        await fill(shares, june, 1)
        assert await reason(shares, june, datetime(2026, 6, 9, 16, tzinfo=UTC)) == "PARTNER_LIMIT"
        assert await reason(shares, june, datetime(2026, 6, 9, 15, 59, tzinfo=UTC)) == ""
        assert await reason(shares, june, datetime(2026, 6, 10, 16, tzinfo=UTC)) == ""

    async def test_a_call_that_finds_no_room_is_none_of_its_minute(
        self, shares: Shares, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "WAIT_S", 0.01)
        slow = limited(calls_per_minute=2)
        await fill(shares, LOUD, 8)
        assert [await reason(shares, slow) for _ in range(3)] == ["TOO_MANY_CALLS"] * 3
        for _ in range(8):
            shares.leave(LOUD)
        assert [await reason(shares, slow) for _ in range(3)] == ["", "", "PARTNER_LIMIT"]

    @pytest.mark.parametrize(
        ("told", "left"), [("TOO_MANY_CALLS", 2), ("QUEUE_FULL", 2), ("INVALID_REQUEST", 1), ("PEER_UNAVAILABLE", 1)]
    )
    async def test_what_is_refused_later_for_want_of_room_is_given_back(
        self, shares: Shares, told: str, left: int
    ) -> None:
        slow = limited(calls_per_minute=2)
        with pytest.raises(Fault):
            async with shares.place(slow, NOW):
                raise Fault(FaultKind.EXHAUSTED, told)
        assert shares.taken == 0
        assert [await reason(shares, slow) for _ in range(3)] == [""] * left + ["PARTNER_LIMIT"] * (3 - left)

    async def test_the_minutes_of_many_partners_take_bounded_room(self, shares: Shares) -> None:
        for number in range(module._MINUTES + 100):
            each = Claimant(f"institution:{number}", limited(calls_per_minute=1).limits)
            await shares.enter(each, NOW)
            shares.leave(each)
        assert len(shares._minutes) <= module._MINUTES
        assert shares._own == {}


QUERY = envelope("5203", {"data": {"psn_no": "1", "mdtrt_id": "2"}})
OTHER = "H99010000002"


@asynccontextmanager
async def held(scene: Scene, count: int) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """So many queries of the first hospital that stay under way for the block."""
    gate, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def slow(request: settlement_query_pb2.GetSettlementRequest) -> settlement_query_pb2.GetSettlementResponse:
        if request.desk.fixmedins_code == OTHER:
            return settlement_query_pb2.GetSettlementResponse()
        begun.release()
        await gate.wait()
        return settlement_query_pb2.GetSettlementResponse()

    scene.mesh.answers["GetSettlement"] = slow
    tasks = [asyncio.create_task(scene.send(QUERY)) for _ in range(count)]
    try:
        for _ in tasks:
            await asyncio.wait_for(begun.acquire(), 5)
        yield tasks
    finally:
        gate.set()
        assert [each["infcode"] for each in await asyncio.gather(*tasks)] == [0] * count


class TestFaces:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"YIBAO_MAX_CONCURRENT_RPCS": "8"}

    @pytest.fixture
    def busy(self, scene: Scene) -> Scene:
        """A scene with a second hospital and with keys."""
        scene.partners[OTHER] = hospital(partner_code=OTHER)
        scene.keys.update(KEYS)
        return scene

    async def test_a_partner_over_its_share_is_told_and_nothing_is_begun(self, busy: Scene) -> None:
        async with held(busy, 5):
            assert (await busy.send(QUERY | {"fixmedins_code": OTHER}))["infcode"] == 0
            before = len(busy.mesh.calls("GetSettlement"))
            answer = await busy.client.post("/", json=QUERY)
            assert (answer.status_code, answer.headers["retry-after"]) == (200, "1")
            assert answer.json()["infcode"] == -1
            assert answer.json()["err_msg"] == (
                "[PARTNER_LIMIT] 调用方已达上限（同时办理2笔、每分钟∞次），本次未受理。请稍后以相同msgid重发"
            )
            assert len(busy.mesh.calls("GetSettlement")) == before

    async def test_as_many_as_there_are_places_are_served_and_the_next_one_is_told(self, busy: Scene) -> None:
        door: Any = busy.server._public._server.config.app
        door._max_requests = 2
        asked = QUERY | {"fixmedins_code": OTHER}
        async with held(busy, 1):
            assert (await busy.send(asked))["infcode"] == 0
        async with held(busy, 2):
            assert (await busy.send(asked))["err_msg"].startswith("[TOO_MANY_CALLS] ")
        assert (await busy.send(asked))["infcode"] == 0

    async def test_both_faces_are_one_share(self, busy: Scene) -> None:
        async with held(busy, 2):
            await busy.send(QUERY | {"fixmedins_code": OTHER})
            found = await busy.client.get("/v1/institutions", headers=bearer("hospital-key"))
        assert (found.status_code, found.headers["retry-after"]) == (429, "1")
        assert details(found.json())["ErrorInfo"]["reason"] == "PARTNER_LIMIT"

    async def test_a_limit_in_the_profile_is_believed(self, busy: Scene) -> None:
        limit = partner_pb2.PartnerLimit(from_day=Date(year=2020, month=1, day=1), calls_per_minute=2)
        busy.partners[OTHER] = hospital(partner_code=OTHER, limits=[limit])
        answers = [await busy.send(QUERY | {"fixmedins_code": OTHER}) for _ in range(3)]
        assert [each["infcode"] for each in answers] == [0, 0, -1]
        assert "每分钟2次" in answers[-1]["err_msg"]

    async def test_a_name_alone_takes_nothing_of_its_owners_share(self, busy: Scene) -> None:
        style = partner_pb2.AUTH_STYLE_API_KEY
        limit = partner_pb2.PartnerLimit(from_day=Date(year=2020, month=1, day=1), calls_per_minute=1)
        busy.partners[OTHER] = hospital(partner_code=OTHER, auth_style=style, secret="its-own-key", limits=[limit])
        for _ in range(3):
            answer = await busy.send(QUERY | {"fixmedins_code": OTHER}, headers={"apikey": "a-guess"})
            assert answer["err_msg"].startswith("[AUTHENTICATION_FAILED]")
        answer = await busy.send(QUERY | {"fixmedins_code": OTHER}, headers={"apikey": "its-own-key"})
        assert answer["infcode"] == 0
