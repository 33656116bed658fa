"""StudyService on the wire: typed conditions become a question of QIDO-RS, and its records messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.imaging.domain.qido import asked, attributes
from services.imaging.domain.qido.asked import Question
from services.imaging.domain.qido.attributes import Level, Record
from services.imaging.operations.ports import SessionTokens
from services.imaging.operations.searching import Page, Searching
from services.kernel.errors import Fault, Violation
from services.runtime.readings import pinyin
from yibao.imaging.v1 import study_pb2 as pb2
from yibao.imaging.v1 import study_pb2_grpc

_LISTED: Final = ","
_FIELDS: Final[Mapping[str, str]] = {
    "PatientID": "patient_id",
    "PatientName": "patient_name",
    "StudyInstanceUID": "study_uids",
    "AccessionNumber": "accession_no",
    "StudyDate": "study_date",
    "ModalitiesInStudy": "modalities",
    "StudyDescription": "description",
    "InstitutionName": "institution",
}
"""What a condition is called in DICOM, and here."""


class StudyServicer(study_pb2_grpc.StudyServiceServicer):
    """Messages in, messages out."""

    def __init__(self, sessions: SessionTokens, searching: Searching) -> None:
        self._sessions, self._searching = sessions, searching

    async def SearchStudies(  # noqa: N802 - the contract's name
        self, request: pb2.SearchStudiesRequest, context: Any
    ) -> pb2.SearchStudiesResponse:
        """A page of studies."""
        pairs = [*_pairs(request.conditions), *_page_of(request.most, request.offset)]
        page = await self._studies(request.session_token, pairs)
        return pb2.SearchStudiesResponse(
            studies=[_study(each) for each in page.records], more=page.more, missing=_missing(page)
        )

    async def SearchSeries(  # noqa: N802 - the contract's name
        self, request: pb2.SearchSeriesRequest, context: Any
    ) -> pb2.SearchSeriesResponse:
        """A page of series."""
        pairs = [*_pairs(request.conditions), *_page_of(request.most, request.offset)]
        if request.modality:
            pairs.append(("Modality", request.modality))
        question, sitting = _question(Level.SERIES, pairs), await self._sessions.sitting(request.session_token)
        page = await self._searching.series(sitting, question, "")
        return pb2.SearchSeriesResponse(
            series=[_series(each) for each in page.records], more=page.more, missing=_missing(page)
        )

    async def CountStudies(  # noqa: N802 - the contract's name
        self, request: pb2.CountStudiesRequest, context: Any
    ) -> pb2.CountStudiesResponse:
        """How many answer."""
        page = await self._studies(request.session_token, [*_pairs(request.conditions), ("limit", "0")])
        return pb2.CountStudiesResponse(count=page.more, missing=_missing(page))

    async def _studies(self, token: str, pairs: list[tuple[str, str]]) -> Page:
        question, sitting = _question(Level.STUDY, pairs), await self._sessions.sitting(token)
        return await self._searching.studies(sitting, question, "")


def _question(level: Level, pairs: list[tuple[str, str]]) -> Question:
    """The question; Fault INVALID_REQUEST names fields of the message and not what DICOM calls them."""
    try:
        return asked.read(level, pairs, pinyin)
    except Fault as fault:
        broken = [Violation(_path(each.path), each.rule, each.description, each.values) for each in fault.violations]
        raise Fault(fault.kind, fault.reason, fault.metadata, violations=broken) from None


def _path(name: str) -> str:
    return f"conditions.{_FIELDS[name]}" if name in _FIELDS else name.lower()


def _pairs(conditions: pb2.StudyConditions) -> Iterator[tuple[str, str]]:
    for name, field in _FIELDS.items():
        told = getattr(conditions, field)
        text = told if isinstance(told, str) else _LISTED.join(told)
        if text:
            yield name, text
    if conditions.fuzzy:
        yield "fuzzymatching", "true"


def _page_of(most: int, offset: int) -> Iterator[tuple[str, str]]:
    if most:
        yield "limit", str(most)
    if offset:
        yield "offset", str(offset)


def _study(record: Record) -> pb2.FoundStudy:
    def one(tag: str) -> str:
        return _one(record, tag)

    return pb2.FoundStudy(
        study_uid=one(attributes.STUDY_UID),
        patient_id=one(attributes.PATIENT_ID),
        patient_name=one("00100010"),
        patient_sex=one("00100040"),
        study_date=one(attributes.STUDY_DATE),
        study_time=one(attributes.STUDY_TIME),
        modalities=record.get(attributes.MODALITIES, ()),
        description=one("00081030"),
        body_part=one("00180015"),
        accession_no=one(attributes.ACCESSION),
        institution=one("00080080"),
        series_count=int(one("00201206") or 0),
        instance_count=int(one("00201208") or 0),
        availability=one("00080056"),
    )


def _series(record: Record) -> pb2.FoundSeries:
    def one(tag: str) -> str:
        return _one(record, tag)

    return pb2.FoundSeries(
        study_uid=one(attributes.STUDY_UID),
        series_uid=one(attributes.SERIES_UID),
        series_no=int(one("00200011") or 0),
        modality=one("00080060"),
        description=one("0008103E"),
        body_part=one("00180015"),
        instance_count=int(one("00201209") or 0),
    )


def _one(record: Record, tag: str) -> str:
    values = record.get(tag, ())
    return values[0] if values else ""


def _missing(page: Page) -> pb2.Missing:
    return pb2.Missing(
        nodes_away=page.away, nodes_behind=[each.node_no for each in page.behind], cells_away=page.undecided
    )
