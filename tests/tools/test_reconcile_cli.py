"""What `yibao reconcile` asks and prints."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, cast

import pytest

from tools.cli import reconcile
from tools.cli.chinese import CHINESE
from tools.cli.language import Words
from tools.cli.mesh_client import MeshClient
from tools.cli.parser import parser_in
from yibao.payment.v1 import reconciliation_pb2 as pb

DAY = date(2026, 11, 29)


class Mesh:
    """A run that is told twice before it ends; keeps what it was asked."""

    def __init__(self, *, open_count: int = 1, unread: tuple[str, ...] = ()) -> None:
        self.asked: list[Any] = []
        self.looks = 0
        self.open_count, self.unread = open_count, unread

    def call(self, method: str, request: Any, **_: Any) -> Any:
        """The answer of a method."""
        self.asked.append(request)
        match method.rpartition(".")[2]:
            case "Reconcile":
                return pb.ReconcileResponse(run_no="R1")
            case "GetReconciliation":
                return pb.GetReconciliationResponse(reconciliation=self.run())
        page = int(request.page_token or 0)
        kinds = (pb.DIFFERENCE_KIND_CHARGE_LATE, pb.DIFFERENCE_KIND_SETTLEMENT_MISSING, pb.DIFFERENCE_KIND_CHARGE_DAY)
        states = (pb.DIFFERENCE_STATE_REPAIRED, pb.DIFFERENCE_STATE_OPEN, pb.DIFFERENCE_STATE_GONE)
        each = pb.ReconciliationDifference(
            difference_no=f"D{page}",
            kind=kinds[page],
            state=states[page],
            repair=pb.DIFFERENCE_REPAIR_ASK if not page else pb.DIFFERENCE_REPAIR_PEOPLE,
            channel_name="" if page else "wechat",
            number=f"N{page}",
            here_fen=0 if page else 1_234,
            there="pending" if page else "",
        )
        return pb.ListDifferencesResponse(differences=[each], next_page_token=str(page + 1) if page < 2 else "")

    def run(self) -> pb.Reconciliation:
        """How the run stands."""
        self.looks += 1
        state = pb.RECONCILIATION_STATE_RUNNING if self.looks < 3 else pb.RECONCILIATION_STATE_DONE
        told = pb.Reconciliation(run_no="R1", state=state, stage=pb.RECONCILIATION_STAGE_LINES, line_count=self.looks)
        told.bill_day.year, told.bill_day.month, told.bill_day.day = 2026, 11, 29
        told.open_count, told.repaired_count = self.open_count, 1
        told.unread_accounts.extend(self.unread)
        return told


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "_LOOK_S", 0)


def test_a_table_tells_what_differs_and_the_end_is_1_while_something_is_open(
    capsys: pytest.CaptureFixture[str],
) -> None:
    mesh = Mesh()
    assert reconcile.run(cast("MeshClient", mesh), DAY, only_look=True) == 1
    told = capsys.readouterr()
    assert told.err.splitlines() == ["lines of bills are compared: 1", "lines of bills are compared: 2"]
    said, _, heads, late, missing, _, sums = told.out.splitlines()
    assert said.startswith("2026-11-29: 3 lines of bills")
    assert heads.split()[:4] == ["state", "difference", "channel", "number"]
    assert late.split("  ")[:2] == ["mended", "charge paid, order is over"]
    assert "12.34" in late
    assert missing.split()[-3:] == ["pending", "for", "people"]
    assert sums == "1 open, 1 mended, 0 resolved; amounts in yuan"
    assert mesh.asked[0].only_look
    assert mesh.asked[0].bill_day == pb.ReconcileRequest(bill_day=mesh.asked[0].bill_day).bill_day


def test_as_json_and_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    assert reconcile.run(cast("MeshClient", Mesh(open_count=0)), DAY, as_json=True) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in document["differences"]] == ["charge_late", "settlement_missing"]
    assert (document["day"], document["state"]) == ("2026-11-29", "done")
    unread = Mesh(open_count=0, unread=("wechat 1900099901 STATUS_500",))
    assert reconcile.run(cast("MeshClient", unread), DAY, Words("zh")) == 1
    told = capsys.readouterr().out
    assert "wechat 1900099901 STATUS_500的账单未能读取" in told
    assert "渠道已收款，订单已结束" in told


def test_every_word_of_a_table_has_its_chinese() -> None:
    said = {*reconcile._KINDS.values(), *reconcile._REPAIRS.values(), *reconcile._STATES.values()}
    assert said | {*reconcile._STAGES.values()} <= CHINESE.keys()
    assert len(reconcile._KINDS) == len(pb.DifferenceKind.keys()) - 1


def test_the_command_line_takes_a_day() -> None:
    options = parser_in(Words("en")).parse_args(["reconcile", "2026-11-29", "--json"])
    assert (options.command, options.day, options.json, options.only_look) == ("reconcile", DAY, True, False)
    with pytest.raises(SystemExit):
        parser_in(Words("en")).parse_args(["reconcile", "2026-02-30"])
