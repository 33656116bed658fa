"""A member away, slow or without its store, a port taken, a queue full: what a hospital is told; nothing is half-written."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import grpc
import httpx
import pytest

from services import mesh as table
from services.runtime import db, trunk
from services.runtime.server import StartError
from tests.mesh.harness import Mesh, seed_world, started_mesh
from tests.mesh.hospital import DRUG, Hospital, hospital_at, national
from tests.mesh.people import Newcomers
from tests.mesh.world import ledger_findings, small_sandbox
from tools import postgres
from tools.cli.mesh_client import NationalAnswer
from tools.played.messages import Patient, Row
from tools.running import HOST, free_ports
from yibao.identity.v1.api_key_pb2 import IssueApiKeyRequest
from yibao.options.v1 import options_pb2

GET_HEAD: Final = "/yibao.catalogue.v1.CatalogueService/GetHead"
BILL: Final = [Row(DRUG, 1, 50_000)]
LONGER_THAN_A_CHANNEL_WAITS_S: Final = 10.0


def addresses() -> dict[str, str]:
    """Addresses that members started one by one agree on."""
    chosen: dict[str, str] = {}
    for member, port in zip(table.MESH, free_ports(len(table.MESH)), strict=True):
        if member.services:
            chosen[f"YIBAO_{member.name.upper()}_ADDRESS"] = f"{HOST}:{port}"
        else:
            chosen["YIBAO_GATEWAY_PORT"] = str(port)
    return chosen


@asynccontextmanager
async def without(
    member: str, folder: Path, overrides: Mapping[str, str]
) -> AsyncIterator[tuple[Mesh, Hospital, Patient, dict[str, Any]]]:
    """All other members, a hospital known to the gateway, and a bill ready to be settled; the member has just gone away."""
    others = tuple(name for name in table.names() if name != member)
    async with (
        started_mesh(folder, overrides=overrides, members=others) as mesh,
        hospital_at(mesh.url, mesh.clock) as hospital,
    ):
        async with started_mesh(folder, overrides=overrides, members=(member,)) as leaving:
            # Persons come before their ledgers.
            for part in (leaving, mesh) if member == "identity" else (mesh, leaving):
                await seed_world(part)
            who = await Newcomers(mesh).one()
            node = await hospital.open_visit(who, BILL)
            await hospital.done("2206", {"data": node})
        yield mesh, hospital, who, node


async def told(hospital: Hospital, infno: str, nodes: Any, msgid: str = "") -> tuple[int, NationalAnswer]:
    """Status and answer of a message; the answer is a typed envelope whatever befell."""
    response = await hospital.post(hospital.envelope(infno, nodes, msgid))
    answer = national(response.text)
    assert set(answer.body) >= {"infcode", "inf_refmsgid", "err_msg", "output", "refmsg_time", "respond_time"}
    return response.status_code, answer


async def settled_at_last(hospital: Hospital, node: Mapping[str, Any], msgid: str) -> NationalAnswer:
    """Sends a message until what was away is found again."""
    until = time.monotonic() + LONGER_THAN_A_CHANNEL_WAITS_S
    while True:
        _, answer = await told(hospital, "2207", {"data": node}, msgid)
        if answer.succeeded or time.monotonic() > until:
            return answer
        await asyncio.sleep(0.1)


async def nothing_is_settled(mesh: Mesh, hospital: Hospital, node: Mapping[str, Any]) -> None:
    """The bill is open as before, and the ledger holds together."""
    lines = await hospital.done("5204", {"data": {name: node[name] for name in ("psn_no", "mdtrt_id")}})
    assert [line["setl_id"] for line in lines.output["data"]] == [None]
    assert await ledger_findings(mesh) == []


class TestPeer:
    async def test_while_identity_is_away_a_settlement_says_so_and_goes_through_when_it_is_back(
        self, tmp_path: Path
    ) -> None:
        overrides = addresses()
        async with without("identity", tmp_path, overrides) as (mesh, hospital, _, node):
            msgid = hospital.next_msgid()
            for infno in ("2206", "2207"):
                status, answer = await told(hospital, infno, {"data": node}, msgid)
                # The outcome is not known to be a refusal: clients take the status for a lost answer and send it again.
                assert (status, answer.body["infcode"]) == (503, -1)
                assert answer.message.startswith("[PEER_UNAVAILABLE] ")
                assert "参保身份" in answer.message
            await nothing_is_settled(mesh, hospital, node)
            async with started_mesh(tmp_path, overrides=overrides, members=("identity",)):
                answer = await settled_at_last(hospital, node, msgid)
                assert answer.succeeded, answer.message
            assert await ledger_findings(mesh) == []

    async def test_what_needs_no_identity_is_served_meanwhile(self, tmp_path: Path) -> None:
        async with without("identity", tmp_path, addresses()) as (_, hospital, who, node):
            await hospital.done("1201", {"medinsinfo": {"fixmedins_type": "1", "fixmedins_code": hospital.code}})
            more = hospital.lines(who, node["mdtrt_id"], BILL, "B0002", first=2)
            await hospital.done("2204", more)

    async def test_a_peer_that_does_not_answer_in_time_costs_its_time_and_no_more(self, tmp_path: Path) -> None:
        overrides = addresses() | {"YIBAO_PEER_TIMEOUT_S": "0.5", "YIBAO_PEER_ATTEMPTS": "2"}
        async with without("identity", tmp_path, overrides) as (mesh, hospital, _, node):
            async with silent(overrides["YIBAO_IDENTITY_ADDRESS"]):
                msgid, begun = hospital.next_msgid(), time.monotonic()
                await settled_nothing(hospital, node, msgid)
                assert time.monotonic() - begun < 8
            await nothing_is_settled(mesh, hospital, node)
            async with started_mesh(tmp_path, overrides=overrides, members=("identity",)):
                assert (await settled_at_last(hospital, node, msgid)).succeeded

    async def test_while_settlement_is_away_the_gateway_says_so_and_the_message_goes_through_when_it_is_back(
        self, tmp_path: Path
    ) -> None:
        overrides = addresses()
        async with without("settlement", tmp_path, overrides) as (mesh, hospital, _, node):
            msgid = hospital.next_msgid()
            status, answer = await told(hospital, "2207", {"data": node}, msgid)
            assert (status, answer.body["infcode"]) == (503, -1)
            assert answer.message.startswith("[PEER_UNAVAILABLE] ")
            assert "“结算”" in answer.message
            await hospital.done("1201", {"medinsinfo": {"fixmedins_type": "1", "fixmedins_code": hospital.code}})
            async with started_mesh(tmp_path, overrides=overrides, members=("settlement",)):
                assert (await settled_at_last(hospital, node, msgid)).succeeded
                assert await ledger_findings(mesh) == []

    async def test_a_catalogue_that_does_not_answer_stops_no_settlement_of_what_is_known(self, tmp_path: Path) -> None:
        async with without("catalogue", tmp_path, overrides := addresses()) as (mesh, hospital, _, node):
            async with silent(overrides["YIBAO_CATALOGUE_ADDRESS"]) as asked:
                until = time.monotonic() + LONGER_THAN_A_CHANNEL_WAITS_S
                while GET_HEAD not in asked and time.monotonic() < until:
                    begun = time.monotonic()
                    await hospital.done("2206", {"data": node})
                    assert time.monotonic() - begun < 4
                    await asyncio.sleep(0.1)
                await hospital.done("2207", {"data": node})
            assert GET_HEAD in asked
        # The ledger is recomputed by the policies as the catalogue has them.
        async with started_mesh(tmp_path) as mesh:
            assert await ledger_findings(mesh) == []


async def settled_nothing(hospital: Hospital, node: Mapping[str, Any], msgid: str) -> None:
    """The message is refused for want of time, once the channel has found the silent peer."""
    reason = ""
    until = time.monotonic() + LONGER_THAN_A_CHANNEL_WAITS_S
    while reason != "DEADLINE_EXCEEDED" and time.monotonic() < until:
        status, answer = await told(hospital, "2207", {"data": node}, msgid)
        assert answer.body["infcode"] == -1
        assert status in (503, 504)
        reason = answer.message[1:].partition("]")[0]
    assert reason == "DEADLINE_EXCEEDED"


class _Silent(grpc.GenericRpcHandler):
    """Takes every call, knows no trunks and answers none; it remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def service(self, handler_call_details: Any) -> Any:
        if handler_call_details.method == trunk.PATH:
            return None
        self.asked.append(handler_call_details.method)

        async def wait(request: bytes, context: Any) -> bytes:
            await asyncio.sleep(60)
            return b""

        return grpc.unary_unary_rpc_method_handler(wait)


