"""`make demo`: starts a mesh, seeds it, plays a day as hospitals would, prints every split and one trace, and stops.

Nothing is faked: each step is a message over HTTP to the running mesh. Any answer that is not as told ends it with exit 1.
"""

from __future__ import annotations

from services.runtime import interrupts

if __name__ == "__main__":
    interrupts.quiet()  # Before the other imports, which are most of a start.

import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from services import cells
from services.kernel.errors import Fault
from services.kernel.money import yuan_text
from services.runtime.texts.starting import language_of, started
from tools import demo_story as story
from tools.cli import seed, trace
from tools.cli.case_report import fault_lines
from tools.cli.language import Words
from tools.cli.mesh_client import HospitalClient, MeshClient, MeshRefusal, MeshUnreachable, NationalAnswer
from tools.running import RunningMesh, StartError, running
from tools.sandbox_keys import CHANNEL, key_of
from yibao.identity.v1 import credential_pb2

LINE = "─" * 100
PARTS = (
    ("fulamt_ownpay_amt", "全自费 full self-pay"),
    ("overlmt_selfpay", "超限价 over limit"),
    ("preselfpay_amt", "先行自付 advance self-pay"),
    ("inscp_scp_amt", "政策范围内 in scope"),
    ("act_pay_dedc", "起付线 deductible"),
    ("hifp_pay", "统筹基金 basic pool"),
    ("hifob_pay", "职工大额 large claim"),
    ("hifmi_pay", "居民大病 critical illness"),
    ("maf_pay", "医疗救助 assistance"),
    ("fund_pay_sumamt", "基金合计 all funds"),
    ("psn_part_amt", "个人负担 person's part"),
    ("acct_pay", "个人账户 account"),
    ("psn_cash_pay", "现金 cash"),
    ("balc", "账户余额 balance after"),
)


class Unexpected(Exception):
    """The mesh answered something else than the story tells."""


