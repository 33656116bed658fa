"""The rows of identity on their way to one writing of numbers, named keys and partners without readable apikeys."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.identity.domain.certificates import folded
from services.identity.domain.partner import Dialect, KeyList
from services.identity.store.schema import schema
from services.identity.store.unit import IdentityStore
from services.kernel.clock import system_clock
from services.runtime.db import Database
from services.runtime.stores.upgrading import migrate
from tests.said import said

PERSON: Final = "INSERT INTO person VALUES ('{0}', '测甲', '{1}', '{2}', '1', '01', '1980-01-01', {3}, '')"
PEOPLE: Final = (
    ("p1", "8", " e1234567８", "'Ａ1 '"),
    ("p2", "08", "G0000001", "'B2'"),
    ("p3", "08", "g0000001", "'b2'"),
    ("p4", "01", "990000198102114013", "NULL"),
    ("p5", "01", "99000019810211401x", "' '"),
    ("p6", "08", "h1", "NULL"),
    ("p7", "08", "ｈ1", "NULL"),
    ("p8", "14", "  ", "NULL"),
)
"""Number, certificate and card as they were written before numbers had one writing."""

FOLDED: Final = [
    ("p1", "08", "E12345678", "A1"),
    ("p2", "08", "G0000001", "B2"),
    # Another person has both already.
    ("p3", "08", "g0000001", "b2"),
    ("p4", "01", "990000198102114013", None),
    ("p5", "01", "99000019810211401X", None),
    ("p6", "08", "H1", None),
    # The first of two whose numbers become the same gets it.
    ("p7", "08", "ｈ1", None),
    ("p8", "14", "  ", None),
]
DIALECT: Final = '{"bare_array_5204":true,"infcode_as_text":false,"strict_sign_no":false}'
ISSUED: Final = "/yibao.identity.v1.PartnerService/IssueApiKey"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/identity.sqlite"
    found: str = request.getfixturevalue("postgres_database")
    return found


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[AsyncConnection]:
    """A transaction on a store, beside the program."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        yield connection
    await engine.dispose()


async def made_before(url: str) -> None:
    """A store as it was before stores had versions, with rows that need a hand."""
    async with opened(url) as connection:
        await connection.run_sync(migrate, schema(), to="0001")
        await connection.exec_driver_sql("DROP TABLE identity_version")
        for person in PEOPLE:
            await connection.exec_driver_sql(PERSON.format(*person))
        await connection.exec_driver_sql("INSERT INTO family_link VALUES ('p2', 0, 'p1', '310', '2024-01-01', NULL)")
        partner = text(
            "INSERT INTO partner VALUES (:code, '测', 'institution', :style, NULL, :secret, :digest, :yes, :dialect, 7)"
        )
        for code, style, secret, digest in (("A", "api_key", "readable", "d1"), ("C", "csb", "needed", None)):
            values = {"code": code, "style": style, "secret": secret, "digest": digest}
            await connection.execute(partner, {**values, "yes": True, "dialect": DIALECT})
        key = text("INSERT INTO api_key VALUES (:digest, 'person', 'p1', :at, :yes)")
        for digest, issued_at in (("k2", 50), ("k1", 50), ("k3", 1_781_056_801_583_180)):
            await connection.execute(key, {"digest": digest, "at": issued_at, "yes": False})
        entry = text("INSERT INTO entry VALUES ('o', :id, :rpc, 'h', :empty, :at, :empty, 'k1')")
        for number, created_at in (("first", 50), ("second", 60)):
            await connection.execute(entry, {"id": number, "rpc": ISSUED, "empty": b"", "at": created_at})


async def told(url: str, question: str) -> list[tuple[Any, ...]]:
    async with opened(url) as connection:
        return [tuple(row) for row in await connection.exec_driver_sql(question)]


async def test_rows_become_what_todays_program_looks_for(url: str, caplog: pytest.LogCaptureFixture) -> None:
    await made_before(url)
    database = Database(url.replace("+aiosqlite", ""), system_clock)
    with caplog.at_level(logging.WARNING, "yibao.store"):
        await database.start(schema())
    await database.close()
    people = "SELECT psn_no, psn_cert_type, certno, card_no FROM person ORDER BY psn_no"
    assert await told(url, people) == FOLDED
    # Who is meant is told by a number alone: a log names nobody.
    told_of = [vars(each)["fields"] for each in said(caplog, "yibao.store")]
    assert told_of == [{"member": "identity", "persons": 2}]
    keys = await told(url, "SELECT key_digest, key_id, label, revoked_at FROM api_key ORDER BY key_id")
    assert keys == [
        ("k1", f"{500_000:020d}", "", None),
        ("k2", f"{500_001:020d}", "", None),
        ("k3", "17810568015831800000", "", None),
    ]
    answers = await told(url, "SELECT request_id, response FROM entry ORDER BY request_id")
    assert answers == [("first", keys[0][1].encode()), ("second", b"known " + keys[0][1].encode())]
    partners = await told(url, "SELECT partner_code, secret, secret_digest, limits FROM partner ORDER BY partner_code")
    assert partners == [("A", "", "d1", "[]"), ("C", "needed", None, "[]")]
    # An owner whom another cell insures is nobody here.
    async with opened(url) as connection:
        elsewhere = "VALUES ('p2', 1, 'nobody', '310', '2024-01-01', NULL, '370000')"
        await connection.exec_driver_sql(f"INSERT INTO family_link {elsewhere}")
    links = await told(url, "SELECT owner_psn_no, owner_cell FROM family_link ORDER BY row_no")
    assert links == [("p1", ""), ("nobody", "370000")]


async def test_what_was_written_in_another_way_is_found_by_any_of_its_writings(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/identity.sqlite"
    await made_before(url)
    database = Database(url.replace("+aiosqlite", ""), system_clock)
    store = IdentityStore(database)
    await store.start()
    async with store.read() as work:
        found = await work.persons.find((), [folded("ｅ12345678")], [folded(" a1")])
        (key,) = await work.partners.list_keys(KeyList("", "", True, f"{500_001:020d}", 10))
        partner = await work.partners.find(code="A")
    await database.close()
    assert [each.person.psn_no for each in found] == ["p1"]
    assert (key.key_digest, key.holder.subject) == ("k3", "p1")
    assert partner is not None
    assert partner.dialect == Dialect(bare_array_5204=True)
