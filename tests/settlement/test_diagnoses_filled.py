"""The migration that makes diagnoses rows fills them from the requests that entries keep, as they would stand today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.clock import to_micros
from services.runtime.stores.upgrading import migrate
from services.runtime.wire import moment_message
from services.settlement.store.schema import schema
from services.settlement.store.tables import ENCOUNTER_ENTRY
from yibao.settlement.v1 import common_pb2, stay_pb2, visit_pb2

BEGIN = datetime(2026, 1, 5, 1, 2, 3, 4, tzinfo=UTC)
LONG_AGO = datetime(1969, 12, 31, 23, 59, 59, 250_000, tzinfo=UTC)
DESK = common_pb2.Desk(fixmedins_code="H1", msgid="M" * 40, opter="op1", opter_name="收费员")


def row(code: str, **more: Any) -> common_pb2.Diagnosis:
    return common_pb2.Diagnosis(psn_no="P1", diag_code=code, diag_name=f"病{code}", **more)


def entry(number: int, kind: str, mdtrt_id: str | None, content: bytes = b"") -> dict[str, Any]:
    return {
        "entry_id": f"{number:020d}",
        "scope": "H1",
        "request_id": f"R{number}",
        "rpc": "",
        "content_hash": "",
        "content": content,
        "response": b"",
        "mdtrt_id": mdtrt_id,
        "kind": kind,
        "created_at": BEGIN + timedelta(seconds=number),
        "hash_version": 2,
        "regions": "",
    }


def described(*rows: common_pb2.Diagnosis) -> bytes:
    visit = visit_pb2.VisitInformation(mdtrt_id="V1", psn_no="P1", geso_val="20", begntime=moment_message(BEGIN))
    return visit_pb2.UploadVisitRequest(desk=DESK, mdtrtinfo=visit, diseinfo=rows).SerializeToString()


def discharged(*rows: common_pb2.Diagnosis) -> bytes:
    return stay_pb2.DischargeRequest(desk=DESK, diseinfo=rows).SerializeToString()


ENTRIES = [
    entry(1, "describe", "V1", described(row("J06.900"), row("I10.x00"))),
    entry(
        2, "describe", "V1", described(row("J18.900", diag_time=moment_message(LONG_AGO)), row("K29", vali_flag="0"))
    ),
    entry(3, "describe", "V1", described()),
    entry(
        4,
        "admit",
        "S1",
        stay_pb2.AdmitRequest(desk=DESK, diseinfo=[row("J15.900", maindiag_flag="1")]).SerializeToString(),
    ),
    entry(5, "discharge", "S1", discharged(row("J16.800"))),
    entry(6, "undo_discharge", "S1"),
    entry(7, "discharge", "S1", discharged(row("J17.800", diag_srt_no="2"), row("I11.900"))),
    entry(8, "discharge", "S2", discharged(row("I12.900"))),
    entry(9, "undo_discharge", "S2"),
    # Of other kinds, and taken back before it came.
    entry(10, "upload", "V1", b"\x00"),
    entry(11, "void", None),
]


async def standing(connection: Any) -> Sequence[Any]:
    columns = (
        "mdtrt_id, stage, row_no, diag_code, state, diag_time, opter, opter_name, told_at, diag_srt_no, maindiag_flag"
    )
    return list(await connection.execute(text(f"SELECT {columns} FROM diagnosis ORDER BY diag_info_id")))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_rows_are_filled_from_the_requests_that_told_them(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sqlite = database == "sqlite"
    url = f"sqlite+aiosqlite:///{tmp_path}/old" if sqlite else request.getfixturevalue("postgres_database")
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(lambda each: migrate(each, schema(), to="0002"))
        await connection.execute(ENCOUNTER_ENTRY.insert(), ENTRIES)
        await connection.run_sync(migrate, schema())
        rows = await standing(connection)
    await engine.dispose()
    told = {(each.mdtrt_id, each.diag_code): each for each in rows}
    assert [(*each[:3], each.diag_code) for each in rows if each.state == "standing"] == [
        ("V1", "visit", 1, "J18.900"),
        ("S1", "admission", 1, "J15.900"),
        ("S1", "discharge", 1, "J17.800"),
        ("S1", "discharge", 2, "I11.900"),
    ]
    assert {each.diag_code for each in rows if each.state == "replaced"} == {"J06.900", "I10.x00", "J16.800", "I12.900"}
    assert told["V1", "J18.900"].diag_time == to_micros(LONG_AGO)
    assert told["S1", "J15.900"].diag_time is None
    assert (told["S1", "J17.800"].diag_srt_no, told["S1", "J15.900"].maindiag_flag) == ("2", "1")
    assert {(each.opter, each.opter_name) for each in rows} == {("op1", "收费员")}
    assert told["V1", "J18.900"].told_at == to_micros(BEGIN + timedelta(seconds=2))
