"""Each kind of order is reached by what 6201 says, is open without a switch, and is closed by its own switch alone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.kernel.errors import Fault
from services.payment.domain.terms import OrderType, Switch, check_open, kind_of

DAY = date(2026, 12, 1)
REACHED = {
    OrderType.REGISTRATION: kind_of("01", registration=True),
    OrderType.CONSULTATION: kind_of("03", registration=False),
    OrderType.DEPOSIT: kind_of("02", registration=False, deposit=True),
    OrderType.DISCHARGE: kind_of("02", registration=False),
    OrderType.PHARMACY: kind_of("07", registration=False),
    OrderType.INTERNET: kind_of("05", registration=False),
}


@pytest.mark.parametrize("kind", OrderType)
def test_a_kind_is_reached_and_its_switch_closes_it_alone_there_and_then(kind: OrderType) -> None:
    assert REACHED[kind] is kind
    switch = Switch("5301", DAY, DAY, kind)
    for each in OrderType:
        check_open((), "530102", each, "", DAY)
        if each is not kind:
            check_open((switch,), "530102", each, "wechat", DAY)
    for admdvs, day in (("530200", DAY), ("530102", DAY - timedelta(days=1)), ("530102", DAY + timedelta(days=1))):
        check_open((switch,), admdvs, kind, "wechat", day)
    with pytest.raises(Fault, match="ORDER_TYPE_CLOSED"):
        check_open((switch,), "530102", kind, "wechat", DAY)


def test_what_is_no_fee_type_is_no_kind_not_even_a_deposit() -> None:
    assert kind_of("99", registration=False) is None
    assert kind_of("99", registration=False, deposit=True) is None
