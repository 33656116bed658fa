"""When a filing may be registered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from services.kernel.errors import Fault, FaultKind
from services.kernel.requests import RequestStamp
from services.routing.domain.filings import Filing, Registered, found, registration
from services.routing.domain.journal import Entry

NOW: Final = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
ONE: Final = Filing("N1", "一号")


def test_a_new_one_stands_from_now_on() -> None:
    assert registration(ONE, None, NOW) == Registered(ONE, NOW)


def test_the_same_again_is_left_as_it_was() -> None:
    standing = Registered(ONE, NOW - timedelta(days=1))
    assert registration(ONE, standing, NOW) is standing


def test_other_content_under_a_number_is_refused_by_the_number() -> None:
    with pytest.raises(Fault) as refused:
        registration(Filing("N1", "二号"), Registered(ONE, NOW), NOW)
    fault = refused.value
    assert (fault.kind, fault.reason, fault.metadata) == (FaultKind.CONFLICT, "FILING_EXISTS", {"filing_no": "N1"})


def test_a_number_that_stands_for_nothing_is_not_found() -> None:
    assert found("N1", Registered(ONE, NOW)).filing == ONE
    with pytest.raises(Fault, match="FILING_NOT_FOUND") as refused:
        found("N2", None)
    assert refused.value.kind is FaultKind.NOT_FOUND


def test_an_entry_is_of_the_request_with_its_rpc_and_content() -> None:
    stamp = RequestStamp("operator:1", "r1", "/s/RegisterFiling", "c")
    entry = Entry(stamp, b"answer", NOW)
    assert entry.is_of(stamp)
    assert not entry.voided
    assert not entry.is_of(RequestStamp("operator:1", "r1", "/s/RegisterFiling", "d"))
    assert not entry.is_of(RequestStamp("operator:1", "r1", "/s/Other", "c"))
