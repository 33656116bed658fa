"""Registration and look-up on a real store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from services.routing.domain.filings import Filing, Registered
from services.routing.operations.filings import FilingOperations
from services.routing.store.unit import RoutingStore

NOW: Final = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
LATER: Final = NOW + timedelta(hours=1)
ONE: Final = Filing("N1", "一号")
OTHER: Final = Filing("N1", "二号")


def stamp(request_id: str, content: str = "c") -> RequestStamp:
    return RequestStamp("operator:1", request_id, "/s/RegisterFiling", content)


def encode(told: Registered) -> bytes:
    return f"{told.filing.filing_name} {told.registered_at:%H:%M}".encode()


async def test_the_same_request_gets_the_first_answer_again_and_another_one_finds_what_stands(
    store: RoutingStore,
) -> None:
    operations = FilingOperations(store)
    first = await operations.register(stamp("r1"), ONE, NOW, encode)
    again = await operations.register(stamp("r1"), ONE, LATER, encode)
    fresh = await operations.register(stamp("r2"), ONE, LATER, encode)
    assert {first, again, fresh} == {"一号 04:00".encode()}
    assert await operations.find("N1") == Registered(ONE, NOW)


async def test_a_request_id_stands_for_one_content(store: RoutingStore) -> None:
    operations = FilingOperations(store)
    await operations.register(stamp("r1"), ONE, NOW, encode)
    with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
        await operations.register(stamp("r1", "d"), Filing("N2", "二号"), NOW, encode)
    with pytest.raises(Fault, match="FILING_NOT_FOUND"):
        await operations.find("N2")


async def test_a_refusal_stores_nothing(store: RoutingStore) -> None:
    operations = FilingOperations(store)
    await operations.register(stamp("r1"), ONE, NOW, encode)
    with pytest.raises(Fault, match="FILING_EXISTS"):
        await operations.register(stamp("r2"), OTHER, NOW, encode)
    assert await operations.register(stamp("r2"), ONE, NOW, encode) == "一号 04:00".encode()


async def test_of_two_at_the_same_moment_with_other_content_one_is_refused(store: RoutingStore) -> None:
    operations = FilingOperations(store)
    answers = await asyncio.gather(
        operations.register(stamp("r1"), ONE, NOW, encode),
        operations.register(stamp("r2"), OTHER, NOW, encode),
        return_exceptions=True,
    )
    assert [each.reason for each in answers if isinstance(each, Fault)] == ["FILING_EXISTS"]
    assert len([each for each in answers if isinstance(each, bytes)]) == 1
