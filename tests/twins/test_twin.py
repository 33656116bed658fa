"""What all twins share: HTTP as SDKs speak it, faults on demand, notifies that survive a kill, and the record of what came."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tools.twins.faults import AMOUNTS, Fault, of_amount
from tools.twins.http import Request, Response
from tools.twins.notifies import KIND, Notifies
from tools.twins.shelf import Document, Shelf
from tools.twins.twin import Settings, Stand, Twin


class Till:
    """A provider as small as can be: it counts what it is asked, and notifies a list."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.told: list[Document] = []
        self.accepts = True
        self.notifies = Notifies(stand.shelf, self.send, stand.settings.time_scale)

    async def start(self) -> None:
        """Needs nothing."""

    async def stop(self) -> None:
        """Needs nothing."""

    async def send(self, payload: Document) -> bool:
        """Takes a notify."""
        self.told.append(payload)
        return self.accepts

    async def answer(self, request: Request) -> Response | None:
        """Counts."""
        with self.stand.shelf.change():
            count = self.stand.shelf.next_number("asked")
            if request.path == "/order":
                self.notifies.plan(f"order-{count}", (0.01, 0.01, 0.01), {"order": count})
        return Response(200, json.dumps({"count": count, "target": request.target}).encode())

    def unavailable(self) -> Response:
        """Is down."""
        return Response(503, b"{}")

    def keys(self) -> Document:
        """Has none."""
        return {}

    async def control(self, verb: str, body: Document) -> Document | None:
        """Knows one verb."""
        return {"said": body["word"]} if verb == "say" else None


@asynccontextmanager
async def till(**given: object) -> AsyncIterator[tuple[Twin, Till, httpx.AsyncClient]]:
    """A served till and a client of it."""
    twin = Twin(Settings(hang_s=0.0, **given), Till)  # type: ignore[arg-type]  # of each test's own choosing
    await twin.start()
    assert isinstance(twin.provider, Till)
    try:
        async with httpx.AsyncClient(base_url=twin.url, trust_env=False, timeout=5.0) as client:
            yield twin, twin.provider, client
    finally:
        await twin.stop()


async def _until(met: object) -> None:
    assert callable(met)
    async with asyncio.timeout(20.0):
        while not met():  # noqa: ASYNC110  # what is sent later tells the test nothing
            await asyncio.sleep(0.005)


async def test_a_target_in_absolute_form_is_read_as_its_path_and_query() -> None:
    async with till() as (twin, _, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(twin.url.rpartition(":")[2]))
        writer.write(
            b"GET http://pay.example/gateway.do?a=1 HTTP/1.1\r\nHost: pay.example\r\nConnection: close\r\n\r\n"
        )
        answer = await reader.read()
        writer.close()
    assert b'"target": "/gateway.do?a=1"' in answer


async def test_an_answer_that_is_lost_before_or_after_effect_leaves_nothing_or_everything_done() -> None:
    async with till() as (_, _, client):
        for fault in ("TIMEOUT_BEFORE", "TIMEOUT_AFTER"):
            armed = {"fault": fault, "method": "POST", "path": "/ask"}
            assert (await client.post("/_twin/faults", json=armed)).status_code == 200
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post("/ask")
        assert (await client.post("/ask")).json()["count"] == 2


async def test_an_armed_outage_ends_after_its_requests_or_when_it_is_cleared() -> None:
    async with till() as (_, _, client):
        await client.post("/_twin/faults", json={"fault": "UNAVAILABLE", "times": 2})
        assert [(await client.get("/ask")).status_code for _ in range(3)] == [503, 503, 200]
        await client.post("/_twin/faults", json={"fault": "UNAVAILABLE", "times": 99})
        await client.delete("/_twin/faults")
        assert (await client.get("/ask")).status_code == 200


async def test_a_notify_is_sent_again_until_it_is_accepted_or_given_up() -> None:
    async with till() as (_, provider, client):
        provider.accepts = False
        await client.post("/order")
        await _until(lambda: len(provider.told) == 3 and not provider.notifies.waiting())
        provider.accepts = True
        await client.post("/order")
        await _until(lambda: not provider.notifies.waiting())
        assert [payload["order"] for payload in provider.told] == [1, 1, 1, 2]


async def test_a_restart_keeps_numbers_clock_and_notifies_that_were_not_sent(tmp_path: Path) -> None:
    state = tmp_path / "till.db"
    async with till(state=state, time_scale=1000.0) as (_, provider, client):
        await client.post("/order")
        await client.post("/_twin/clock", json={"at": "2026-01-02T10:00:00+08:00"})
        assert not provider.told
    shelf = Shelf(state)
    for key, document in shelf.each(KIND):
        shelf.put(KIND, key, document | {"due": 0.0})
    shelf.close()
    async with till(state=state) as (_, provider, client):
        await _until(lambda: provider.told == [{"order": 1}])
        assert (await client.get("/ask")).json()["count"] == 2
        assert (await client.get("/_twin/health")).json()["now"].startswith("2026-01-02T10:00:0")


async def test_every_byte_that_was_received_is_told_at_the_door_and_written_to_a_file(tmp_path: Path) -> None:
    record = tmp_path / "received.jsonl"
    async with till(record=record) as (twin, _, client):
        await client.post("/ask?x=1", content="金额 1.00".encode())
        twin.stand.records.opened("payer.name", "试验甲")
        told = (await client.get("/_twin/received")).json()["received"]
    written = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert written == told
    assert told[0]["target"] == "/ask?x=1"
    assert base64.b64decode(told[0]["body"]).decode() == "金额 1.00"
    assert told[1]["text"] == "试验甲"


async def test_the_control_door_says_what_it_does_not_know() -> None:
    async with till() as (_, _, client):
        assert (await client.post("/_twin/say", json={"word": "好"})).json() == {"said": "好"}
        assert (await client.post("/_twin/say", json={})).status_code == 400
        assert (await client.post("/_twin/sing")).status_code == 404
        assert (await client.post("/_twin/faults", json={"fault": "RAIN"})).status_code == 400


def test_each_published_amount_chooses_its_fault_and_others_none() -> None:
    assert {of_amount(12_340_000 + digits) for digits in AMOUNTS} == set(AMOUNTS.values())
    assert of_amount(9100) is None
    assert of_amount(9102) is Fault.TIMEOUT_AFTER


def test_keys_are_found_by_what_is_behind_their_owner_without_reading_them_all() -> None:
    shelf = Shelf()
    for key in ("M1/YB1", "M2/YB1", "M1/YB11", "M1/XYB1", "M1/YB1/told"):
        shelf.put("trade", key, {})
    shelf.put("mixed", "M3/YB1", {})
    assert (shelf.keys_with("trade", "YB1"), shelf.keys_with("trade", "YB2")) == (["M1/YB1", "M2/YB1"], [])
    asked: list[str] = []
    shelf._connection.set_trace_callback(asked.append)
    shelf.keys_with("trade", "YB1")
    (plan,) = shelf._connection.execute(f"EXPLAIN QUERY PLAN {asked[0]}").fetchall()
    assert "USING COVERING INDEX documents_by_behind" in plan[3]
    shelf.close()
