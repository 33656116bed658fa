"""The RPCs of the ledger: 5206, accumulators, accounts, openings, and the check of the books."""

from __future__ import annotations

from datetime import date
from typing import Any

from services.kernel.clock import beijing_day
from services.kernel.errors import invalid
from services.kernel.money import yuan_text
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.settlement.domain.books.ledger import AccountKey, LedgerKey
from services.settlement.domain.books.opening import Opening
from services.settlement.operations.books.ledger import Ledgers
from services.settlement.operations.books.verify import Verifying
from yibao.settlement.v1 import ledger_pb2, ledger_pb2_grpc


class LedgerServicer(ledger_pb2_grpc.LedgerServiceServicer):
    """Answers LedgerService."""

    def __init__(self, ledgers: Ledgers, verifying: Verifying) -> None:
        self._ledgers = ledgers
        self._verifying = verifying

    async def ListCumulations(  # noqa: N802  # the name is the contract's
        self, request: ledger_pb2.ListCumulationsRequest, context: Any
    ) -> ledger_pb2.ListCumulationsResponse:
        """5206."""
        today = beijing_day(current_call().now)
        month = request.data.cum_ym or f"{today:%Y%m}"
        day = _first_of(month) if request.data.cum_ym else today
        found = await self._ledgers.cumulations(request.data.psn_no, day)
        return ledger_pb2.ListCumulationsResponse(
            cuminfo=[
                ledger_pb2.Cuminfo(
                    insutype=entry.insutype,
                    year=entry.year,
                    cum_ym=month,
                    cum_type_code=entry.code,
                    cum=str(entry.value) if entry.counts else yuan_text(entry.value),
                )
                for entry in found
            ]
        )

    async def ListAccumulators(  # noqa: N802
        self, request: ledger_pb2.ListAccumulatorsRequest, context: Any
    ) -> ledger_pb2.ListAccumulatorsResponse:
        """Accumulators by policy key."""
        key = LedgerKey(request.psn_no, request.insutype, request.insuplc_admdvs, request.benefit_year)
        values = await self._ledgers.accumulators(key)
        return ledger_pb2.ListAccumulatorsResponse(
            accumulators=[ledger_pb2.Accumulator(key=name, value=value) for name, value in sorted(values.items())]
        )

    async def GetAccount(  # noqa: N802
        self, request: ledger_pb2.GetAccountRequest, context: Any
    ) -> ledger_pb2.GetAccountResponse:
        """The balance of an account."""
        head = await self._ledgers.account(AccountKey(request.psn_no, request.insutype), current_call().now)
        return ledger_pb2.GetAccountResponse(balance_fen=head.balance_fen, current_year_fen=head.current_year_fen)

    async def OpenLedger(  # noqa: N802
        self, request: ledger_pb2.OpenLedgerRequest, context: Any
    ) -> ledger_pb2.OpenLedgerResponse:
        """Opens ledgers, all or none."""
        call = current_call()
        openings = [_opening(row) for row in request.openings]
        answer = await self._ledgers.open(stamp_of(call, request), openings, call.now, _opened)
        return ledger_pb2.OpenLedgerResponse.FromString(answer)

    async def VerifyLedger(  # noqa: N802
        self, request: ledger_pb2.VerifyLedgerRequest, context: Any
    ) -> ledger_pb2.VerifyLedgerResponse:
        """Recomputes the books."""
        found = await self._verifying.verify(beijing_day(current_call().now))
        return ledger_pb2.VerifyLedgerResponse(
            settlements_checked=found.settlements,
            postings_checked=found.postings,
            accumulators_checked=found.accumulators,
            findings=[
                ledger_pb2.LedgerFinding(
                    rule=entry.rule, subject=entry.subject, expected=entry.expected, found=entry.found
                )
                for entry in found.findings
            ],
        )


def _opening(row: ledger_pb2.LedgerOpening) -> Opening:
    return Opening(
        key=LedgerKey(row.psn_no, row.insutype, row.insuplc_admdvs, row.benefit_year),
        balance_fen=row.balance_fen,
        current_year_fen=row.current_year_fen,
        accumulators=tuple((entry.key, entry.value) for entry in row.accumulators),
    )


def _opened(count: int, unchanged: int) -> bytes:
    return ledger_pb2.OpenLedgerResponse(opened_count=count, unchanged_count=unchanged).SerializeToString()


def _first_of(month: str) -> date:
    if not 1 <= int(month[4:]) <= 12 or month.startswith("0000"):
        raise invalid("data.cum_ym", "month", "yyyyMM")
    return date(int(month[:4]), int(month[4:]), 1)
