"""Clearing as a hospital sees it, through the whole mesh."""

from __future__ import annotations

from tests.mesh import journeys
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
