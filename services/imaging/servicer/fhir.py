"""FHIR R4 of the index: which interaction a path means, and in which form it is answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from services.imaging.domain.dicom_forms import uid_holds
from services.imaging.domain.fhir import asking, resources
from services.imaging.domain.fhir.asking import Search
from services.imaging.domain.qido import asked, attributes
from services.imaging.domain.qido.asked import Question
from services.imaging.domain.qido.attributes import Level, Record
from services.imaging.operations.manifests import Manifests
from services.imaging.operations.ports import SessionTokens
from services.imaging.operations.searching import Page, Searching, Sitting
from services.imaging.servicer.door_reading import origin_of, pairs_of, token_of
from services.imaging.servicer.fhir_writing import JSON, capability_statement, outcome, warned, written
from services.imaging.servicer.page_warnings import warnings_of
from services.kernel.errors import Fault, FaultKind, Violation, not_found
from services.runtime.http_statuses import retry_after
from yibao.imaging.v1 import fhir_pb2, fhir_pb2_grpc

_FORM: Final = "application/x-www-form-urlencoded"
_STUDY: Final = re.compile(r"ImagingStudy/(?P<id>[A-Za-z0-9.\-]{1,64})(?P<manifest>/\$manifest|/%24manifest)?")
_ACCEPTED: Final = re.compile(r"\*/\*|application/(\*|json|fhir\+json)")


class FhirServicer(fhir_pb2_grpc.FhirServiceServicer):
    """Answers what arrives at the door."""

    def __init__(
        self, sessions: SessionTokens, searching: Searching, manifests: Manifests, clock: Callable[[], datetime]
    ) -> None:
        self._sessions, self._searching, self._manifests, self._clock = sessions, searching, manifests, clock

    async def ServeFhir(  # noqa: N802 - the contract's name
        self, request: fhir_pb2.ServeFhirRequest, context: Any
    ) -> fhir_pb2.ServeFhirResponse:
        """One interaction; a refusal is answered as well."""
        try:
            return await self._served(request)
        except Fault as fault:
            status, told = outcome(fault)
            headers = {"cache-control": "no-store"} | retry_after(fault)
            if fault.kind is FaultKind.UNAUTHENTICATED:
                headers["www-authenticate"] = "Bearer"
            return fhir_pb2.ServeFhirResponse(status=status, content_type=JSON, body=written(told), headers=headers)

    async def _served(self, request: fhir_pb2.ServeFhirRequest) -> fhir_pb2.ServeFhirResponse:
        path = request.door_name.strip("/")
        base = f"{origin_of(request.headers)}/fhir"
        _check_accept(request.headers.get("accept", ""))
        if path == "metadata":
            return _answer(capability_statement(base, self._made()))
        pairs = pairs_of(request.query)
        if path == "ImagingStudy/_search":
            pairs += pairs_of(_form(request.headers, request.body))
            return await self._search(request, base, pairs)
        if path == "ImagingStudy":
            return await self._search(request, base, pairs)
        found = _STUDY.fullmatch(path)
        if found is None:
            raise Fault(FaultKind.UNSERVED, "FHIR_UNSERVED")
        sitting = await self._sessions.sitting(token_of(request.headers))
        if not uid_holds(found["id"]):
            raise not_found("STUDY_NOT_FOUND")
        pretty = asking.read([each for each in pairs if each[0] in ("_format", "_pretty")]).pretty
        if found["manifest"]:
            told = await self._manifests.of(sitting, found["id"], _root(base), self._made())
            return await asyncio.to_thread(_answer, told, pretty=pretty)
        study, series = await self._study(sitting, base, found["id"])
        return _answer(resources.imaging_study(study, series), pretty=pretty)

    async def _search(
        self, request: fhir_pb2.ServeFhirRequest, base: str, pairs: list[tuple[str, str]]
    ) -> fhir_pb2.ServeFhirResponse:
        sitting = await self._sessions.sitting(token_of(request.headers))
        search = asking.read(pairs)
        question = replace(search.question, limit=0) if search.counts_only else search.question
        page = await self._searching.studies(sitting, question, _root(base))
        # Behind the end of the list nobody counted it.
        counted = bool(page.records) or not question.offset
        total = question.offset + len(page.records) + page.more if counted else None
        told = resources.bundle(
            [(f"{base}/ImagingStudy/{_uid(each)}", resources.imaging_study(each)) for each in page.records],
            _patients(base, page.records) if search.with_patients else [],
            total,
            _links(base, pairs, search, page),
            _outcome(page, question),
        )
        return _answer(told, pretty=search.pretty)

    async def _study(self, sitting: Sitting, base: str, uid: str) -> tuple[Record, list[Record]]:
        """One study and its series; NOT_FOUND STUDY_NOT_FOUND, also where the reader may not see it."""
        question = replace(asked.read(Level.SERIES, [("StudyInstanceUID", uid)]), everything=True)
        found = await self._searching.study(sitting, question, _root(base))
        if found is None:
            raise not_found("STUDY_NOT_FOUND")
        return found

    def _made(self) -> str:
        return self._clock().astimezone().isoformat(timespec="milliseconds")


def _check_accept(accept: str) -> None:
    kinds = [each.partition(";")[0].strip().lower() for each in accept.split(",") if each.strip()]
    if kinds and not any(_ACCEPTED.fullmatch(each) for each in kinds):
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[Violation("Accept", "fhir.json")])


def _form(headers: Mapping[str, str], body: bytes) -> str:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != _FORM:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[Violation("Content-Type", "fhir.form")])
    return body.decode("ascii", errors="replace")


def _patients(base: str, records: list[Record]) -> list[tuple[str, dict[str, Any]]]:
    found = {resources.one(each, attributes.PATIENT_ID): each for each in reversed(records)}
    return [(f"{base}/Patient/{number}", resources.patient(each)) for number, each in sorted(found.items()) if number]


def _links(base: str, pairs: list[tuple[str, str]], search: Search, page: Page) -> list[tuple[str, str]]:
    def url(offset: int) -> str:
        kept = [each for each in pairs if each[0] != "_offset"]
        told = [*kept, ("_offset", str(offset))] if offset else kept
        return f"{base}/ImagingStudy{'?' + urlencode(told) if told else ''}"

    question = search.question
    links = [("self", url(question.offset))]
    if page.more and page.records and not search.counts_only:
        links.append(("next", url(question.offset + len(page.records))))
    return links


def _outcome(page: Page, question: Question) -> dict[str, Any] | None:
    """What has to be known; that there is more the links say."""
    warnings = warnings_of(replace(page, more=0), question)
    return warned(warnings) if warnings else None


def _root(base: str) -> str:
    return f"{base.removesuffix('/fhir')}/dicom-web"


def _uid(record: Record) -> str:
    return resources.one(record, attributes.STUDY_UID)


def _answer(resource: dict[str, Any], *, pretty: bool = False) -> fhir_pb2.ServeFhirResponse:
    headers = {"cache-control": "no-store"}
    return fhir_pb2.ServeFhirResponse(content_type=JSON, body=written(resource, pretty=pretty), headers=headers)
