"""The door of DICOMweb over an index in memory: in which form who is answered, and where studies are fetched."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from services.imaging.domain.scopes import Place
from services.imaging.domain.studies import Series
from services.imaging.operations.searching import Searching, Sitting
from services.imaging.servicer.dicomweb import DicomWebServicer
from services.kernel.errors import Fault, FaultKind
from tests.imaging.memory import SITTING, Memory, Names, kept
from yibao.imaging.v1 import dicomweb_pb2

HOST = {"authorization": "Bearer token", "host": "index.example:7400"}


@dataclass
class House(Memory):
    """The index with a session and a way to a node."""

    async def sitting(self, token: str) -> Sitting:
        if token != "token":
            raise Fault(FaultKind.UNAUTHENTICATED, "SESSION_UNKNOWN")
        return SITTING

    async def address(self, sitting: Sitting, study_uid: str) -> str:
        return f"https://node1.example/t/TICKET/studies/{study_uid}"


@pytest.fixture
def memory() -> House:
    return House()


async def asked(memory: House, path: str, query: str = "", **headers: str) -> Any:
    servicer = DicomWebServicer(memory, Searching(memory, memory, memory, Names()), memory)
    request = dicomweb_pb2.ServeRequest(door_name=path, query=query, headers=HOST | headers)
    return await servicer.Serve(request, None)


async def told(memory: House, path: str = "studies", query: str = "", **headers: str) -> list[dict[str, Any]]:
    answer = await asked(memory, path, query, **headers)
    assert answer.content_type == "application/dicom+json"
    found: list[dict[str, Any]] = json.loads(answer.body)
    return found


async def uids(memory: House, query: str = "") -> list[str]:
    return [each["0020000D"]["Value"][0] for each in await told(memory, query=query)]


async def refused(memory: House, path: str, query: str = "", **headers: str) -> Fault:
    with pytest.raises(Fault) as caught:
        await asked(memory, path, query, **headers)
    return caught.value


async def test_warnings_say_what_an_answer_does_not(memory: House) -> None:
    memory.studies = [kept(f"1.{number}") for number in range(30)]
    answer = await asked(memory, "studies", "limit=7&offset=7")
    assert answer.headers["warning"] == '299 yibao "There are 16 additional results that can be requested"'
    assert "warning" not in (await asked(memory, "studies", "limit=7&offset=23")).headers
    assert (await asked(memory, "studies", "limit=900")).headers["warning"].startswith('299 yibao "At most 200')
    memory.up = {1: False}
    answer = await asked(memory, "studies")
    assert {each["00080056"]["Value"][0] for each in json.loads(answer.body)} == {"UNAVAILABLE"}
    assert answer.headers["warning"].startswith('299 yibao "Nodes that do not answer now: N1;')
    heard = datetime(2026, 3, 5, 4, tzinfo=UTC)
    memory.up = {}
    memory.told_places = {1: Place(1, "N1", True, ""), 2: Place(2, "N2", False, "", True, heard)}
    warning = (await asked(memory, "studies")).headers["warning"]
    assert warning.startswith('299 yibao "Nodes that are behind: N2 (heard at 2026-03-05T04:00:00Z); ')
    memory.dark = ("370000",)
    assert "Cells that do not answer now: 370000; " in (await asked(memory, "studies")).headers["warning"]
    memory.told_places = {ref: Place(ref, f"N{ref:02}", False, "", True) for ref in range(1, 31)}
    assert "N10 (not heard) and 20 more; what" in (await asked(memory, "studies")).headers["warning"]


async def test_series_of_a_study_by_its_path_and_by_a_key(memory: House) -> None:
    memory.studies = [kept("1.1", ref=1), kept("1.2", ref=2)]
    memory.rows = {
        1: [Series("1.1.9", "CT", 3, series_no=2), Series("1.1.8", "SR", 1, series_no=1)],
        2: [Series("1.2.9", "CT", 5)],
    }
    found = await told(memory, "studies/1.1/series")
    assert [each["0020000E"]["Value"] for each in found] == [["1.1.8"], ["1.1.9"]]
    assert found[0]["00081190"]["Value"][0].endswith("/studies/1.1/series/1.1.8")
    assert len(await told(memory, "series", "Modality=CT")) == 2
    assert len(await told(memory, "studies/1.1/series", "Modality=CT")) == 1
    assert await told(memory, "studies/1.9/series") == []


async def test_xml_is_asked_for_by_header_or_by_query_with_and_without_quotes(memory: House) -> None:
    memory.studies = [kept("1.1")]
    for accept in ('multipart/related; type="application/dicom+xml"', "multipart/related;type=application/dicom+xml"):
        answer = await asked(memory, "studies", accept=accept)
        assert (answer.status, answer.content_type[:17]) == (0, "multipart/related"), "0 is 200"
        assert answer.body.count(b"<NativeDicomModel") == 1
    assert (await asked(memory, "studies", "accept=application/dicom%2Bxml")).content_type.startswith("multipart")
    assert (await asked(memory, "studies", "StudyDate=20200101", accept="application/dicom+xml")).status == 204
    for accept in ("application/json", "*/*", "", "text/html, application/dicom+json"):
        assert await told(memory, accept=accept)
    assert (await refused(memory, "studies", accept="text/html")).reason == "MEDIA_TYPE_UNSERVED"


async def test_a_name_is_told_as_its_node_has_it_and_found_without_case_and_accents(memory: House) -> None:
    memory.studies = [kept("1.1", patient_name="ZHÀNG^San=張^三")]
    (record,) = await told(memory, query="PatientName=zhang*")
    assert record["00100010"]["Value"] == [{"Alphabetic": "ZHÀNG^San", "Ideographic": "張^三"}]


async def test_percent_signs_are_read_and_broken_ones_refused(memory: House) -> None:
    memory.studies = [kept("1.1", patient_name="=测试^甲")]
    assert await uids(memory, "PatientName=%E6%B5%8B%E8%AF%95%5E%E7%94%B2") == ["1.1"]
    assert await uids(memory, "PatientName=%3D%E6%B5%8B%2A") == ["1.1"]
    assert await uids(memory, "fuzzymatching=true&PatientName=ceshi+jia") == ["1.1"]
    for broken in ("PatientName=%E6%B5", "PatientName=%zz", "%=1"):
        fault = await refused(memory, "studies", broken)
        assert [each.rule for each in fault.violations] == ["dicom.encoding"], broken


async def test_a_question_of_too_many_parameters_or_with_nul_is_refused_whole(memory: House) -> None:
    for query, rule in (("a&" * 5_000, "dicom.long"), ("AccessionNumber=A%001", "text.nul")):
        fault = await refused(memory, "studies", query)
        assert [(each.path, each.rule) for each in fault.violations] == [("query", rule)]


async def test_everything_else_of_a_study_is_fetched_at_its_node_with_a_ticket(memory: House) -> None:
    for below in (
        "",
        "/metadata",
        "/series/1.2/metadata",
        "/series/1.2/instances/1.3/frames/1",
        "/rendered",
        "/instances",
    ):
        answer = await asked(memory, f"studies/1.1{below}", "viewport=64,64")
        assert answer.status == 307
        assert answer.headers["location"] == f"https://node1.example/t/TICKET/studies/1.1{below}?viewport=64,64"
    assert (await refused(memory, "instances")).reason == "DICOMWEB_UNSERVED"
    assert (await refused(memory, "studies/1.1/nonsense")).reason == "DICOMWEB_UNSERVED"
    assert [each.path for each in (await refused(memory, "studies/1.01/metadata")).violations] == ["StudyInstanceUID"]


async def test_addresses_are_those_by_which_the_client_came(memory: House) -> None:
    memory.studies = [kept("1.1")]
    behind = {"x-forwarded-host": "images.example, inner", "x-forwarded-proto": "https"}
    (found,) = await told(memory, **behind)
    assert found["00081190"]["Value"] == ["https://images.example/dicom-web/studies/1.1"]
    for wrong in ({"host": "a b"}, {"host": ""}, {"x-forwarded-proto": "javascript"}):
        assert [each.rule for each in (await refused(memory, "studies", **wrong)).violations] == ["dicom.host"]


async def test_nobody_without_a_session_is_answered_and_no_search_that_cannot_be_written(memory: House) -> None:
    for said in ("", "Basic abc", "Bearer wrong"):
        assert (await refused(memory, "studies", authorization=said)).reason == "SESSION_UNKNOWN"
    memory.studies = [kept("1.1")]
    await told(memory, query="PatientID=PSEUDO1")
    assert len(memory.audited) == 1
    memory.audit_down = True
    assert (await refused(memory, "studies")).reason == "STORE_UNAVAILABLE"
