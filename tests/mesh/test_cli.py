"""The `yibao` command against a running mesh: what it prints, what it loads, and how it says that something is wrong."""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from services.runtime.config import settings_markdown
from tests.mesh.commands import Yibao, at
from tests.mesh.journeys import BILL
from tests.mesh.world import Sandbox
from tools.played.messages import Patient
from tools.played.people import person
from tools.running import HOST, free_ports
from yibao.identity.v1 import api_key_pb2, partner_pb2
from yibao.options.v1 import options_pb2

CASES: Final = Path(__file__).resolve().parents[1] / "settlement" / "cases"
CASE: Final = CASES / "PUB-26.json"
SPLIT: Final = re.compile(r"(\S+) yuan = pooled funds (\S+) \+ personal account (\S+) \+ cash (\S+)")
BEARING: Final = CASES.parent / "own_cases" / "hospital-bears-the-excess.json"


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
            (
                "wrong.yaml",
                f"ledgers:\n  - {{balance_fen: {'9' * 5000}}}\n",
                "line 2: ledgers[0].balance_fen: a whole number",
            ),
            ("ledgers.csv", f"psn_no,balance_fen\n1,{'9' * 5000}\n", "line 2"),
            ("wrong.json", f'{{"ledgers": [{{"balance_fen": {"9" * 5000}}}]}}', f"{'9' * 40} is no whole number"),
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

    async def test_a_cell_is_told_once_with_its_line_before_it(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path
    ) -> None:
        file = tmp_path / "wrong.yaml"
        file.write_text("ledgers:\n  - {psn_no: '1', balance_fen: 1.5, insutype: on}\n", encoding="utf-8")
        run = await yibao("seed", file, *at(town))
        assert run.code == 1
        assert run.err.count("balance_fen") == 1
        assert "  line 2: ledgers[0].balance_fen: a whole number is expected\n" in run.err
        assert "  line 2: ledgers[0].insutype: " in run.err

    async def test_a_folder_without_files_loads_nothing_and_says_so(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path
    ) -> None:
        run = await yibao("seed", tmp_path, *at(town))
        assert (run.code, run.out) == (1, "")
        assert f"there is no .csv, .json, .yaml, .yml file in {tmp_path}" in run.err

    async def test_a_key_that_is_refused_is_not_the_fault_of_rows(
        self, town: Sandbox, yibao: Yibao, tmp_path: Path
    ) -> None:
        file = tmp_path / "people.yaml"
        file.write_text(self.document(), encoding="utf-8")
        run = await yibao("seed", file, "--url", town.mesh.url, "--key", "no such key")
        assert run.code == 1
        assert "refused together" not in run.err
        assert "--key" in run.err

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
        whole, fund, account, cash = map(Decimal, SPLIT.findall(run.out)[0])
        assert whole == fund + account + cash == 2_250
        assert fund > 0
        assert "advance self-pay 10.00, over-limit 50.00, full self-pay 0.00" in run.out

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

    async def test_a_server_that_is_no_gateway_is_told_so(self, yibao: Yibao) -> None:
        with ThreadingHTTPServer((HOST, 0), BaseHTTPRequestHandler) as stranger:
            serving = asyncio.create_task(asyncio.to_thread(stranger.serve_forever))
            run = await yibao("ledger", "verify", "--url", f"http://{HOST}:{stranger.server_port}", "--key", "k")
            stranger.shutdown()
            await serving
        assert run.code == 1
        assert "not the address of a mesh's gateway" in run.err

    async def test_where_nothing_answers_it_says_how_to_start_a_mesh(self, yibao: Yibao) -> None:
        (port,) = free_ports(1)
        run = await yibao("ledger", "verify", "--url", f"http://{HOST}:{port}")
        assert run.code == 1
        assert "make up" in run.err


class TestApiKeys:
    async def test_a_key_is_listed_with_its_label_and_revoked_by_its_id(self, town: Sandbox, yibao: Yibao) -> None:
        request = api_key_pb2.IssueApiKeyRequest(
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
