"""A store of before in which 2207 and 2207A of one msgid are two bills: both stay, and nothing is done to the wrong one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import pytest

from tests.mesh.hospital import Hospital, hospital_at
from tests.mesh.replay import otherwise
from tests.mesh.test_stores import RELEASES
from tests.mesh.test_upgraded import differences, load_sqlite, loaded, schema_of, unmeant, upgraded
from tests.mesh.world import ledger_findings
from tools.postgres import Server

DUMPED: Final = RELEASES[0]
"""Of the code at 6e18849, which kept a message under the number that it came by."""

_M: Final = "H990100000012026061010000"
TWO_BILLS, LATE, ALONE, OWN = f"{_M}40067", f"{_M}30043", f"{_M}40053", f"{_M}50101"
VISIT: Final = f"{_M}30046"

PLANTED: Final = (
    # Two bills of one person.
    ("settlement", f"2207:{TWO_BILLS}", f"2207A:{TWO_BILLS}"),
    ("settlement", f"2207:{_M}30048", f"2207:{TWO_BILLS}"),
    # 2207 was taken back before it came; 2207A came.
    ("settlement", f"2207:{LATE}", f"2207A:{LATE}"),
    ("settlement", f"2207:{_M}40060", f"2207:{LATE}"),
    # 2207A alone, and a request id of a client's own that only looks like one.
    ("settlement", f"2207:{ALONE}", f"2207A:{ALONE}"),
    ("settlement", f"2207:{OWN}", f"2207a:{OWN}"),
    # Two visits.
    ("encounter_entry", f"2203:{VISIT}", f"2203A:{VISIT}"),
    ("encounter_entry", f"2203:{_M}30040", f"2203:{VISIT}"),
)
"""Rows of the dump by table, and the request ids that they get: as the code of that time would have kept them."""

STAY: Final = {
    f"2207A:{TWO_BILLS}",
    f"2207:{TWO_BILLS}",
    f"2207A:{LATE}",
    f"2207:{LATE}",
    f"2207:{ALONE}",
    f"2207a:{OWN}",
}
STAY_VISITS: Final = {f"2203A:{VISIT}", f"2203:{VISIT}"}


def planted(folder: Path) -> dict[str, str]:
    """The dumped store with such rows; the settlement of each request id."""
    load_sqlite(DUMPED, folder)
    with closing(sqlite3.connect(folder / "settlement.sqlite")) as store, store:
        for table, was, now in PLANTED:
            assert store.execute(f"UPDATE {table} SET request_id = ? WHERE request_id = ?", (now, was)).rowcount == 1
            if table == "settlement":
                told = (now.partition(":")[2], now)
                store.execute("UPDATE settlement SET msgid = ? WHERE request_id = ?", told)
        return dict(store.execute("SELECT request_id, setl_id FROM settlement"))


def request_ids(folder: Path) -> tuple[set[str], set[str]]:
    """Those of both tables that begin with one of the numbers."""
    with closing(sqlite3.connect(folder / "settlement.sqlite")) as store:
        sets = [
            {row[0] for row in store.execute(f"SELECT request_id FROM {table} WHERE request_id LIKE ?", (like,))}
            for table, like in (("settlement", "2207%"), ("encounter_entry", "2203%"))
        ]
    return sets[0], sets[1]


def state_of(folder: Path, setl_id: str) -> str:
    with closing(sqlite3.connect(folder / "settlement.sqlite")) as store:
        state: str = store.execute("SELECT state FROM settlement WHERE setl_id = ?", (setl_id,)).fetchone()[0]
    return state


def sent(journal: Sequence[Mapping[str, Any]], infno: str, msgid: str, now: str) -> dict[str, Any]:
    """A message of the journal as it came by its second number, with what was answered."""
    (found,) = (each for each in journal if (each["name"], each["sent"].get("msgid")) == (infno, msgid))
    return {"name": now, "sent": found["sent"] | {"infno": now}, "answer": found["answer"]}


def named(msgid: str, oinfno: str, psn_no: str = "") -> dict[str, Any]:
    return {"data": {"psn_no": psn_no, "omsgid": msgid, "oinfno": oinfno}}


async def test_both_bills_stay_and_each_is_repeated_and_taken_back_by_itself_only(tmp_path: Path) -> None:
    numbers = planted(tmp_path)
    journal = json.loads((DUMPED / "sqlite.journal.json").read_text(encoding="utf-8"))
    async with upgraded(tmp_path) as mesh:
        settlements, visits = request_ids(tmp_path)
        assert settlements >= STAY
        assert f"2207A:{ALONE}" not in settlements
        assert visits >= STAY_VISITS
        repeats = [sent(journal, "2207", each, "2207A") for each in (TWO_BILLS, LATE, ALONE)]
        repeats.append(sent(journal, "2203", VISIT, "2203A"))
        async with httpx.AsyncClient(base_url=mesh.url, timeout=30) as http:
            for _ in range(2):
                assert unmeant(await otherwise(http, iter(repeats))) == []
        async with hospital_at(mesh.url, mesh.clock) as hospital:
            await taken_back(hospital, tmp_path, numbers)
        assert await ledger_findings(mesh) == []
    # A store that is at this revision already opens as it stands.
    assert await differences(mesh.config.database_url("settlement"), schema_of("settlement")) == ()
    assert request_ids(tmp_path)[0] >= STAY


async def taken_back(hospital: Hospital, folder: Path, numbers: Mapping[str, str]) -> None:
    """2601 of each number."""
    for oinfno in ("2207", "2207A"):
        for person in ("", "9901000000001003"):
            answer = await hospital.send("2601", named(TWO_BILLS, oinfno, person))
            assert answer.message.startswith("[MESSAGE_AMBIGUOUS] ")
            both = [numbers[f"{each}:{TWO_BILLS}"] for each in ("2207", "2207A")]
            assert all(each in answer.message for each in both)
            assert {state_of(folder, each) for each in both} == {"standing"}
            assert "2208" in answer.message
    # What is void stays void under its number, and the bill of the other stands until it is named.
    assert await hospital.refused("2601", named(LATE, "2207")) == "MESSAGE_NOT_ARRIVED"
    assert state_of(folder, numbers[f"2207A:{LATE}"]) == "standing"
    for _ in range(2):
        await hospital.done("2601", named(LATE, "2207A"))
        assert state_of(folder, numbers[f"2207A:{LATE}"]) == "reversed"


@pytest.mark.torture
async def test_postgresql_keeps_the_same_rows(postgres_server: Server) -> None:
    name = "second_numbers"
    postgres_server.create(name)
    try:
        await loaded(postgres_server, name, (DUMPED / "settlement.postgresql.sql").read_text(encoding="utf-8"))
        connection = await asyncpg.connect(postgres_server.url(name, "postgresql"))  # type: ignore[no-untyped-call]
        ids = [
            row[0] for row in await connection.fetch("SELECT request_id FROM settlement WHERE request_id LIKE '2207:%'")
        ]
        (one, other, alone, own), change = ids[:4], "UPDATE settlement SET request_id = $1 WHERE request_id = $2"
        both = f"2207A:{one.partition(':')[2]}"
        for now, was in ((both, other), (alone.replace(":", "A:"), alone), (own.replace(":", "a:"), own)):
            await connection.execute(change, now, was)
        await connection.close()
        assert await differences(postgres_server.url(name), schema_of("settlement")) == ()
        connection = await asyncpg.connect(postgres_server.url(name, "postgresql"))  # type: ignore[no-untyped-call]
        kept = {
            row[0] for row in await connection.fetch("SELECT request_id FROM settlement WHERE request_id LIKE '2207%'")
        }
        await connection.close()
        assert kept == {*ids, both, own.replace(":", "a:")} - {other, own}
    finally:
        postgres_server.drop(name)
