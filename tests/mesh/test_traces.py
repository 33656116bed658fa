"""Traces of all journeys: one way from HTTP to the database, the edges of the mesh table, failures, and nobody's data."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from typing import Any, Final, NamedTuple

import pytest
import pytest_asyncio
from google.protobuf.descriptor import Descriptor

from services import mesh as table
from services.runtime.contract import Contract, is_public
from services.runtime.logs import JsonLines
from services.runtime.trace_store import Node, StoredSpan, TraceStore
from services.settlement.peers import catalogue
from tests.mesh import journeys, paying, way
from tests.mesh.hospital import DRUG, Exchange, Settled
from tests.mesh.world import Sandbox, ask_the_others, sandbox, small_sandbox
from tools.tidy import ROOT
from yibao.options.v1 import options_pb2

TELLING: Final = 4
"""ASCII values shorter than this stand in everything by chance: a sex, a flag, an age."""


class Played(NamedTuple):
    """All journeys played once: what was said, what was traced, what was logged."""

    town: Sandbox
    settled: Settled
    refused: list[str]
    journal: list[Exchange]
    store: TraceStore
    log: list[str]

    @property
    def spans(self) -> list[StoredSpan]:
        """Every span."""
        return self.store.all_spans()


@contextmanager
def logged() -> Iterator[StringIO]:
    """Everything that the mesh logs, as it would stand on standard error."""
    stream, root = StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    handler.setFormatter(JsonLines())
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    with logged() as stream:
        async with sandbox(tmp_path_factory.mktemp("traces")) as town:
            hospital = town.hospital
            visitor, guest, holder, stranger, insured, payer = await town.newcomers.many(6)
            await journeys.out_patient(hospital, visitor)
            await journeys.in_patient(hospital, guest)
            await journeys.credential(hospital, holder)
            await paying.journey(hospital, payer)
            refused = await journeys.refusals(hospital, stranger)
            with pytest.MonkeyPatch.context() as patch:
                # On a slow machine the visit outlasts the head of the catalogue, which would be read anew on the way drawn.
                patch.setattr(catalogue, "HEAD_HOLDS_S", 600.0)
                settled = await hospital.visit(insured, journeys.BILL)
            await journeys.operator(hospital, insured)
            log = stream.getvalue().splitlines()
            yield Played(town, settled, refused, hospital.journal, town.mesh.traces(), log)


class TestOneTrace:
    async def test_a_settlement_is_found_by_its_message_its_number_and_its_encounter(self, played: Played) -> None:
        (trace_id,) = played.store.find(played.settled.msgid)
        for name in ("setl_id", "mdtrt_id"):
            assert trace_id in played.store.find(played.settled.info[name])

    async def test_it_leads_from_http_through_every_member_asked_to_the_database(self, played: Played) -> None:
        (trace_id,) = played.store.find(played.settled.msgid)
        (root,) = played.store.tree(trace_id)
        assert (root.span.service, root.span.kind) == (table.GATEWAY, "server")
        assert root.span.attributes["yibao.infno"] == "2207"
        below = list(every(root))
        assert played.settled.info["setl_id"] in {node.span.attributes.get("yibao.setl_id") for node in below}
        assert {span.service for span in played.store.spans(trace_id)} == {"gateway", "settlement", "identity"}
        (commit,) = (node for node in below if node.span.name.startswith("commit") and node.linked)
        assert commit.span.service == "settlement"
        assert commit.span.attributes["yibao.batch_size"] >= 1

    async def test_the_page_about_it_draws_the_steps_of_now(self, played: Played) -> None:
        (trace_id,) = played.store.find(played.settled.msgid)
        (root,) = played.store.tree(trace_id)
        (told,) = way.BLOCK.findall(way.PAGE.read_text(encoding="utf-8"))
        assert told == way.drawn(root), "draw it anew: python -m tests.mesh.way"
        assert [each for each in map(way.room, way.steps(root)) if not (ROOT / each).exists()] == []

    async def test_a_registration_shows_settlement_asking_identity(self, played: Played) -> None:
        (registration,) = (
            trace_id
            for trace_id in played.store.find(played.settled.info["mdtrt_id"])
            if any(span.attributes.get("yibao.infno") == "2201" for span in played.store.spans(trace_id))
        )
        ways = {
            (node.span.service, child.span.service)
            for root in played.store.tree(registration)
            for node, child in steps(root)
        }
        assert ways >= {("gateway", "settlement"), ("settlement", "identity")}

    @pytest.mark.parametrize(
        ("infno", "stores"),
        [
            ("1101", {("identity", "read"), ("settlement", "read")}),
            ("2201", {("identity", "read"), ("settlement", "read"), ("settlement", "write")}),
            ("2204", {("settlement", "read"), ("settlement", "write")}),
            ("2207", {("identity", "read"), ("settlement", "read"), ("settlement", "write")}),
            ("2208", {("settlement", "write")}),
            ("6101", {("identity", "write")}),
        ],
    )
    async def test_it_ends_at_the_stores(self, played: Played, infno: str, stores: set[tuple[str, str]]) -> None:
        seen: set[tuple[str, str]] = set()
        for trace_id in {span.trace_id for span in played.spans if span.attributes.get("yibao.infno") == infno}:
            for root in played.store.tree(trace_id):
                for node in every(root):
                    if operation := node.span.attributes.get("db.operation"):
                        assert node.span.attributes["db.system"] == "sqlite"
                        seen.add((node.span.service, operation))
        assert seen >= stores

    async def test_every_span_of_a_trace_has_its_parent_in_it(self, played: Played) -> None:
        by_trace: dict[str, set[str]] = {}
        for span in played.spans:
            by_trace.setdefault(span.trace_id, set()).add(span.span_id)
        assert [
            span.name for span in played.spans if span.parent_id and span.parent_id not in by_trace[span.trace_id]
        ] == []

    async def test_a_callers_traceparent_is_carried_on(self, played: Played) -> None:
        hospital, trace_id = played.town.hospital, "4bf92f3577b34da6a3ce929d0e0e4736"
        msgid, who = hospital.next_msgid(), await played.town.newcomers.one()
        header = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
        answer = await hospital.send("1101", {"data": who.id_card}, msgid=msgid, headers=header)
        assert answer.succeeded
        store = played.town.mesh.traces()
        assert store.find(msgid) == [trace_id]
        assert {span.service for span in store.spans(trace_id)} == {"gateway", "settlement", "identity"}


def every(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield node
    for child in node.children:
        yield from every(child)


def steps(node: Node) -> Iterator[tuple[Node, Node]]:
    """Every parent and child."""
    for parent in every(node):
        yield from ((parent, child) for child in parent.children)


async def test_the_edges_seen_are_those_of_the_mesh_table_and_all_of_them(played: Played) -> None:
    await ask_the_others(played.town)
    # Routing calls nobody, and payment not routing, before there is somebody from elsewhere.
    elsewhere = {edge for edge in table.edges() if "routing" in edge and edge[0] != table.GATEWAY}
    assert played.town.mesh.traces().edges() == table.edges() - elsewhere


class TestFailures:
    async def test_a_refusal_stands_with_code_and_reason_on_every_span_it_passed(self, played: Played) -> None:
        failing = {(span.service, span.code, span.reason) for span in played.spans if span.code}
        assert {reason for _, _, reason in failing} == set(played.refused)
        assert {service for service, _, told in failing if told == "INFNO_NOT_SERVED"} == {"gateway"}
        for reason in ("FEE_SUM_MISMATCH", "ENCOUNTER_NOT_FOUND", "PERSON_NOT_FOUND"):
            assert {service for service, _, told in failing if told == reason} >= {"gateway", "settlement"}, reason
        assert ("identity", "NOT_FOUND", "PERSON_NOT_FOUND") in failing

    async def test_what_went_well_carries_no_code(self, played: Played) -> None:
        (trace_id,) = played.store.find(played.settled.msgid)
        assert [span.code for span in played.store.spans(trace_id) if span.code] == []

    async def test_a_sample_of_one_in_twenty_keeps_every_failure(
        self, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        async with small_sandbox(tmp_path_factory.mktemp("sampled"), {"YIBAO_TRACE_RATIO": "0.05"}) as town:
            hospital, who = town.hospital, await town.newcomers.one()
            well, badly = ([hospital.next_msgid() for _ in range(20)] for _ in range(2))
            for msgid in well:
                await hospital.done("1101", {"data": who.id_card}, msgid=msgid)
            for msgid in badly:
                nobody = {"mdtrt_cert_type": "02", "mdtrt_cert_no": "990000188001011235"}
                assert await hospital.refused("1101", {"data": nobody}, msgid=msgid) == "PERSON_NOT_FOUND"
            store = town.mesh.traces()
            assert len([msgid for msgid in well if store.find(msgid)]) < 10
            for msgid in badly:
                (trace_id,) = store.find(msgid)
                assert {span.reason for span in store.spans(trace_id) if span.code} == {"PERSON_NOT_FOUND"}


@pytest.fixture(scope="module")
def secrets(played: Played) -> set[str]:
    """Every telling value of a personal field that was sent or answered."""
    names = personal_names()
    found: set[str] = set()
    for exchange in played.journal:
        for document in (exchange.sent, json.loads(exchange.text)):
            found.update(personal_values(document, names))
    return found


class TestPersonalData:
    """Whatever a field says that is not marked PUBLIC (money apart, which is nobody's name) stands in no span and no log line."""

    async def test_the_journeys_said_much_that_is_personal(self, played: Played, secrets: set[str]) -> None:
        psn_no = played.settled.info["psn_no"]
        certno = played.settled.info["certno"]
        name = "社区获得性肺炎"
        assert secrets >= {psn_no, certno, name, "J06.900", DRUG, "19900000000", "1980-06-15"}
        sent = [each for each in played.journal if each.name == "6101"]
        assert secrets >= {sent[0].sent["input"]["InData"]["ecQrCode"], journeys.decoded(sent[0].answer)}

    async def test_no_span_tells_it(self, played: Played, secrets: set[str]) -> None:
        assert len(played.spans) > 300
        told = [json.dumps([span.name, span.attributes, span.reason], ensure_ascii=False) for span in played.spans]
        assert found_in(told, secrets) == []

    async def test_no_log_line_tells_it(self, played: Played, secrets: set[str]) -> None:
        calls = [json.loads(line) for line in played.log]
        assert len([each for each in calls if each["message"] == "call"]) > 100
        assert found_in([line.encode().decode("unicode_escape") for line in played.log], secrets) == []
        assert found_in(played.log, secrets) == []


def found_in(texts: list[str], secrets: set[str]) -> list[str]:
    """Secrets that stand in one of the texts, with the text."""
    whole = "\n".join(texts)
    return [
        f"{secret}: {next(text for text in texts if secret in text)[:300]}"
        for secret in sorted(secrets)
        if secret in whole
    ]


def personal_names() -> set[str]:
    """Every name under which a personal field travels: in the contract, in JSON, in the national envelope."""
    names: set[str] = set()
    seen: set[str] = set()

    def walk(message: Descriptor) -> None:
        if message.full_name in seen or not message.full_name.startswith("yibao."):
            return
        seen.add(message.full_name)
        for each in message.fields:
            if each.message_type is not None and each.message_type.full_name.startswith("yibao."):
                walk(each.message_type)
                continue
            options = each.GetOptions()
            if is_public(each) or options.Extensions[options_pb2.data_class] == options_pb2.DATA_CLASS_FINANCIAL:
                continue
            if each.message_type is not None and not options.HasExtension(options_pb2.data_class):
                continue
            national = options.Extensions[options_pb2.national]
            names.update(name.rpartition(".")[2] for name in (each.name, each.json_name, national.name, *national.also))

    for method in Contract.of_mesh().methods.values():
        for kind in (method.request_class, method.response_class):
            descriptor: Any = kind.DESCRIPTOR
            walk(descriptor)
    return names - {""}


def personal_values(document: Any, names: set[str], within: str = "") -> Iterator[str]:
    """Telling values under these names, anywhere in a JSON document."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            yield from personal_values(value, names, name)
    elif isinstance(document, list):
        for value in document:
            yield from personal_values(value, names, within)
    elif within in names and document is not None and is_telling(str(document)):
        yield str(document)


def is_telling(text: str) -> bool:
    """Whether a text tells of somebody wherever it stands; a name of two characters does."""
    return len(text) >= TELLING or (len(text) > 1 and not text.isascii())
