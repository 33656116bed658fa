"""revsToken: the right to undo the insured part of one payment, for an hour."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.payment.domain.orders import SECOND
from services.payment.domain.revoking import revs_token
from tests.payment.test_orders import plain

KEY: Final = b"key of the centre"
PAID_AT: Final = 1_781_056_815_000_000
HOUR: Final = 3600 * SECOND


def test_a_payment_can_be_undone_for_one_hour_and_the_hours_last_moment_counts() -> None:
    order = replace(plain(), paid_at=PAID_AT)
    token = revs_token(KEY, order, PAID_AT)
    assert len(token) == 32
    assert revs_token(KEY, order, PAID_AT + HOUR) == token
    assert revs_token(KEY, order, PAID_AT + HOUR + 1) == ""


def test_what_was_not_paid_cannot_be_undone() -> None:
    assert revs_token(KEY, replace(plain(), paid_at=0), 0) == ""


def test_the_right_is_of_one_order_of_one_payment_and_of_one_key() -> None:
    order = replace(plain(), paid_at=PAID_AT)
    others = [
        revs_token(KEY, replace(order, pay_ord_id=order.pay_ord_id + "1"), PAID_AT),
        revs_token(KEY, replace(order, paid_at=PAID_AT + 1), PAID_AT + 1),
        revs_token(KEY + b"1", order, PAID_AT),
    ]
    assert len({revs_token(KEY, order, PAID_AT), *others}) == 4
