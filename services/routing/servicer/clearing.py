"""ClearingService on the wire: journals, days, months and statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.routing.domain.clearing.checks import DayCheck, ListEntry
from services.routing.domain.clearing.journals import FiledJournals, Journal, parts_of
from services.routing.domain.clearing.months import CLOSE, Month, Step
from services.routing.domain.clearing.payments import Payment
from services.routing.domain.clearing.statements import CONFIRMED, DISPUTED, SideAnswer, Statement
from services.routing.operations.clearing_journals import Collecting
from services.routing.operations.clearing_months import Months
from services.routing.operations.clearing_payments import Payments
from services.routing.operations.clearing_verify import Verifying
from services.routing.servicer import clearing_messages as messages
from services.routing.servicer.clearing_money import MoneyMethods
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import DayReader, day_of, moment_of
from yibao.routing.v1 import clearing_journals_pb2 as journals_pb
from yibao.routing.v1 import clearing_pb2 as pb
from yibao.routing.v1 import clearing_pb2_grpc


class ClearingServicer(MoneyMethods, clearing_pb2_grpc.ClearingServiceServicer):
    """Messages in, messages out; what is about money only stands in `MoneyMethods`."""

    def __init__(self, collecting: Collecting, months: Months, payments: Payments, verifying: Verifying) -> None:
        super().__init__(payments, verifying)
        self._collecting = collecting
        self._months = months

    async def CollectJournals(  # noqa: N802 - the contract's name
        self, request: journals_pb.CollectJournalsRequest, context: Any
    ) -> journals_pb.CollectJournalsResponse:
        """Files a list."""
        call = current_call()
        kept = await self._collecting.collect_once(
            stamp_of(call, request), _journals(request.journals), call.now, _filed(len(request.journals))
        )
        return journals_pb.CollectJournalsResponse.FromString(kept)

    async def SubmitDayList(  # noqa: N802
        self, request: journals_pb.SubmitDayListRequest, context: Any
    ) -> journals_pb.SubmitDayListResponse:
        """Adds to a list."""
        call = current_call()
        kinds = messages.KIND_NAMES
        entries = [
            ListEntry(each.setl_id, kinds[each.kind], request.region, each.amount_fen) for each in request.entries
        ]
        day, side = day_of(request.setl_day, "setl_day"), messages.SIDE_NAMES[request.side]
        kept = await self._collecting.submit(stamp_of(call, request), day, side, entries, call.now, _listed)
        return journals_pb.SubmitDayListResponse.FromString(kept)

    async def CheckDay(  # noqa: N802
        self, request: journals_pb.CheckDayRequest, context: Any
    ) -> journals_pb.CheckDayResponse:
        """Checks a day."""
        call = current_call()
        kept = await self._collecting.check(
            stamp_of(call, request), day_of(request.setl_day, "setl_day"), request.memo, call.now, _checked
        )
        return journals_pb.CheckDayResponse.FromString(kept)

    async def ListDifferences(  # noqa: N802
        self, request: journals_pb.ListDifferencesRequest, context: Any
    ) -> journals_pb.ListDifferencesResponse:
        """A page of differences."""
        after, size = asked_page(request, str, str, str, str)
        place = None if after is None else (after[0], after[1], after[2], after[3])
        page, last = await self._collecting.differences(day_of(request.setl_day, "setl_day"), place, size)
        return journals_pb.ListDifferencesResponse(
            differences=[messages.difference(each) for each in page.entries],
            next_page_token=token_of(page.end),
            check=None if last is None else messages.check(last),
        )

    async def CloseMonth(  # noqa: N802
        self, request: pb.CloseMonthRequest, context: Any
    ) -> pb.CloseMonthResponse:
        """Closes a month."""
        call = current_call()
        kept = await self._months.close(stamp_of(call, request), request.month, request.memo, call.now, _closed)
        return pb.CloseMonthResponse.FromString(kept)

    async def NetMonth(  # noqa: N802
        self, request: pb.NetMonthRequest, context: Any
    ) -> pb.NetMonthResponse:
        """Nets a month."""
        call = current_call()
        kept = await self._months.net(stamp_of(call, request), request.month, request.memo, call.now, self._netted)
        return pb.NetMonthResponse.FromString(kept)

    async def RollBackMonth(  # noqa: N802
        self, request: pb.RollBackMonthRequest, context: Any
    ) -> pb.RollBackMonthResponse:
        """Opens a month again."""
        call = current_call()
        kept = await self._months.roll_back(
            stamp_of(call, request), request.month, request.memo, call.now, _rolled_back
        )
        return pb.RollBackMonthResponse.FromString(kept)

    async def RunClearing(  # noqa: N802
        self, request: pb.RunClearingRequest, context: Any
    ) -> pb.RunClearingResponse:
        """Does what is due."""
        call = current_call()
        kept = await self._months.run(stamp_of(call, request), request.memo, call.now, _ran)
        return pb.RunClearingResponse.FromString(kept)

    async def GetMonth(  # noqa: N802
        self, request: pb.GetMonthRequest, context: Any
    ) -> pb.GetMonthResponse:
        """A month as it stands."""
        told = await self._months.told(request.month)
        made = [messages.statement(each) for each in told.statements]
        if told.month.is_open:
            made = [messages.running(each) for each in told.tallies]
        return pb.GetMonthResponse(
            month=messages.month(told.month),
            statements=made,
            positions=[messages.position(each) for each in told.positions],
            terms=messages.terms(self._months.terms, request.month),
        )

    async def ConfirmStatement(  # noqa: N802
        self, request: pb.ConfirmStatementRequest, context: Any
    ) -> pb.ConfirmStatementResponse:
        """A side confirms."""
        kept = await self._answer(request, SideAnswer(CONFIRMED, memo=request.memo), _confirmed)
        return pb.ConfirmStatementResponse.FromString(kept)

    async def DisputeStatement(  # noqa: N802
        self, request: pb.DisputeStatementRequest, context: Any
    ) -> pb.DisputeStatementResponse:
        """A side disputes."""
        said = SideAnswer(DISPUTED, messages.REASON_NAMES[request.reason], request.memo)
        return pb.DisputeStatementResponse.FromString(await self._answer(request, said, _disputed))

    def _netted(self, month: Month, orders: Sequence[Payment]) -> bytes:
        told = [messages.payment(each, self._months.terms) for each in orders]
        return pb.NetMonthResponse(month=messages.month(month), payments=told).SerializeToString()

    async def _answer(self, request: Any, said: SideAnswer, encode: Any) -> bytes:
        call = current_call()
        pair = (request.insured_region, request.care_region)
        side = messages.SIDE_NAMES[request.side]
        return await self._months.answer(stamp_of(call, request), request.month, pair, (side, said), call.now, encode)


def _journals(rows: Sequence[journals_pb.Journal]) -> list[Journal]:
    days = DayReader()
    read = [days.day(each.setl_day, f"journals[{place}].setl_day") for place, each in enumerate(rows)]
    days.check()
    return [
        Journal(
            setl_id=each.setl_id,
            kind=messages.KIND_NAMES[each.kind],
            order_no=each.order_no,
            mdtrt_id=each.mdtrt_id,
            fixmedins_code=each.fixmedins_code,
            insured_area=each.insured_area,
            care_area=each.care_area,
            insutype=each.insutype,
            clr_type=each.clr_type,
            setl_at=moment_of(each.setl_time),
            setl_day=read[place],
            medfee_sumamt_fen=each.bill_total_fen,
            parts=parts_of(((part.fund_pay_type, part.amount_fen) for part in each.parts), f"journals[{place}].parts"),
        )
        for place, each in enumerate(rows)
    ]


def _filed(count: int) -> Any:
    def encode(filing: FiledJournals) -> bytes:
        answer = journals_pb.CollectJournalsResponse(filed_count=count, repeated_count=filing.repeated)
        return answer.SerializeToString()

    return encode


def _listed(count: int) -> bytes:
    return journals_pb.SubmitDayListResponse(listed_count=count).SerializeToString()


def _checked(found: DayCheck) -> bytes:
    return journals_pb.CheckDayResponse(check=messages.check(found)).SerializeToString()


def _closed(month: Month) -> bytes:
    return pb.CloseMonthResponse(month=messages.month(month)).SerializeToString()


def _rolled_back(month: Month) -> bytes:
    return pb.RollBackMonthResponse(month=messages.month(month)).SerializeToString()


def _ran(steps: Sequence[Step]) -> bytes:
    return pb.RunClearingResponse(
        closed_months=[each.month for each in steps if each.action == CLOSE],
        netted_months=[each.month for each in steps if each.action != CLOSE],
    ).SerializeToString()


def _confirmed(statement: Statement) -> bytes:
    return pb.ConfirmStatementResponse(statement=messages.statement(statement)).SerializeToString()


def _disputed(statement: Statement) -> bytes:
    return pb.DisputeStatementResponse(statement=messages.statement(statement)).SerializeToString()
