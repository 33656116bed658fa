"""Uploads of entries: through the gateway in JSON, and in a stream of gRPC, by one node and by several at once; beside them the
floor: the same rows written ready-made to a database of the same kind.
"""

from __future__ import annotations

import asyncio
import http.client
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import grpc
import msgspec
from google.protobuf import json_format

from services.imaging.store.packs import body_of_series, row_of
from services.imaging.store.schema import schema
from services.imaging.store.tables import make_tables
from services.runtime.call import CALLER_KEY, Caller, Role
from services.runtime.db import Database, insert_sql
from tools.bench import imaging_made, processes, report
from tools.bench.figures import several
from tools.bench.measures import Terms
from tools.bench.preparation import Unprepared
from tools.bench.subject import Subject, started
from yibao.identity.v1 import api_key_pb2
from yibao.imaging.v1 import entry_pb2, node_pb2, upload_pb2
from yibao.options.v1 import options_pb2

MUST_PER_S: Final = 2_000
_BATCH: Final = 1_000
_BATCHES, _QUICK_BATCHES = 20, 5
_AT_ONCE: Final = 4
_STREAM: Final = "/yibao.imaging.v1.UploadService/UploadStream"
_TRACES: Final = 0.05
_WITHIN_S: Final = 120.0
_NUMBERS: Final = count(1)

