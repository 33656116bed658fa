"""The transition table of orders: what each step does to an order in each phase, and what it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from services.settlement.domain.books import orders as domain
from services.settlement.domain.books.orders import Order, OrderOpening, Step, Verb, reopened, taken

NOW = 1_000_000_000
SECOND = 1_000_000
PENDING = Order(
    *("O1", "routing", domain.PENDING, "", "S1", "hash", "P1", "310", "H1", "M1"),
    opened_at=NOW - SECOND,
    lapses_at=NOW + 60 * SECOND,
)
LATE = replace(PENDING, lapses_at=NOW)
CONFIRMED = replace(PENDING, phase=domain.CONFIRMED, ended_at=NOW)
VOID = replace(PENDING, phase=domain.VOID, cause=domain.OPENER, ended_at=NOW)
LAPSED = replace(VOID, cause=domain.LAPSED)
CHARGED = replace(PENDING, charged=True)

STEPS = {
    "confirm": Step(Verb.CONFIRM, "O1", opener="routing"),
    "void": Step(Verb.VOID, "O1", opener="routing"),
    "renew": Step(Verb.RENEW, "O1", opener="routing", expires_after_s=90, charged=True),
    "window": Step(Verb.LIFT, "O1", cause=domain.INSTITUTION, lifter="H1"),
    "person": Step(Verb.LIFT, "O1", cause=domain.PERSON, lifter="P1"),
    "lapse": Step(Verb.LAPSE, "O1"),
    "another": Step(Verb.CONFIRM, "O1", opener="payment"),
    "other window": Step(Verb.LIFT, "O1", cause=domain.INSTITUTION, lifter="H2"),
    "other person": Step(Verb.LIFT, "O1", cause=domain.PERSON, lifter="H1"),
}
KNOWN = {
    "nothing": None,
    "pending": PENDING,
    "late": LATE,
    "charged": CHARGED,
    "confirmed": CONFIRMED,
    "void": VOID,
    "lapsed": LAPSED,
}
# What comes of a step: the phase (and who made it void), a reason, or both.
TABLE = {
    "confirm": {
        "nothing": "ORDER_NOT_FOUND",
        "pending": "confirmed",
        "late": "void lapsed ORDER_LAPSED",
        "charged": "confirmed",
        "confirmed": "confirmed",
        "void": "ORDER_VOID",
        "lapsed": "ORDER_LAPSED",
    },
    "void": {
        "nothing": "void opener",
        "pending": "void opener",
        "late": "void lapsed",
        "charged": "void opener",
        "confirmed": "ORDER_CONFIRMED",
        "void": "void opener",
        "lapsed": "void lapsed",
    },
    "renew": {
        "nothing": "ORDER_NOT_FOUND",
        "pending": "pending",
        "late": "void lapsed ORDER_LAPSED",
        "charged": "pending",
        "confirmed": "ORDER_CONFIRMED",
        "void": "ORDER_VOID",
        "lapsed": "ORDER_LAPSED",
    },
    "window": {
        "nothing": "ORDER_NOT_FOUND",
        "pending": "void institution",
        "late": "void lapsed",
        "charged": "ORDER_CHARGED",
        "confirmed": "ORDER_CONFIRMED",
        "void": "void opener",
        "lapsed": "void lapsed",
    },
    "lapse": {
        "pending": "pending",
        "late": "void lapsed",
        "charged": "pending",
        "confirmed": "confirmed",
        "void": "void opener",
        "lapsed": "void lapsed",
    },
    "another": dict.fromkeys(KNOWN, "ORDER_NOT_FOUND"),
    "other window": dict.fromkeys(KNOWN, "ORDER_NOT_FOUND"),
    "other person": dict.fromkeys(KNOWN, "ORDER_NOT_FOUND"),
}
TABLE["person"] = TABLE["window"] | {"pending": "void person"}


def told(step: Step, known: Order | None) -> str:
    try:
        order, refusal = taken(step, known, NOW)
    except Fault as fault:
        return fault.reason
    return " ".join(word for word in (order.phase, order.cause, refusal.reason if refusal else "") if word)


@pytest.mark.parametrize("asked", TABLE)
def test_each_step_does_to_an_order_in_each_phase_what_the_table_says(asked: str) -> None:
    found = {name: told(STEPS[asked], KNOWN[name]) for name in TABLE[asked]}
    assert found == TABLE[asked]


@pytest.mark.parametrize("known", [PENDING, CONFIRMED, VOID, LAPSED])
def test_what_has_come_of_an_order_is_told_again_and_never_changed(known: Order) -> None:
    step = STEPS["confirm"] if known is CONFIRMED else STEPS["void"] if known.phase == domain.VOID else STEPS["lapse"]
    assert taken(step, known, NOW + 5).order is known


def test_a_renewal_moves_the_expiry_on_and_never_back_and_the_mark_of_money_stays() -> None:
    renewed = taken(STEPS["renew"], PENDING, NOW).order
    assert (renewed.lapses_at, renewed.charged) == (NOW + 90 * SECOND, True)
    shorter = taken(Step(Verb.RENEW, "O1", opener="routing", expires_after_s=1), renewed, NOW).order
    assert shorter == renewed


def opened(order_no: str = "O1", opener: str = "routing", content: str = "hash") -> OrderOpening:
    return OrderOpening(order_no, opener, 60, RequestStamp("service:routing", "r", "Open", content))


@pytest.mark.parametrize(
    ("opening", "known", "reason"),
    [
        (opened(content="other"), PENDING, "ORDER_EXISTS"),
        (opened(opener="payment"), PENDING, "ORDER_EXISTS"),
        (opened(), VOID, "ORDER_VOID"),
        (opened(), LAPSED, "ORDER_LAPSED"),
        (opened(), LATE, "ORDER_LAPSED"),
        (opened(), Order("O1", "routing", domain.VOID, domain.OPENER, ended_at=NOW), "ORDER_VOID"),
    ],
)
def test_an_order_that_ended_or_is_anothers_is_not_opened_again(
    opening: OrderOpening, known: Order, reason: str
) -> None:
    with pytest.raises(Fault, match=reason):
        reopened(opening, known, NOW)


def test_the_same_bill_under_the_same_number_is_the_order_that_stands() -> None:
    assert reopened(opened(), PENDING, NOW) is PENDING
    assert reopened(opened(), CONFIRMED, NOW) is CONFIRMED
