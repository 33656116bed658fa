"""What `yibao clearing` prints and draws."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, cast

import pytest

from tools.cli import clearing
from tools.cli.clearing_picture import picture
from tools.cli.language import Words
from tools.cli.mesh_client import MeshClient
from tools.cli.parser import parser_in
from yibao.routing.v1 import clearing_notice_pb2, clearing_payments_pb2, clearing_pb2


class Mesh:
    """Answers as a mesh would in which 370000 owes 110000, and 310000 is owed by both; perhaps a notice was refused."""

    def __init__(self, *, refused: bool = False) -> None:
        self.refused = refused

    def call(self, method: str, request: Any, **_: Any) -> Any:
        """The answer of a method."""
        if method.endswith("VerifyClearing"):
            finding = clearing_payments_pb2.ClearingFinding(rule="positions_sum_to_zero", subject="2026-03", found=1)
            return clearing_payments_pb2.VerifyClearingResponse(journals_checked=3, findings=[finding])
        if method.endswith("ListRefusedNotices"):
            refused = [clearing_notice_pb2.RefusedNotice()] if self.refused else []
            return clearing_notice_pb2.ListRefusedNoticesResponse(notices=refused)
        owed = [("370000", "110000", 100), ("370000", "310000", 250), ("110000", "310000", 50)]
        return clearing_pb2.GetMonthResponse(
            month=clearing_pb2.ClearingMonth(month=request.month, state=clearing_pb2.MONTH_STATE_NETTED, run=1),
            statements=[
                clearing_pb2.Statement(
                    circle="000000",
                    insured_region=insured,
                    care_region=care,
                    settled_count=1,
                    amount_fen=fen,
                    outcome=clearing_pb2.STATEMENT_OUTCOME_NETTED,
                )
                for insured, care, fen in owed
            ],
            positions=[
                clearing_pb2.Position(circle="000000", region=region, net_fen=net)
                for region, net in (("110000", 50), ("310000", 300), ("370000", -350))
            ],
        )


MESH = cast("MeshClient", Mesh())


def test_a_month_is_printed_as_a_matrix_with_nets_that_sum_to_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert clearing.run(MESH, "2026-03") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2026-03: netted; amounts in yuan"
    cells = {line.split()[0]: line.split()[1:] for line in lines[4:7]}
    assert cells == {"110000": ["310000"], "370000": ["1.00", "2.50"]} | {"110000": ["·", "0.50"]}
    assert [line.split()[-1] for line in lines[-4:]] == ["0.50", "3.00", "-3.50", "0.00"]


def test_notices_that_were_refused_are_told_of_in_either_language(capsys: pytest.CaptureFixture[str]) -> None:
    mesh = cast("MeshClient", Mesh(refused=True))
    for words, said in (
        (Words("en"), "notices of settlements were not taken"),
        (Words("zh"), "有结算通知未被收入清算"),
    ):
        clearing.run(mesh, "2026-03", words)
        assert said in capsys.readouterr().out.splitlines()[-1]


def test_json_and_csv_hold_every_pair_in_fen(capsys: pytest.CaptureFixture[str]) -> None:
    clearing.run(MESH, "2026-03", form="json")
    told = json.loads(capsys.readouterr().out)
    assert [each["amount_fen"] for each in told["pairs"]] == [100, 250, 50]
    assert (told["state"], sum(each["net_fen"] for each in told["positions"])) == ("netted", 0)
    clearing.run(MESH, "2026-03", form="csv")
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("circle,insured_region,care_region,settled_count")
    assert rows[0] == "000000,370000,110000,1,0,100,0,netted"


def test_the_picture_has_a_bar_for_each_region(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nets.svg"
    clearing.run(MESH, "2026-03", Words("zh"), svg=path)
    drawn = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    texts = ["".join(each.itertext()) for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["2026-03各地清算净额（已轧差）", "310000", "3.00", "110000", "0.50", "370000", "-3.50"]
    assert picture([("a<b", 0)], "x").count("&lt;") == 1


def test_findings_of_the_check_are_told_and_end_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert clearing.run(MESH, clearing.VERIFY) == 1
    assert "positions_sum_to_zero on 2026-03: expected 0, found 1" in capsys.readouterr().out


def test_a_month_has_the_form_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser_in(Words("zh")).parse_args(["clearing", "2026-13"])
    assert "2026-13不是YYYY-MM格式的月份" in capsys.readouterr().err