class Day:
    """One day at two hospitals."""

    def __init__(self, mesh: RunningMesh, client: MeshClient) -> None:
        self._mesh = mesh
        self._client = client
        now = datetime.now(UTC)
        self._beijing = _hospital(client, story.BEIJING_HOSPITAL, now)
        self._jinan = _hospital(client, story.JINAN_HOSPITAL, now)

    def play(self) -> str:
        """Plays everything; returns the msgid of the settled visit."""
        token = self._show_and_decode()
        msgid, settled = self._visit(token)
        self._repeat(msgid, settled)
        self._refused(token)
        self._stay(
            self._jinan,
            story.RESIDENT,
            story.STAY_IN_JINAN,
            "3 · 济南居民住院，进入大病 · a Jinan resident reaches critical illness",
        )
        self._stay(
            self._beijing,
            story.EMPLOYEE,
            story.STAY_IN_BEIJING,
            "4 · 北京职工住院，跨三段 · a Beijing employee crosses three tiers",
        )
        self._reverse(settled)
        return msgid

    def _show_and_decode(self) -> str:
        _title("1 · 医保电子凭证 · the electronic credential")
        patient = story.PENSIONER
        with MeshClient(self._mesh.url, key_of("channel", CHANNEL)) as channel:
            channel.call(
                "yibao.identity.v1.CredentialService.ActivateCredential",
                credential_pb2.ActivateCredentialRequest(
                    request_id="demo-activate",
                    channel_code=CHANNEL,
                    psn_name=patient.name,
                    psn_cert_type="01",
                    certno=patient.certno,
                ),
                story.DAY,
            )
        with MeshClient(self._mesh.url, key_of("person", patient.psn_no)) as phone:
            request = credential_pb2.ShowCodeRequest(psn_no=patient.psn_no)
            shown = phone.call("yibao.identity.v1.CredentialService.ShowCode", request, story.DAY)
        code = shown.ec_qr_code
        print(f"  shown on the phone: {code[:6]}…{code[-4:]} ({len(code)} characters, 60 s, once)")
        scanned = {
            "orgId": self._beijing.fixmedins_code,
            "businessType": "01101",
            "operatorId": "0001",
            "operatorName": "测试操作员",
            "officeId": "A01",
            "officeName": "内科",
            "ecQrCode": shown.ec_qr_code,
        }
        token = str(self._send(self._beijing, "6101", {"InData": scanned}).output["OutData"]["ecToken"])
        certificate = {"psn_cert_type": "01", "certno": story.PENSIONER.certno, "psn_name": story.PENSIONER.name}
        query = {"mdtrt_cert_type": "01", "mdtrt_cert_no": token, **certificate}
        person = self._send(self._beijing, "1101", {"data": query})
        insured = person.output["insuinfo"][0]
        place, balance = insured["insuplc_admdvs"], insured["balc"]
        print(f"  6101 → ecToken; 1101 → insutype {insured['insutype']}, insured at {place}, balance {balance}")
        return token

    def _visit(self, token: str) -> tuple[str, NationalAnswer]:
        _title("2 · 北京退休职工门诊，八行费用 · a Beijing pensioner's visit, eight lines")
        patient, hospital = story.PENSIONER, self._beijing
        data = {
            "psn_no": patient.psn_no,
            "insutype": patient.insutype,
            "begntime": f"{story.DAY} 09:00:00",
            "mdtrt_cert_type": "01",
            "mdtrt_cert_no": token,
            "ipt_otp_no": "OP0001",
            "dept_code": "A01",
            "dept_name": "内科",
            "caty": "A03",
        }
        mdtrt_id = str(self._send(hospital, "2201", {"data": data}).output["data"]["mdtrt_id"])
        visit = {"mdtrt_id": mdtrt_id, "psn_no": patient.psn_no, "med_type": "11", "begntime": f"{story.DAY} 09:05:00"}
        self._send(hospital, "2203", {"mdtrtinfo": visit, "diseinfo": [_diagnosis()]})
        uploaded = self._send(hospital, "2204", {"feedetail": story.rows(story.VISIT, mdtrt_id, patient, "B0001")})
        _print_lines(story.VISIT, uploaded.output["result"])
        bill = _bill(patient, mdtrt_id, story.VISIT) | {"mdtrt_cert_type": "01", "mdtrt_cert_no": token}
        tried = self._send(hospital, "2206", {"data": bill})
        msgid = hospital.next_msgid()
        bill |= _sent_parts(tried)
        settled = self._send(hospital, "2207", {"data": bill}, msgid)
        for name, _ in PARTS:
            _same(name, tried.output["setlinfo"][name], settled.output["setlinfo"][name])
        _print_split(settled)
        self._last_bill = bill
        return msgid, settled

    def _repeat(self, msgid: str, settled: NationalAnswer) -> None:
        again = self._send(self._beijing, "2207", {"data": self._last_bill}, msgid)
        if again.output_text != settled.output_text:
            raise Unexpected("the repeated 2207 was answered with another output")
        print(f"\n  2207 with the same msgid again: same output, byte for byte ({len(again.output_text)} characters)")

    def _refused(self, token: str) -> None:
        answer = self._beijing.send(
            "2206",
            {"data": self._last_bill | {"mdtrt_cert_no": token}},
            insuplc_admdvs="110000",
            business_date=story.DAY,
        )
        if answer.succeeded:
            raise Unexpected("a bill on a spent ecToken was not refused")
        print(f"  2206 with the spent ecToken: infcode {answer.body['infcode']}, {answer.message}")

    def _stay(self, hospital: HospitalClient, patient: story.Patient, bill: Sequence[story.Row], title: str) -> None:
        _title(title)
        stay = {
            "psn_no": patient.psn_no,
            "insutype": patient.insutype,
            "begntime": f"{story.DAY} 08:00:00",
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": patient.certno,
            "med_type": story.STAY,
            "ipt_no": f"IP{patient.psn_no[-4:]}",
            "atddr_no": "D99010000001",
            "chfpdr_name": "测试医师",
            "adm_diag_dscr": "择期手术",
            "dscg_maindiag_code": "Z98.800",
            "dscg_maindiag_name": "手术后状态",
            "adm_dept_codg": "B01",
            "adm_dept_name": "外科",
            "adm_bed": "12",
        }
        admitted = self._send(hospital, "2401", {"mdtrtinfo": stay, "diseinfo": []})
        mdtrt_id = str(admitted.output["result"]["mdtrt_id"])
        uploaded = self._send(hospital, "2301", {"feedetail": story.stay_rows(bill, mdtrt_id, patient, "B0001")})
        _print_lines(bill, uploaded.output["result"])
        leaving = {
            "mdtrt_id": mdtrt_id,
            "psn_no": patient.psn_no,
            "insutype": patient.insutype,
            "endtime": f"{story.DAY} 17:00:00",
            "dscg_dept_codg": "B01",
            "dscg_dept_name": "外科",
            "dscg_way": "1",
        }
        self._send(hospital, "2402", {"dscginfo": leaving, "diseinfo": []})
        node = _stay_bill(patient, mdtrt_id, bill)
        self._send(hospital, "2303", {"data": node})
        _print_split(self._send(hospital, "2304", {"data": node}))

    def _reverse(self, settled: NationalAnswer) -> None:
        _title("5 · 撤销门诊结算 · the visit's settlement is reversed")
        info = settled.output["setlinfo"]
        data = {"setl_id": info["setl_id"], "mdtrt_id": info["mdtrt_id"], "psn_no": info["psn_no"]}
        counter = self._send(self._beijing, "2208", {"data": data}).output["setlinfo"]
        for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay"):
            _same(f"reversed {name}", -info[name], counter[name])
            print(f"  {name:<18} {info[name]:>12} → {counter[name]:>12}")
        print(f"  account balance after: {counter['balc']}")

    def _send(
        self, hospital: HospitalClient, infno: str, nodes: Mapping[str, object], msgid: str = ""
    ) -> NationalAnswer:
        place = "110000" if hospital is self._beijing else "370100"
        answer = hospital.send(infno, nodes, insuplc_admdvs=place, business_date=story.DAY, msgid=msgid)
        if not answer.succeeded:
            raise Unexpected(f"{infno} was refused: {answer.message}")
        if answer.body.get("warn_msg"):
            raise Unexpected(f"{infno} was warned about: {answer.body['warn_msg']}")
        return answer


