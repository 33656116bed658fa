"""Dumps the stores of a mesh that has rows of every kind: `python -m tests.mesh.dump_stores FOLDER`, once for each release.

For each member one SQL text a database, and the journal of every message that made the rows, with its answer, so that a
later release can be shown to keep the rows and to answer as before. It writes into FOLDER only, and never into a store
that is in use.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from services import mesh
from tests.mesh import journeys
from tests.mesh.hospital import DRUG, SECOND_DRUG, Exchange, Hospital, rest
from tests.mesh.world import Sandbox, sandbox
from tools import postgres
from tools.played.messages import Patient, Row
from tools.sandbox_keys import CHANNEL, key_of

MEMBERS: Final = tuple(each.name for each in mesh.MESH if each.has_store)
BILL: Final = (Row(DRUG, 1, 50_000), Row(SECOND_DRUG, 3, 1_000))
FAMILY: Final = Patient("33010000000000000401", "杭测甲", "990000198102114013", "C00000401", "310", "330100")
"""A sample person without much of their own, who may use another's account."""

# Words that make a dump readable only by the program that wrote it.
_RESTRICTION: Final = re.compile(r"(?m)^\\(un)?restrict .*\n")


async def play(made: Sandbox) -> list[dict[str, Any]]:
    """Makes rows of every kind; the journal of what was sent and answered."""
    hospital, newcomers = made.hospital, made.newcomers
    await journeys.out_patient(hospital, await newcomers.one())
    await journeys.in_patient(hospital, await newcomers.one())
    await journeys.credential(hospital, await newcomers.one())
    await _settlements(hospital, await newcomers.one())
    await _stays(hospital, await newcomers.many(3))
    await _open_visits(hospital, await newcomers.one())
    await hospital.visit(FAMILY, [Row(DRUG, 1, 100_000)])
    await _people(hospital, await newcomers.one())
    await _looked_up(hospital)
    findings = await made.ledger_findings()
    if findings:
        raise SystemExit(f"the ledger does not add up: {findings}")
    return [{"name": each.name, "sent": each.sent, "answer": each.text} for each in hospital.journal]


async def _settlements(hospital: Hospital, who: Patient) -> None:
    """One that stands, one reversed by its number, one by its message, one whose message never came."""
    await hospital.visit(who, BILL)
    taken = await hospital.visit(who, BILL)
    await hospital.done("2208", {"data": taken.reference})
    lost = await hospital.visit(who, BILL)
    for msgid in (lost.msgid, hospital.next_msgid()):
        await hospital.send("2601", {"data": {"psn_no": who.psn_no, "omsgid": msgid, "oinfno": "2207"}})
    await hospital.visit(who, BILL, acct_used_flag="0")


async def _stays(hospital: Hospital, people: Sequence[Patient]) -> None:
    """One settled in between and at its end, one discharged with a return, one just begun."""
    settled, discharged, begun = people
    mdtrt_id = await hospital.admit(settled)
    for batch, flag, first in (("B0001", "1", 1), ("B0003", "0", 6)):
        rows = [Row(DRUG, 2 + first, 300_000)]
        await hospital.done("2301", hospital.lines(settled, mdtrt_id, rows, batch, first))
        if flag == "0":
            await hospital.done("2301", hospital.lines(settled, mdtrt_id, BILL[1:], "B0002", 5))
            line = {"feedetl_sn": "5", "mdtrt_id": mdtrt_id, "psn_no": settled.psn_no}
            await hospital.done("2302", {"data": [line]})
            await hospital.discharge(settled, mdtrt_id)
        bill = hospital.bill(settled, mdtrt_id, rows, batch=batch, mid_setl_flag=flag)
        await hospital.settle(bill, "2304")
    mdtrt_id = await hospital.admit(discharged)
    await hospital.done("2301", hospital.lines(discharged, mdtrt_id, [Row(DRUG, 10, 300_000)]))
    returned = journeys.taken_back(hospital, discharged, mdtrt_id, Row(DRUG, -2, 300_000), "3", "1")
    await hospital.done("2301", returned)
    await hospital.discharge(discharged, mdtrt_id)
    await hospital.admit(begun)


