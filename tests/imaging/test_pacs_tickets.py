"""Tickets at the province node: they open one study for some minutes, and nothing where a revocation may have been missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import msgspec
import pydicom
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dicomweb_client.api import DICOMwebClient

from tests.imaging.pacs_desk import NODE_NO, Desk, PlayedIndex, desk, reason_of
from tools.pacs_node.feeding import hear
from tools.pacs_node.refusals import Refusal
from tools.pacs_node.samples import chest_ct, study_uid
from tools.pacs_node.tickets import Tickets

STUDY = study_uid()
CT = list(chest_ct())[:3]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def index() -> PlayedIndex:
    return PlayedIndex()


@pytest.fixture
async def tickets(index: PlayedIndex) -> Tickets:
    known = Tickets(NODE_NO)
    known.learn_keys(await index.keys())
    await hear(known, index)
    return known


def refused(tickets: Tickets, ticket: str, study: str = STUDY) -> str:
    with pytest.raises(Refusal) as told:
        tickets.check(ticket, study)
    return told.value.reason


def test_a_ticket_of_the_index_opens_its_study(tickets: Tickets, index: PlayedIndex) -> None:
    tickets.check(index.ticket(STUDY), STUDY)


def test_what_is_no_ticket_for_this_study_here_and_now_is_refused(tickets: Tickets, index: PlayedIndex) -> None:
    past = datetime.now(UTC) - timedelta(minutes=10)
    unsigned = jwt.encode({"stu": STUDY}, "", algorithm="none")
    shared = jwt.encode(
        {"stu": STUDY}, "a secret that anybody may have chosen, long enough", algorithm="HS256", headers={"kid": "k1"}
    )
    whole = index.ticket(STUDY)

    assert refused(tickets, index.ticket("2.25.7")) == "TICKET_FOREIGN"
    assert refused(tickets, index.ticket(STUDY, aud="GD1")) == "TICKET_FOREIGN"
    assert refused(tickets, index.ticket(STUDY, nbf=past, exp=past + timedelta(minutes=5))) == "TICKET_EXPIRED"
    assert refused(tickets, index.ticket(STUDY, nbf=datetime.now(UTC) + timedelta(minutes=5))) == "TICKET_INVALID"
    assert refused(tickets, index.ticket(STUDY, iss="somebody")) == "TICKET_INVALID"
    assert refused(tickets, index.ticket(STUDY, key=Ed25519PrivateKey.generate())) == "TICKET_INVALID"
    for text in ("", "x", "a.b.c", "é" * 20, "a" * 5000, unsigned, shared, whole[:-3], whole.replace(".", "..", 1)):
        assert refused(tickets, text) == "TICKET_INVALID"


async def test_a_ticket_or_grant_that_was_revoked_is_refused_once_the_list_says_so(
    tickets: Tickets, index: PlayedIndex
) -> None:
    one, other = index.ticket(STUDY, jti="t1", gra="a" * 16), index.ticket(STUDY, jti="t2", gra="b" * 16)
    index.revocations += ["t1", "b" * 16]
    tickets.check(one, STUDY)

    await hear(tickets, index)

    assert refused(tickets, one) == refused(tickets, other) == "TICKET_REVOKED"
    tickets.check(index.ticket(STUDY), STUDY)


async def test_a_list_older_than_five_seconds_closes_the_node_and_a_new_one_opens_it(index: PlayedIndex) -> None:
    clock = Clock()
    tickets = Tickets(NODE_NO, clock)
    ticket = index.ticket(STUDY)
    assert refused(tickets, ticket) == "KEYS_MISSING"
    tickets.learn_keys(await index.keys())
    assert refused(tickets, ticket) == "REVOCATIONS_STALE"

    tickets.learn_revoked(["t9"])
    clock.now += 4.9
    tickets.check(ticket, STUDY)
    clock.now += 0.2
    assert refused(tickets, ticket) == "REVOCATIONS_STALE"
    tickets.learn_revoked([])
    tickets.check(ticket, STUDY)
    assert refused(tickets, index.ticket(STUDY, jti="t9")) == "TICKET_REVOKED"


async def test_a_key_that_was_changed_is_fetched_when_a_ticket_names_it(tickets: Tickets, index: PlayedIndex) -> None:
    ticket = index.ticket(STUDY, kid="k2")
    assert refused(tickets, ticket) == "TICKET_INVALID"
    keys = dict(await index.keys())

    class Renewed(PlayedIndex):
        async def keys(self) -> dict[str, list[dict[str, str]]]:
            return {"keys": [each | {"kid": "k2"} for each in keys["keys"]]}

    await hear(tickets, Renewed())

    tickets.check(ticket, STUDY)


@pytest.fixture
async def node(tmp_path: Path, index: PlayedIndex) -> AsyncIterator[Desk]:
    async with desk(tmp_path / "node", index, settle_s=3600.0) as running:
        await running.store(*CT)
        await running.until(lambda: running.node.tickets.ready)
        running.http.headers.popall("Authorization")
        yield running


async def test_under_a_ticket_all_of_its_study_is_read_and_nothing_else(node: Desk, index: PlayedIndex) -> None:
    ticket = index.ticket(STUDY)
    root = f"/t/{ticket}/studies/{STUDY}"

    status, _, body = await node.get(f"{root}/metadata")
    other, _, told = await node.get(f"/t/{ticket}/studies/2.25.7/metadata")
    listed = await node.get(f"{root}/series")
    bulk = msgspec.json.decode(body)[0]["7FE00010"]["BulkDataURI"]

    assert (status, len(msgspec.json.decode(body))) == (200, 3)
    assert (other, reason_of(told)) == (403, "TICKET_FOREIGN")
    assert listed[0] == 200
    assert bulk.startswith(f"{node.node.url}{root}/series/")
    assert (await node.get(bulk.removeprefix(node.node.url)))[0] == 200


async def test_a_ticket_only_reads_and_browsers_of_any_origin_may_ask(node: Desk, index: PlayedIndex) -> None:
    root = f"/t/{index.ticket(STUDY)}/studies/{STUDY}"

    for method in ("POST", "PUT", "DELETE", "PATCH"):
        status, headers, body = await node.get(root, method=method)
        assert (status, reason_of(body), headers["Allow"]) == (405, "READ_ONLY", "GET, HEAD")
    status, headers, _ = await node.get(f"{root}/metadata", method="OPTIONS")
    closed = await node.get("/t/none/studies/2.25.7/metadata")

    assert status == 204
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in headers["Access-Control-Allow-Methods"]
    assert (closed[0], closed[1]["Access-Control-Allow-Origin"]) == (401, "*")


async def test_a_node_that_hears_nothing_any_more_serves_nothing(node: Desk, index: PlayedIndex) -> None:
    index.silent = True
    node.node.tickets.learn_revoked([], 5.1)

    status, headers, body = await node.get(f"/t/{index.ticket(STUDY)}/studies/{STUDY}/metadata")

    assert (status, reason_of(body), headers["Retry-After"]) == (503, "REVOCATIONS_STALE", "5")


async def test_dicomweb_client_reads_a_study_its_metadata_and_its_frames_through_a_ticket(
    node: Desk, index: PlayedIndex
) -> None:
    client = DICOMwebClient(url=f"{node.node.url}/t/{index.ticket(STUDY)}")

    metadata = await asyncio.to_thread(client.retrieve_study_metadata, STUDY)
    study = await asyncio.to_thread(client.retrieve_study, STUDY)
    ids = [metadata[1][tag]["Value"][0] for tag in ("0020000E", "00080018")]
    frames = await asyncio.to_thread(client.retrieve_instance_frames, STUDY, ids[0], ids[1], [1])
    series = await asyncio.to_thread(client.search_for_series, STUDY)
    picture = await asyncio.to_thread(client.retrieve_instance_rendered, STUDY, *ids)

    sent = {each.SOPInstanceUID: each for each in (pydicom.dcmread(pydicom.filebase.DicomBytesIO(file)) for file in CT)}
    assert len(metadata) == len(study) == 3
    assert {each.SOPInstanceUID: each.PatientName for each in study} == {
        uid: each.PatientName for uid, each in sent.items()
    }
    assert frames == [sent[ids[1]].PixelData]
    assert len(series) == 2
    assert picture[:2] == b"\xff\xd8"
