"""Clearing through the whole mesh: as a hospital sees it, and as an operator prints it."""

from __future__ import annotations

import json
from pathlib import Path

from services.kernel.clock import BEIJING
from tests.mesh import journeys
from tests.mesh.commands import Yibao, at
from tests.mesh.hospital import fen
from tests.mesh.world import Sandbox


async def test_bills_of_remote_care_are_listed_left_out_and_taken_back(town: Sandbox) -> None:
    told = await journeys.clearing(town.hospital, await town.newcomers.one())
    result = told["3261"].output["result"]
    assert (result["cnfm_cnt"], told["3262"].output["result"]["wthd_cnt"]) == (1, 1)
    listed, marked = (told[name].output["data"][-1] for name in ("3260", "3260 left out"))
    assert listed["medins_no"] == town.hospital.code
    assert (fen(listed["medfee_sumamt"]), fen(listed["optins_pay_sumamt"])) == (100_000, 75_000)
    assert (listed["cnfm_flag"], marked["cnfm_flag"]) == (None, "0")
    assert listed["certno"] is None


async def test_an_operator_prints_the_month_draws_it_and_has_the_books_computed_anew(
    town: Sandbox, yibao: Yibao, tmp_path: Path
) -> None:
    await journeys.clearing(town.hospital, await town.newcomers.one())
    month = f"{town.clock().astimezone(BEIJING):%Y-%m}"
    run = await yibao("clearing", month, "--svg", tmp_path / "nets.svg", *at(town))
    assert run.code == 0
    assert f"{month}: open; amounts in yuan" in run.out
    assert "370000" in run.out
    assert "<svg" in (tmp_path / "nets.svg").read_text(encoding="utf-8")
    told = json.loads((await yibao("clearing", month, "--json", *at(town))).out)
    assert sum(each["net_fen"] for each in told["positions"]) == 0
    assert ("370000", "110000") in [(each["insured_region"], each["care_region"]) for each in told["pairs"]]
    checked = await yibao("clearing", "verify", *at(town))
    assert checked.code == 0
    assert checked.out.endswith(": 0 findings\n")
