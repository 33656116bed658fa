"""`yibao conform` against a running mesh: what it tells of a message, how it ends, and that nothing was done."""

from __future__ import annotations

import json
from pathlib import Path

from tests.mesh.commands import Yibao
from tests.mesh.journeys import BILL
from tests.mesh.world import Sandbox


class TestConform:
    async def test_what_is_lenient_and_what_is_wrong_is_told_and_nothing_changes(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path
    ) -> None:
        who = await town.newcomers.one()
        query = who.id_card | {"psn_cert_type": "01", "certno": who.certno, "psn_name": who.name}
        clean, lenient, wrong = (tmp_path / f"{name}.json" for name in ("clean", "lenient", "wrong"))
        message = town.hospital.envelope("1101", {"data": query}) | {"sign_no": "S1"}
        clean.write_text(json.dumps(message), encoding="utf-8")
        lenient.write_text(json.dumps(message | {"infver": ""}), encoding="utf-8")
        wrong.write_text("{'infno': '1101'}", encoding="utf-8")
        run = await yibao("conform", clean, "--strict", "--url", town.mesh.url)
        assert (run.code, json.loads(run.out)) == (0, [])
        run = await yibao("conform", lenient, "--url", town.mesh.url)
        (found,) = json.loads(run.out)
        assert (run.code, found["level"], found["path"]) == (0, "LENIENT", "infver")
        assert (await yibao("conform", lenient, "--strict", "--url", town.mesh.url)).code == 1
        run = await yibao("conform", lenient, wrong, "--url", town.mesh.url)
        assert run.code == 1
        assert [(each["file"], each["level"]) for each in json.loads(run.out)] == [
            (str(lenient), "LENIENT"),
            (str(wrong), "WRONG"),
        ]

    async def test_a_settlement_that_is_checked_is_not_settled(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path
    ) -> None:
        who = await town.newcomers.one()
        node, msgid = await town.hospital.open_visit(who, BILL), town.hospital.next_msgid()
        file = tmp_path / "2207.json"
        file.write_text(json.dumps(town.hospital.envelope("2207", {"data": node}, msgid)), encoding="utf-8")
        assert (await yibao("conform", file, "--url", town.mesh.url)).code == 0
        query = {"psn_no": who.psn_no, "mdtrt_id": node["mdtrt_id"], "setl_id": "", "medins_setl_id": msgid}
        assert await town.hospital.refused("5203", {"data": query}) == "SETTLEMENT_NOT_FOUND"
