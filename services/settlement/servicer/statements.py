"""The RPCs of statements."""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import Any, Final

from services.kernel.clock import day_start, to_micros
from services.kernel.errors import invalid
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import DayReader, day_message, micros_message, sent_moment
from services.settlement.domain.books.detail_files import EQUAL, UNEQUAL, Comparison
from services.settlement.domain.books.statements import OrderTotals, SettledOrder
from services.settlement.operations.books.files import Files
from services.settlement.operations.books.statements import AskedTotals, Statements
from yibao.settlement.v1 import statement_compared_pb2, statement_pb2, statement_pb2_grpc

_DAY: Final = 86_400 * 1_000_000
_KINDS: Final = {"": "", "0": "settle", "1": "reverse"}
"""Kinds of rows by refd_setl_flag."""
_SUMS: Final = tuple(name for name in SettledOrder._fields if name.endswith("_fen"))


class StatementServicer(statement_pb2_grpc.StatementServiceServicer):
    """Answers StatementService."""

    def __init__(self, books: Statements, files: Files) -> None:
        self._books = books
        self._files = files

    async def ListSettledOrders(  # noqa: N802  # the name is the contract's
        self, request: statement_pb2.ListSettledOrdersRequest, context: Any
    ) -> statement_pb2.ListSettledOrdersResponse:
        """A page of them."""
        after, size = asked_page(request, int, str)
        place = None if after is None else (int(after[0]), str(after[1]))
        page = await self._books.settled(request.opener, _moments(request), place, size, reversed_ones=request.reversed)
        return statement_pb2.ListSettledOrdersResponse(
            orders=[_order(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def FindSettledOrders(  # noqa: N802
        self, request: statement_pb2.FindSettledOrdersRequest, context: Any
    ) -> statement_pb2.FindSettledOrdersResponse:
        """Those of the numbers."""
        found = await self._books.found(request.opener, request.order_nos)
        return statement_pb2.FindSettledOrdersResponse(orders=[_order(each) for each in found])

    async def CompareTotals(  # noqa: N802
        self, request: statement_pb2.CompareTotalsRequest, context: Any
    ) -> statement_pb2.CompareTotalsResponse:
        """3201."""
        data = request.data
        asked = _asked(request.desk.fixmedins_code, data, data.insutype)
        here = await self._books.totals(asked)
        told = OrderTotals(data.fixmedins_setl_cnt, data.medfee_sumamt_fen, data.fund_pay_sumamt_fen, data.acct_pay_fen)
        equal = here == told
        return statement_pb2.CompareTotalsResponse(
            stmtinfo=statement_pb2.StatementResult(
                setl_optins=data.setl_optins,
                stmt_rslt=EQUAL if equal else UNEQUAL,
                stmt_rslt_dscr="" if equal else here.told,
            )
        )

    async def UploadFile(  # noqa: N802
        self, request: statement_pb2.UploadFileRequest, context: Any
    ) -> statement_pb2.UploadFileResponse:
        """9101."""
        call, content = current_call(), bytes_of(request.file.content)
        named = request.desk.fixmedins_code, request.file.filename, content
        kept = await self._files.upload(stamp_of(call, request), *named, call.now)
        return statement_pb2.UploadFileResponse(
            file_qury_no=kept.file_qury_no,
            filename=kept.filename,
            fixmedins_code=kept.fixmedins_code,
            dld_endtime=micros_message(kept.ends_at),
        )

    async def CompareDetails(  # noqa: N802
        self, request: statement_pb2.CompareDetailsRequest, context: Any
    ) -> statement_pb2.CompareDetailsResponse:
        """3202."""
        call, data = current_call(), request.data
        asked = _asked(request.desk.fixmedins_code, data, "")
        kept = await self._files.compare(stamp_of(call, request), asked, data.file_qury_no, call.now)
        return statement_pb2.CompareDetailsResponse(
            fileinfo=statement_pb2.StatementFile(
                file_qury_no=kept.file_qury_no, filename=kept.filename, dld_endtime=micros_message(kept.ends_at)
            )
        )

    async def ListComparedDetails(  # noqa: N802
        self, request: statement_compared_pb2.ListComparedDetailsRequest, context: Any
    ) -> statement_compared_pb2.ListComparedDetailsResponse:
        """A page of what comparisons came to."""
        after, size = asked_page(request, int, str)
        place = None if after is None else (int(after[0]), str(after[1]))
        page = await self._files.comparisons(_moments(request), place, size)
        return statement_compared_pb2.ListComparedDetailsResponse(
            comparisons=[_compared(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def DownloadFile(  # noqa: N802
        self, request: statement_pb2.DownloadFileRequest, context: Any
    ) -> statement_pb2.DownloadFileResponse:
        """9102."""
        kept = await self._files.find(request.desk.fixmedins_code, request.file.file_qury_no, current_call().now)
        return statement_pb2.DownloadFileResponse(
            content=base64.b64encode(kept.content).decode(), filename=kept.filename
        )


def bytes_of(content: str) -> bytes:
    """What Base64 holds; INVALID FILE_MALFORMED."""
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("file.content", "file.base64", "Base64 of a file", reason="FILE_MALFORMED") from None


def _asked(fixmedins_code: str, data: Any, insutype: str) -> AskedTotals:
    kind, (first, last) = _KINDS[data.refd_setl_flag], _days(data)
    span = to_micros(day_start(first)), to_micros(day_start(last)) + _DAY
    days = first.isoformat(), last.isoformat()
    return AskedTotals(fixmedins_code, span, insutype, kind, data.clr_type, data.setl_optins, days)


def _moments(request: Any) -> tuple[int, int]:
    return to_micros(sent_moment(request.from_time, "from_time")), to_micros(sent_moment(request.to_time, "to_time"))


def _days(data: Any) -> tuple[date, date]:
    """First and last day; INVALID where they are turned round."""
    days = DayReader()
    first, last = days.day(data.stmt_begndate, "data.stmt_begndate"), days.day(data.stmt_enddate, "data.stmt_enddate")
    days.check()
    if last < first:
        raise invalid("data.stmt_enddate", "days.order", "not before stmt_begndate")
    return first, last


def _compared(each: Comparison) -> statement_compared_pb2.ComparedDetails:
    return statement_compared_pb2.ComparedDetails(
        fixmedins_code=each.fixmedins_code,
        first_day=day_message(date.fromisoformat(each.first_day)),
        last_day=day_message(date.fromisoformat(each.last_day)),
        setl_optins=each.setl_optins,
        clr_type=each.clr_type,
        refd_setl_flag=each.refd_setl_flag,
        file_qury_no=each.file_qury_no,
        compared_time=micros_message(each.compared_at),
        equal_count=each.equal,
        only_here_count=each.only_here,
        only_there_count=each.only_there,
        otherwise_count=each.otherwise,
        here_fen=each.here_fen,
        there_fen=each.there_fen,
    )


def _order(each: SettledOrder) -> statement_pb2.SettledOrder:
    return statement_pb2.SettledOrder(
        order_no=each.order_no,
        setl_id=each.setl_id,
        fixmedins_code=each.fixmedins_code,
        stands=each.phase == "confirmed",
        reversed=each.state == "reversed",
        **{name: getattr(each, name) for name in _SUMS},
    )