def _hospital(client: MeshClient, place: story.Place, now: datetime) -> HospitalClient:
    hospital = HospitalClient(client, place.code, place.name, place.admdvs, now)
    hospital.sign_in(story.DAY)
    return hospital


def _sent_parts(tried: NationalAnswer) -> dict[str, object]:
    """The four parts of a trial that the settlement repeats."""
    names = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    return {name: str(tried.output["setlinfo"][name]) for name in names}


def _diagnosis() -> dict[str, object]:
    return {
        "diag_type": "1",
        "diag_srt_no": 1,
        "diag_code": "E11.900",
        "diag_name": "2型糖尿病",
        "diag_dept": "内科",
        "dise_dor_no": "D99010000001",
        "dise_dor_name": "测试医师",
        "diag_time": f"{story.DAY} 09:10:00",
        "vali_flag": "1",
    }


def _bill(patient: story.Patient, mdtrt_id: str, rows: Sequence[story.Row]) -> dict[str, object]:
    """Of a visit: 2206 and 2207."""
    return {**_common_bill(patient, mdtrt_id, rows), "med_type": "11", "chrg_bchno": "B0001"}


def _stay_bill(patient: story.Patient, mdtrt_id: str, rows: Sequence[story.Row]) -> dict[str, object]:
    """Of a stay: 2303 and 2304."""
    return {**_common_bill(patient, mdtrt_id, rows), "mid_setl_flag": "0"}


