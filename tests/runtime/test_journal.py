"""The journal that a member's store keeps of its writes, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import MetaData

from services.kernel.requests import Entry, RequestStamp
from services.runtime.db import Database, Schema, UniqueViolation
from services.runtime.journal import JournalRows, journal_of, journal_table
from tests.plans import scanned

NOW: Final = datetime(2026, 3, 5, 4, 0, 0, 123456, tzinfo=UTC)
STAMP: Final = RequestStamp("operator:1", "r1", "/s/Register", "c")
METADATA: Final = MetaData()
JOURNAL: Final = journal_of(journal_table("own_entry", METADATA))


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A store that holds a journal alone."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'own.sqlite'}" if sqlite else request.getfixturevalue("postgres_database")
    database = Database(url, lambda: NOW)
    await database.start(Schema(METADATA))
    yield database
    await database.close()


async def test_an_entry_is_found_under_its_scope_and_request_id_alone(store: Database) -> None:
    entry = Entry(STAMP, b"\x00\xff", NOW)
    async with store.driver_write() as connection:
        await JournalRows(connection, JOURNAL).add(entry)
    async with store.driver_write() as connection:
        rows = JournalRows(connection, JOURNAL)
        assert await rows.find(STAMP) == entry
        assert await rows.find(RequestStamp("operator:2", "r1", STAMP.rpc, "c")) is None
        assert await rows.find(RequestStamp("operator:1", "r2", STAMP.rpc, "c")) is None


async def test_a_request_id_has_one_entry_in_its_scope(store: Database) -> None:
    async def add(content: str) -> None:
        async with store.driver_write() as connection:
            await JournalRows(connection, JOURNAL).add(Entry(STAMP, content.encode(), NOW))

    await add("a")
    with pytest.raises(UniqueViolation) as refused:
        await add("b")
    assert refused.value.table == "own_entry"


async def test_the_second_writer_of_a_request_waits_for_the_first_and_finds_its_entry(store: Database) -> None:
    async def write(answer: bytes) -> bytes:
        async with store.driver_write() as connection:
            rows = JournalRows(connection, JOURNAL)
            found = await rows.find(STAMP)
            if found is not None:
                return found.response
            # Long enough for the other one to look.
            await asyncio.sleep(0.1)
            await rows.add(Entry(STAMP, answer, NOW))
            return answer

    assert len(set(await asyncio.gather(write(b"a"), write(b"b")))) == 1


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_looking_for_an_entry_reads_no_whole_table(store: Database) -> None:
    assert await scanned(store, [JOURNAL.select["sqlite"]]) == []


def test_an_entry_is_of_the_request_with_its_rpc_and_content() -> None:
    entry = Entry(STAMP, b"answer", NOW)
    assert entry.is_of(STAMP)
    assert not entry.voided
    assert not entry.is_of(RequestStamp("operator:1", "r1", STAMP.rpc, "d"))
    assert not entry.is_of(RequestStamp("operator:1", "r1", "/s/Other", "c"))