async def _open_visits(hospital: Hospital, who: Patient) -> None:
    """One with a cancelled and an open batch, and one cancelled whole."""
    node = await hospital.open_visit(who, BILL)
    visit = {"mdtrt_id": node["mdtrt_id"], "psn_no": who.psn_no}
    await hospital.done("2205", {"data": visit | {"chrg_bchno": "B0001"}})
    await hospital.done("2204", hospital.lines(who, node["mdtrt_id"], BILL, "B0002", 11))
    mdtrt_id = await hospital.register(who)
    await hospital.done("2202", {"data": {"mdtrt_id": mdtrt_id, "psn_no": who.psn_no}})


async def _people(hospital: Hospital, who: Patient) -> None:
    """Codes in every state, a token not spent, an open sign-in, a revised enrolment, a key."""
    await journeys.ec_code(hospital, who)
    await journeys.ec_token(hospital, who)
    for _ in range(2):
        await rest(hospital, "/v1/credentials:showCode", {"psnNo": who.psn_no}, key_of("channel", CHANNEL))
    await hospital.done("9001", {"signIn": {"opter_no": "0002", "mac": "00-00-00-00-00-00", "ip": "127.0.0.1"}})
    enrolment = {
        "insutype": "310",
        "insuplcAdmdvs": "990100",
        "psnType": "12",
        "psnInsuStas": "1",
        "status": "retired",
        "fromDay": "2026-07-01",
    }
    revision = {"requestId": "revise-1", "psnNo": who.psn_no, "enrolment": enrolment}
    await rest(hospital, "/v1/persons:reviseEnrolment", revision)
    await rest(hospital, "/v1/api-keys", {"requestId": "key-1", "role": "ROLE_PERSON", "subject": who.psn_no})


async def _looked_up(hospital: Hospital) -> None:
    """What is told of each settlement at the end."""
    settled: list[Exchange] = [each for each in hospital.journal if each.name in ("2207", "2304")]
    for each in settled:
        info = each.answer.output["setlinfo"]
        reference = {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}
        for infno in ("5203", "5204"):
            await hospital.done(infno, {"data": reference})


async def dump_sqlite(out: Path) -> None:
    """The stores as SQLite files."""
    with tempfile.TemporaryDirectory() as folder:
        async with sandbox(Path(folder)) as made:
            _write(out / "sqlite.journal.json", await play(made))
        for name in MEMBERS:
            with closing(sqlite3.connect(Path(folder) / f"{name}.sqlite")) as store:
                (out / f"{name}.sqlite.sql").write_text("\n".join(store.iterdump()) + "\n", encoding="utf-8")


async def dump_postgres(out: Path) -> None:
    """The stores as PostgreSQL databases, one a member."""
    with postgres.running({"fsync": "off"}) as server, tempfile.TemporaryDirectory() as folder:
        for name in MEMBERS:
            server.create(name)
        async with sandbox(Path(folder), {"YIBAO_DATABASE_URL": server.url("{member}")}) as made:
            _write(out / "postgresql.journal.json", await play(made))
        for name in MEMBERS:
            file = server.folder / f"{name}.sql"
            server.run(
                "pg_dump", "-h", str(server.folder), "-U", "postgres", "--inserts", "--rows-per-insert=50",
                "--no-owner", "--no-privileges", "-f", str(file), name,
            )  # fmt: skip
            text = _RESTRICTION.sub("", file.read_text(encoding="utf-8"))
            (out / f"{name}.postgresql.sql").write_text(text, encoding="utf-8")


def _write(file: Path, journal: list[dict[str, Any]]) -> None:
    file.write_text(json.dumps(journal, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


async def _main(out: Path) -> None:
    await dump_sqlite(out)
    await dump_postgres(out)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_main(folder))
