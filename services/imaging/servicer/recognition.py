"""RecognitionService on the wire."""

from __future__ import annotations

from typing import Any, Final, cast

from services.imaging.domain.advice import MOST_MONTHS, AdviceDecision, Choice, Count, Evidence, MonthOf, RepeatReason
from services.imaging.domain.quality import Quality
from services.imaging.domain.recognition import Planned
from services.imaging.operations.recognising import Recognising, RecognitionBooks, WhoAsks
from services.kernel.clock import FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY, beijing_day
from services.kernel.errors import invalid
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import DayReader, day_message, optional_day_of
from yibao.imaging.v1 import entry_pb2, recognition_pb2, recognition_pb2_grpc

_MONTHS: Final = 12


class RecognitionServicer(recognition_pb2_grpc.RecognitionServiceServicer):
    """Messages in, messages out."""

    def __init__(self, recognising: Recognising, books: RecognitionBooks) -> None:
        self._recognising = recognising
        self._books = books

    async def Advise(  # noqa: N802 - the contract's name
        self, request: recognition_pb2.AdviseRequest, context: Any
    ) -> recognition_pb2.AdviseResponse:
        """Prior examinations, the best ones first."""
        now = current_call().now
        day = optional_day_of(request, "planned_day")
        if day is not None and not FIRST_BUSINESS_DAY <= day <= LAST_BUSINESS_DAY:
            raise invalid("planned_day", "date", "no day on which anything is planned")
        planned = Planned(
            *(request.fixmedins_code, day or beijing_day(now), request.item_code, request.item_system),
            *(request.body_part, request.modality),
            acute=request.acute,
        )
        asked = WhoAsks(request.fixmedins_code, request.dr_codg, request.psn_no)
        advice_no, priors = await self._recognising.advise(asked, planned, now)
        return recognition_pb2.AdviseResponse(advice_no=advice_no, priors=[prior_message(each) for each in priors])

    async def RecordDecision(  # noqa: N802 - the contract's name
        self, request: recognition_pb2.RecordDecisionRequest, context: Any
    ) -> recognition_pb2.RecordDecisionResponse:
        """Records once."""
        call = current_call()
        answer = recognition_pb2.RecordDecisionResponse(advice_no=request.advice_no).SerializeToString()
        stored = await self._books.decide(
            *(stamp_of(call, request), request.fixmedins_code, request.advice_no, _choice(request), call.now, answer)
        )
        return recognition_pb2.RecordDecisionResponse.FromString(stored)

    async def CountRecognitions(  # noqa: N802 - the contract's name
        self, request: recognition_pb2.CountRecognitionsRequest, context: Any
    ) -> recognition_pb2.CountRecognitionsResponse:
        """By months."""
        first, last = _month(request.first_month), _month(request.last_month or request.first_month)
        if not 0 <= _since_begin(last) - _since_begin(first) < MOST_MONTHS:
            raise invalid("last_month", "advice.months", f"{MOST_MONTHS} months at most", most=str(MOST_MONTHS))
        months = await self._books.months(request.fixmedins_code, first, last)
        return recognition_pb2.CountRecognitionsResponse(months=[_month_message(each) for each in months])

    async def SetQuality(  # noqa: N802 - the contract's name
        self, request: recognition_pb2.SetQualityRequest, context: Any
    ) -> recognition_pb2.SetQualityResponse:
        """Keeps a result."""
        call, told, days = current_call(), request.quality, DayReader()
        from_day = days.day(told.from_day, "quality.from_day")
        days.check()
        quality = Quality(told.fixmedins_code, told.modality, from_day, told.passed)
        stored = await self._books.set_quality(stamp_of(call, request), quality, call.now, _quality_set)
        return recognition_pb2.SetQualityResponse.FromString(stored)

    async def ListQuality(  # noqa: N802 - the contract's name
        self, request: recognition_pb2.ListQualityRequest, context: Any
    ) -> recognition_pb2.ListQualityResponse:
        """Of an institution."""
        results = await self._books.quality(request.fixmedins_code)
        return recognition_pb2.ListQualityResponse(results=[_quality(each) for each in results])


def prior_message(evidence: Evidence) -> recognition_pb2.PriorExamination:
    """A prior examination; of its items the first one."""
    prior, judged = evidence.prior, evidence.judgement
    system, code = prior.items[0] if prior.items else ("", "")
    return recognition_pb2.PriorExamination(
        study_uid=evidence.study_uid,
        report_no=evidence.report_no,
        fixmedins_code=prior.fixmedins_code,
        study_day=day_message(prior.day),
        modalities=prior.modalities,
        body_part=prior.body_part,
        item_code=code,
        item_system=system,
        recognition=cast("entry_pb2.RecognitionRange.ValueType", int(prior.marked or 0)),
        availability=cast("entry_pb2.Availability.ValueType", int(prior.availability)),
        verdict=cast("recognition_pb2.Verdict.ValueType", int(judged.verdict)),
        grounds=[cast("recognition_pb2.Ground.ValueType", int(each)) for each in judged.grounds],
    )


def _choice(request: recognition_pb2.RecordDecisionRequest) -> Choice:
    if request.WhichOneof("decision") == "accepted":
        return Choice(
            AdviceDecision.ACCEPTED, request.accepted.study_uid, request.accepted.report_no, memo=request.memo
        )
    return Choice(AdviceDecision.REPEATED, reason=RepeatReason(request.repeated.repeat_reason), memo=request.memo)


def _month(text: str) -> int:
    return int(text.replace("-", ""))


def _since_begin(month: int) -> int:
    return month // 100 * _MONTHS + month % 100


def _month_message(month: MonthOf) -> recognition_pb2.RecognitionMonth:
    repeated = [
        recognition_pb2.RepeatCount(
            repeat_reason=cast("recognition_pb2.RepeatReason.ValueType", int(reason)), count=count
        )
        for reason, count in month.repeated.items()
    ]
    return recognition_pb2.RecognitionMonth(
        month=f"{month.month // 100}-{month.month % 100:02}",
        without_prior=month.counts.get(Count.WITHOUT, 0),
        offered=month.counts.get(Count.OFFERED, 0),
        accepted=month.counts.get(Count.ACCEPTED, 0),
        repeated=repeated,
        unanswered=month.unanswered,
    )


def _quality(kept: Quality) -> recognition_pb2.Quality:
    return recognition_pb2.Quality(
        fixmedins_code=kept.fixmedins_code,
        modality=kept.modality,
        from_day=day_message(kept.from_day),
        passed=kept.passed,
    )


def _quality_set(kept: Quality) -> bytes:
    return recognition_pb2.SetQualityResponse(quality=_quality(kept)).SerializeToString()
