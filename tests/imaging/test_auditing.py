"""The audit log on real stores: written together, in a chain without gaps, whoever writes; and how it goes on where broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.imaging.operations.auditing import AuditLog
from services.imaging.store.unit import ImagingStore, Unit
from services.kernel.errors import Fault, FaultKind
from services.runtime.db import Database
from services.runtime.sealing import SealedSecrets, Sealer
from tests.imaging.auditing import Audited, searched
from tests.imaging.entries import NOON


@pytest.fixture
async def audited(store: ImagingStore) -> Audited:
    """The log of an empty store, on each database."""
    return Audited(store)


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Audited]:
    """The same on SQLite, with five entries."""
    database = Database(f"sqlite:///{tmp_path / 'imaging.sqlite'}", lambda: NOON)
    made = ImagingStore(database)
    await made.start()
    log = Audited(made)
    await log.log.write([searched(number) for number in range(1, 6)])
    yield log
    await database.close()


async def test_writers_and_processes_share_commits_and_the_chain_has_no_gap(audited: Audited) -> None:
    processes = [audited, Audited(audited.store), Audited(audited.store)]
    for _ in range(3):
        await asyncio.gather(*(each.log.write([searched(number)]) for number in range(20) for each in processes))
    assert [each.seq for each in await audited.rows()] == list(range(1, 181))
    assert await audited.findings() == []
    assert max(map(len, (each.sizes for each in processes))) <= 6


async def test_of_two_that_begin_the_log_at_once_the_second_waits_for_the_first(audited: Audited) -> None:
    append, second = await audited.books.appending(), Audited(audited.store)
    await second.books.key()
    async with audited.store.write() as work:
        assert await work.audit.hold() == (None, None)
        waiting = asyncio.ensure_future(second.log.write([searched(2)]))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await append(work, [searched(1)])
    await waiting
    assert [each.seq for each in await audited.rows()] == [1, 2]
    assert await audited.findings() == []


async def test_what_must_stand_with_an_access_is_written_with_it_or_neither_is(audited: Audited) -> None:
    async def also(work: Unit) -> None:
        await work.secrets.keep_once("ticket", b"1")

    async def refused(work: Unit) -> None:
        await work.secrets.keep_once("other", b"1")
        raise Fault(FaultKind.CONFLICT, "NODE_EXISTS", {"node_no": "SD01"})

    writes = (
        audited.log.write([searched(1)], also),
        audited.log.write([searched(2)], refused),
        audited.log.write([searched(3)]),
    )
    _, fault, _ = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(fault, Fault)
    assert fault.reason == "NODE_EXISTS"
    assert len(await audited.rows()) == 2
    async with audited.store.read() as work:
        assert (await work.secrets.find("ticket"), await work.secrets.find("other")) == (b"1", None)
    others = [searched(3, person_key=b"o" * 16), searched(4, session_no="R2"), searched(5)]
    await audited.log.write(others)
    async with audited.store.read() as work:
        of_person = [each.seq for each in await work.audit.of_person(searched().person_key or b"", 5, 9)]
        of_session = [each.seq for each in await work.audit.of_session("R1", 99, 2)]
        assert (of_person, of_session) == ([4, 2, 1], [5, 3])
        assert [each.seq for each in await work.audit.before(3, 9)] == [2, 1]
        assert (await work.audit.at(4)) == (await work.audit.after(3, 1))[0]


async def test_without_a_store_there_is_no_entry_and_no_answer(small: Audited, tmp_path: Path) -> None:
    (tmp_path / "imaging.sqlite").rename(tmp_path / "gone.sqlite")
    outcomes = await asyncio.gather(*(small.log.write([searched()]) for _ in range(3)), return_exceptions=True)
    for each in outcomes:
        assert isinstance(each, Fault)
        assert (each.kind, each.reason) == (FaultKind.UNAVAILABLE, "AUDIT_UNAVAILABLE")


async def test_nothing_is_written_where_there_is_nothing_to_write() -> None:
    async def never(item: object) -> None:
        raise AssertionError(item)

    await AuditLog(never).write([])


async def test_what_is_done_to_the_store_is_named(small: Audited) -> None:
    for done, found in (
        ("UPDATE imaging_audit SET at = at + 1 WHERE seq = 3", [(3, "changed")]),
        ("UPDATE imaging_audit SET person_key = NULL WHERE seq = 3", [(3, "changed")]),
        ("UPDATE imaging_audit SET session_no = 'R2' WHERE seq = 3", [(3, "changed")]),
        ("DELETE FROM imaging_audit WHERE seq = 1", [(1, "missing"), (2, "changed")]),
        ("UPDATE imaging_audit SET seq = 99 WHERE seq = 5", [(5, "missing"), (99, "changed"), (6, "foreign")]),
        ("DELETE FROM imaging_audit WHERE seq > 3", [(4, "cut")]),
        ("UPDATE imaging_audit_end SET seq = 4", [(5, "unsealed")]),
        ("DELETE FROM imaging_audit_end", [(5, "unsealed")]),
    ):
        assert await small.findings_after(done) == found
    assert await small.findings() == []


@pytest.mark.parametrize(
    ("done", "found"),
    [
        ("DELETE FROM imaging_audit WHERE seq > 3", [(4, "missing"), (6, "changed"), (6, "broken")]),
        ("UPDATE imaging_audit_end SET hash = zeroblob(32)", [(6, "broken")]),
        ("UPDATE imaging_audit SET seq = 9 WHERE seq = 5", [(5, "missing"), (9, "changed"), (10, "broken")]),
    ],
)
async def test_a_broken_end_is_noted_for_ever_and_the_log_goes_on(
    small: Audited, done: str, found: list[tuple[int, str]]
) -> None:
    await small.spoil(done)
    other = Audited(small.store)
    for process in (other, small):
        await process.log.write([searched(6)])
        assert await small.findings() == found
    assert (len(other.alarms), small.alarms) == (1, [])


async def test_an_end_that_is_gone_is_noted_and_made_anew(small: Audited) -> None:
    await small.spoil("DELETE FROM imaging_audit_end", "DELETE FROM imaging_secret")
    for process in (small, Audited(small.store)):
        await process.log.write([searched(6)])
    assert (6, "broken") in await Audited(small.store).findings()


async def test_an_end_that_goes_back_while_the_member_runs_is_noted(small: Audited) -> None:
    await small.spoil("CREATE TABLE kept AS SELECT * FROM imaging_audit_end")
    await small.log.write([searched(6)])
    await small.log.write([searched(7)])
    await small.spoil(
        "DELETE FROM imaging_audit_end",
        "INSERT INTO imaging_audit_end SELECT * FROM kept",
        "DELETE FROM imaging_audit WHERE seq > 5",
    )
    await small.log.write([searched(8)])
    assert (6, "missing") in await small.findings()


async def test_a_secret_is_made_once_and_sealed_anew_under_a_new_key(small: Audited) -> None:
    held = [b"a" * 32]

    def process(*keys: bytes) -> SealedSecrets:
        return SealedSecrets(
            small.store.write, Sealer(lambda: keys or tuple(held), "secrets", lambda size: b"%d" % size * (size // 2))
        )

    first = process()
    secret = await first.key("pseudonyms", 32)
    assert (secret, await process().key("pseudonyms", 32)) == (b"32" * 16, secret)
    assert await first.key("tickets", 64) == b"64" * 32
    held.insert(0, b"b" * 32)
    assert await first.key("pseudonyms", 32) == secret
    assert await process(b"b" * 32).key("pseudonyms", 32) == secret
    with pytest.raises(Fault, match="SECRETS_SEALED"):
        await process(b"c" * 32).key("pseudonyms", 32)
