"""An institution reconciles its day: totals that are equal or not (3201), and a file of which each line is told (3202)."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import httpx

from services.kernel.money import yuan_text
from tests.mesh import journeys
from tests.mesh.hospital import fen
from tests.mesh.statements import compared, totals_of, uploaded
from tests.mesh.world import Sandbox, small_sandbox


async def downloaded(town: Sandbox, file_qury_no: str, fixmedins_code: str) -> list[list[str]]:
    """The lines of a result."""
    asked = {"file_qury_no": file_qury_no, "filename": "result.zip", "fixmedins_code": "plc"}
    envelope = {"infno": "9102", "msgid": "", "fixmedins_code": fixmedins_code, "input": {"fsDownloadIn": asked}}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{town.mesh.url}/fsi/api", json=envelope)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as made:
        return [line.split("\t") for line in made.read("result.txt").decode().splitlines()]


async def test_totals_and_details_are_compared_as_clients_do_it(tmp_path: Path) -> None:
    async with small_sandbox(tmp_path) as town:
        hospital = town.hospital
        first, second = [(await hospital.visit(await town.newcomers.one(), journeys.BILL)).info for _ in range(2)]
        named = {name: second[name] for name in ("setl_id", "mdtrt_id", "psn_no")}
        counter = (await hospital.done("2208", {"data": named})).output["setlinfo"]
        totals = totals_of(first, 3)
        told = (await hospital.done("3201", {"data": totals})).output["stmtinfo"]
        assert (told["stmt_rslt"], told["setl_optins"]) == ("0", first["clr_optins"])
        turned = totals | {"stmt_begndate": "2026-06-11", "stmt_enddate": "2026-06-10"}
        assert "：data.stmt_enddate " in (await hospital.send("3201", {"data": turned})).message
        wrong = totals | {"acct_pay": yuan_text(fen(first["acct_pay"]) + 1)}
        told = (await hospital.done("3201", {"data": wrong})).output["stmtinfo"]
        assert told["stmt_rslt"] == "1"
        assert "中心3笔" in told["stmt_rslt_dscr"]
        rows = [(each, "1" if each is counter else "0") for each in (first, counter)]
        kept = await uploaded(hospital, rows)
        result = await compared(hospital, kept, totals, 2)
        found = {row[2]: row for row in await downloaded(town, result["file_qury_no"], kept["fixmedins_code"])}
        assert {number: row[4] for number, row in found.items()} == {
            first["setl_id"]: "0",
            counter["setl_id"]: "0",
            second["setl_id"]: "1",
        }
        # What the institution lost it takes back by the message number that stands here.
        assert found[second["setl_id"]][3] != "null"
