"""The `yibao` command against a running mesh: what it prints, what it loads, and how it says that something is wrong."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from services.runtime.config import settings_markdown
from tests.mesh.harness import OPERATOR_KEY
from tests.mesh.hospital import Patient
from tests.mesh.journeys import BILL
from tests.mesh.seeds import person
from tests.mesh.world import Sandbox
from tools.cli.case import SAMPLE_POLICIES
from tools.cli.main import main
from tools.running import HOST, free_ports
from yibao.identity.v1 import partner_pb2
from yibao.options.v1 import options_pb2

CASES: Final = Path(__file__).resolve().parents[1] / "settlement" / "cases"
CASE: Final = CASES / "PUB-26.json"
BEARING: Final = CASES.parent / "own_cases" / "hospital-bears-the-excess.json"


class Run(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Yibao = Callable[..., "asyncio.Future[Run]"]


@pytest.fixture
def yibao(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Runs the command as typed."""
    monkeypatch.delenv("YIBAO_KEY", raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    async def run(*words: object) -> Run:
        capsys.readouterr()
        code = await asyncio.to_thread(main, [str(word) for word in words])
        printed = capsys.readouterr()
        return Run(code, printed.out, printed.err)

    return run


def at(town: Sandbox) -> tuple[str, str, str, str]:
    """Where the mesh is, and the operator's key."""
    return "--url", town.mesh.url, "--key", OPERATOR_KEY


class TestSeed:
    WHO: Final = person(700)

    def document(self, balance_fen: int = 4_200) -> str:
        """A person with an account, as a policy team writes one."""
        who = self.WHO
        person = f'psn_no: "{who.psn_no}", psn_name: {who.psn_name}, psn_cert_type: "01", certno: "{who.certno}"'
        place = 'insutype: "310", insuplc_admdvs: "990100"'
        return f"""
persons:
  - person: {{{person}, gend: "1", brdy: "1980-06-15"}}
    enrolments:
      - {{{place}, psn_type: "11", psn_insu_stas: "1", status: active, from_day: "2015-01-01"}}
ledgers:
  - {{psn_no: "{who.psn_no}", {place}, balance_fen: {balance_fen}}}
"""

    async def test_what_is_loaded_is_there_and_loading_it_again_changes_nothing(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path
    ) -> None:
        file = tmp_path / "people.yaml"
        file.write_text(self.document(), encoding="utf-8")
        for said in ("loaded 1 persons, 1 ledgers; unchanged 0", "loaded 0; unchanged 1 persons, 1 ledgers"):
            run = await yibao("seed", file, *at(town))
            assert (run.code, run.out) == (0, f"{said}\n")
        who = Patient(self.WHO.psn_no, self.WHO.psn_name, self.WHO.certno)
        (insured,) = (await town.hospital.done("1101", {"data": who.id_card})).output["insuinfo"]
        assert insured["balc"] == 42

    async def test_a_folder_and_a_table_are_loaded_too(self, town: Sandbox, yibao: Yibao, tmp_path: Path) -> None:
        head = "fixmedins_code,fixmedins_name,fixmedins_type,hosp_lv,admdvs,from_day,to_day"
        (tmp_path / "institutions.csv").write_text(f"{head}\nH99010000777,测试七七医院,1,3,990100,2020-01-01,\n")
        run = await yibao("seed", tmp_path, *at(town))
        assert (run.code, run.out) == (0, "loaded 1 institutions; unchanged 0\n")
        told = await town.hospital.done(
            "1201", {"medinsinfo": {"fixmedins_type": "1", "fixmedins_code": "H99010000777"}}
        )
        assert told.output["medinsinfo"][0]["fixmedins_name"] == "测试七七医院"

    @pytest.mark.parametrize(
        ("name", "text", "said"),
        [
            ("wrong.yaml", "persons:\n  - person: {psn_nr: '1'}\n", "persons[0].person.psn_nr"),
            ("wrong.yaml", "people: []\n", "people"),
            ("wrong.yaml", "ledgers:\n  - {psn_no: '1', balance_fen: 1.5}\n", "balance_fen"),
            ("items.csv", "med_list_codg,bas_medn_flag\nX1,1\nX2,perhaps\n", "line 3"),
            ("wrong.csv", "a\n1\n", "a CSV file is named after"),
            ("wrong.yaml", "persons: [\n", "wrong.yaml"),
        ],
    )
    async def test_a_bad_file_is_named_with_its_row(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path, name: str, text: str, said: str
    ) -> None:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        run = await yibao("seed", file, *at(town))
        assert run.code == 1
        assert name in run.err
        assert said in run.err

    async def test_what_contradicts_the_mesh_is_refused_whole(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path
    ) -> None:
        file = tmp_path / "people.yaml"
        file.write_text(self.document(9_900), encoding="utf-8")
        run = await yibao("seed", file, *at(town))
        assert run.code == 1
        assert "LEDGER_OPEN" in run.err

    async def test_without_a_key_nothing_is_loaded(self, town: Sandbox, yibao: Yibao, tmp_path: Path) -> None:
        file = tmp_path / "people.yaml"
        file.write_text(self.document(), encoding="utf-8")
        run = await yibao("seed", file, "--url", town.mesh.url)
        assert run.code == 1
        assert "AUTHENTICATION_MISSING" in run.err

    async def test_a_partner_rolled_back_is_the_first_one_again(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path
    ) -> None:
        file = tmp_path / "partners.yaml"
        for name in ("甲诊所", "乙诊所", "甲诊所"):
            row = f"{{partner_code: H99010000778, partner_name: {name}, role: INSTITUTION, auth_style: NONE, sandbox: true}}"
            file.write_text(f"partners:\n  - {row}\n", encoding="utf-8")
            assert (await yibao("seed", file, *at(town))).out == "loaded 1 partners; unchanged 0\n"
            request = partner_pb2.GetPartnerRequest(partner_code="H99010000778")
            found = await town.mesh.call("yibao.identity.v1.PartnerService.GetPartner", request)
            assert found.partner.partner_name == name
        assert (await yibao("seed", file, *at(town))).out == "loaded 0; unchanged 1 partners\n"

    async def test_a_refusal_of_the_mesh_names_file_and_line(self, town: Sandbox, yibao: Yibao, tmp_path: Path) -> None:
        good, bad = person(701), person(702)
        head = 'psn_name: 测, psn_cert_type: "01", gend: "1", brdy: "1980-06-15"'
        rows = "".join(
            f'  - person: {{psn_no: "{who.psn_no}", certno: "{who.certno[:17]}{digit or who.certno[17]}", {head}}}\n'
            for who, digit in ((good, ""), (bad, "Y"))
        )
        file = tmp_path / "people.yaml"
        file.write_text(f"persons:\n{rows}", encoding="utf-8")
        run = await yibao("seed", file, *at(town))
        assert run.code == 1
        assert "people.yaml, line 3: persons[1].person.certno" in run.err

    async def test_a_file_that_is_not_there_is_named(self, town: Sandbox, yibao: Yibao, tmp_path: Path) -> None:
        run = await yibao("seed", tmp_path / "nowhere.yaml", *at(town))
        assert run.code == 1
        assert "nowhere.yaml" in run.err


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


class TestTrace:
    async def test_the_way_of_a_settlement_is_printed_by_any_of_its_numbers(self, town: Sandbox, yibao: Yibao) -> None:
        done = await town.hospital.visit(await town.newcomers.one(), BILL)
        folder = town.mesh.config.data_dir
        town.mesh.traces()
        for number in (done.msgid, done.info["setl_id"], done.info["mdtrt_id"]):
            run = await yibao("trace", number, "--data-dir", folder)
            assert run.code == 0
            for told in ("gateway: ", "settlement: ", "infno=2207", done.info["setl_id"], " ms"):
                assert told in run.out

    async def test_a_failing_step_is_marked_with_code_and_reason(self, town: Sandbox, yibao: Yibao) -> None:
        msgid = town.hospital.next_msgid()
        nobody = {"mdtrt_cert_type": "02", "mdtrt_cert_no": "990000188001011235"}
        await town.hospital.refused("1101", {"data": nobody}, msgid=msgid)
        town.mesh.traces()
        run = await yibao("trace", msgid, "--data-dir", town.mesh.config.data_dir)
        assert run.out.count("!! NOT_FOUND PERSON_NOT_FOUND") >= 3

    async def test_a_number_that_left_no_trace_is_said_so(self, town: Sandbox, yibao: Yibao) -> None:
        run = await yibao("trace", "4711", "--data-dir", town.mesh.config.data_dir)
        assert (run.code, run.out.startswith("no trace of 4711 in ")) == (1, True)

    async def test_a_folder_without_traces_is_said_so(self, yibao: Yibao, tmp_path: Path) -> None:
        run = await yibao("trace", "4711", "--data-dir", tmp_path)
        assert (run.code, "YIBAO_TRACE_EXPORTER" in run.out) == (1, True)


class TestFirstBill:
    async def test_it_shows_every_envelope_and_ends_with_the_settlement(self, town: Sandbox, yibao: Yibao) -> None:
        run = await yibao("first-bill", "--url", town.mesh.url)
        assert run.code == 0, run.out
        assert "LENIENT" not in run.out
        for infno in ("9001", "1101", "2201", "2203", "2204", "2206", "2207"):
            assert f"── {infno} " in run.out
        assert "settled: setl_id " in run.out

    async def test_its_number_alone_is_printed_on_demand(self, town: Sandbox, yibao: Yibao) -> None:
        run = await yibao("first-bill", "--url", town.mesh.url, "--print-setl-id")
        assert run.code == 0
        assert run.out.strip().isdigit()


class TestOthers:
    async def test_the_ledger_is_verified(self, town: Sandbox, yibao: Yibao) -> None:
        run = await yibao("ledger", "verify", *at(town))
        assert run.code == 0
        assert run.out.rstrip().endswith("checked: 0 findings")

    async def test_the_settings_are_those_of_the_table(self, yibao: Yibao) -> None:
        run = await yibao("settings")
        assert (run.code, run.out.strip()) == (0, settings_markdown().strip())
        chinese = await yibao("settings", "--language", "zh")
        assert (chinese.code, chinese.out.strip()) == (0, settings_markdown("zh").strip())

    async def test_where_nothing_answers_it_says_how_to_start_a_mesh(self, yibao: Yibao) -> None:
        (port,) = free_ports(1)
        run = await yibao("ledger", "verify", "--url", f"http://{HOST}:{port}")
        assert run.code == 1
        assert "make up" in run.err


class TestApiKeys:
    async def test_a_key_is_listed_with_its_label_and_revoked_by_its_id(self, town: Sandbox, yibao: Yibao) -> None:
        request = partner_pb2.IssueApiKeyRequest(
            request_id="cli-key", role=options_pb2.ROLE_OPERATOR, subject="OP77", label="月度对账"
        )
        issued = await town.mesh.call("yibao.identity.v1.PartnerService.IssueApiKey", request)
        run = await yibao("api-keys", "list", "--subject", "OP77", *at(town))
        (line,) = run.out.splitlines()[1:]
        assert (run.code, line.split("\t")[:3], line.split("\t")[-1]) == (
            0,
            [issued.key_id, "operator", "OP77"],
            "月度对账",
        )
        assert issued.api_key not in run.out
        assert (await yibao("api-keys", "revoke", issued.key_id, *at(town))).code == 0
        assert (await yibao("api-keys", "list", "--subject", "OP77", *at(town))).out.count("\n") == 1
        assert (await yibao("api-keys", "list", "--all", "--subject", "OP77", *at(town))).out.count(issued.key_id) == 1
        unknown = await yibao("api-keys", "revoke", "x", *at(town))
        assert (unknown.code, "API_KEY_NOT_FOUND" in unknown.err) == (1, True)
