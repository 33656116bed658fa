"""`yibao case` against files and a running mesh: what agrees, what differs, what cannot be played."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest

from tests.mesh.commands import Yibao
from tests.mesh.harness import OPERATOR_KEY
from tests.mesh.world import Sandbox
from tools.cli.case import SAMPLE_POLICIES

CASES: Final = Path(__file__).resolve().parents[1] / "settlement" / "cases"
CASE: Final = CASES / "PUB-26.json"
BEARING: Final = CASES.parent / "own_cases" / "hospital-bears-the-excess.json"


class TestCase:
    def other(self, folder: Path) -> Path:
        """The case with one figure that nobody computes."""
        document = json.loads(CASE.read_text(encoding="utf-8"))
        document["ops"][0]["expected"]["hifp_pay"] += 1
        file = folder / "other.json"
        file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        return file

    async def test_cases_that_agree_end_well(self, yibao: Yibao) -> None:
        run = await yibao("case", CASE)
        assert run.code == 0, run.out

    async def test_a_difference_is_printed_with_both_figures(self, yibao: Yibao, tmp_path: Path) -> None:
        run = await yibao("case", self.other(tmp_path))
        assert run.code == 1
        assert "hifp_pay" in run.out

    async def test_the_same_difference_is_found_through_a_mesh(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path
    ) -> None:
        through = ("--through", town.mesh.url, "--key", OPERATOR_KEY)
        run = await yibao("case", CASE, self.other(tmp_path), *through)
        assert run.code == 1
        agreed, difference, counts = run.out.splitlines()
        assert agreed.startswith("PUB-26.json: agrees")
        assert "hifp_pay" in difference
        assert counts == "2 cases: 1 agree, 1 differ, 0 compared nothing, 0 not played"

    async def test_a_case_that_expects_nothing_is_computed_and_never_agrees(self, yibao: Yibao, tmp_path: Path) -> None:
        document = json.loads(CASE.read_text(encoding="utf-8"))
        expected = ("expected", "expected_lines", "accumulators_after", "account_after", "benefit_year", "expect_error")
        for operation in document["ops"]:
            for name in expected:
                operation.pop(name, None)
        file = tmp_path / "bare.json"
        file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        run = await yibao("case", file, "--show")
        assert run.code == 0
        assert "agrees" not in run.out
        assert "nothing was compared" in run.out
        assert "1 cases: 0 agree, 0 differ, 1 compared nothing, 0 not played" in run.out
        assert "inscp_scp_amt" in run.out

    async def test_the_computed_split_is_printed_on_demand(self, yibao: Yibao) -> None:
        run = await yibao("case", CASE, "--show")
        assert run.code == 0
        expected = json.loads(CASE.read_text(encoding="utf-8"))["ops"][0]["expected"]["hifp_pay"]
        assert re.search(rf"hifp_pay +{expected // 100}\.{expected % 100:02d}\n", run.out)

    @pytest.mark.parametrize(("change", "field"), [("id: own-city", "id"), ('version: "2023-01-01"', "version")])
    async def test_a_policy_file_of_another_name_is_refused(
        self, yibao: Yibao, tmp_path: Path, change: str, field: str
    ) -> None:
        file, policies = self.own(tmp_path)
        policy = policies / "own-city@2023-01-01.yaml"
        text = policy.read_text(encoding="utf-8")
        assert change in text
        policy.write_text(text.replace(change, f'{field}: "2022-01-01"'), encoding="utf-8")
        run = await yibao("case", file, "--policies", policies)
        assert run.code == 1
        assert "POLICY_INVALID" in run.err
        assert f"{field}: it is 2022-01-01; the name of the file says " in run.err

    def own(self, folder: Path) -> tuple[Path, Path]:
        """A case by a policy of one's own, and the folder of that policy: twice the deductible of an admission."""
        policies = folder / "policies"
        policies.mkdir()
        sample = (SAMPLE_POLICIES / "beijing-employee@2023-01-01.yaml").read_text(encoding="utf-8")
        text = sample.replace("id: beijing-employee\n", "id: own-city\n").replace("[1300, 650]", "[2600]")
        (policies / "own-city@2023-01-01.yaml").write_text(text, encoding="utf-8")
        stay = {"med_type": "inpatient", "hosp_lv": "3"}
        bill = {"op": "settle", "id": "s1", "setl_date": "2025-03-10", "visit": stay}
        asked = {"lines": [{"amount": 1_000_000, "class": "A"}], "expected": {"act_pay_dedc": 260_000}}
        person = {"age": 45, "status": "active"}
        case = {"case_id": "own", "policies": ["own-city@2023-01-01"], "person": person, "ops": [bill | asked]}
        file = folder / "own.json"
        file.write_text(json.dumps(case), encoding="utf-8")
        return file, policies

    async def test_a_policy_of_ones_own_is_played_here_and_through_a_mesh(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path
    ) -> None:
        file, policies = self.own(tmp_path)
        for through in ((), ("--through", town.mesh.url, "--key", OPERATOR_KEY)):
            run = await yibao("case", file, "--policies", policies, *through)
            assert run.code == 0, run.err
            assert run.out.startswith("own.json: agrees")
            assert "POLICY_NOT_FOUND" in (await yibao("case", file, *through)).err

    async def test_the_hospitals_part_and_a_pharmacy_without_level_are_played_here_and_through_a_mesh(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path
    ) -> None:
        sample = (SAMPLE_POLICIES / "beijing-employee@2023-01-01.yaml").read_text(encoding="utf-8")
        file, policies = self.own(tmp_path)
        text = sample.replace("id: beijing-employee\n", "id: drug-city\n").replace("[community]", "[community, none]")
        assert text.count("[community, none]") >= 1
        (policies / "drug-city@2023-01-01.yaml").write_text(text, encoding="utf-8")
        case = json.loads(file.read_text(encoding="utf-8")) | {"policies": ["drug-city@2023-01-01"]}
        case["ops"][0]["visit"] = {"med_type": "outpatient", "hosp_lv": "none"}
        case["ops"][0]["expected"] = {"act_pay_dedc": 180_000, "hosp_part_amt": 0}
        file.write_text(json.dumps(case), encoding="utf-8")
        for through in ((), ("--through", town.mesh.url, "--key", OPERATOR_KEY)):
            run = await yibao("case", file, "--policies", policies, *through)
            assert (run.code, run.err) == (0, ""), run.out
            run = await yibao("case", BEARING, *through)
            assert (run.code, run.err) == (0, ""), run.out

    async def test_another_policy_under_a_published_name_is_not_played_through_a_mesh(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path
    ) -> None:
        changed = tmp_path / "jinan-resident@2025-01-01.yaml"
        for name in ("jinan-resident@2025-01-01.yaml", "shandong-resident-cii@2020-01-01.yaml"):
            text = (SAMPLE_POLICIES / name).read_text(encoding="utf-8")
            (tmp_path / name).write_text(text.replace("[1000, 500, 0]", "[900, 500, 0]"), encoding="utf-8")
        assert "[900, 500, 0]" in changed.read_text(encoding="utf-8")
        through = ("--through", town.mesh.url, "--key", OPERATOR_KEY)
        run = await yibao("case", CASE, "--policies", tmp_path, *through)
        assert run.code == 1
        assert "PUB-26.json: [CASE_NOT_PLAYABLE]" in run.err
        assert "POLICY_VERSION_EXISTS" in run.err

    async def test_a_folder_of_policies_that_is_none_is_wrong_use(self, yibao: Yibao, tmp_path: Path) -> None:
        with pytest.raises(SystemExit) as ended:
            await yibao("case", CASE, "--policies", tmp_path / "nowhere")
        assert ended.value.code == 2

    async def test_a_folder_without_a_case_is_an_error(self, town: Sandbox, yibao: Yibao, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("no case", encoding="utf-8")
        for through in ((), ("--through", town.mesh.url, "--key", OPERATOR_KEY)):
            run = await yibao("case", CASE, tmp_path, *through)
            assert (run.code, run.out) == (1, "")
            assert f"{tmp_path}: no case was played" in run.err

    @pytest.mark.parametrize("text", ["{", "{}", '{"case_id": "X", "ops": 1}'])
    async def test_a_file_that_is_no_case_is_named(self, yibao: Yibao, tmp_path: Path, text: str) -> None:
        file = tmp_path / "broken.json"
        file.write_text(text, encoding="utf-8")
        run = await yibao("case", file)
        assert run.code == 1
        assert "broken.json" in run.out + run.err
