"""How an order is told to an institution whose profile knows a state, and to one whose profile does not."""

from __future__ import annotations

from dataclasses import replace

from services.payment.domain.notices import NoticeKind, of_order
from services.payment.domain.phases import Phase
from services.payment.domain.profiles import Profile
from services.payment.peers.institutions import notice_data
from services.payment.servicer import convert
from tests.payment.order_fakes import SPLIT
from tests.payment.test_orders import plain


def test_an_institution_is_told_17_only_where_its_profile_knows_it() -> None:
    order = replace(plain(), phase=Phase.REFUNDING, split=SPLIT)
    told = [convert.order_message(order, None, knows_17=knows).ord_stas for knows in (False, True)]
    found = [convert.found_message(order, "", Profile("Hospital", knows_17=knows)) for knows in (False, True)]
    assert (told, [each.ord_stas for each in found]) == ([2, 17], ["2", "17"])
    assert {each.org_name for each in found} == {"Hospital"}
    notice = of_order(order, NoticeKind.PAID, 1)
    notices = [notice_data(notice, order, None, "", knows_17=knows)["ordStas"] for knows in (False, True)]
    assert notices == ["2", "17"]
