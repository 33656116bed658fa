"""Filings asked for at once: of those that stand in each other's way one is made."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import count

from services import cells
from services.kernel.clock import beijing_day
from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from services.routing.domain.bills import BegunBill as Care
from services.routing.domain.filing_terms import DEFAULTS, FilingKind
from services.routing.domain.filings import AskedFiling, Filing, NamedCare, Stay
from services.routing.domain.hashes import Hasher
from services.routing.domain.registry import kept
from services.routing.loader import SAMPLES, read_folder
from services.routing.operations.filings import MOST, FilingOperations, Paths
from services.routing.operations.pulling import Pulling
from services.routing.operations.registry import Registry
from services.routing.store.unit import RoutingStore
from tests.routing.feeds import Feeds, place, told
from tests.routing.sagas import NOON

HASHER = Hasher(b"k" * 32)
TODAY = beijing_day(NOON)
PATHS = Paths("psn_no", "care_admdvs")
PERSON = told(1)


class Places:
    """Care that began nine days ago in Beijing; what is called `paid` is settled."""

    async def care(self, cell: str, begun: NamedCare, psn_no: str) -> Stay:
        """As the settlement of the place of care tells it."""
        assert (cell, psn_no) == ("110000", PERSON.psn_no)
        return Stay("110101", TODAY - timedelta(9), begun.mdtrt_id == "paid")


async def office(store: RoutingStore) -> FilingOperations:
    """Operations over a store in which one person of Jinan is known."""
    async with store.write() as work:
        await work.insured.replace("370000", kept("370000", [told(1, place("370102"))], HASHER))
    pulling = Pulling(store, Feeds("370000"), ("370000",), lambda: (HASHER,))
    registry = Registry(store, read_folder(SAMPLES), cells.of_division, pulling, pulling.hashers)
    numbers = count(1)
    return FilingOperations(store, registry, Places(), lambda: f"F{next(numbers)}", DEFAULTS)


async def asked(
    files: FilingOperations, request_id: str, care: str = "110105", begun: NamedCare | None = None, days: int = 0
) -> str:
    """The number of a filing made, or the reason why none was."""
    wanted = AskedFiling(PERSON.psn_no, FilingKind.LONG_TERM, care, TODAY + timedelta(days), None, "person")
    stamp = RequestStamp("p", request_id, "rpc", request_id)

    def number(filing: Filing) -> bytes:
        return filing.filing_no.encode()

    try:
        return (await files.file(stamp, wanted, "", begun, NOON, PATHS, number)).decode()
    except Fault as fault:
        return fault.reason


async def test_of_filings_at_once_that_overlap_one_is_made(store: RoutingStore) -> None:
    files = await office(store)
    places = ("110105", "110101", "110000", "110105")
    answers = await asyncio.gather(*(asked(files, f"r{turn}", care) for turn, care in enumerate(places)))
    assert sorted(answers)[1:] == ["FILING_OVERLAPS"] * 3
    assert len(await files.of_person(PERSON.psn_no)) == 1


async def test_one_request_at_once_is_one_filing(small_store: RoutingStore) -> None:
    files = await office(small_store)
    answers = await asyncio.gather(*(asked(files, "r1") for _ in range(4)))
    assert len(set(answers)) == 1
    (filing,) = await files.of_person(PERSON.psn_no)
    assert filing.filing_no == answers[0]
    assert (filing.psn_no, filing.kind, filing.care_admdvs, filing.filed_at) == (
        PERSON.psn_no,
        FilingKind.LONG_TERM,
        "110105",
        NOON,
    )


async def test_care_that_is_not_settled_carries_the_filing_back_to_its_begin(small_store: RoutingStore) -> None:
    files = await office(small_store)
    assert await asked(files, "r1", days=-1) == "FILING_TOO_LATE"
    assert await asked(files, "r2", begun=NamedCare("H1", "paid"), days=-9) == "FILING_TOO_LATE"
    assert await asked(files, "r3", begun=NamedCare("H1", "open"), days=-10) == "FILING_TOO_LATE"
    assert (await asked(files, "r4", begun=NamedCare("H1", "open"), days=-9)).startswith("F")
    counted = await files.counting(PERSON.psn_no, "110101", TODAY - timedelta(9))
    assert counted.reason == "FILED"


async def test_a_filing_counts_however_many_were_made_and_withdrawn_since(small_store: RoutingStore) -> None:
    files = await office(small_store)
    first = await asked(files, "first")
    async with small_store.write() as work:
        for number in range(MOST + 1):
            gone = Filing(f"G{number}", PERSON.psn_no, FilingKind.TEMPORARY, "310101", TODAY, TODAY, "person", NOON)
            await work.filings.add(gone)
            await work.filings.withdraw(replace(gone, withdrawn_at=NOON))
    counted = await files.counting(PERSON.psn_no, "110105", TODAY)
    assert counted.filing is not None
    assert counted.filing.filing_no == first
    assert (await files.counting(PERSON.psn_no, "310101", TODAY)).reason == "WITHDRAWN"
    bills = [
        Care(PERSON.psn_no, "110105", TODAY),
        Care("nobody", "110105", TODAY),
        Care(PERSON.psn_no, "310101", TODAY),
    ]
    assert await files.of_bills(bills) == [counted.filing, None, None]
