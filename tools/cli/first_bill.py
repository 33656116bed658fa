"""`yibao first-bill`: settles one small bill on a running sandbox, showing every envelope as a hospital would send it."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from services.kernel.clock import BEIJING
from tools.cli.language import ENGLISH, Words
from tools.cli.mesh_client import COUNTER, HospitalClient, MeshClient, NationalAnswer

PSN_NO, CERTNO = "99000000000000000001", "990000199001010011"
CREDENTIAL = {"mdtrt_cert_type": "02", "mdtrt_cert_no": CERTNO}
CERTIFICATE = {"psn_cert_type": "01", "certno": CERTNO, "psn_name": "测试人员"}
DOCTOR = {"bilg_dept_codg": "A01", "bilg_dept_name": "内科", "bilg_dr_codg": "D99010000001", "bilg_dr_name": "测试医师"}
PARTS = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")


class BillRefused(Exception):
    """The mesh refused a step; the text is its err_msg."""


class FirstBill:
    """One visit of the sandbox's test person at its test hospital: one line of 10.00 yuan."""

    def __init__(self, client: MeshClient, words: Words = ENGLISH, *, quiet: bool) -> None:
        # Serials begin anywhere: two bills begun in one second must not share message numbers.
        serial = secrets.randbelow(9_900)
        now = datetime.now(UTC)
        # The day is told to the mesh too: a sandbox may live on another one.
        self._now = now.astimezone(BEIJING)
        self._hospital = HospitalClient(client, "H99010000001", "测试医院", "990100", now, serial=serial)
        self._quiet = quiet
        self._words = words

    def settle(self) -> str:
        """Plays 9001 1101 2201 2203 2204 2206 2207; returns the setl_id."""
        signed = self._step("9001", "sign in", {"signIn": {"opter_no": self._hospital.opter, **COUNTER}})
        self._hospital.sign_no = str(signed.output["signinoutb"]["sign_no"])
        now = f"{self._now:%Y-%m-%d %H:%M:%S}"
        person = {"psn_no": PSN_NO, "insutype": "310"}
        self._step("1101", "who is it?", {"data": {**CREDENTIAL, **CERTIFICATE}})
        visit = {**person, **CREDENTIAL, "begntime": now, "ipt_otp_no": secrets.token_hex(6), "dept_code": "A01"}
        visit |= {"dept_name": "内科", "caty": "A03"}
        key = self._step("2201", "register the visit", {"data": visit}).output["data"]
        mdtrt = {"mdtrt_id": key["mdtrt_id"], "psn_no": PSN_NO}
        seen = {**mdtrt, "med_type": "11", "begntime": now}
        self._step("2203", "what was found", {"mdtrtinfo": seen, "diseinfo": []})
        line = {**mdtrt, "feedetl_sn": "1", "chrg_bchno": "B0001", "fee_ocur_time": now, "hosp_appr_flag": "0"}
        line |= {"med_list_codg": "XTESTDRUG0001", "medins_list_codg": "Y0001", "rx_circ_flag": "0", **DOCTOR}
        line |= {"det_item_fee_sumamt": "10.00", "cnt": "1", "pric": "10.00"}
        self._step("2204", "upload the line: how is it split?", {"feedetail": [line]})
        bill = {**mdtrt, **CREDENTIAL, "insutype": "310", "med_type": "11", "medfee_sumamt": "10.00"}
        bill |= {"psn_setlway": "01", "chrg_bchno": "B0001", "acct_used_flag": "1"}
        tried = self._step("2206", "try", {"data": bill}).output["setlinfo"]
        info = self._step("2207", "settle", {"data": bill | {name: str(tried[name]) for name in PARTS}}).output[
            "setlinfo"
        ]
        return str(info["setl_id"])

    def _step(self, infno: str, what: str, nodes: Mapping[str, object]) -> NationalAnswer:
        answer = self._hospital.send(infno, nodes, insuplc_admdvs="990100", business_date=self._now.date())
        if not self._quiet:
            told = _text(answer.output) if answer.succeeded else answer.message
            print(f"\n── {infno} {self._words(what)}\n→ {_text(nodes)}\n← {told}")
            if answer.body.get("warn_msg"):
                print(f"  {answer.body['warn_msg']}")
        if not answer.succeeded:
            raise BillRefused(f"{infno}: {answer.message}")
        return answer


def _text(nodes: Mapping[str, object]) -> str:
    def plain(value: object) -> object:
        return float(value) if isinstance(value, Decimal) else str(value)

    return json.dumps(nodes, ensure_ascii=False, default=plain)


def run(client: MeshClient, words: Words = ENGLISH, *, print_setl_id: bool) -> int:
    """Settles the bill and prints its way, or only the setl_id; 1 where the mesh refuses."""
    try:
        setl_id = FirstBill(client, words, quiet=print_setl_id).settle()
    except BillRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    way = "\nsettled: setl_id {setl_id}\nits way: yibao trace {setl_id}"
    print(setl_id if print_setl_id else words(way, setl_id=setl_id))
    return 0
