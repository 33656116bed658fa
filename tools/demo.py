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
from pathlib import Path

from services import cells
from services.kernel.clock import beijing_day, system_clock
from services.kernel.errors import Fault
from services.runtime.texts.starting import language_of, started
from tools import demo_story as story
from tools.beside import running, twins_of
from tools.cli import seed, trace
from tools.cli.case_report import fault_lines
from tools.cli.language import Words
from tools.cli.mesh_client import HospitalClient, MeshClient, MeshRefusal, MeshUnreachable, NationalAnswer
from tools.demo_elsewhere import Elsewhere
from tools.demo_imaging import Imaging
from tools.demo_paying import Paying
from tools.demo_reconciled import reconciled
from tools.demo_told import PARTS, Unexpected, print_lines, print_split, same, send, signed_in, title
from tools.running import RunningMesh, StartError
from tools.sandbox_keys import CHANNEL, key_of
from yibao.identity.v1 import credential_pb2


class Day:
    """One day at two hospitals."""

    def __init__(self, mesh: RunningMesh, client: MeshClient) -> None:
        self._mesh = mesh
        self._client = client
        self._beijing = signed_in(client, story.BEIJING_HOSPITAL)
        self._jinan = signed_in(client, story.JINAN_HOSPITAL)

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
        title("1 · 医保电子凭证 · the electronic credential")
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
        title("2 · 北京退休职工门诊，八行费用 · a Beijing pensioner's visit, eight lines")
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
        print_lines(story.VISIT, uploaded.output["result"])
        bill = story.visit_bill(patient, mdtrt_id, story.VISIT) | {"mdtrt_cert_type": "01", "mdtrt_cert_no": token}
        tried = self._send(hospital, "2206", {"data": bill})
        msgid = hospital.next_msgid()
        bill |= _sent_parts(tried)
        settled = self._send(hospital, "2207", {"data": bill}, msgid)
        for name, _ in PARTS:
            same(name, tried.output["setlinfo"][name], settled.output["setlinfo"][name])
        print_split(settled)
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

    def _stay(self, hospital: HospitalClient, patient: story.Patient, bill: Sequence[story.Row], heading: str) -> None:
        title(heading)
        admitted = self._send(hospital, "2401", story.admission(patient))
        mdtrt_id = str(admitted.output["result"]["mdtrt_id"])
        uploaded = self._send(hospital, "2301", {"feedetail": story.stay_rows(bill, mdtrt_id, patient, "B0001")})
        print_lines(bill, uploaded.output["result"])
        self._send(hospital, "2402", story.discharge(patient, mdtrt_id))
        node = {"data": story.stay_bill(patient, mdtrt_id, bill)}
        self._send(hospital, "2303", node)
        print_split(self._send(hospital, "2304", node))

    def _reverse(self, settled: NationalAnswer) -> None:
        title("5 · 撤销门诊结算 · the visit's settlement is reversed")
        info = settled.output["setlinfo"]
        data = {"setl_id": info["setl_id"], "mdtrt_id": info["mdtrt_id"], "psn_no": info["psn_no"]}
        counter = self._send(self._beijing, "2208", {"data": data}).output["setlinfo"]
        for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay"):
            same(f"reversed {name}", -info[name], counter[name])
            print(f"  {name:<18} {info[name]:>12} → {counter[name]:>12}")
        print(f"  account balance after: {counter['balc']}")

    def _send(
        self, hospital: HospitalClient, infno: str, nodes: Mapping[str, object], msgid: str = ""
    ) -> NationalAnswer:
        place = "110000" if hospital is self._beijing else "370100"
        return send(hospital, place, infno, nodes, msgid)


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
            with twins_of(Path(folder), cells.codes()) as (values, twins):
                with running(values) as mesh:
                    print(words("mesh healthy after {seconds} s at {url}", seconds=f"{mesh.start_s:.1f}", url=mesh.url))
                    with MeshClient(mesh.url, mesh.operator_key) as operator:
                        print(seed.load_cells(mesh.urls, mesh.operator_key).told(words))
                        msgid = Day(mesh, operator).play()
                    far = Elsewhere(mesh, words).play()
                    day = beijing_day(system_clock())
                    paid = Paying(mesh, twins).play()
                    Imaging(mesh, Path(folder)).play()
                reconciled(values, twins, day, words)
            # A mesh that stopped has written all its spans.
            title(
                "11 · 全程追踪：本地结算、跨单元结算、移动支付 · the whole way: a settlement, one across cells, a paid order"
            )
            for each in (msgid, far, paid):
                if trace.run(each, Path(folder) / "traces.sqlite", words):
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
