"""The RPCs by which persons read their own books."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from services.kernel.clock import beijing_day, day_start, to_micros
from services.runtime.call import current_call
from services.runtime.paging import asked_page, no_such_page, token_of
from services.runtime.wire import micros_message, optional_day_of
from services.settlement.domain.books import own_books as domain
from services.settlement.domain.care.fees import StandingLine
from services.settlement.operations.books.own_books import OwnBooks
from services.settlement.servicer.convert_encounters import Codes
from services.settlement.servicer.convert_fees import add_details, item_keys_of
from services.settlement.servicer.convert_settlement import told_of
from yibao.settlement.v1 import own_books_pb2 as pb
from yibao.settlement.v1 import own_books_pb2_grpc, settlement_query_pb2

_SUMS: Final = tuple(name for name in domain.OwnSettlement._fields if name.endswith("_fen"))
_KINDS: Final = (
    (domain.OPENING, pb.MOVEMENT_KIND_OPENING),
    (domain.SETTLEMENT, pb.MOVEMENT_KIND_SETTLEMENT),
    (domain.REVERSAL, pb.MOVEMENT_KIND_REVERSAL),
    (domain.FAMILY_SETTLEMENT, pb.MOVEMENT_KIND_FAMILY_SETTLEMENT),
    (domain.FAMILY_REVERSAL, pb.MOVEMENT_KIND_FAMILY_REVERSAL),
    (domain.ORDER, pb.MOVEMENT_KIND_ORDER),
    (domain.ORDER_VOIDED, pb.MOVEMENT_KIND_ORDER_VOIDED),
)
# A day of the calendar that every store can hold a moment of.
_FIRST, _LAST = date(1900, 1, 1), date(2999, 12, 31)
_DAY: Final = timedelta(days=1)


class OwnBooksServicer(own_books_pb2_grpc.OwnBooksServiceServicer):
    """Answers OwnBooksService; that the caller is the person asked about is checked before it is reached."""

    def __init__(self, books: OwnBooks) -> None:
        self._books = books
        self._codes = Codes()
        self._kinds = dict(_KINDS)

    async def ListOwnSettlements(  # noqa: N802  # the name is the contract's
        self, request: pb.ListOwnSettlementsRequest, context: Any
    ) -> pb.ListOwnSettlementsResponse:
        """A page of settlements and counter-entries."""
        after, size = asked_page(request, int, str)
        page = await self._books.settlements(
            request.psn_no, _span(request), None if after is None else (after[0], after[1]), size
        )
        return pb.ListOwnSettlementsResponse(
            settlements=[_settlement(entry) for entry in page.entries], next_page_token=token_of(page.end)
        )

    async def GetOwnSettlement(  # noqa: N802
        self, request: pb.GetOwnSettlementRequest, context: Any
    ) -> pb.GetOwnSettlementResponse:
        """One settlement with its reasons, as 5203 tells it."""
        found = await self._books.settlement(request.psn_no, request.setl_id)
        return pb.GetOwnSettlementResponse(**told_of(found))

    async def ListOwnLines(  # noqa: N802
        self, request: pb.ListOwnLinesRequest, context: Any
    ) -> pb.ListOwnLinesResponse:
        """A page of the lines of a settlement."""
        place, size = asked_page(request, int)
        after = 0 if place is None else place[0]
        if after < 0:
            raise no_such_page()
        found = await self._books.lines(request.psn_no, request.setl_id, after, size)
        lines: tuple[StandingLine, ...] = found.page.entries
        items = await self._books.items.items(found.encounter.fixmedins_code, await item_keys_of(lines))
        answer = pb.ListOwnLinesResponse(next_page_token=token_of(found.page.end))
        await add_details(answer.lines, self._codes, found.encounter, lines, items)
        return answer

    async def ListOwnAccounts(  # noqa: N802
        self, request: pb.ListOwnAccountsRequest, context: Any
    ) -> pb.ListOwnAccountsResponse:
        """Accounts with their balances."""
        return pb.ListOwnAccountsResponse(
            accounts=[
                pb.OwnAccount(insutype=insutype, balance_fen=balance_fen)
                for insutype, balance_fen in await self._books.accounts(request.psn_no)
            ]
        )

    async def ListOwnAccountMovements(  # noqa: N802
        self, request: pb.ListOwnAccountMovementsRequest, context: Any
    ) -> pb.ListOwnAccountMovementsResponse:
        """A page of the movements of an account."""
        place, size = asked_page(request, int)
        before = None if place is None else place[0]
        page = await self._books.movements(request.psn_no, request.insutype, before, size)
        return pb.ListOwnAccountMovementsResponse(
            movements=[self._movement(entry) for entry in page.entries], next_page_token=token_of(page.end)
        )

    async def ListOwnAccumulators(  # noqa: N802
        self, request: pb.ListOwnAccumulatorsRequest, context: Any
    ) -> pb.ListOwnAccumulatorsResponse:
        """A page of accumulators."""
        place, size = asked_page(request, str, str, str, str)
        after = None if place is None else (place[0], place[1], place[2], place[3])
        today = beijing_day(current_call().now)
        page, counting = await self._books.accumulators(request.psn_no, after, size, today)
        return pb.ListOwnAccumulatorsResponse(
            accumulators=[pb.OwnAccumulator(**entry._asdict(), counts=entry in counting) for entry in page.entries],
            next_page_token=token_of(page.end),
        )

    def _movement(self, entry: domain.AccountMovement) -> pb.AccountMovement:
        return pb.AccountMovement(
            account_seq=entry.account_seq,
            kind=self._kinds[entry.reason],
            moved_time=micros_message(entry.moved_at),
            amount_fen=entry.amount_fen,
            balance_after_fen=entry.balance_after_fen,
            benefit_year=entry.benefit_year,
            setl_id=entry.setl_id if entry.own and not entry.unsettled else "",
        )


def _settlement(entry: domain.OwnSettlement) -> pb.OwnSettlement:
    record = settlement_query_pb2.SetlinfoRecord.FromString(entry.record)
    return pb.OwnSettlement(
        setl_id=entry.setl_id,
        mdtrt_id=entry.mdtrt_id,
        setl_time=micros_message(entry.setl_at),
        fixmedins_code=record.fixmedins_code,
        fixmedins_name=record.fixmedins_name,
        med_type=entry.med_type,
        insutype=entry.insutype,
        insuplc_admdvs=entry.insuplc_admdvs,
        benefit_year=entry.benefit_year,
        reversed_by=entry.reversed_by,
        reverses=entry.reverses,
        **{name: getattr(entry, name) for name in _SUMS},
    )


def _span(request: pb.ListOwnSettlementsRequest) -> tuple[int, int]:
    """The first and last microsecond that the days of a request hold, in Beijing."""
    first = _day(request, "from_day", _FIRST)
    after = _day(request, "to_day", _LAST) + _DAY
    return to_micros(day_start(first)), to_micros(day_start(after)) - 1


def _day(request: pb.ListOwnSettlementsRequest, field: str, otherwise: date) -> date:
    return max(_FIRST, min(optional_day_of(request, field) or otherwise, _LAST))