Send = Callable[["Node", Sequence[bytes]], int]


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the mesh that is measured; its key for REST."""

    subject: Subject
    number: int
    node_no: str
    api_key: str


def uploads(terms: Terms) -> None:
    """Entries a second, on each database."""
    batches = _QUICK_BATCHES if terms.runs == 1 else _BATCHES
    for database in terms.databases:
        choice = terms.choice(database, _TRACES)
        print(
            report.heading(
                f"upload of entries, 3 series each, batches of {_BATCH:,} (at least {MUST_PER_S:,}/s), {choice}"
            )
        )
        with started(choice) as subject:
            for name, pack, send in (("REST", as_json, by_rest), ("gRPC stream", as_message, by_stream)):
                for at_once in (1, _AT_ONCE):
                    _measured(subject, terms.runs, batches, at_once, f"{name}, {at_once} at once", pack, send)
            asyncio.run(_floor(subject, terms.runs, batches))


def _measured(
    subject: Subject, runs: int, batches: int, at_once: int, name: str, pack: Callable[[Any], bytes], send: Send
) -> None:
    rates: list[float] = []
    spent: list[float] = []
    for _ in range(runs):
        nodes = [registered(subject, next(_NUMBERS)) for _ in range(at_once)]
        packed = [[pack(each) for each in _requests(node, batches // at_once or 1)] for node in nodes]
        pids = processes.tree(subject.process.pid)
        before, begun = processes.cpu_s(pids), time.perf_counter()
        with ThreadPoolExecutor(at_once) as pool:
            taken = sum(pool.map(send, nodes, packed))
        took_s = time.perf_counter() - begun
        rates.append(taken / took_s)
        spent.append((processes.cpu_s(pids) - before) / taken * 1e6)
    told = report.figure(several(rates, more_is_better=True), "/s", 0)
    print(f"   {name:<22} {told}   {several(spent).median:.0f} µs of the mesh's processor time an entry", flush=True)


def registered(subject: Subject, number: int) -> Node:
    """The node of a number, with a key of its own."""
    known = imaging_made.node_of(number)
    told = node_pb2.Node(
        node_no=known.node_no,
        node_name=known.node_name,
        admdvs=known.admdvs,
        uscc=known.uscc,
        retrieve_roots=known.retrieve_roots,
    )
    asked = node_pb2.RegisterNodeRequest(request_id=known.node_no, node=told)
    subject.call("yibao.imaging.v1.NodeService.RegisterNode", asked)
    key = api_key_pb2.IssueApiKeyRequest(request_id=known.node_no, role=options_pb2.ROLE_NODE, subject=known.node_no)
    issued = subject.call("yibao.identity.v1.PartnerService.IssueApiKey", key)
    return Node(subject, number, known.node_no, issued.api_key)


def _requests(node: Node, batches: int) -> Iterator[upload_pb2.UploadEntriesRequest]:
    for place in range(batches):
        made = imaging_made.entries(node.number, place * _BATCH + 1, _BATCH)
        yield upload_pb2.UploadEntriesRequest(node_no=node.node_no, entries=made)


def as_json(request: upload_pb2.UploadEntriesRequest) -> bytes:
    """A batch as the gateway takes it."""
    return json_format.MessageToJson(request, indent=None, ensure_ascii=False).encode()


def as_message(request: upload_pb2.UploadEntriesRequest) -> bytes:
    """A batch as gRPC takes it."""
    return request.SerializeToString()


def by_rest(node: Node, batches: Sequence[bytes]) -> int:
    """Sends batches one after the other on one connection; how many entries were accepted, which must be all."""
    connection = http.client.HTTPConnection("127.0.0.1", node.subject.port, timeout=_WITHIN_S)
    headers = {"Authorization": f"Bearer {node.api_key}", "Content-Type": "application/json"}
    accepted = 0
    try:
        for each in batches:
            connection.request("POST", "/v1/imaging/entries:upload", each, headers)
            answer = connection.getresponse()
            told = answer.read()
            if answer.status != 200:
                raise Unprepared(f"an upload was refused: {answer.status} {told[:300]!r}")
            accepted += _all_of(each["result"] for each in msgspec.json.decode(told)["outcomes"])
    finally:
        connection.close()
    return accepted


def by_stream(node: Node, batches: Sequence[bytes]) -> int:
    """The same in one stream, in which batches are sent ahead."""
    subject = node.subject
    token = subject.signer.sign(Caller(Role.NODE, node.node_no, sandbox=True), "imaging")
    with grpc.insecure_channel(subject.config["YIBAO_IMAGING_ADDRESS"]) as channel:
        stub: Any = channel.stream_stream(_STREAM)
        answers = stub(iter(batches), metadata=((CALLER_KEY, token),), timeout=_WITHIN_S)
        return sum(
            _all_of(entry_pb2.EntryResult.Name(each.result) for each in told.outcomes)
            for told in map(upload_pb2.UploadEntriesResponse.FromString, answers)
        )


def _all_of(results: Iterator[str]) -> int:
    found = list(results)
    if any(each != "ENTRY_RESULT_ACCEPTED" for each in found):
        raise Unprepared("an invented entry was not accepted")
    return len(found)


async def _floor(subject: Subject, runs: int, batches: int) -> None:
    """Rows of studies and series that stand ready, in transactions of as many as a batch has."""
    tables, moment = make_tables(), datetime.now(UTC)
    rates: list[float] = []
    for run in range(runs):
        url, _ = subject.place.database(f"floor{run}")
        database = Database(url.replace("postgresql://", "postgresql+asyncpg://"), lambda: moment)
        await database.start(schema())
        made = list(imaging_made.kept_studies(1, 1, 1, batches * _BATCH))
        ready = [
            ([row_of(kept) for kept, _ in part], [(kept.ref, body_of_series(series)) for kept, series in part])
            for part in (made[start : start + _BATCH] for start in range(0, len(made), _BATCH))
        ]
        try:
            begun = time.perf_counter()
            for studies, series in ready:
                async with database.driver_write() as connection:
                    for table, rows in ((tables.study, studies), (tables.series, series)):
                        await connection.insert(insert_sql(table)[connection.dialect], rows, patient=True)
            rates.append(len(made) / (time.perf_counter() - begun))
        finally:
            await database.close()
    print(f"   floor: ready rows      {report.figure(several(rates, more_is_better=True), '/s', 0)}", flush=True)
