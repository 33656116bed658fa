"""Where the statements of a SQLite connection run: on the loop, or in the connection's thread, so that the loop goes on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.runtime import sqlite_connection
from services.runtime.sqlite_connection import QUICK_S, PromptConnection

ENOUGH = 30
"""Commits after which it is known how quick the disk is."""


class Disk(sqlite3.Connection):
    """A connection whose disk takes `commit_s` to commit, by a clock of its own, and that notes which threads committed."""

    commit_s = 0.0
    now_s = 0.0
    threads: list[int]

    def execute(self, *args: Any) -> sqlite3.Cursor:
        if args[0] == "COMMIT":
            self.threads.append(threading.get_ident())
            Disk.now_s += Disk.commit_s
        return super().execute(*args)


@pytest.fixture
async def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromptConnection]:
    monkeypatch.setattr(sqlite_connection, "perf_counter", lambda: Disk.now_s)
    Disk.threads = []
    Disk.commit_s = 0.0
    path = str(tmp_path / "some.sqlite")
    connection = sqlite_connection.connect(path, writer=True, isolation_level=None, factory=Disk)
    async with connection:
        await connection.execute("CREATE TABLE some (id INTEGER)")
        yield connection


async def commit(writer: PromptConnection, times: int = 1, *, patient: bool = False) -> list[bool]:
    """Writes and commits so many times; of each commit whether the loop ran it."""
    Disk.threads = []
    for number in range(times):
        await writer.execute("BEGIN IMMEDIATE")
        writer.patient = patient
        await writer.put("INSERT INTO some VALUES (?1)", [(number,)])
        writer.patient = False
        await writer.execute("COMMIT")
    return [thread == threading.get_ident() for thread in Disk.threads]


async def test_commits_run_on_the_loop_once_the_disk_is_known_to_be_quick(writer: PromptConnection) -> None:
    first, *later = await commit(writer, ENOUGH)
    assert not first
    assert later[-1]


async def test_a_slow_disk_never_holds_up_the_loop(writer: PromptConnection) -> None:
    Disk.commit_s = 2 * QUICK_S
    assert not any(await commit(writer, ENOUGH))


async def test_one_slow_commit_sends_the_next_ones_aside_until_the_disk_is_quick_again(
    writer: PromptConnection,
) -> None:
    await commit(writer, ENOUGH)
    Disk.commit_s = 100 * QUICK_S
    assert await commit(writer) == [True]
    Disk.commit_s = 0.0
    first, *later = await commit(writer, 3 * ENOUGH)
    assert not first
    assert later[-1]


async def test_a_transaction_that_wrote_much_commits_beside_the_loop(writer: PromptConnection) -> None:
    await commit(writer, ENOUGH)
    assert await commit(writer, patient=True) == [False]
    assert await commit(writer) == [True]


async def test_what_a_commit_raises_is_raised_on_the_loop_as_in_the_thread(writer: PromptConnection) -> None:
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match="no transaction"):
            await writer.execute("COMMIT")
        await commit(writer, ENOUGH)
