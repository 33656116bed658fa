"""ReportService on the wire: 4501, 5401, 5402 and 5461."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

from google.type.date_pb2 import Date

from services.imaging.domain.advice import Evidence
from services.imaging.domain.priors import Examination
from services.imaging.domain.recognition import Planned, Verdict
from services.imaging.domain.recognition_tables import RecognitionTables
from services.imaging.domain.reports import Picture, Report, ReportItem
from services.imaging.domain.sessions import Grant
from services.imaging.operations.recognising import Recognising, WhoAsks, fits
from services.imaging.operations.reporting import BEGIN, Reporting, ReportResult
from services.imaging.servicer.recognition import prior_message
from services.kernel.clock import beijing_day
from services.kernel.errors import invalid
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import DayReader, micros_message, moment_message, sent_moment
from yibao.common.v1 import codes_pb2
from yibao.imaging.v1 import report_pb2, report_pb2_grpc


class ReportServicer(report_pb2_grpc.ReportServiceServicer):
    """Messages in, messages out."""

    def __init__(self, reporting: Reporting, recognising: Recognising, tables: RecognitionTables) -> None:
        self._reporting = reporting
        self._recognising = recognising
        self._tables = tables

    async def UploadReport(  # noqa: N802 - the contract's name
        self, request: report_pb2.UploadReportRequest, context: Any
    ) -> report_pb2.UploadReportResponse:
        """4501."""
        call, told, samples = current_call(), request.examinfo, len(request.sampleinfo)

        def encode(result: ReportResult) -> bytes:
            value = cast("report_pb2.ReportResult.ValueType", int(result))
            return report_pb2.UploadReportResponse(result=value, samples=samples).SerializeToString()

        kept = self._reporting.withdraw if told.vali_flag == "0" else self._reporting.upload
        stored = await kept(
            stamp_of(call, request), lambda: _report(request, self._tables), told.psn_no, call.now, encode
        )
        return report_pb2.UploadReportResponse.FromString(stored)

    async def ListReports(  # noqa: N802 - the contract's name
        self, request: report_pb2.ListReportsRequest, context: Any
    ) -> report_pb2.ListReportsResponse:
        """A page of an own list."""
        after, size = asked_page(request, int, int)
        page = await self._reporting.listed(
            request.fixmedins_code, BEGIN if after is None else (after[0], after[1]), size
        )
        return report_pb2.ListReportsResponse(
            reports=[_own(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def ListRecognisable(  # noqa: N802 - the contract's name
        self, request: report_pb2.ListRecognisableRequest, context: Any
    ) -> report_pb2.ListRecognisableResponse:
        """5401."""
        query = request.bilgiteminfo
        planned = Planned(request.fixmedins_code, beijing_day(current_call().now), query.exam_item_code)
        asked = WhoAsks(request.fixmedins_code, request.opter, query.psn_no)
        name = "" if query.exam_item_code else query.exam_item_name
        found = await self._recognising.recognisable(
            asked, planned, fits(query.exam_org_code, query.exam_org_name, name)
        )
        return report_pb2.ListRecognisableResponse(
            bilgiteminfo=[_recognisable(query.psn_no, *each) for each in found],
            unsure=sum(evidence.judgement.verdict is Verdict.UNKNOWN for _, evidence in found),
        )

    async def GetReport(  # noqa: N802 - the contract's name
        self, request: report_pb2.GetReportRequest, context: Any
    ) -> report_pb2.GetReportResponse:
        """5402."""
        query = request.rptdetailinfo
        planned = Planned(request.fixmedins_code, beijing_day(current_call().now))
        asked = WhoAsks(request.fixmedins_code, request.opter, query.psn_no)
        found = await self._recognising.report(asked, planned, query.exam_org_code, query.rpotc_no)
        rows = [_details(query.psn_no, *found)] if found is not None else []
        return report_pb2.GetReportResponse(checkreportdetails=rows)

    async def Authorise(  # noqa: N802 - the contract's name
        self, request: report_pb2.AuthoriseRequest, context: Any
    ) -> report_pb2.AuthoriseResponse:
        """5461."""
        call, data = current_call(), request.data
        electronic = data.mdtrt_cert_type == codes_pb2.MDTRT_CERT_TYPE_EC
        shown = data.mdtrt_cert_no if electronic else ""
        stored = await self._reporting.authorise(
            *(stamp_of(call, request), request.fixmedins_code, shown, data.psn_no, call.now),
            lambda grant: _authorised(grant, call.now),
        )
        return report_pb2.AuthoriseResponse.FromString(stored)


def _report(request: report_pb2.UploadReportRequest, tables: RecognitionTables) -> Report:
    told, days = request.examinfo, DayReader()
    day = days.optional(told, "exam_date", "examinfo")
    report_day = days.optional(told, "rpt_date", "examinfo")
    days.check()
    numbers = [(f"imageinfo[{place}].rpotc_no", each.rpotc_no) for place, each in enumerate(request.imageinfo)]
    number = told.rpotc_no or next((each for _, each in numbers if each), "")
    for path, other in numbers:
        if other not in ("", number):
            raise invalid(path, "report.other_number", "the number of the report is expected")
    if day is None:
        moments = [
            sent_moment(each.study_time, f"imageinfo[{place}].study_time")
            for place, each in enumerate(request.imageinfo)
            if each.HasField("study_time")
        ]
        day = beijing_day(moments[0]) if moments else None
    first = ReportItem(told.exam_item_code, told.exam_item_name)
    items = [first, *(ReportItem(each.exam_item_code, each.exam_item_name) for each in request.iteminfo)]
    return Report(
        fixmedins_code=request.fixmedins_code,
        report_no=number,
        day=_digits(day),
        report_day=_digits(report_day),
        kind=told.rpotc_type_code,
        name=told.exam_rpotc_name,
        body_part=told.exam_part,
        positive=told.exam_rslt_poit_flag,
        abnormal=told.exam_rslt_abn,
        conclusion=told.exam_ccls,
        organisation=told.exe_org_name,
        doctor=told.bilg_dr_name,
        items=tuple(dict.fromkeys(each for each in items if each.code or each.name)),
        pictures=tuple(Picture(each.study_uid, tables.modality_of(each.modality)) for each in request.imageinfo),
    )


def _digits(day: date | None) -> str:
    return "" if day is None else day.isoformat().replace("-", "")


def _own(report: Report) -> report_pb2.OwnReport:
    return report_pb2.OwnReport(
        rpotc_no=report.report_no,
        exam_date=_day(report.day),
        exam_rpotc_name=report.name,
        exam_part=report.body_part,
        study_uids=[each.study_uid for each in report.pictures],
    )


def _recognisable(psn_no: str, found: Examination, evidence: Evidence) -> report_pb2.Recognisable:
    report = found.report
    row = report_pb2.Recognisable(
        psn_no=psn_no,
        rpotc_no=found.report_no,
        fixmedins_code=found.fixmedins_code,
        examination=prior_message(evidence),
    )
    if report is not None:
        row.rpotc_type_code, row.exam_rpotc_name, row.exe_org_name = report.kind, report.name, report.organisation
        row.exam_rslt_poit_flag, row.exam_rslt_abn = report.positive, report.abnormal
        if report.report_day:
            row.rpt_date.CopyFrom(_day(report.report_day))
    return row


def _details(psn_no: str, found: Examination, evidence: Evidence) -> report_pb2.CheckReport:
    report = found.report
    row = report_pb2.CheckReport(psn_no=psn_no, rpotc_no=found.report_no, examination=prior_message(evidence))
    if report is not None:
        row.rpotc_type_code, row.exam_rpotc_name, row.bilg_dr_name = report.kind, report.name, report.doctor
        row.exam_rslt_poit_flag, row.exam_rslt_abn, row.exam_ccls = report.positive, report.abnormal, report.conclusion
        if report.report_day:
            row.rpt_date.CopyFrom(_day(report.report_day))
    return row


def _day(text: str) -> Date:
    return Date(year=int(text[:4]), month=int(text[4:6]), day=int(text[6:]))


def _authorised(grant: Grant, now: datetime) -> bytes:
    authorisation = report_pb2.Authorisation(
        grant_no=grant.grant_no, begntime=moment_message(now), endtime=micros_message(grant.to_at)
    )
    return report_pb2.AuthoriseResponse(result=authorisation).SerializeToString()