def _common_bill(patient: story.Patient, mdtrt_id: str, rows: Sequence[story.Row]) -> dict[str, object]:
    return {
        "psn_no": patient.psn_no,
        "mdtrt_cert_type": "02",
        "mdtrt_cert_no": patient.certno,
        "medfee_sumamt": yuan_text(story.total_fen(rows)),
        "psn_setlway": "01",
        "mdtrt_id": mdtrt_id,
        "acct_used_flag": "1",
        "insutype": patient.insutype,
    }


def _title(text: str) -> None:
    print(f"\n{LINE}\n{text}\n{LINE}")


def _print_lines(rows: Sequence[story.Row], splits: Sequence[Mapping[str, Any]]) -> None:
    print("  金额 amount   全自费 full   超限价 over   先行 advance   范围内 scope  类 项目 item")
    for row, split in zip(rows, splits, strict=True):
        amounts = ("det_item_fee_sumamt", "fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt")
        told = "".join(f"{split[name]:>13}" for name in amounts)
        print(f"{told}  {split['chrgitm_lv']} {row.name} ×{row.count}")
        _same(row.name, Decimal(row.amount_fen) / 100, sum(split[name] for name in amounts[1:]))


def _print_split(answer: NationalAnswer) -> None:
    info = answer.output["setlinfo"]
    print(f"\n  {'总额 total':<28}{info['medfee_sumamt']:>14}      setl_id {info['setl_id']}")
    for name, label in PARTS:
        if info[name] or name in ("fund_pay_sumamt", "psn_cash_pay"):
            print(f"  {label:<28}{info[name]:>14}")
    for share in answer.output["setldetail"]:
        if share["setl_proc_info"]:
            print(f"    {share['fund_pay_type_name']}: {share['setl_proc_info']}")
    _same("the whole", info["medfee_sumamt"], info["fund_pay_sumamt"] + info["psn_part_amt"] + info["hosp_part_amt"])


def _same(what: str, expected: object, found: object) -> None:
    if expected != found:
        raise Unexpected(f"{what}: expected {expected}, found {found}")


def main() -> int:
    """0 when the whole day went as told, 1 with the reason otherwise; 130 and 143 where it was told to stop."""
    try:
        with interrupts.raising():
            return _run()
    except interrupts.Interrupted as told:
        return told.code


def _run() -> int:
    begun = time.perf_counter()
    words = Words(language_of(os.environ))
    try:
        with _own_folder() as folder:
            with running(Path(folder), codes=cells.codes()) as mesh:
                print(words("mesh healthy after {seconds} s at {url}", seconds=f"{mesh.start_s:.1f}", url=mesh.url))
                with MeshClient(mesh.url, mesh.operator_key) as operator:
                    print(seed.load_cells(mesh.urls, mesh.operator_key).told(words))
                    msgid = Day(mesh, operator).play()
            # A mesh that stopped has written all its spans.
            _title("6 · 一次结算的全程追踪 · the whole way of one settlement")
            if trace.run(msgid, Path(folder) / "traces.sqlite", words):
                raise Unexpected("the settlement left no trace")
    except (StartError, Unexpected, MeshRefusal, MeshUnreachable) as error:
        why = error.told(words.language) if isinstance(error, MeshRefusal) else started(str(error), words.language)
        print(words("\nThe demo stopped: {why}", why=why), file=sys.stderr)
        return 1
    except Fault as fault:
        print(words("\nThe demo stopped: {why}", why=fault_lines(fault, words.language)), file=sys.stderr)
        return 1
    said = "\nThe whole day took {seconds} s. To keep a mesh running: make up"
    print(words(said, seconds=f"{time.perf_counter() - begun:.1f}"))
    return 0


def _own_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that goes with the demo; StartError where none can be made."""
    try:
        return tempfile.TemporaryDirectory(prefix="yibao-demo-")
    except OSError as error:
        raise StartError(f"no folder can be made for its data ({error.strerror}); name one by TMPDIR.") from None


if __name__ == "__main__":
    sys.exit(main())