@asynccontextmanager
async def silent(address: str) -> AsyncIterator[list[str]]:
    """A member that listens and says nothing; given is what it was asked until now."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handler = _Silent()
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(address)
    await server.start()
    try:
        yield handler.asked
    finally:
        await server.stop(0)


class TestStore:
    async def test_a_database_that_another_holds_is_told_and_the_message_goes_through_later(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(db, "_BUSY_TIMEOUT_S", 1)
        async with small_sandbox(tmp_path) as town:
            hospital, who = town.hospital, await town.newcomers.one()
            node, msgid = await hospital.open_visit(who, BILL), hospital.next_msgid()
            with closing(sqlite3.connect(tmp_path / "settlement.sqlite", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                status, answer = await told(hospital, "2207", {"data": node}, msgid)
                assert (status, answer.body["infcode"]) == (503, -1)
                assert answer.message.startswith("[STORE_UNAVAILABLE] ")
                assert (await told(hospital, "2206", {"data": node}))[1].succeeded
                other.execute("ROLLBACK")
            await nothing_is_settled(town.mesh, hospital, node)
            await hospital.done("2207", {"data": node}, msgid=msgid)
            assert await town.ledger_findings() == []

    async def test_a_database_that_is_gone_is_told_and_takes_nobody_along(
        self, tmp_path: Path, postgres_server: postgres.Server
    ) -> None:
        name = "gone_in_a_moment"
        postgres_server.create(name)
        async with small_sandbox(tmp_path, {"YIBAO_SETTLEMENT_DATABASE_URL": postgres_server.url(name)}) as town:
            hospital, who = town.hospital, await town.newcomers.one()
            node = await hospital.open_visit(who, BILL)
            postgres_server.drop(name)
            status, answer = await told(hospital, "2207", {"data": node})
            assert (status, answer.body["infcode"]) == (503, -1)
            assert answer.message.startswith("[STORE_UNAVAILABLE] ")
            await hospital.done("1201", {"medinsinfo": {"fixmedins_type": "1", "fixmedins_code": hospital.code}})


class TestShortTime:
    async def test_a_settlement_that_its_caller_does_not_wait_for_is_booked_once(self, tmp_path: Path) -> None:
        async with small_sandbox(tmp_path) as town:
            hospital, who = town.hospital, await town.newcomers.one()
            node = await hospital.open_visit(who, BILL)
            headers = {"Authorization": f"Bearer {await institution_key(town.mesh, hospital.code)}"}
            with closing(sqlite3.connect(tmp_path / "settlement.sqlite", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                begun = time.monotonic()
                late = await settled_by_rest(hospital, node, headers | {"Grpc-Timeout": "500m"})
                assert time.monotonic() - begun < 3
                assert late.status_code == 504
                assert '"DEADLINE_EXCEEDED"' in late.text
                other.execute("ROLLBACK")
            answers = [await settled_by_rest(hospital, node, headers) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
            assert answers[0].content == answers[1].content
            lines = await hospital.done("5204", {"data": {name: node[name] for name in ("psn_no", "mdtrt_id")}})
            assert [line["setl_id"] for line in lines.output["data"]] == [answers[0].json()["setlinfo"]["setlId"]]
            assert await town.ledger_findings() == []


async def institution_key(mesh: Mesh, code: str) -> str:
    """A bearer key of an institution."""
    request = IssueApiKeyRequest(request_id=f"key-{code}", role=options_pb2.ROLE_INSTITUTION, subject=code)
    return str((await mesh.call("yibao.identity.v1.PartnerService.IssueApiKey", request)).api_key)


async def settled_by_rest(hospital: Hospital, node: Mapping[str, Any], headers: Mapping[str, str]) -> httpx.Response:
    """What the REST face answers to a bill, always under one request id."""
    names = {"psn_no": "psnNo", "mdtrt_cert_no": "mdtrtCertNo", "mdtrt_id": "mdtrtId", "chrg_bchno": "chrgBchno"}
    data = {json_name: node[name] for name, json_name in names.items()} | {
        "mdtrtCertType": "MDTRT_CERT_TYPE_ID_CARD",
        "medType": "MED_TYPE_OUTPATIENT",
        "insutype": node["insutype"],
        "acctUsedFlag": "ACCT_USED_FLAG_OWN",
        "medfeeSumamtFen": str(int(Decimal(node["medfee_sumamt"]) * 100)),
    }
    body = {"requestId": "once", "desk": {"fixmedinsCode": hospital.code}, "data": data}
    return await hospital.http.post("/v1/settlements", json=body, headers=dict(headers))


class TestStart:
    @pytest.mark.parametrize(
        ("member", "setting"),
        [("settlement", "YIBAO_SETTLEMENT_ADDRESS"), ("gateway", "YIBAO_GATEWAY_PORT")],
    )
    async def test_a_port_that_is_taken_is_named_with_the_setting_that_chooses_another(
        self, tmp_path: Path, member: str, setting: str
    ) -> None:
        with closing(socket.socket()) as other:
            other.bind((HOST, 0))
            other.listen()
            port = other.getsockname()[1]
            chosen = {setting: str(port) if member == "gateway" else f"{HOST}:{port}"}
            with pytest.raises(StartError, match=rf"{member} cannot listen on {HOST}:{port}.*{setting}"):
                async with started_mesh(tmp_path, overrides=chosen):
                    raise AssertionError("it started on a port that was taken")

    async def test_a_store_that_cannot_be_opened_is_named_with_its_setting(self, tmp_path: Path) -> None:
        (tmp_path / "identity.sqlite").write_bytes(b"this is no database" * 100)
        with pytest.raises(StartError, match=r"identity cannot start.*YIBAO_IDENTITY_DATABASE_URL"):
            async with started_mesh(tmp_path):
                raise AssertionError("it started on a broken store")


class TestQueue:
    async def test_what_finds_the_queue_full_is_refused_and_may_be_sent_again(self, tmp_path: Path) -> None:
        async with small_sandbox(tmp_path, {"YIBAO_MAX_QUEUE": "1", "YIBAO_MAX_BATCH": "1"}) as town:
            hospital, people = town.hospital, await town.newcomers.many(16)
            bills = {hospital.next_msgid(): {"data": await hospital.open_visit(who, BILL)} for who in people}
            answers = await asyncio.gather(*(told(hospital, "2207", node, msgid) for msgid, node in bills.items()))
            first = dict(zip(bills, answers, strict=True))
            refused = [msgid for msgid, (_, answer) in first.items() if not answer.succeeded]
            assert 0 < len(refused) < len(bills)
            for msgid in refused:
                status, answer = first[msgid]
                assert (status, answer.message[:13]) == (200, "[QUEUE_FULL] ")
                await hospital.done("2207", bills[msgid], msgid=msgid)
            assert await town.ledger_findings() == []
