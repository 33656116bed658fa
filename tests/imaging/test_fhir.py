"""The door of FHIR: searches, reads, manifests and refusals over an index in memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome

from services.imaging.domain.fhir.manifest import NEEDED, TOLD
from services.imaging.domain.nodes import Node, NodeState, StandingNode
from services.imaging.domain.qido.attributes import Level
from services.imaging.domain.scopes import Scope
from services.imaging.domain.studies import Series
from services.imaging.operations.manifests import Manifests
from services.imaging.operations.searching import Searching, Sitting
from services.imaging.operations.tickets import Given
from services.imaging.peers.node_metadata import MOST_INSTANCES, ToldInstance, instances_of
from services.imaging.servicer.fhir import FhirServicer
from services.kernel.errors import Fault, FaultKind, not_found
from tests.imaging.memory import OTHER, OWN, SITTING, Memory, Names, kept
from yibao.imaging.v1 import fhir_pb2

BASE = "https://index.example/fhir"
TOKENS = {"doctor": SITTING, "own": OWN, "one": replace(SITTING, patients=SITTING.patients[:1])}
NODE_TELLS = [
    {
        "0020000D": {"vr": "UI", "Value": ["1.2.1"]},
        "0020000E": {"vr": "UI", "Value": ["1.2.1.1"]},
        "00080018": {"vr": "UI", "Value": ["1.2.1.1.1"]},
        "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
    }
]


@dataclass
class Beside:
    """Sessions, tickets and a node."""

    searching: Searching
    node: Any = field(default_factory=lambda: json.dumps(NODE_TELLS).encode())

    async def sitting(self, token: str) -> Sitting:
        if token not in TOKENS:
            raise Fault(FaultKind.UNAUTHENTICATED, "SESSION_UNKNOWN")
        return TOKENS[token]

    async def issue(self, sitting: Sitting, study_uid: str) -> Given:
        found = await self.searching.find(sitting, study_uid)
        if found is None:
            raise not_found("STUDY_NOT_FOUND")
        return Given(
            f"https://node1.example/t/ticket/studies/{study_uid}", "ticket", datetime(2026, 12, 2, tzinfo=UTC), found
        )

    async def find(self, node_no: str) -> StandingNode:
        node = Node(node_no, "山东影像节点", "370000", "12990100MB00000331", ())
        return StandingNode(1, node, NodeState.ACTIVE, "", datetime(2026, 1, 1, tzinfo=UTC))

    async def metadata(self, address: str, node_no: str) -> Sequence[ToldInstance]:
        if isinstance(self.node, Fault):
            raise self.node
        assert address == "https://node1.example/t/ticket/studies/1.2.1"
        return instances_of(bytes(self.node), NEEDED, TOLD)


@pytest.fixture
def memory() -> Memory:
    return Memory(
        [
            kept("1.2.1", ref=1, series_count=2, instance_count=3, description="胸部平扫"),
            kept("1.2.2", ref=2, modalities=("MR",), study_date="20260101"),
            kept("1.2.3", OTHER, ref=3, study_date="20251231"),
        ],
        rows={1: [Series("1.2.1.2", "CT", 2, 2), Series("1.2.1.1", "CT", 1, 1)]},
    )


@pytest.fixture
def beside(memory: Memory) -> Beside:
    return Beside(Searching(memory, memory, memory, Names()))


@pytest.fixture
def door(beside: Beside) -> FhirServicer:
    manifests = Manifests(Names(), beside, beside, beside)
    return FhirServicer(beside, beside.searching, manifests, lambda: datetime(2026, 12, 1, tzinfo=UTC))


async def ask(
    door: FhirServicer, path: str, query: str = "", token: str = "doctor", body: str = "", **headers: str
) -> tuple[int, Any]:
    told = {"host": "index.example", "x-forwarded-proto": "https", "authorization": f"Bearer {token}", **headers}
    request = fhir_pb2.ServeFhirRequest(door_name=path, query=query, headers=told, body=body.encode())
    answer = await door.ServeFhir(request, None)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content_type.startswith("application/fhir+json")
    return answer.status or 200, json.loads(answer.body)


def ids(bundle: Any, mode: str = "match") -> list[str]:
    Bundle.model_validate(bundle)
    return [each["resource"]["id"] for each in bundle.get("entry", ()) if each["search"]["mode"] == mode]


async def test_a_search_finds_what_the_session_may_read_the_latest_first(door: FhirServicer) -> None:
    status, told = await ask(door, "ImagingStudy")
    assert (status, told["total"], ids(told)) == (200, 3, ["1.2.1", "1.2.2", "1.2.3"])
    assert told["entry"][0]["fullUrl"] == f"{BASE}/ImagingStudy/1.2.1"
    assert told["entry"][0]["resource"]["contained"][0]["address"] == "https://index.example/dicom-web"


async def test_conditions_of_all_kinds_are_judged_together(door: FhirServicer) -> None:
    _, told = await ask(door, "ImagingStudy", "patient=Patient/PSEUDO1&modality=CT&started=ge2026-02-01")
    assert ids(told) == ["1.2.1"]
    _, told = await ask(door, "ImagingStudy", "patient=PSEUDO1&_include=ImagingStudy:patient")
    assert ids(told) == ["1.2.1", "1.2.2"]
    assert ids(told, "include") == ["PSEUDO1"]


async def test_a_search_by_a_form_keeps_ids_out_of_the_address(door: FhirServicer) -> None:
    form = {"content_type": "application/x-www-form-urlencoded"}
    headers = {name.replace("_", "-"): value for name, value in form.items()}
    _, told = await ask(door, "ImagingStudy/_search", body="patient=PSEUDO2", **headers)
    assert ids(told) == ["1.2.3"]
    status, told = await ask(door, "ImagingStudy/_search", body="{}", **{"content-type": "application/json"})
    assert (status, reason(told)) == (400, "INVALID_REQUEST")


async def test_pages_follow_each_other_and_end(door: FhirServicer) -> None:
    found, query = [], "_count=2"
    for _ in range(2):
        _, told = await ask(door, "ImagingStudy", query)
        found += ids(told)
        links = {each["relation"]: each["url"] for each in told["link"]}
        if "next" not in links:
            break
        assert dict(parse_qsl(urlsplit(links["next"]).query)) == {"_count": "2", "_offset": "2"}
        query = urlsplit(links["next"]).query
    assert found == ["1.2.1", "1.2.2", "1.2.3"]
    _, told = await ask(door, "ImagingStudy", "_offset=5")
    assert not {"total", "entry"} & told.keys()


async def test_what_may_be_missing_stands_in_the_answer(door: FhirServicer, memory: Memory) -> None:
    memory.up[1] = False
    _, told = await ask(door, "ImagingStudy")
    assert len(ids(told)) == 3
    outcome = told["entry"][-1]
    assert outcome["search"]["mode"] == "outcome"
    assert "N1" in outcome["resource"]["issue"][0]["details"]["text"]


async def test_how_many_match_is_told_without_any(door: FhirServicer) -> None:
    for query in ("_summary=count", "_count=0"):
        _, told = await ask(door, "ImagingStudy", query)
        assert (told["total"], told.get("entry")) == (3, None)


async def test_an_institution_reads_its_own_list(door: FhirServicer) -> None:
    _, told = await ask(door, "ImagingStudy", "_count=2", token="own")
    assert (ids(told), told["total"]) == (["1.2.1", "1.2.2"], 3)
    assert told["entry"][0]["resource"]["subject"]["reference"] == "Patient/H37010200901-k"


async def test_a_read_tells_the_series_in_order(door: FhirServicer) -> None:
    _, told = await ask(door, "ImagingStudy/1.2.1")
    assert [each["uid"] for each in told["series"]] == ["1.2.1.1", "1.2.1.2"]


async def test_a_read_is_one_decision_and_one_entry_of_the_log(door: FhirServicer, memory: Memory) -> None:
    await ask(door, "ImagingStudy/1.2.1")
    assert [each[0] for each in memory.asked].count("scopes") == 1
    assert memory.audited == [("R1", Level.SERIES, ("GS1", "GS2"), 2)]
    await ask(door, "ImagingStudy/1.2.9")
    assert memory.audited[1:] == [("R1", Level.SERIES, ("GS1", "GS2"), 0)]


async def test_a_manifest_finds_its_study_once(door: FhirServicer, memory: Memory) -> None:
    await ask(door, "ImagingStudy/1.2.1/$manifest")
    assert memory.asked == [("scopes", ("GS1", "GS2"))]


async def test_a_read_of_a_study_whose_cell_is_silent_is_no_refusal(door: FhirServicer, memory: Memory) -> None:
    memory.dark = ("370000",)
    for path in ("ImagingStudy/1.2.9", "ImagingStudy/1.2.9/$manifest"):
        status, told = await ask(door, path)
        assert (status, reason(told)) == (503, "CELL_UNAVAILABLE")


@pytest.mark.parametrize("path", ["ImagingStudy/1.2.3", "ImagingStudy/1.2.9", "ImagingStudy/x"])
@pytest.mark.parametrize("end", ["", "/$manifest"])
async def test_a_study_of_another_and_none_are_answered_alike(door: FhirServicer, path: str, end: str) -> None:
    status, told = await ask(door, path + end, token="one")
    assert (status, reason(told)) == (404, "STUDY_NOT_FOUND")


async def test_what_a_decision_hides_is_not_there(door: FhirServicer, memory: Memory) -> None:
    memory.scopes_now["GS1"] = Scope(hidden_studies=frozenset({"1.2.1"}))
    assert ids((await ask(door, "ImagingStudy"))[1]) == ["1.2.2", "1.2.3"]
    assert (await ask(door, "ImagingStudy/1.2.1"))[0] == 404
    assert (await ask(door, "ImagingStudy/1.2.1/$manifest"))[0] == 404


async def test_a_manifest_is_made_of_what_the_node_tells_now(door: FhirServicer) -> None:
    for path in ("ImagingStudy/1.2.1/$manifest", "ImagingStudy/1.2.1/%24manifest"):
        status, told = await ask(door, path)
        Bundle.model_validate(told)
        assert (status, told["type"], told["timestamp"][:10]) == (200, "document", "2026-12-01")
        study = told["entry"][1]["resource"]
        assert study["series"][0]["instance"][0]["uid"] == "1.2.1.1.1"
        assert (study["numberOfSeries"], study["numberOfInstances"]) == (1, 1)


def told_with(tag: str, values: str) -> bytes:
    """What a node tells of one instance, with other values of a tag."""
    told = {name: json.dumps(each) for name, each in NODE_TELLS[0].items()} | {tag: f'{{"Value": {values}}}'}
    members = ",".join(f'"{name}": {each}' for name, each in told.items())
    return f"[{{{members}}}]".encode()


@pytest.mark.parametrize(
    "answer",
    [
        *(b"", b"<html>", b"[]", b'[{"0020000D": 1}]', b"\xff", b"[" * 100_000, b'[{"00000000":' * 100_000),
        told_with("00081111", "[" * 100_000),
        told_with("0008103E", f'["{"x" * 5_000}"]'),
        told_with("00080018", '["1.2/../3"]'),
        told_with("00080018", '["\\ud800"]'),
        told_with("00080016", '["<script>"]'),
        told_with("00200013", "[1e999]"),
    ],
)
async def test_a_node_that_tells_something_else_makes_no_manifest(
    door: FhirServicer, beside: Beside, answer: bytes
) -> None:
    beside.node = answer
    status, told = await ask(door, "ImagingStudy/1.2.1/$manifest")
    assert (status, reason(told)) == (503, "NODE_ANSWER_BROKEN")


@pytest.mark.parametrize("number", ["[-1.5e300]", '["9999999999"]', "[true]", "[{}]", "[null]", "7", '["x"]'])
async def test_a_number_that_is_none_of_fhir_is_not_told(door: FhirServicer, beside: Beside, number: str) -> None:
    beside.node = told_with("00280008", number)
    status, told = await ask(door, "ImagingStudy/1.2.1/$manifest")
    Bundle.model_validate(told)
    assert status == 200


async def test_a_text_of_a_node_is_told_without_what_no_page_may_hold(door: FhirServicer, beside: Beside) -> None:
    beside.node = told_with("0008103E", '["a\\u0000\\u001b\\ufffe<b>"]')
    _, told = await ask(door, "ImagingStudy/1.2.1/$manifest")
    assert told["entry"][1]["resource"]["series"][0]["description"] == "a<b>"
    assert "a&lt;b&gt;" in told["entry"][0]["resource"]["section"][0]["text"]["div"]


async def test_what_is_not_asked_of_a_node_takes_no_memory() -> None:
    answer = told_with("00081111", f"[{','.join(['[]'] * 500_000)}]")
    tracemalloc.start()
    assert len(instances_of(answer, NEEDED, TOLD)) == 1
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000


def test_a_node_that_tells_of_too_many_instances_tells_nothing() -> None:
    answer = b"[" + b",".join([told_with("00200013", "[1]")[1:-1]] * (MOST_INSTANCES + 1)) + b"]"
    with pytest.raises(Fault, match="NODE_ANSWER_BROKEN"):
        instances_of(answer, NEEDED, TOLD)


async def test_a_node_that_is_away_is_a_refusal_that_ends(door: FhirServicer, beside: Beside) -> None:
    beside.node = Fault(FaultKind.UNAVAILABLE, "NODE_AWAY", {"node_no": "N1"}, retry_after_s=30.0)
    request = fhir_pb2.ServeFhirRequest(
        door_name="ImagingStudy/1.2.1/$manifest", headers={"host": "index.example", "authorization": "Bearer doctor"}
    )
    answer = await door.ServeFhir(request, None)
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")


async def test_a_refusal_is_an_operation_outcome_in_both_languages_that_names_each_parameter(
    door: FhirServicer,
) -> None:
    status, told = await ask(door, "ImagingStudy", "bodysite=CHEST&started=then")
    OperationOutcome.model_validate(told)
    assert (status, reason(told)) == (400, "INVALID_REQUEST")
    assert [each.get("expression") for each in told["issue"]] == [None, ["bodysite"], ["started"]]
    translation = told["issue"][1]["details"]["_text"]["extension"][0]["extension"]
    assert translation[0]["valueCode"] == "zh-CN"
    assert "metadata" in translation[1]["valueString"]


@pytest.mark.parametrize(
    ("path", "query", "headers", "status", "named"),
    [
        ("ImagingStudy", "", {"authorization": "Bearer stranger"}, 401, "SESSION_UNKNOWN"),
        ("ImagingStudy/1.2.1", "", {"authorization": ""}, 401, "SESSION_UNKNOWN"),
        ("Patient/PSEUDO1", "", {}, 501, "FHIR_UNSERVED"),
        ("ImagingStudy/1.2.1/_history", "", {}, 501, "FHIR_UNSERVED"),
        ("ImagingStudy", "modality=%ff", {}, 400, "INVALID_REQUEST"),
        ("ImagingStudy", "modality=%4", {}, 400, "INVALID_REQUEST"),
        ("ImagingStudy", "", {"accept": "application/fhir+xml"}, 400, "INVALID_REQUEST"),
        ("ImagingStudy/1.2.1", "_pretty=perhaps", {}, 400, "INVALID_REQUEST"),
        ("metadata", "", {"host": "a b"}, 400, "INVALID_REQUEST"),
    ],
)
async def test_what_is_not_served_is_refused(
    door: FhirServicer, path: str, query: str, headers: dict[str, str], status: int, named: str
) -> None:
    found, told = await ask(door, path, query, **headers)
    OperationOutcome.model_validate(told)
    assert (found, reason(told)) == (status, named)


async def test_what_is_served_is_told_to_everybody(door: FhirServicer) -> None:
    status, told = await ask(door, "metadata", token="stranger")
    CapabilityStatement.model_validate(told)
    assert (status, told["implementation"]["url"]) == (200, BASE)
    named = {each["name"] for each in told["rest"][0]["resource"][0]["searchParam"]}
    assert named >= {"patient", "started", "modality", "identifier", "_id"}


async def test_without_the_audit_log_nothing_is_told(door: FhirServicer, memory: Memory) -> None:
    memory.audit_down = True
    for path in ("ImagingStudy", "ImagingStudy/1.2.1"):
        status, told = await ask(door, path)
        assert (status, told["resourceType"]) == (503, "OperationOutcome")


def reason(outcome: Any) -> str:
    return str(outcome["issue"][0]["details"]["coding"][0]["code"])
