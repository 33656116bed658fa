"""What `yibao replay` asks and prints."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tools.cli import replay
from tools.cli.language import Words
from tools.cli.mesh_client import MeshClient
from tools.cli.parser import parser_in
from yibao.settlement.v1 import replay_pb2

SUMS = replay_pb2.ReplaySums


class Mesh:
    """Answers of two settlements; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def call(self, method: str, request: Any, **_: Any) -> Any:
        """The answer of a method."""
        self.asked.append(request)
        made = method.endswith(".Replay")
        settlements = [
            replay_pb2.ReplayedSettlement(
                setl_id="S1",
                mdtrtarea_admvs="110105",
                before=SUMS(fund_pay_sumamt_fen=70_000, psn_cash_pay_fen=30_000),
                difference=replay_pb2.ReplayDifference(fund_fen=-70_000, cash_fen=-30_000),
            ),
            replay_pb2.ReplayedSettlement(
                setl_id="S2",
                replayed_by="S9" if made else "",
                mdtrtarea_admvs="370102",
                before=SUMS(fund_pay_sumamt_fen=80_000, psn_cash_pay_fen=20_000),
                after=SUMS(fund_pay_sumamt_fen=50_000, psn_cash_pay_fen=50_000),
                difference=replay_pb2.ReplayDifference(fund_fen=-30_000, cash_fen=30_000),
            ),
        ]
        for each in settlements:
            each.setl_time.FromJsonString("2026-03-01T17:00:00Z")
        if made:
            return replay_pb2.ReplayResponse(replay_no="R1", settlements=settlements)
        return replay_pb2.PlanReplayResponse(settlements=settlements)


def test_a_plan_shows_who_pays_before_and_after_and_what_cash_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    mesh = Mesh()
    assert replay.run(cast("MeshClient", mesh), "S1") == 0
    assert mesh.asked == [replay_pb2.PlanReplayRequest(setl_id="S1")]
    said, heads, first, second, cash = capsys.readouterr().out.splitlines()
    assert said.startswith("A plan: nothing is changed")
    assert heads.split()[:3] == ["settlement", "day", "place"]
    assert first.split()[:3] + first.split()[-2:] == ["S1", "2026-03-02", "110105", "taken", "out"]
    assert "800.00 → 500.00" in second
    assert "200.00 → 500.00" in second
    assert cash == "in cash 300.00 yuan to be collected from the person, 300.00 yuan to be given back"


def test_with_a_memo_it_is_made_and_the_same_command_is_the_same_request(capsys: pytest.CaptureFixture[str]) -> None:
    mesh = Mesh()
    for _ in range(2):
        assert replay.run(cast("MeshClient", mesh), "S1", Words("zh"), memo="重复收费") == 0
    assert mesh.asked == [replay_pb2.ReplayRequest(request_id="replay:S1", setl_id="S1", memo="重复收费")] * 2
    told = capsys.readouterr().out
    assert "S9" in told
    assert "重新核算R1已完成" in told


def test_the_command_line_takes_a_settlement_and_why() -> None:
    options = parser_in(Words("en")).parse_args(["replay", "S1", "--do", "why", "--cell", "370000"])
    assert (options.command, options.setl_id, options.do, options.cell) == ("replay", "S1", "why", "370000")
