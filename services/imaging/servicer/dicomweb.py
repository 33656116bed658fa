"""DICOMweb of the index: what a path asks for, in which form it is answered, and where a study is fetched.

Searches are answered here. Studies, series, instances, metadata, frames and pictures are at the node: a request for one is sent
on with a ticket in the path, under which all of the study is fetched, for a browser keeps no header across hosts (I§6.6).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from services.imaging.domain.dicom_forms import uid_holds
from services.imaging.domain.qido import asked
from services.imaging.domain.qido.asked import Question
from services.imaging.domain.qido.attributes import Level
from services.imaging.operations.ports import Addresses, SessionTokens
from services.imaging.operations.searching import Page, Searching, Sitting
from services.imaging.servicer.dicom_writing import JSON, PART, XML, json_answer, xml_answer
from services.imaging.servicer.door_reading import origin_of, pairs_of, token_of
from services.imaging.servicer.page_warnings import warning_header
from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.readings import pinyin
from yibao.imaging.v1 import dicomweb_pb2, dicomweb_pb2_grpc

_TEMPORARY_REDIRECT: Final = 307
_NO_CONTENT: Final = 204
_PARAMETERS: Final = re.compile(r"\s*;\s*")
_MULTIPART: Final = "multipart/related"
_ANY: Final = frozenset({"*/*", "application/*", "application/json", JSON})
_RETRIEVED: Final = re.compile(
    r"studies/(?P<study>[0-9.]+)(?:/(?:metadata|rendered|thumbnail|instances|bulkdata/.+"
    r"|series/[0-9.]+(?:/(?:metadata|rendered|thumbnail|instances(?:/[0-9.]+(?:/.+)?)?))?))?"
)
_SEARCHES: Final[Mapping[str, Level]] = {"studies": Level.STUDY, "series": Level.SERIES}
_SERIES_OF: Final = re.compile(r"studies/(?P<study>[^/]+)/series")


class DicomWebServicer(dicomweb_pb2_grpc.DicomWebServiceServicer):
    """Answers what arrives at the door."""

    def __init__(self, sessions: SessionTokens, searching: Searching, tickets: Addresses) -> None:
        self._sessions, self._searching, self._tickets = sessions, searching, tickets

    async def Serve(  # noqa: N802 - the contract's name
        self, request: dicomweb_pb2.ServeRequest, context: Any
    ) -> dicomweb_pb2.ServeResponse:
        """One request."""
        path = request.door_name.rstrip("/")
        sitting = await self._sessions.sitting(token_of(request.headers))
        if (found := _SERIES_OF.fullmatch(path)) is not None:
            pairs = [("StudyInstanceUID", _uid(found["study"], "StudyInstanceUID")), *pairs_of(request.query)]
            return await self._searched(sitting, request, Level.SERIES, pairs)
        if path in _SEARCHES:
            return await self._searched(sitting, request, _SEARCHES[path], pairs_of(request.query))
        retrieved = _RETRIEVED.fullmatch(path)
        if retrieved is None:
            raise Fault(FaultKind.UNSERVED, "DICOMWEB_UNSERVED")
        study = _uid(retrieved["study"], "StudyInstanceUID")
        below = path.removeprefix(f"studies/{study}")
        address = await self._tickets.address(sitting, study)
        query = f"?{request.query}" if request.query else ""
        return dicomweb_pb2.ServeResponse(
            status=_TEMPORARY_REDIRECT,
            content_type="text/plain; charset=utf-8",
            headers={"location": f"{address}{below}{query}", "cache-control": "no-store"},
        )

    async def _searched(
        self, sitting: Sitting, request: dicomweb_pb2.ServeRequest, level: Level, pairs: list[tuple[str, str]]
    ) -> dicomweb_pb2.ServeResponse:
        as_xml = _wants_xml(request.headers.get("accept", ""), pairs)
        question = asked.read(level, [each for each in pairs if each[0].lower() != "accept"], pinyin)
        search: Callable[[Sitting, Question, str], Awaitable[Page]] = (
            self._searching.studies if level is Level.STUDY else self._searching.series
        )
        page = await search(sitting, question, f"{origin_of(request.headers)}/dicom-web")
        headers = {"cache-control": "no-store"}
        if warnings := warning_header(page, question):
            headers["warning"] = warnings
        if as_xml:
            status, body = (0, xml_answer(page.records, question, level)) if page.records else (_NO_CONTENT, b"")
            kind = f'{_MULTIPART}; type="{XML}"; boundary={PART}'
        else:
            status, body, kind = 0, json_answer(page.records, question, level), JSON
        return dicomweb_pb2.ServeResponse(status=status, content_type=kind, body=body, headers=headers)


def _uid(text: str, name: str) -> str:
    if not uid_holds(text):
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[Violation(name, "dicom.uid")])
    return text


def _wants_xml(accept: str, pairs: list[tuple[str, str]]) -> bool:
    """Whether an answer is wanted in XML; MEDIA_TYPE_UNSERVED where in neither form. A parameter `accept` of the query
    goes before the header, as browsers cannot set that (PS3.18, 8.3.3). Types may be written without quotes, as viewers do.
    """
    named = next((value for name, value in pairs if name.lower() == "accept"), "") or accept
    for each in (named or "*/*").split(","):
        kind, *parameters = _PARAMETERS.split(each.strip().lower())
        if kind in _ANY:
            return False
        told = {name: value.strip('"') for name, _, value in (one.partition("=") for one in parameters)}
        if kind == XML or (kind == _MULTIPART and told.get("type", XML) == XML):
            return True
        if kind == _MULTIPART and told.get("type") in _ANY:
            return False
    raise Fault(FaultKind.INVALID, "MEDIA_TYPE_UNSERVED")
