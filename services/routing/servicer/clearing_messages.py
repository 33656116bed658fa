"""Values of clearing as messages."""

from __future__ import annotations

from typing import Any, Final

from services.routing.domain.clearing import checks, journals, months, payments, prepaid, statements
from services.routing.domain.clearing.ledger import Tally
from services.routing.domain.clearing.netting import Position
from services.routing.domain.clearing.parties import Pair
from services.routing.domain.clearing.terms import ClearingTerms
from services.runtime.wire import day_message, moment_message
from yibao.routing.v1 import clearing_journals_pb2 as journals_pb
from yibao.routing.v1 import clearing_payments_pb2 as payments_pb
from yibao.routing.v1 import clearing_pb2 as pb

KIND_NAMES: Final = {
    journals_pb.JOURNAL_KIND_SETTLE: journals.SETTLE,
    journals_pb.JOURNAL_KIND_REVERSE: journals.REVERSE,
}
SIDE_NAMES: Final = {
    journals_pb.CLEARING_SIDE_INSURED: statements.INSURED,
    journals_pb.CLEARING_SIDE_CARE: statements.CARE,
}
REASON_NAMES: Final = {
    pb.DISPUTE_REASON_AMOUNT: "amount",
    pb.DISPUTE_REASON_MISSING: "missing",
    pb.DISPUTE_REASON_NOT_OURS: "not_ours",
    pb.DISPUTE_REASON_OTHER: "other",
}
STATE_NAMES: Final = {
    payments_pb.PAYMENT_STATE_ISSUED: payments.ISSUED,
    payments_pb.PAYMENT_STATE_SENT: payments.SENT,
    payments_pb.PAYMENT_STATE_PAID: payments.PAID,
    payments_pb.PAYMENT_STATE_FAILED: payments.FAILED,
    payments_pb.PAYMENT_STATE_VOID: payments.VOID,
}
_KINDS: Final = {name: number for number, name in KIND_NAMES.items()}
_SIDES: Final = {name: number for number, name in SIDE_NAMES.items()}
_REASONS: Final = {name: number for number, name in REASON_NAMES.items()}
_PAYMENTS: Final = {name: number for number, name in STATE_NAMES.items()}
_DIFFERENCES: Final = {
    checks.MISSING: journals_pb.DIFFERENCE_KIND_MISSING,
    checks.UNKNOWN: journals_pb.DIFFERENCE_KIND_UNKNOWN,
    checks.AMOUNT: journals_pb.DIFFERENCE_KIND_AMOUNT,
    checks.REGION: journals_pb.DIFFERENCE_KIND_REGION,
}
_MONTHS: Final = {
    months.OPEN: pb.MONTH_STATE_OPEN,
    months.CLOSED: pb.MONTH_STATE_CLOSED,
    months.NETTED: pb.MONTH_STATE_NETTED,
    months.PAID: pb.MONTH_STATE_PAID,
}
_ANSWERS: Final = {
    statements.SILENT: pb.ANSWER_STATE_SILENT,
    statements.CONFIRMED: pb.ANSWER_STATE_CONFIRMED,
    statements.DISPUTED: pb.ANSWER_STATE_DISPUTED,
}
_OUTCOMES: Final = {
    statements.PENDING: pb.STATEMENT_OUTCOME_PENDING,
    statements.NETTED: pb.STATEMENT_OUTCOME_NETTED,
    statements.CARRIED: pb.STATEMENT_OUTCOME_CARRIED,
}
_LEVELS: Final = {
    prepaid.NORMAL: payments_pb.PREPAYMENT_LEVEL_NORMAL,
    prepaid.YELLOW: payments_pb.PREPAYMENT_LEVEL_YELLOW,
    prepaid.RED: payments_pb.PREPAYMENT_LEVEL_RED,
}


def difference(found: checks.ListDifference) -> journals_pb.Difference:
    """One of the differences of a day."""
    return journals_pb.Difference(
        setl_id=found.setl_id,
        kind=_KINDS[found.kind],
        side=_SIDES[found.side],
        difference=_DIFFERENCES[found.difference],
        national_fen=found.national_fen,
        listed_fen=found.listed_fen,
    )


def check(found: checks.DayCheck) -> journals_pb.DayCheck:
    """What a check of a day counted."""
    counts = {**found._asdict(), "checked_at": moment_message(found.checked_at)}
    return journals_pb.DayCheck(**counts)


def month(found: months.Month) -> pb.ClearingMonth:
    """A month and how far it is."""
    changed = None if found.changed_at is None else moment_message(found.changed_at)
    return pb.ClearingMonth(
        month=found.month, state=_MONTHS[found.state], run=found.run, changed_at=changed, memo=found.memo
    )


def statement(found: statements.Statement) -> pb.Statement:
    """A statement of a closed month."""
    return pb.Statement(
        **found.pair._asdict(),
        settled_count=found.settled_count,
        reversed_count=found.reversed_count,
        amount_fen=found.amount_fen,
        carried_fen=found.carried_fen,
        funds=[
            journals_pb.JournalPart(fund_pay_type=fund, amount_fen=amount)
            for fund, amount in sorted(found.funds.items())
        ],
        insured=_answer(found.insured),
        care=_answer(found.care),
        outcome=_OUTCOMES[found.outcome],
        carried_to=found.carried_to,
    )


def running(found: Tally) -> pb.Statement:
    """What a pair has come to in an open month."""
    return pb.Statement(
        **found.pair._asdict(),
        settled_count=found.settled_count,
        reversed_count=found.reversed_count,
        amount_fen=found.amount_fen,
        outcome=pb.STATEMENT_OUTCOME_PENDING,
    )


def position(found: Position) -> pb.Position:
    """What a region gets and owes."""
    return pb.Position(
        circle=found.circle,
        region=found.region,
        receivable_fen=found.receivable_fen,
        payable_fen=found.payable_fen,
        net_fen=found.net_fen,
    )


def terms(found: ClearingTerms, of_month: str) -> pb.ClearingTerms:
    """The calendar of a month, and the thresholds."""
    return pb.ClearingTerms(
        closes_on=day_message(found.closes(of_month)),
        nets_on=day_message(found.nets(of_month)),
        pays_by=day_message(found.pays(of_month)),
        yellow_percent=found.yellow_percent,
        red_percent=found.red_percent,
    )


def payment(found: payments.Payment, calendar: ClearingTerms) -> payments_pb.PaymentOrder:
    """An order with the day on which it is due."""
    return payments_pb.PaymentOrder(
        payment_no=found.payment_no,
        month=found.month,
        circle=found.circle,
        payer_region=found.payer_region,
        payee_region=found.payee_region,
        amount_fen=found.amount_fen,
        state=_PAYMENTS[found.state],
        memo=found.memo,
        pays_by=day_message(calendar.pays(found.month)),
    )


def prepayment(pair: Pair, balance_fen: int) -> payments_pb.Prepayment:
    """What a region has left with another."""
    return payments_pb.Prepayment(**pair._asdict(), balance_fen=balance_fen)


def level(name: str) -> Any:
    """A level as its number."""
    return _LEVELS[name]


def _answer(said: statements.SideAnswer) -> pb.StatementAnswer:
    return pb.StatementAnswer(
        state=_ANSWERS[said.state],
        reason=_REASONS.get(said.reason, pb.DISPUTE_REASON_UNSPECIFIED),
        memo=said.memo,
    )
