"""The RPCs of ClearingService about payment orders and prepayments, and the check of the books."""

from __future__ import annotations

from datetime import date
from typing import Any

from services.routing.domain.clearing.payments import Payment
from services.routing.domain.clearing.prepaid import Account
from services.routing.operations.clearing_payments import Payments
from services.routing.operations.clearing_verify import Verifying
from services.routing.servicer import clearing_messages as messages
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import day_message
from yibao.routing.v1 import clearing_payments_pb2 as pb


class MoneyMethods:
    """These RPCs."""

    def __init__(self, payments: Payments, verifying: Verifying) -> None:
        self._payments = payments
        self._verifying = verifying

    async def ListPayments(  # noqa: N802 - the contract's name
        self, request: pb.ListPaymentsRequest, context: Any
    ) -> pb.ListPaymentsResponse:
        """A page of orders."""
        after, size = asked_page(request, str)
        page = await self._payments.listed(request.month, "" if after is None else after[0], size)
        return pb.ListPaymentsResponse(
            payments=[messages.payment(each, self._payments.terms) for each in page.entries],
            next_page_token=token_of(page.end),
        )

    async def AdvancePayment(  # noqa: N802
        self, request: pb.AdvancePaymentRequest, context: Any
    ) -> pb.AdvancePaymentResponse:
        """Moves an order."""
        call = current_call()
        wanted = (request.payment_no, messages.STATE_NAMES[request.state], request.memo)

        def encode(found: Payment) -> bytes:
            told = messages.payment(found, self._payments.terms)
            return pb.AdvancePaymentResponse(payment=told).SerializeToString()

        kept = await self._payments.advance(stamp_of(call, request), wanted, call.now, encode)
        return pb.AdvancePaymentResponse.FromString(kept)

    async def MovePrepayment(  # noqa: N802
        self, request: pb.MovePrepaymentRequest, context: Any
    ) -> pb.MovePrepaymentResponse:
        """Moves a prepayment."""
        call = current_call()
        areas = (request.insured_area, request.care_area)
        kept = await self._payments.prepay(
            stamp_of(call, request), areas, request.amount_fen, request.memo, call.now, _moved
        )
        return pb.MovePrepaymentResponse.FromString(kept)

    async def ListPrepayments(  # noqa: N802
        self, request: pb.ListPrepaymentsRequest, context: Any
    ) -> pb.ListPrepaymentsResponse:
        """A page of prepayments with their use."""
        after, size = asked_page(request, str, str, str)
        page = await self._payments.accounts(None if after is None else (after[0], after[1], after[2]), size)
        return pb.ListPrepaymentsResponse(
            usages=[
                pb.PrepaymentUsage(
                    prepayment=messages.prepayment(each.account.pair, each.account.balance_fen),
                    used_fen=each.used_fen,
                    used_percent=each.percent,
                    level=messages.level(each.level),
                )
                for each in page.entries
            ],
            next_page_token=token_of(page.end),
        )

    async def ListPrepaymentWarnings(  # noqa: N802
        self, request: pb.ListPrepaymentWarningsRequest, context: Any
    ) -> pb.ListPrepaymentWarningsResponse:
        """A page of warnings."""
        after, size = asked_page(request, str, str, str, str, str)
        place = None if after is None else (after[0], after[1], after[2], after[3], after[4])
        page = await self._payments.warnings(place, size)
        return pb.ListPrepaymentWarningsResponse(
            warnings=[
                pb.PrepaymentWarning(
                    day=day_message(date.fromisoformat(day)),
                    level=messages.level(level),
                    prepayment=messages.prepayment(pair, balance_fen),
                    used_fen=used_fen,
                )
                for day, pair, level, used_fen, balance_fen in page.entries
            ],
            next_page_token=token_of(page.end),
        )

    async def VerifyClearing(  # noqa: N802
        self, request: pb.VerifyClearingRequest, context: Any
    ) -> pb.VerifyClearingResponse:
        """Computes everything anew."""
        found = await self._verifying.verify()
        return pb.VerifyClearingResponse(
            journals_checked=found.journal_count,
            reversals_alone=found.reversals_alone,
            ledger_hash=found.ledger_hash,
            positions_fen=found.positions_fen,
            findings=[pb.ClearingFinding(**each._asdict()) for each in found.findings],
        )


def _moved(account: Account) -> bytes:
    told = messages.prepayment(account.pair, account.balance_fen)
    return pb.MovePrepaymentResponse(prepayment=told).SerializeToString()
