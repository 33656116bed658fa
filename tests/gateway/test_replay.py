"""Recorded clients against a whole mesh: they sign in, find the person, settle, and read answers as they did before.

The clock stands at the recording, for the signatures carry its time stamps. What a server made (`mdtrt_id`) is replaced by
what this one made. A repeat gives the same output byte for byte: at once, at the same time, and after a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.gateway.test_recordings import OWN, Recording, load, missing
from tests.mesh.harness import Mesh, seed_world, started_mesh, ticking_clock
from tests.mesh.seeds import INSTITUTION
from tools.played.people import DIVISION, EMPLOYEE, InventedPerson, person_record
from yibao.identity.v1 import partner_pb2, person_pb2
from yibao.options.v1 import options_pb2
from yibao.settlement.v1 import ledger_pb2

# Minutes after the first signature and before the last one: all lie inside the window.
MOMENT = datetime(2026, 11, 21, 20, 55, tzinfo=UTC)
PERSON = InventedPerson("99000000000000000001", "测试人员", "990000199001010011", "C990000001", date(1990, 1, 1))
OPENING_FEN = 100_000


@asynccontextmanager
async def seeded(folder: Path, style: int) -> AsyncIterator[tuple[Mesh, httpx.AsyncClient]]:
    """A mesh that knows the recorded person and institution, and a client of its gateway."""
    async with started_mesh(folder, clock=ticking_clock(MOMENT)) as mesh:
        await seed_world(mesh)
        await mesh.call(
            "yibao.identity.v1.PersonService.RegisterPersons",
            person_pb2.RegisterPersonsRequest(request_id="recorded", persons=[person_record(PERSON)]),
        )
        opening = ledger_pb2.LedgerOpening(
            psn_no=PERSON.psn_no, insutype=EMPLOYEE, insuplc_admdvs=DIVISION, balance_fen=OPENING_FEN
        )
        await mesh.call(
            "yibao.settlement.v1.LedgerService.OpenLedger",
            ledger_pb2.OpenLedgerRequest(request_id="recorded", openings=[opening]),
        )
        partner = partner_pb2.Partner(
            partner_code=INSTITUTION,
            role=options_pb2.ROLE_INSTITUTION,
            auth_style=partner_pb2.AuthStyle.ValueType(style),
            access_key="test-ak",
            secret="test-sk",
            sandbox=True,
        )
        if style == partner_pb2.AUTH_STYLE_CSB:
            request = partner_pb2.RegisterPartnerRequest(request_id="recorded-partner", partner=partner)
            await mesh.call("yibao.identity.v1.PartnerService.RegisterPartner", request)
        async with httpx.AsyncClient(base_url=mesh.url, timeout=30) as client:
            yield mesh, client


def recording(name: str, mdtrt_id: str = "") -> Recording:
    """A recording, with the encounter's number replaced."""
    found = load(OWN / f"local-{name}.json")
    body = found.body.replace(b'"990000001"', f'"{mdtrt_id}"'.encode()) if mdtrt_id else found.body
    return Recording(found.name, found.path, found.headers, body, found.accepted)


async def replay(client: httpx.AsyncClient, sent: Recording) -> str:
    """Sends a recording and returns the answer's text."""
    answer = await client.post(sent.path, content=sent.body, headers=sent.headers)
    assert answer.status_code == 200, answer.text
    return answer.text


async def accepted(client: httpx.AsyncClient, sent: Recording) -> Any:
    """Sends a recording whose client took the answer; this one must hold all that it read, in the same types."""
    answer = await replay(client, sent)
    found = httpx.Response(200, text=answer).json()
    assert found["infcode"] == 0, answer
    assert missing(sent.accepted, found) == []
    return found


def output(text: str) -> str:
    """The output of an answer, byte for byte."""
    return text.partition('"output":')[2]


async def test_the_recorded_chain_is_accepted_from_the_person_to_the_settlement(tmp_path: Path) -> None:
    async with seeded(tmp_path, partner_pb2.AUTH_STYLE_CSB) as (_, client):
        await accepted(client, recording("hncs-01-9001"))
        person = await accepted(client, recording("pysdk-01-1101"))
        assert person["output"]["baseinfo"]["psn_no"] == PERSON.psn_no
        await accepted(client, recording("pysdkdb-01-1101"))
        visit = await accepted(client, recording("pysdk-02-2201"))
        mdtrt_id = visit["output"]["data"]["mdtrt_id"]
        await accepted(client, recording("pysdk-03-2204", mdtrt_id))
        await accepted(client, recording("pysdk-04-2206", mdtrt_id))
        await accepted(client, recording("pysdkdb-02-2206", mdtrt_id))
        settled = await accepted(client, recording("pysdk-05-2207", mdtrt_id))
        setlinfo = settled["output"]["setlinfo"]
        assert setlinfo["medins_setl_id"] == "EDFCED06B5F7459184FBDD6B14D9E7"
        assert setlinfo["medfee_sumamt"] == setlinfo["fund_pay_sumamt"] + setlinfo["psn_part_amt"]


async def test_a_settlement_sent_again_has_the_same_output_even_after_a_restart(tmp_path: Path) -> None:
    async with seeded(tmp_path, partner_pb2.AUTH_STYLE_CSB) as (_, client):
        visit = await accepted(client, recording("pysdk-02-2201"))
        mdtrt_id = visit["output"]["data"]["mdtrt_id"]
        await accepted(client, recording("pysdk-03-2204", mdtrt_id))
        bill = recording("pysdk-05-2207", mdtrt_id)
        at_once = await asyncio.gather(*(replay(client, bill) for _ in range(6)))
        later = await replay(client, bill)
    async with (
        started_mesh(tmp_path, clock=ticking_clock(MOMENT)) as mesh,
        httpx.AsyncClient(base_url=mesh.url, timeout=30) as client,
    ):
        restarted = await replay(client, bill)
    assert '"infcode":0' in later
    assert {output(text) for text in (*at_once, later, restarted)} == {output(later)}


async def test_the_official_samples_are_answered_as_they_expect(tmp_path: Path) -> None:
    async with seeded(tmp_path, partner_pb2.AUTH_STYLE_NONE) as (_, client):
        nobody = httpx.Response(200, text=await replay(client, recording("java-01-1101-callService"))).json()
        assert nobody["infcode"] == -1
        assert nobody["err_msg"].startswith("[PERSON_NOT_FOUND]")
        upload = httpx.Response(200, text=await replay(client, recording("java-02-9101-multipart"))).json()
        assert (upload["infcode"], upload["output"]["filename"]) == (0, "testUpload.txt")
