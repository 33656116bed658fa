"""DICOMweb of the index: what a path asks for, in which form it is answered, and where a study is fetched.

Searches are answered here. Studies, series, instances, metadata, frames and pictures are at the node: a request for one is sent
on with a ticket in the path, under which all of the study is fetched, for a browser keeps no header across hosts (I§6.6).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import unquote

from services.imaging.domain.dicom_forms import uid_holds
from services.imaging.domain.qido import asked
from services.imaging.domain.qido.asked import Question
from services.imaging.domain.qido.attributes import Level
from services.imaging.domain.scopes import Place
from services.imaging.operations.searching import Page, Searching, Sitting
from services.imaging.servicer.dicom_writing import JSON, PART, XML, json_answer, xml_answer
from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.readings import pinyin
from yibao.imaging.v1 import dicomweb_pb2, dicomweb_pb2_grpc

_BEARER: Final = "bearer "
_AGENT: Final = "yibao"
_TEMPORARY_REDIRECT: Final = 307
_NO_CONTENT: Final = 204
_HOST: Final = re.compile(r"[A-Za-z0-9.\-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:]{2,39}\](:[0-9]{1,5})?")
_SCHEME: Final = re.compile(r"https?")
_MOST_NAMED: Final = 10
_PARAMETERS: Final = re.compile(r"\s*;\s*")
_MULTIPART: Final = "multipart/related"
_ANY: Final = frozenset({"*/*", "application/*", "application/json", JSON})
_RETRIEVED: Final = re.compile(
    r"studies/(?P<study>[0-9.]+)(?:/(?:metadata|rendered|thumbnail|instances|bulkdata/.+"
    r"|series/[0-9.]+(?:/(?:metadata|rendered|thumbnail|instances(?:/[0-9.]+(?:/.+)?)?))?))?"
)
_SEARCHES: Final[Mapping[str, Level]] = {"studies": Level.STUDY, "series": Level.SERIES}
_SERIES_OF: Final = re.compile(r"studies/(?P<study>[^/]+)/series")


class Sessions(Protocol):
    """Who reads."""

    async def sitting(self, token: str) -> Sitting:
        """The session of a token; SESSION_UNKNOWN."""
        ...


class Tickets(Protocol):
    """The way to the nodes."""

    async def address(self, sitting: Sitting, study_uid: str) -> str:
        """Where a study is fetched, with a ticket: all of it lies below; STUDY_NOT_FOUND, NODE_AWAY."""
        ...


class DicomWebServicer(dicomweb_pb2_grpc.DicomWebServiceServicer):
    """Answers what arrives at the door."""

    def __init__(self, sessions: Sessions, searching: Searching, tickets: Tickets) -> None:
        self._sessions, self._searching, self._tickets = sessions, searching, tickets

    async def Serve(  # noqa: N802 - the contract's name
        self, request: dicomweb_pb2.ServeRequest, context: Any
    ) -> dicomweb_pb2.ServeResponse:
        """One request."""
        path = request.door_name.rstrip("/")
        sitting = await self._sessions.sitting(_token(request.headers))
        if (found := _SERIES_OF.fullmatch(path)) is not None:
            pairs = [("StudyInstanceUID", _uid(found["study"], "StudyInstanceUID")), *_pairs(request.query)]
            return await self._searched(sitting, request, Level.SERIES, pairs)
        if path in _SEARCHES:
            return await self._searched(sitting, request, _SEARCHES[path], _pairs(request.query))
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
        page = await search(sitting, question, _root(request.headers))
        headers = {"cache-control": "no-store"}
        if warnings := _warnings(page, question):
            headers["warning"] = warnings
        if as_xml:
            status, body = (0, xml_answer(page.records, question, level)) if page.records else (_NO_CONTENT, b"")
            kind = f'{_MULTIPART}; type="{XML}"; boundary={PART}'
        else:
            status, body, kind = 0, json_answer(page.records, question, level), JSON
        return dicomweb_pb2.ServeResponse(status=status, content_type=kind, body=body, headers=headers)


def _token(headers: Mapping[str, str]) -> str:
    said = headers.get("authorization", "")
    if not said.lower().startswith(_BEARER):
        raise Fault(FaultKind.UNAUTHENTICATED, "SESSION_UNKNOWN")
    return said[len(_BEARER) :].strip()


def _pairs(query: str) -> list[tuple[str, str]]:
    """Names and values, decoded; Fault INVALID_REQUEST where a percent sign or the characters behind it are none of UTF-8."""
    pairs = [each.partition("=") for each in query.split("&") if each]
    try:
        return [(_decoded(name), _decoded(value)) for name, _, value in pairs]
    except ValueError:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[Violation("query", "dicom.encoding")]) from None


def _decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise ValueError(text)
    return unquote(text.replace("+", " "), errors="strict")


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


def _root(headers: Mapping[str, str]) -> str:
    """Where the client reaches this door, as the first proxy says, or the client's own request."""
    host = headers.get("x-forwarded-host", "").partition(",")[0].strip() or headers.get("host", "")
    scheme = headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower() or "http"
    if _HOST.fullmatch(host) is None or _SCHEME.fullmatch(scheme) is None:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[Violation("Host", "dicom.host")])
    return f"{scheme}://{host}/dicom-web"


def _silent(place: Place) -> str:
    return (
        f"{place.node_no} (heard at {place.heard_at:%Y-%m-%dT%H:%M:%SZ})"
        if place.heard_at
        else f"{place.node_no} (not heard)"
    )


def _warnings(page: Page, question: Question) -> str:
    """What is to be known of an answer (PS3.18, 10.6.3 and 8.3.4.4): in English, as a header is written."""
    told: list[str] = []
    if question.cut:
        told.append(f"At most {question.limit} results are told at once")
    if page.more:
        told.append(f"There are {page.more} additional results that can be requested")
    if page.away:
        told.append(
            f"Nodes that do not answer now: {', '.join(page.away)}; what they hold is found and cannot be opened"
        )
    if page.undecided:
        told.append(f"Cells that do not answer now: {', '.join(page.undecided)}; nothing of their persons is told")
    if page.behind:
        named = ", ".join(_silent(each) for each in page.behind[:_MOST_NAMED])
        others = f" and {len(page.behind) - _MOST_NAMED} more" if len(page.behind) > _MOST_NAMED else ""
        told.append(f"Nodes that are behind: {named}{others}; what they took lately may be missing")
    return ", ".join(f'299 {_AGENT} "{each}"' for each in told)
