"""The worked cases played through the public interface of a running mesh: the same answers as from the engine alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from services.kernel.errors import Fault
from tests.mesh.harness import OPERATOR_KEY, Mesh, started_mesh
from tools.cli.case import SAMPLE_POLICIES, LocalPlayer, PolicyFolder, play_case
from tools.cli.case_document import read_case
from tools.cli.case_through import play_case_through
from tools.cli.mesh_client import MeshClient, MeshRefusal
from yibao.settlement.v1 import ledger_pb2

CASES = sorted((Path(__file__).resolve().parents[1] / "settlement" / "cases").glob("*.json"))
COMPONENTS: Final = tuple(json.loads(CASES[0].read_text(encoding="utf-8"))["ops"][0]["expected"])

BEIJING, CHONGQING = "beijing-employee@2023-01-01", "chongqing-resident@2024-01-01"
SHANGHAI, WUHAN = "shanghai-employee@2025-07-01", ("wuhan-employee@2023-02-01", "wuhan-employee@2024-04-01")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """A mesh of real members for all cases; each case makes its own people, items and stack."""
    async with started_mesh(tmp_path_factory.mktemp("cases")) as mesh:
        yield mesh


async def played(mesh: Mesh, path: Path) -> list[str]:
    """The differences of a case that is played through a mesh."""

    def play() -> list[str]:
        with MeshClient(mesh.url, OPERATOR_KEY) as client:
            return [str(difference) for difference in play_case_through(path, client).differences]

    return await asyncio.to_thread(play)


def bill(name: str, day: str, med_type: str, amount: int = 1_000_000, op: str = "settle", **facts: object) -> Any:
    """An operation with one line; level 3 where the facts say nothing."""
    visit = {"med_type": med_type, "hosp_lv": "3"} | facts
    return {"op": op, "id": name, "setl_date": day, "visit": visit, "lines": [{"amount": amount, "class": "A"}]}


def refund(of: str, **more: object) -> Any:
    """A refund of an operation."""
    return {"op": "refund", "id": f"r-{of}", "of": of} | more


def written(folder: Path, policies: list[str], operations: list[Any], **more: object) -> Path:
    """A case file that expects of every operation all that the engine answers."""
    person = {"age": 45, "status": "active"}
    document = {"case_id": "written", "policies": policies, "person": person, "ops": operations} | more
    path = folder / "written.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    case = read_case(path)
    player = LocalPlayer(case, PolicyFolder(SAMPLE_POLICIES))
    for operation, asked in zip(case.operations, operations, strict=True):
        answer = player.play(operation)
        asked["accumulators_after"] = dict(answer.accumulators)
        asked["benefit_year"] = answer.benefit_year
        if answer.error is not None:
            asked["expect_error"] = answer.error
        else:
            asked["expected"] = {name: answer.components[name] for name in COMPONENTS}
            asked["account_after"] = dict(answer.account)
    path.write_text(json.dumps(document), encoding="utf-8")
    assert play_case(path, SAMPLE_POLICIES).differences == []
    return path


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
async def test_a_worked_case_comes_out_the_same_through_the_national_interface(sandbox: Mesh, path: Path) -> None:
    assert await played(sandbox, path) == []


async def test_a_stay_that_was_only_tried_or_refused_does_not_stop_the_next(sandbox: Mesh, tmp_path: Path) -> None:
    operations = [
        bill("p1", "2025-03-01", "inpatient", op="presettle"),
        bill("s1", "2025-03-02", "inpatient", hosp_lv="2"),
        bill("s2", "2025-03-03", "inpatient"),
        bill("p2", "2025-04-01", "inpatient", op="presettle"),
        bill("s3", "2025-04-02", "inpatient"),
    ]
    path = written(tmp_path, [CHONGQING], operations)
    assert operations[1]["expect_error"] == "NOT_COVERED_BY_POLICY"
    assert await played(sandbox, path) == []


async def test_a_stay_goes_on_past_bills_that_are_tried_or_refused(sandbox: Mesh, tmp_path: Path) -> None:
    operations = [
        bill("s1", "2025-03-01", "inpatient"),
        bill("v1", "2025-03-02", "outpatient"),
        bill("p1", "2025-03-03", "inpatient", op="presettle", same_stay=True),
        bill("s2", "2025-03-04", "inpatient", 200_000, same_stay=True),
        bill("p2", "2025-03-05", "inpatient", op="presettle", same_stay=True),
        bill("s3", "2025-05-01", "inpatient"),
        refund("s2"),
        refund("s3"),
        refund("s2", id="r-again"),
        refund("s1"),
    ]
    path = written(tmp_path, [BEIJING], operations)
    assert operations[6]["expect_error"] == "LATER_SETTLEMENT_EXISTS"
    assert operations[3]["expected"]["act_pay_dedc"] == 0
    assert await played(sandbox, path) == []


async def test_the_current_years_part_of_the_account_is_that_of_the_day(sandbox: Mesh, tmp_path: Path) -> None:
    account = {"balance": 500_000, "current_year_balance": 300_000, "use": True}
    operations = [
        bill("s1", "2025-12-30", "outpatient", 200_000),
        bill("p1", "2026-01-04", "outpatient", 200_000, op="presettle"),
        bill("s2", "2026-01-05", "outpatient", 200_000),
        refund("s2", setl_date="2026-01-06"),
        refund("s1", setl_date="2026-01-07"),
    ]
    path = written(tmp_path, [BEIJING], operations, account_before=account)
    parts = [operation["account_after"]["current_year_balance"] for operation in operations]
    assert parts == [114_000, 0, 0, 0, 0]
    assert await played(sandbox, path) == []


async def test_the_current_years_part_pays_first_where_the_policy_says_so(sandbox: Mesh, tmp_path: Path) -> None:
    account = {"balance": 100_000, "current_year_balance": 60_000, "use": True}
    operations = [bill("s1", "2025-09-01", "outpatient", 200_000), refund("s1")]
    path = written(tmp_path, [SHANGHAI], operations, account_before=account)
    assert operations[1]["account_after"]["current_year_balance"] == 60_000
    assert await played(sandbox, path) == []


async def test_a_refund_of_what_was_never_settled_is_refused(sandbox: Mesh, tmp_path: Path) -> None:
    operations = [
        bill("p1", "2025-03-01", "outpatient", op="presettle"),
        refund("p1", setl_date="2025-03-02"),
        refund("nothing"),
    ]
    path = written(tmp_path, [BEIJING], operations)
    assert [operation.get("expect_error") for operation in operations[1:]] == ["SETTLEMENT_NOT_FOUND"] * 2
    assert await played(sandbox, path) == []


async def test_a_charge_back_within_a_visit_is_played(sandbox: Mesh, tmp_path: Path) -> None:
    visit = bill("s1", "2025-03-01", "outpatient", 500_000)
    visit["lines"].append({"amount": -125_000, "class": "B", "selfpay_prop": "0.1", "cnt": "2.5"})
    assert await played(sandbox, written(tmp_path, [BEIJING], [visit])) == []


async def test_two_versions_of_a_policy_are_played_each_on_its_days_only(sandbox: Mesh, tmp_path: Path) -> None:
    first, second = ({"policies": [name]} for name in WUHAN)
    operations = [
        bill("s1", "2023-11-11", "outpatient", age=45) | first,
        bill("s2", "2024-05-01", "outpatient", age=45) | second,
    ]
    assert await played(sandbox, written(tmp_path, [WUHAN[0]], operations)) == []
    late = written(tmp_path, [WUHAN[0]], [bill("s1", "2024-05-01", "outpatient")])
    with pytest.raises(Fault, match="CASE_NOT_PLAYABLE") as caught:
        await played(sandbox, late)
    assert f"the mesh settles by {WUHAN[1]} " in caught.value.metadata["what"]


@pytest.mark.parametrize(
    ("operations", "why"),
    [
        ([bill("s1", "2025-03-01", "inpatient", same_stay=True)], "no settlement stands"),
        (
            [bill("s1", "2025-03-01", "inpatient"), bill("s2", "2025-03-02", "inpatient", hosp_lv="2", same_stay=True)],
            "hosp_lv changed since s1",
        ),
        (
            [bill("s1", "2025-03-01", "outpatient"), refund("s1"), refund("s1", id="r-again")],
            "s1 is reversed",
        ),
        ([bill("s1", "2022-12-31", "outpatient")], "STACK_NOT_FOUND"),
    ],
    ids=["no stay to go on with", "a stay in two hospitals", "reversed twice", "a day before the policy"],
)
async def test_what_a_mesh_would_answer_otherwise_is_refused(
    sandbox: Mesh, tmp_path: Path, operations: list[Any], why: str
) -> None:
    path = written(tmp_path, [BEIJING], operations)
    with pytest.raises(Fault, match="CASE_NOT_PLAYABLE") as caught:
        await played(sandbox, path)
    assert why in caught.value.metadata["what"]


async def test_the_year_of_the_day_is_checked_through_the_interface_too(sandbox: Mesh, tmp_path: Path) -> None:
    operations = [bill("s1", "2025-12-30", "outpatient"), refund("s1", setl_date="2026-01-05")]
    path = written(tmp_path, [BEIJING], operations)
    document = json.loads(path.read_text(encoding="utf-8"))
    for operation in document["ops"]:
        operation["benefit_year"] = "Y1"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert await played(sandbox, path) == ["written r-s1 benefit_year: expected 2026, got 2025"]


async def test_the_ledger_holds_together_after_all_cases(sandbox: Mesh) -> None:
    answer = await sandbox.call("yibao.settlement.v1.LedgerService.VerifyLedger", ledger_pb2.VerifyLedgerRequest())
    assert list(answer.findings) == []
    assert answer.settlements_checked > len(CASES)


async def test_a_mesh_that_is_no_sandbox_refuses_before_anything_is_written(tmp_path: Path) -> None:
    def head(mesh: Mesh) -> Any:
        with MeshClient(mesh.url) as client:
            return client.get("/v1/catalogue/head")

    async with started_mesh(tmp_path, overrides={"YIBAO_SANDBOX": "off"}) as mesh:
        before = await asyncio.to_thread(head, mesh)
        with pytest.raises(MeshRefusal) as caught:
            await played(mesh, CASES[0])
        assert caught.value.reason == "SANDBOX_ONLY"
        assert await asyncio.to_thread(head, mesh) == before
