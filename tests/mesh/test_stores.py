"""The dumped stores of an earlier release come up, with rows of every kind: what a later release has to take over."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from gateway.national.envelope import decoder, read_body
from gateway.national.transactions import Transactions, known_titles
from services.runtime.contract import Contract
from services.runtime.idempotency import content_hash, first_content_hash
from tests.mesh import dump_stores
from tools.postgres import Server


def _in_time(release: Path) -> tuple[list[int], bool]:
    """The place of a release among all: 0.1.0.dev0 comes before 0.1.0."""
    number, development, _ = release.name.partition(".dev")
    return [int(each) for each in number.split(".")], not development


RELEASES: Final = sorted((each for each in (Path(__file__).parent / "stores").iterdir() if each.is_dir()), key=_in_time)
EACH_RELEASE: Final = [
    pytest.param(each, marks=() if each == RELEASES[0] else (pytest.mark.torture,), id=each.name) for each in RELEASES
]
"""The oldest at once, which goes through every migration; the others where there is time."""

MEMBERS: Final = tuple(
    name for name in dump_stores.MEMBERS if all((each / f"{name}.sqlite.sql").exists() for each in RELEASES)
)
"""Those that every release had; a member that is new since has no dump."""

STATES: Final[Mapping[str, Mapping[str, set[tuple[str, ...]]]]] = {
    "identity": {
        "SELECT DISTINCT state FROM ec_code": {("shown",), ("used",), ("replaced",)},
        "SELECT DISTINCT CASE WHEN signed_out_at IS NULL THEN 'in' ELSE 'out' END FROM sign_in": {("in",), ("out",)},
    },
    "catalogue": {},
    "settlement": {
        "SELECT DISTINCT kind, state FROM encounter": {
            *(("visit", state) for state in ("open", "cancelled")),
            *(("stay", state) for state in ("open", "discharged", "cancelled")),
        },
        "SELECT DISTINCT kind, state FROM fee_batch": {
            *(("upload", state) for state in ("open", "settled", "cancelled")),
            ("cancel", "cancelled"),
            ("cancel", "settled"),
        },
        "SELECT DISTINCT kind, state FROM settlement": {
            ("settle", "standing"),
            ("settle", "reversed"),
            ("reverse", "standing"),
            ("void", "standing"),
        },
    },
}
"""What a column of states must hold somewhere, for a member."""


def tables_of(script: str) -> list[str]:
    """The tables that a dump makes."""
    return re.findall(r"(?m)^CREATE TABLE (?:public\.)?\"?(\w+)", script)


def complete(member: str, tables: list[str], read: Callable[[str], set[tuple[Any, ...]]]) -> None:
    """Asserts that no table is empty and that every state stands somewhere."""
    assert [each for each in tables if read(f'SELECT count(*) FROM "{each}"') == {(0,)}] == []
    for question, wanted in STATES[member].items():
        assert read(question) == wanted, question


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("release", EACH_RELEASE)
def test_a_dumped_sqlite_store_holds_rows_of_every_kind(release: Path, member: str) -> None:
    script = (release / f"{member}.sqlite.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(":memory:")) as store:
        store.executescript(script)
        complete(member, tables_of(script), lambda question: set(store.execute(question)))


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("release", EACH_RELEASE)
async def test_a_dumped_postgresql_store_holds_rows_of_every_kind(
    release: Path, member: str, postgres_server: Server
) -> None:
    script = (release / f"{member}.postgresql.sql").read_text(encoding="utf-8")
    name = f"dumped_{member}"
    postgres_server.create(name)
    try:
        connection = await asyncpg.connect(postgres_server.url(name, "postgresql"))  # type: ignore[no-untyped-call]
        await connection.execute(script)
        await connection.execute("SET search_path = public")
        tables = tables_of(script)
        questions = [*(f'SELECT count(*) FROM "{each}"' for each in tables), *STATES[member]]
        rows = {question: {tuple(row) for row in await connection.fetch(question)} for question in questions}
        await connection.close()
        complete(member, tables, rows.__getitem__)
    finally:
        postgres_server.drop(name)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("release", EACH_RELEASE)
def test_what_an_earlier_release_hashed_is_known_as_the_same_message_now(release: Path, database: str) -> None:
    """Every message of the journal, as it is decoded now, has the hash under which its row stands, by the row's version."""
    script = (release / f"settlement.{database}.sql").read_text(encoding="utf-8")
    hashed = content_hash if "hash_version" in script else first_content_hash
    kept = hashes_of(script)
    table = Transactions(Contract.of_mesh(), known_titles())
    found: dict[str, set[bool]] = {}
    for each in json.loads((release / f"{database}.journal.json").read_text(encoding="utf-8")):
        if each["name"].startswith("/") or each["name"][0] == "9":
            continue
        envelope = read_body(decoder(), json.dumps(each["sent"]).encode(), "application/json")
        key = f"{envelope.infno}:{envelope.msgid}"
        if key in kept and '"infcode":0' in each["answer"]:
            request = table.find(envelope.infno, envelope.wrapper).read(envelope.row, envelope.root, key)
            found.setdefault(envelope.infno, set()).add(hashed(request) in kept[key])
    assert {name for name, same in found.items() if same != {True}} == set()
    assert found.keys() >= {
        "2201",
        "2202",
        "2204",
        "2205",
        "2207",
        "2208",
        "2301",
        "2304",
        "2305",
        "2401",
        "2402",
        "2601",
    }


def hashes_of(script: str) -> dict[str, set[str]]:
    """The content hashes in a dump by request id: texts of 64 hexadecimal digits behind an `infno:msgid`."""
    found: dict[str, set[str]] = {}
    for line in script.splitlines():
        key, content = re.search(r"\b\d{4}A?:\w+", line), re.search(r"\b[0-9a-f]{64}\b", line)
        if key is not None and content is not None:
            found.setdefault(key[0], set()).add(content[0])
    return found
